/**
 * The workflow app behind the server, opened by its name.
 *
 * Guarantees: a workflow that comes to the app later is found within some seconds; what is under way with the app as it was
 * opened before goes on.
 */
import { type Clock, MisuseError } from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { type OpenedWorkflows, openWorkflows } from '@holdfast/workflow';
import { NotFoundError } from '../errors.js';

interface AppOptions {
  readonly redis: () => NodeSource;
  readonly prefix: string;
  readonly name: string;
  readonly callTimeout: number;
  readonly clock: Clock;
}

interface Opened {
  readonly app: Promise<OpenedWorkflows>;
  readonly since: number;
  users: number;
}

/** For how long the names of the workflows are taken to be all, in ms. */
const FRESH = 2_000;

export class AppOpener {
  readonly #options: AppOptions;
  #opened: Opened | undefined;

  constructor(options: AppOptions) {
    this.#options = options;
  }

  /** The app, which has that workflow, until it is released. Throws NotFoundError, UnavailableError. */
  async hold(workflow: string): Promise<{ readonly app: OpenedWorkflows; readonly release: () => void }> {
    const held = await this.#hold(workflow);
    if (held.app.names.includes(workflow)) return held;
    held.release();
    throw new NotFoundError(
      `The app "${this.#options.name}" has no workflow "${workflow}" with a worker, a run or limits.`,
    );
  }

  /** The names of its workflows; none if there is no app. */
  async names(): Promise<readonly string[]> {
    try {
      const { app, release } = await this.#hold(undefined);
      release();
      return app.names;
    } catch (error) {
      if (error instanceof NotFoundError) return [];
      throw error;
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.app.then((app) => app.close()).catch(() => {});
  }

  async #hold(
    workflow: string | undefined,
  ): Promise<{ readonly app: OpenedWorkflows; readonly release: () => void }> {
    let opened = this.#current();
    opened.users += 1;
    try {
      const { names } = await opened.app;
      const isStale = this.#options.clock.now() - opened.since > FRESH;
      if (isStale && (workflow === undefined || !names.includes(workflow))) {
        this.#leave(opened);
        opened = this.#replace(opened);
        opened.users += 1;
      }
      const held = opened;
      return { app: await held.app, release: () => this.#leave(held) };
    } catch (error) {
      this.#leave(opened);
      throw error;
    }
  }

  #current(): Opened {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Another opening in the place of one whose names may be outdated, unless somebody else was first. */
  #replace(outdated: Opened): Opened {
    if (this.#opened === outdated) this.#opened = this.#open();
    if (outdated.users === 0) void outdated.app.then((app) => app.close());
    return this.#current();
  }

  #leave(opened: Opened): void {
    opened.users -= 1;
    if (opened.users === 0 && this.#opened !== opened)
      void opened.app.then(
        (app) => app.close(),
        () => {},
      );
  }

  #open(): Opened {
    const { redis, prefix, name, callTimeout, clock } = this.#options;
    const app = openWorkflows({ redis: redis(), prefix, name, callTimeout }).catch((error: unknown) => {
      if (this.#opened?.app === app) this.#opened = undefined;
      if (!(error instanceof MisuseError)) throw error;
      throw new NotFoundError(`There is no workflow app "${name}" yet: start a worker of it.`);
    });
    return { app, since: clock.now(), users: 0 };
  }
}
