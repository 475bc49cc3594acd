/**
 * Something that is opened by its name and knows, from then on, what there was in it: a workflow app, a feature store.
 *
 * Guarantees: it is opened once for all who use it. Where something is not in it, and it was opened a while ago, it is opened
 * anew; what is under way with the earlier one goes on. What cannot be opened is tried again with the next use.
 */
import { type Clock, MisuseError } from '@holdfast/kernel';
import { MissingRightsError } from '@holdfast/redis';
import { NotFoundError } from '../errors.js';

interface Closable {
  close(): Promise<void>;
}

interface OpenerOptions<Thing> {
  /** Throws MisuseError if there is none. */
  readonly open: () => Promise<Thing>;
  /** Why there is none, for people. */
  readonly absent: string;
  readonly clock: Clock;
}

interface Opened<Thing> {
  readonly thing: Promise<Thing>;
  readonly since: number;
  users: number;
}

/** Until it is released, it stays open. */
export interface Held<Thing> {
  readonly thing: Thing;
  readonly release: () => void;
}

/** For how long what is not in it is taken not to be there, in ms. */
const FRESH = 2_000;

export class Opener<Thing extends Closable> {
  readonly #options: OpenerOptions<Thing>;
  #opened: Opened<Thing> | undefined;

  constructor(options: OpenerOptions<Thing>) {
    this.#options = options;
  }

  /** Whether somebody uses it. */
  get isUsed(): boolean {
    return (this.#opened?.users ?? 0) > 0;
  }

  /** `suffices`: whether it has what is needed; it is given even if it has not. Throws NotFoundError, UnavailableError. */
  async hold(suffices: (thing: Thing) => boolean): Promise<Held<Thing>> {
    let opened = this.#current();
    opened.users += 1;
    try {
      const isStale = this.#options.clock.now() - opened.since > FRESH;
      if (!suffices(await opened.thing) && isStale) {
        this.#leave(opened);
        opened = this.#replace(opened);
        opened.users += 1;
      }
      const held = opened;
      return { thing: await held.thing, release: () => this.#leave(held) };
    } catch (error) {
      this.#leave(opened);
      throw error;
    }
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.thing.then((thing) => thing.close()).catch(() => {});
  }

  #current(): Opened<Thing> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Another opening in the place of one that may be outdated, unless somebody else was first. */
  #replace(outdated: Opened<Thing>): Opened<Thing> {
    if (this.#opened === outdated) this.#opened = this.#open();
    if (outdated.users === 0) closeLater(outdated);
    return this.#current();
  }

  #leave(opened: Opened<Thing>): void {
    opened.users -= 1;
    if (opened.users === 0 && this.#opened !== opened) closeLater(opened);
  }

  #open(): Opened<Thing> {
    const { open, absent, clock } = this.#options;
    const thing = open().catch((error: unknown) => {
      if (this.#opened === opened) this.#opened = undefined;
      const isAbsent = error instanceof MisuseError && !(error instanceof MissingRightsError);
      throw isAbsent ? new NotFoundError(absent) : error;
    });
    const opened: Opened<Thing> = { thing, since: clock.now(), users: 0 };
    return opened;
  }
}

function closeLater({ thing }: Opened<Closable>): void {
  void thing.then((one) => one.close()).catch(() => {});
}

/** The most that stay open while nobody uses them. */
const MOST = 100;

/** Several, by their names. */
export class Openers<Thing extends Closable> {
  readonly #optionsOf: (name: string) => OpenerOptions<Thing>;
  /** The one that was used longest ago comes first. */
  readonly #known = new Map<string, Opener<Thing>>();

  constructor(optionsOf: (name: string) => OpenerOptions<Thing>) {
    this.#optionsOf = optionsOf;
  }

  /** As `hold` of an Opener. */
  async hold(name: string, suffices: (thing: Thing) => boolean): Promise<Held<Thing>> {
    const opener = this.#known.get(name) ?? new Opener(this.#optionsOf(name));
    this.#known.delete(name);
    this.#known.set(name, opener);
    this.#forgetOne();
    try {
      return await opener.hold(suffices);
    } catch (error) {
      if (error instanceof NotFoundError) this.#known.delete(name);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#known.values()].map((opener) => opener.close()));
    this.#known.clear();
  }

  #forgetOne(): void {
    if (this.#known.size <= MOST) return;
    for (const [name, opener] of this.#known) {
      if (opener.isUsed) continue;
      this.#known.delete(name);
      void opener.close();
      return;
    }
  }
}
