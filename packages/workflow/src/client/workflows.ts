/**
 * An app: its workflows, and the partitions that keep their runs.
 *
 * The main path: `start` puts a run into its partition, a worker that `work` makes claims it, and `result` hears of its end.
 *
 * Guarantees: nothing connects before the first call. A start with an id may be repeated: there is one run for an id. After
 * `close`, calls are MisuseErrors, and those under way end with AbortedErrors.
 */
import { display, MisuseError, optional, readOptions } from '@holdfast/kernel';
import { partitionOf, reportTo } from '@holdfast/redis';
import type { Workflow } from '../define.js';
import { RunGoneError } from '../errors.js';
import { encodeRecord } from '../journal/record.js';
import { encodeValue } from '../json.js';
import { placeOf, type RunName, requireText, runName } from '../run-name.js';
import { check } from '../schema.js';
import { behindCodec } from '../store/coded-store.js';
import { redisStores } from '../store/partitions.js';
import type { RunCounts } from '../store/run-store.js';
import type { Store } from '../store/store.js';
import { requireReply, runOfTask, type TaskReply } from '../task.js';
import { tracedStart } from '../telemetry.js';
import { WORKER, type WorkerOptions } from '../worker/options.js';
import { type Worker, WorkerGroup } from '../worker/worker-group.js';
import { type Demand, demandOf } from './demand.js';
import { type EventsOptions, readEvents, type WorkflowEvent } from './events.js';
import {
  Inspection,
  type Many,
  type ManyOptions,
  type PageOptions,
  type ReasonedOptions,
  type RunFilter,
  type RunInfo,
  type RunPage,
} from './inspect.js';
import { type AnyWorkflow, type AppSettings, WORKFLOWS, type WorkflowsOptions } from './options.js';
import { Partition } from './partition.js';
import { type OnOptions, type Published, type PublishedEvent, Publishing } from './publishing.js';
import { type Run, RunHandle } from './run.js';
import { type Schedule, type ScheduleInfo, Scheduling } from './schedules.js';
import {
  RUN,
  type RunOptions,
  START,
  type StartOptions,
  type StartSettings,
  termsOf,
} from './start-options.js';
import { startAndExpect, startIn } from './starting.js';
import { requireOpen, Until } from './until.js';
import type { Hearing } from './waits.js';

export interface GetOptions {
  /** With which the run was started. */
  readonly key?: string;
}

/** As `defineWorkflow` makes it, or by its name: then nothing is known of its types. */
export type WorkflowOrName<Input, Result> = Workflow<Input, Result> | string;

