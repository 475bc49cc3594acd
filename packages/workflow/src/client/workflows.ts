/**
 * An app: its workflows, and the partition that keeps their runs.
 *
 * The main path: `start` puts a run into the partition, a worker that `work` makes claims it, and `result` hears of its end.
 *
 * Guarantees: nothing connects before the first call. A start with an id may be repeated: there is one run for an id. After
 * `close`, calls are MisuseErrors, and those under way end.
 */
import { display, MisuseError, optional, readOptions } from '@holdfast/kernel';
import type { Workflow } from '../define.js';
import { encodeRecord } from '../journal/record.js';
import { encodeValue } from '../json.js';
import { requireId, requireText, runName } from '../run-name.js';
import { check } from '../schema.js';
import { RedisStore } from '../store/redis-store.js';
import type { Store } from '../store/store.js';
import { reportTo } from '../worker/health.js';
import { WORKER, type WorkerOptions } from '../worker/options.js';
import { WorkerLoop } from '../worker/worker.js';
import { type AnyWorkflow, type AppSettings, WORKFLOWS, type WorkflowsOptions } from './options.js';
import { type Run, RunHandle, type RunParts } from './run.js';
import { Waits } from './waits.js';

export interface StartOptions {
  /** 1 to 256 bytes of UTF-8: there is one run for an id, so a start with one may be repeated. Default: a random one. */
  readonly id?: string;
  /** What the run works on, 1 to 256 bytes of UTF-8: it is part of the run's name, so `get` takes it too. Default: the id. */
  readonly key?: string;
}

export interface GetOptions {
  /** With which the run was started. */
  readonly key?: string;
}

/** Lets runs go on, until it is stopped. */
export interface Worker extends AsyncDisposable {
  /** Why it does not work; undefined while it does. */
  readonly problem: string | undefined;
  /** Runs that it has now. */
  readonly inFlight: number;
  /** Claims no more, waits for its grace until runs end or park, and gives back the rest: they go on elsewhere at once. */
  stop(): Promise<void>;
}

export interface Workflows extends AsyncDisposable {
  /**
   * Starts a run, unless there is one of that id: then gives that, whatever its input was. Throws MisuseError for an input
   * that does not fit; UnavailableError: with an id, start it again.
   */
  start<Input, Result>(
    workflow: Workflow<Input, Result>,
    input: Input,
    options?: StartOptions,
  ): Promise<Run<Result>>;
  /** The same, and waits for its result. */
  run<Input, Result>(
    workflow: Workflow<Input, Result>,
    input: Input,
    options?: StartOptions,
  ): Promise<Result>;
  /** A handle of a run, whether there is one or not. */
  get<Input, Result>(workflow: Workflow<Input, Result>, id: string, options?: GetOptions): Run<Result>;
  /** Begins to let runs of all workflows go on. */
  work(options?: WorkerOptions): Worker;
  /** Stops its workers, and ends its connections. */
  close(): Promise<void>;
}

/** Throws MisuseError. Connects nothing. */
export function createWorkflows(options: WorkflowsOptions): Workflows {
  const { redis, tls, prefix, callTimeout, ...settings } = readOptions('createWorkflows', options, WORKFLOWS);
  const { name: app, clock } = settings;
  return new App(new RedisStore({ redis, tls, prefix, callTimeout, app, clock }), settings);
}

const START = { id: optional(requireId), key: optional(requireText) };
const GET = { key: optional(requireText) };

export class App implements Workflows {
  readonly #store: Store;
  readonly #settings: AppSettings;
  readonly #mailbox: string;
  readonly #waits: Waits;
  readonly #workers = new Set<WorkerLoop>();
  #listening: Promise<void> | undefined;

  constructor(store: Store, settings: AppSettings) {
    this.#store = store;
    this.#settings = settings;
    this.#mailbox = settings.random.id();
    this.#waits = new Waits({ store, clock: settings.clock, mailbox: this.#mailbox });
  }

  async start<Input, Result>(
    workflow: Workflow<Input, Result>,
    input: Input,
    options: StartOptions = {},
  ): Promise<Run<Result>> {
    this.#requireKnown(workflow);
    const { random } = this.#settings;
    const { id = random.id(), key } = readOptions('start', options, START);
    const value = await check(workflow.input, input, `The input of "${workflow.name}"`);
    encodeValue(value, `The input of "${workflow.name}"`);
    const run = runName({ workflow: workflow.name, id, key });
    const generation = random.id();
    const header = encodeRecord({ kind: 'header', workflow: workflow.name, input: value, generation });
    const started = await this.#store.start({ run, generation, header, mailbox: '' });
    return new RunHandle(workflow, { id, key }, this.#runParts, started.generation);
  }

  async run<Input, Result>(
    workflow: Workflow<Input, Result>,
    input: Input,
    options?: StartOptions,
  ): Promise<Result> {
    const run = await this.start(workflow, input, options);
    return run.result();
  }

  get<Input, Result>(workflow: Workflow<Input, Result>, id: string, options: GetOptions = {}): Run<Result> {
    this.#requireKnown(workflow);
    const { key } = readOptions('get', options, GET);
    return new RunHandle(workflow, { id: requireText('id', id), key }, this.#runParts);
  }

  get #runParts(): RunParts {
    return {
      store: this.#store,
      random: this.#settings.random,
      waits: this.#waits,
      listening: () => this.#listen(),
    };
  }

  work(options: WorkerOptions = {}): Worker {
    const settings = readOptions('work', options, WORKER);
    if (this.#store.closed.aborted) {
      throw new MisuseError('The workflow app is closed; create another with createWorkflows().');
    }
    const { clock, random, retain, workflows } = this.#settings;
    const worker = new WorkerLoop({
      ...{ store: this.#store, clock, random, retain, workflows, settings },
      mailbox: this.#mailbox,
      report: reportTo(settings.onError),
      onStopped: () => this.#workers.delete(worker),
    });
    this.#workers.add(worker);
    void this.#listen();
    return {
      get problem() {
        return worker.problem;
      },
      get inFlight() {
        return worker.inFlight;
      },
      stop: () => worker.stop(),
      [Symbol.asyncDispose]: () => worker.stop(),
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    this.#store.shut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One mailbox carries bells, mail for runs, and ends. */
  #listen(): Promise<void> {
    this.#listening ??= this.#store
      .listen(this.#mailbox, {
        onMail: (text) => {
          this.#waits.hear(text);
          for (const worker of this.#workers) worker.hear(text);
        },
        onListening: () => {
          this.#waits.askAgain();
          for (const worker of this.#workers) worker.wakeAll();
        },
      })
      .catch(() => {
        this.#listening = undefined;
      });
    return this.#listening;
  }

  #requireKnown(workflow: AnyWorkflow): void {
    if (this.#settings.workflows.some((each) => each === workflow)) return;
    const given: unknown = (workflow as Partial<AnyWorkflow> | undefined)?.name ?? workflow;
    throw new MisuseError(
      `The app has no workflow ${display(given)}; name it in the option "workflows" of createWorkflows().`,
    );
  }
}