/** Each call takes a workflow of the app, or its name. */
export interface Workflows extends AsyncDisposable {
  /**
   * Starts a run, unless there is one of that id: then gives that, whatever its input was. Throws MisuseError for an input
   * that does not fit; RunsFullError if its limits let no more wait; UnavailableError: with an id, start it again.
   */
  start<Input, Result>(
    workflow: WorkflowOrName<Input, Result>,
    input: Input,
    options?: StartOptions,
  ): Promise<Run<Result>>;
  /** The same, and waits for its result: rejects as `result` of a run does, too. */
  run<Input, Result>(
    workflow: WorkflowOrName<Input, Result>,
    input: Input,
    options?: RunOptions,
  ): Promise<Result>;
  /** A handle of a run, whether there is one or not. */
  get<Input, Result>(workflow: WorkflowOrName<Input, Result>, id: string, options?: GetOptions): Run<Result>;
  /**
   * Gives the result of a task that `ctx.task` has added to the run that waits for it; `replyTo` does that for a handler. May
   * be repeated. False if the run is over, or not there; one that is over has the result if it is retried. Throws MisuseError,
   * UnavailableError.
   */
  replyToTask(id: string, reply: TaskReply): Promise<boolean>;
  /**
   * What happens to runs: that they start, wait for messages, are stuck, end. Each event at least once, those of a run in
   * order. Throws MisuseError; the iterator rejects with LeaseLostError once another has opened the same reader, and with
   * AbortedError if `signal` aborts. Outages are waited out.
   */
  events(options?: EventsOptions): AsyncIterable<WorkflowEvent>;
  /**
   * From now on, what `publish` is given of that name starts a run of the workflow, or is a message to the run of its key.
   * Several of one name each get it. Throws MisuseError.
   */
  on<Input, Data = Input>(
    event: string,
    workflow: WorkflowOrName<Input, unknown>,
    options?: OnOptions<Data, Input>,
  ): void;
  /**
   * Starts runs, and sends messages, as `on` has said. May be repeated. Throws MisuseError, before anything is done, for an
   * event that nobody takes or that does not fit; RunsFullError, UnavailableError: publish the same again.
   */
  publish(events: readonly PublishedEvent[]): Promise<Published>;
  /** How much there is to do, by workflow: for people, and for what scales workers. Throws UnavailableError. */
  demand(): Promise<Readonly<Record<string, Demand>>>;
  /** Runs, in no order. Throws MisuseError; the iterator rejects with UnavailableError. */
  list(filter?: RunFilter): AsyncIterable<RunInfo>;
  /** A page of the same, for who shows them piece by piece. Throws MisuseError, UnavailableError. */
  page(options?: PageOptions): Promise<RunPage>;
  /**
   * Sets a schedule: a run at every tick, exactly one however many workers there are. Setting it again as it was changes
   * nothing, so every process may do so at its start. Throws MisuseError, UnavailableError.
   */
  schedule<Input>(
    name: string,
    workflow: WorkflowOrName<Input, unknown>,
    input: Input,
    schedule: Schedule,
  ): Promise<void>;
  /** Removes a schedule. Resolves to whether there was one. Throws UnavailableError. */
  unschedule(name: string): Promise<boolean>;
  /** All schedules, that first whose next tick is first. Throws UnavailableError. */
  schedules(): Promise<ScheduleInfo[]>;
  /** How many runs there are in each state, of a workflow or of all. Throws UnavailableError. */
  counts(workflow?: AnyWorkflow | string): Promise<RunCounts>;
  /** Cancels, retries, terminates or purges all runs that a filter gives. Throws MisuseError, UnavailableError: do it again. */
  cancelMany(options?: ReasonedOptions): Promise<Many>;
  retryMany(options?: ManyOptions): Promise<Many>;
  terminateMany(options?: ReasonedOptions): Promise<Many>;
  purge(options?: ManyOptions): Promise<Many>;
  /**
   * Lets no worker have a run of the workflow until `resume`: those that are running go on until they end or sleep, and starts
   * and messages are taken. Throws UnavailableError.
   */
  pause(workflow: AnyWorkflow | string): Promise<void>;
  /** Ends a pause. Throws UnavailableError. */
  resume(workflow: AnyWorkflow | string): Promise<void>;
  /** Begins to let runs of all workflows go on. */
  work(options?: WorkerOptions): Worker;
  /** Stops its workers, and ends its connections. */
  close(): Promise<void>;
}

/** Throws MisuseError. Connects nothing. */
export function createWorkflows(options: WorkflowsOptions): Workflows {
  const { redis, tls, prefix, callTimeout, replicas, partitions, codec, ...settings } = readOptions(
    'createWorkflows',
    options,
    WORKFLOWS,
  );
  const { name: app, clock } = settings;
  const stores = redisStores({ redis, tls, prefix, callTimeout, replicas, partitions, app, clock });
  return new App(behindCodec(stores, codec, clock), settings);
}

const GET = { key: optional(requireText) };

export class App implements Workflows {
  readonly #partitions: readonly Partition[];
  readonly #settings: AppSettings;
  readonly #mailbox: string;
  readonly #publishing: Publishing;

  /** `stores`: of its partitions, in their order. */
  constructor(stores: readonly Store[], settings: AppSettings) {
    const { clock, random } = settings;
    const mailbox = random.id();
    this.#settings = settings;
    this.#mailbox = mailbox;
    this.#publishing = new Publishing({
      randomId: () => random.id(),
      storeOf: (run) => this.#partitionOf(run).store,
      start: (workflow, request) =>
        startIn({ partition: this.#partitionOf(request.run), workflow, request, owns: false }),
    });
    this.#partitions = stores.map(
      (store, index) => new Partition({ store, clock, mailbox }, { index, partitions: stores.length }),
    );
  }

  async start<Input, Result>(
    workflow: WorkflowOrName<Input, Result>,
    input: Input,
    options: StartOptions = {},
  ): Promise<Run<Result>> {
    return this.#start(workflow, input, readOptions('start', options, START));
  }

  async run<Input, Result>(
    workflow: WorkflowOrName<Input, Result>,
    input: Input,
    options: RunOptions = {},
  ): Promise<Result> {
    const { signal, ...settings } = readOptions('run', options, RUN);
    const [{ store }] = this.#partitions as readonly [Partition];
    const until =
      signal && new Until(`starting a run of "${this.#known(workflow).name}"`, store.closed, signal);
    const started = this.#start(workflow, input, settings, true);
    const run = until ? await until.of(started) : await started;
    return run.result(signal && { signal });
  }

  /** `waits`: its end is waited for, and a worker of this process owns it from the start, if it may begin and there is room. */
  async #start<Input, Result>(
    given: WorkflowOrName<Input, Result>,
    input: Input,
    settings: StartSettings,
    waits = false,
  ): Promise<Run<Result>> {
    const workflow = this.#known(given);
    const { random } = this.#settings;
    const { id = random.id(), key, delay } = settings;
    const value = await check(workflow.input, input, `the input of "${workflow.name}"`);
    encodeValue(value, `The input of "${workflow.name}"`);
    const run = runName({ workflow: workflow.name, id, key });
    const generation = random.id();
    const header = encodeRecord({
      ...{ kind: 'header', workflow: workflow.name, input: value, generation },
      ...tracedStart(run),
    });
    const request = { run, generation, header, mailbox: '', under: termsOf(settings) };
    const partition = this.#partitionOf(run);
    const starting = { partition, workflow, request, owns: waits && delay === 0 };
    const { started, expected } = waits
      ? await startAndExpect(starting)
      : { started: await startIn(starting), expected: undefined };
    return this.#handle(workflow, { id, key }, { generation: started.generation, expected });
  }

  async pause(workflow: AnyWorkflow | string): Promise<void> {
    await this.#hold(workflow, true);
  }

  async resume(workflow: AnyWorkflow | string): Promise<void> {
    await this.#hold(workflow, false);
  }

  async #hold(workflow: AnyWorkflow | string, isHeld: boolean): Promise<void> {
    const { name } = this.#known(workflow);
    await Promise.all(this.#partitions.map(({ store }) => store.hold(name, isHeld)));
  }

  get<Input, Result>(
    workflow: WorkflowOrName<Input, Result>,
    id: string,
    options: GetOptions = {},
  ): Run<Result> {
    const definition = this.#known(workflow);
    const { key } = readOptions('get', options, GET);
    return this.#handle(definition, { id: requireText('id', id), key });
  }

  async replyToTask(id: string, reply: TaskReply): Promise<boolean> {
    const { workflow, ...name } = runOfTask(id);
    requireReply(reply);
    const definition = this.#settings.workflows.find((each) => each.name === workflow);
    if (!definition)
      throw new MisuseError(`The app has no workflow "${workflow}", to which the task "${id}" belongs.`);
    try {
      return await this.#handle(definition, name).sendResult(id, reply);
    } catch (error) {
      if (error instanceof RunGoneError) return false;
      throw error;
    }
  }

  #handle<Result>(
    // biome-ignore lint/suspicious/noExplicitAny: the input does not matter to a handle.
    workflow: Workflow<any, Result>,
    name: Omit<RunName, 'workflow'>,
    known?: { readonly generation: string; readonly expected: Hearing | undefined },
  ): RunHandle<Result> {
    const partition = this.#partitionOf(runName({ ...name, workflow: workflow.name }));
    const { clock, random, retain: others } = this.#settings;
    const { retain = others } = workflow;
    return new RunHandle(workflow, name, { partition, clock, random, retain }, known);
  }

  #partitionOf(run: string): Partition {
    return this.#partitions[partitionOf(placeOf(run), this.#partitions.length)] as Partition;
  }

  work(options: WorkerOptions = {}): Worker {
    const settings = readOptions('work', options, WORKER);
    this.#requireOpen();
    const { clock, random, retain, archive, workflows } = this.#settings;
    const worker = new WorkerGroup(this.#partitions, {
      ...{ clock, random, retain, archive, workflows, settings },
      mailbox: this.#mailbox,
      startTick: this.#scheduling.start,
      report: reportTo(settings.onError, 'HoldfastWorkflowWarning'),
    });
    for (const partition of this.#partitions) void partition.listen();
    return worker;
  }

  on<Input, Data = Input>(
    event: string,
    workflow: WorkflowOrName<Input, unknown>,
    options: OnOptions<Data, Input> = {},
  ): void {
    const definition = this.#known(workflow);
    this.#requireOpen();
    this.#publishing.on(event, definition, options);
  }

  async publish(events: readonly PublishedEvent[]): Promise<Published> {
    this.#requireOpen();
    return this.#publishing.publish(events);
  }

  demand(): Promise<Readonly<Record<string, Demand>>> {
    const stores = this.#partitions.map(({ store }) => store);
    return demandOf(
      stores,
      this.#settings.workflows.map(({ name }) => name),
    );
  }

  async schedule<Input>(
    name: string,
    workflow: WorkflowOrName<Input, unknown>,
    input: Input,
    schedule: Schedule,
  ): Promise<void> {
    await this.#scheduling.set(name, this.#known(workflow), input, schedule);
  }

  unschedule(name: string): Promise<boolean> {
    return this.#scheduling.remove(name);
  }

  schedules(): Promise<ScheduleInfo[]> {
    return this.#scheduling.all();
  }

  get #scheduling(): Scheduling {
    const { workflows, random } = this.#settings;
    return new Scheduling({ partitions: this.#partitions, workflows, randomId: () => random.id() });
  }

  page(options: PageOptions = {}): Promise<RunPage> {
    return this.#inspection.page(options);
  }

  list(filter: RunFilter = {}): AsyncIterable<RunInfo> {
    return this.#inspection.list(filter);
  }

  counts(workflow?: AnyWorkflow | string): Promise<RunCounts> {
    return this.#inspection.counts(workflow);
  }

  cancelMany(options: ReasonedOptions = {}): Promise<Many> {
    return this.#inspection.many('cancelMany', options, (run, reason) => run.cancel(reason));
  }

  retryMany(options: ManyOptions = {}): Promise<Many> {
    return this.#inspection.many('retryMany', options, (run) => run.retry());
  }

  terminateMany(options: ReasonedOptions = {}): Promise<Many> {
    return this.#inspection.many('terminateMany', options, (run, reason) => run.terminate(reason));
  }

  purge(options: ManyOptions = {}): Promise<Many> {
    return this.#inspection.many('purge', options, (run) => run.purge());
  }

  get #inspection(): Inspection {
    const { workflows } = this.#settings;
    return new Inspection({
      ...{ partitions: this.#partitions, workflows },
      nameOf: (workflow) => this.#known(workflow).name,
      handleOf: ({ workflow, ...name }) => this.#handle(this.#known(workflow), name),
    });
  }

  events(options?: EventsOptions): AsyncIterable<WorkflowEvent> {
    const stores = this.#partitions.map(({ store }) => store);
    return readEvents(stores, this.#settings.clock, options);
  }

  async close(): Promise<void> {
    await Promise.all(this.#partitions.flatMap(({ loops }) => [...loops]).map((loop) => loop.stop()));
    for (const { store } of this.#partitions) store.shut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    for (const { store } of this.#partitions) requireOpen(store.closed);
  }

  /** Throws MisuseError. */
  #known(workflow: AnyWorkflow | string): AnyWorkflow {
    const { workflows } = this.#settings;
    const found = workflows.find((each) => each === workflow || each.name === workflow);
    if (found) return found;
    const given: unknown = (workflow as Partial<AnyWorkflow> | undefined)?.name ?? workflow;
    const names = workflows.map(({ name }) => name).join(', ') || 'none yet';
    throw new MisuseError(
      `The app has no workflow ${display(given)}. What this program was given, or has found there, is ${names}.`,
    );
  }
}
