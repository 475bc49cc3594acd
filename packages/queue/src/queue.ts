/**
 * A queue, as producers and operators see it. The main path: `createQueue`, then `add`.
 *
 * Guarantees: an `add` that resolved is in Redis. One that threw QueueFullError or MisuseError added nothing. After an
 * UnavailableError that says so it is not known; one with an `id` may be repeated.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  display,
  MisuseError,
  type Random,
  requireDuration,
  requireKnown,
  requireName,
  systemClock,
  systemRandom,
} from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { type Backoff, DEFAULT_BACKOFF, requireBackoff } from './backoff.js';
import { QueueFullError } from './errors.js';
import { type QueueEvent, readEvents } from './events.js';
import {
  type Counts,
  freshRecord,
  placeOf,
  readCounts,
  readFound,
  readPage,
  requireState,
  type TaskInfo,
  type TaskState,
} from './inspection.js';
import { requireQueueName } from './keys.js';
import { QueuePort } from './port.js';
import type { ReplicasOptions } from './replicas.js';
import { keepSchedule, readSchedules, type Schedule, type ScheduleInfo } from './schedule.js';
import { check, encode, type Schema } from './schema.js';
import { type AddOptions, keptOptions, requireAddOptions, requireCount } from './task-options.js';
import { added, traceOfAdd } from './telemetry.js';
import { ResultWaiters } from './waiting.js';

export interface QueueOptions<Input = unknown, Output = Input> {
  /** The Redis of the queue: a URL, or an ioredis or node-redis client of yours. */
  readonly redis: NodeSource;
  /** The queue's name, which opens its keys: no braces, no "@". "<queue>@<group>" is a group of a queue. */
  readonly name: string;
  /**
   * Names of groups: every task goes to each of them, and each has workers, attempts, dead letters and results of its
   * own, as `queue.group(name)` or the queue "<queue>@<group>". The most is 50. Default: none.
   */
  readonly groups?: readonly string[];
  /** What the data are: checked when a task is added, and again before it is handled. Default: anything that is JSON. */
  readonly schema?: Schema<Input, Output>;
  /** How often a task is tried. Default 3. */
  readonly attempts?: number;
  /** How long a task waits after a failed attempt. Default: exponential from 1 s to 1 h, half of it left to chance. */
  readonly backoff?: Backoff;
  /** The most tasks that may wait; an add to a full queue throws QueueFullError. Default: no limit. */
  readonly max?: number;
  /** The most tasks that may be handled at a time, by all workers together. Default: no limit. */
  readonly concurrency?: number;
  /** The most tasks that may begin within a time (in ms). Default: no limit. */
  readonly rate?: { readonly max: number; readonly per: number };
  /**
   * The most tasks of one key that may be handled at a time; with 1, the default, they go strictly in order. And the most
   * of them that may begin within a time (in ms). Default: no limit.
   */
  readonly keys?: {
    readonly concurrency?: number;
    readonly rate?: { readonly max: number; readonly per: number };
  };
  /** How many results are kept, and for how many ms. Default 10000, and a day. */
  readonly retain?: { readonly count?: number; readonly age?: number };
  /** The most bytes that the data of a task, or its result, may have. Default 1000000. */
  readonly maxBytes?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly timeout?: number;
  /**
   * How many replicas must have a task before `add` resolves, and for how many ms it waits for them; an add of which too
   * few have it by then throws UnavailableError, and the task stays added. Default: none, and a timeout of 1000.
   */
  readonly replicas?: { readonly count: number; readonly timeout?: number };
  /** TLS settings for a `rediss://` URL. */
  readonly tls?: ConnectionOptions;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** The source of chance. Default: the system's. */
  readonly random?: Random;
}

const OPTIONS: readonly (keyof QueueOptions)[] = [
  'redis',
  'name',
  'groups',
  'schema',
  'attempts',
  'backoff',
  'max',
  'concurrency',
  'rate',
  'keys',
  'retain',
  'maxBytes',
  'timeout',
  'replicas',
  'tls',
  'clock',
  'random',
];

/** What became of an add. */
export interface Added {
  readonly id: string;
  /** False when the task was there already, by its id or its deduplication key. */
  readonly added: boolean;
}

/** A queue. Throws MisuseError for options that cannot work; connects on first use. */
export function createQueue<Input = unknown, Output = Input>(
  options: QueueOptions<Input, Output>,
): Queue<Input, Output> {
  requireKnown('createQueue', options, OPTIONS);
  return new Queue(options);
}

/** What of its options concerns who handles its tasks. */
export interface QueueSettings {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly concurrency: number | undefined;
  readonly rate: { readonly max: number; readonly per: number } | undefined;
  readonly keys: {
    readonly concurrency: number;
    readonly rate: { readonly max: number; readonly per: number } | undefined;
  };
  readonly retain: { readonly count: number; readonly age: number };
  readonly maxBytes: number;
}

/** Made by `createQueue`. */
export class Queue<Input = unknown, Output = Input> implements AsyncDisposable {
  readonly name: string;
  /** @internal */
  readonly settings: QueueSettings;
  /** @internal */
  readonly schema: Schema<Input, Output> | undefined;
  readonly #max: number | undefined;
  readonly #groups: ReadonlyMap<string, Queue<Input, Output>>;
  readonly #port: QueuePort;
  #waiters: ResultWaiters | undefined;
  #bounded: Promise<unknown> | undefined;

  /** @internal */
  constructor(options: QueueOptions<Input, Output>) {
    this.name = requireQueueName(options.name);
    this.#groups = groupsOf(options);
    this.schema = options.schema;
    this.settings = settingsOf(options);
    this.#max =
      options.max === undefined ? undefined : requireCount('max', options.max, { min: 1, max: 1e9 });
    this.#port = new QueuePort(this.name, {
      redis: options.redis,
      tls: options.tls,
      timeout: requireDuration('timeout', options.timeout ?? 5_000, { min: 1 }),
      replicas: replicasOf(options.replicas),
      groups: [...this.#groups.values()].map(({ name }) => name),
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
    });
  }

  /**
   * What concerns the queue itself; one with groups only adds.
   * @internal
   */
  get port(): QueuePort {
    if (this.#groups.size === 0) return this.#port;
    throw new MisuseError(
      `The tasks of "${this.name}" are those of its groups: name one, such as group("${[...this.#groups.keys()][0]}").`,
    );
  }

  /** One of the queue's groups. Throws MisuseError if there is none of that name. */
  group(name: string): Queue<Input, Output> {
    const group = this.#groups.get(name);
    if (group) return group;
    const known = [...this.#groups.keys()].join(', ') || 'none';
    throw new MisuseError(`"${this.name}" has no group ${display(name)}; it has ${known}.`);
  }

  /**
   * Adds a task. Resolves when Redis has it.
   * Throws MisuseError for data or options that cannot work, QueueFullError, UnavailableError.
   */
  async add(data: Input, options: AddOptions = {}): Promise<Added> {
    requireAddOptions(options);
    const { maxBytes } = this.settings;
    const text = encode(data, maxBytes, 'The data of a task');
    if (this.schema) await check(this.schema as Schema, data, 'the task');
    if (this.#max !== undefined) await this.#bound();
    return isPlain(options) && this.#groups.size === 0
      ? this.#addPlain(text, options)
      : this.#put(text, options);
  }

  /** Adds many tasks, each as `add` would; they need not all be added when one throws. */
  addMany(tasks: readonly { readonly data: Input; readonly options?: AddOptions }[]): Promise<Added[]> {
    return Promise.all(tasks.map(({ data, options }) => this.add(data, options)));
  }

  /**
   * Resolves with the result of a task, when it has completed. Throws TaskFailedError when it is among the dead letters,
   * MisuseError when there is no such task and no result of it is kept, AbortedError, UnavailableError.
   */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    requireKnown('wait', options, ['signal']);
    this.#waiters ??= new ResultWaiters(this.name, this.port);
    return this.#waiters.wait(requireName('id', id), options.signal);
  }

  /** What happens to the queue's tasks from now on, until `signal` aborts or the loop is left. */
  async *events(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<QueueEvent, void> {
    requireKnown('events', options, ['signal']);
    const ended = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
    try {
      for await (const events of readEvents(this.port, undefined, signal)) yield* events;
    } finally {
      ended.abort();
    }
  }

  /**
   * Sets a schedule: a task at every tick, exactly one however many workers run. Setting it again as it was changes
   * nothing, so every process may do so at its start. Throws MisuseError, UnavailableError.
   */
  async schedule(name: string, data: Input, schedule: Schedule): Promise<void> {
    requireName('name', name);
    const text = encode(data, this.settings.maxBytes, 'The data of a schedule');
    if (this.schema) await check(this.schema as Schema, data, `the schedule "${name}"`);
    const { kept, next } = keepSchedule(schedule, text, this.#now());
    await Promise.all(this.#parts.map(({ port }) => port.call('schedule', [name, kept, String(next)])));
  }

  /** Removes a schedule. Resolves to whether there was one. Throws UnavailableError. */
  async unschedule(name: string): Promise<boolean> {
    const args = [requireName('name', name), '', ''];
    const replies = await Promise.all(this.#parts.map(({ port }) => port.call('schedule', args)));
    return replies.some((reply) => (reply as readonly string[])[0] === 'removed');
  }

  /** All schedules, that first whose next tick is first. Throws UnavailableError. */
  async schedules(): Promise<ScheduleInfo[]> {
    return readSchedules((await this.port.call('schedules', [])) as readonly string[]);
  }

  /** What is known of a task; undefined if nothing. Throws UnavailableError. */
  async get(id: string): Promise<TaskInfo | undefined> {
    return readFound(id, await this.port.call('find', placeOf(requireName('id', id))));
  }

  /** How many tasks there are in each state. Throws UnavailableError. */
  async counts(): Promise<Counts> {
    return readCounts(await this.port.call('count', []));
  }

  /**
   * A page of the tasks in one state, those first that are next, or of dead letters the oldest, of completed ones the
   * latest. `after` is the `next` of the page before, `limit` from 1 to 1000, default 100.
   * Throws MisuseError, UnavailableError.
   */
  async list(
    state: TaskState,
    options: { readonly after?: string | undefined; readonly limit?: number } = {},
  ): Promise<{ tasks: TaskInfo[]; next: string | undefined }> {
    requireKnown('list', options, ['after', 'limit']);
    const limit = requireCount('limit', options.limit ?? 100, { min: 1, max: 1_000 });
    const reply = await this.port.call('list', [requireState(state), options.after ?? '', String(limit)]);
    return readPage(state, reply);
  }

  /** Lets no worker begin a task until `resume`; those that have begun go on. Throws UnavailableError. */
  async pause(): Promise<void> {
    await Promise.all(this.#parts.map(({ port }) => port.call('hold', ['1'])));
  }

  /** Ends a pause. Throws UnavailableError. */
  async resume(): Promise<void> {
    await Promise.all(this.#parts.map(({ port }) => port.call('hold', [''])));
  }

  /**
   * Takes out a task that nobody works on, or a dead letter. Resolves to whether there was one.
   * Throws MisuseError if a worker has it, UnavailableError.
   */
  async remove(id: string): Promise<boolean> {
    const [word] = (await this.port.call('remove', placeOf(requireName('id', id)))) as readonly string[];
    if (word === 'active') {
      throw new MisuseError(
        `A worker has task ${id}, so it cannot be removed; let it end, or obliterate the queue.`,
      );
    }
    return word === 'removed';
  }

  /** Lets a dead letter be tried again, from its first attempt. Resolves to whether there was one. Throws UnavailableError. */
  async requeue(id: string): Promise<boolean> {
    const [word, letter] = (await this.port.call(
      'find',
      placeOf(requireName('id', id)),
    )) as readonly string[];
    if (word !== 'dead' || letter === undefined) return false;
    const [done] = (await this.port.call('requeue', [id, letter, freshRecord(letter)])) as readonly string[];
    return done === 'requeued';
  }

  /** Takes out all tasks of one state; resolves to how many. Those that a worker has stay. Throws UnavailableError. */
  async purge(state: Exclude<TaskState, 'active' | 'completed'>): Promise<number> {
    if (!['waiting', 'delayed', 'dead'].includes(state)) {
      throw new MisuseError(`purge takes out waiting, delayed or dead tasks; got ${display(state)}.`);
    }
    let removed = 0;
    for (;;) {
      const { tasks } = await this.list(state, { limit: 500 });
      const gone = await Promise.all(tasks.map(({ id }) => this.port.call('remove', placeOf(id))));
      const count = gone.filter((reply) => (reply as readonly string[])[0] === 'removed').length;
      removed += count;
      if (count === 0) return removed;
    }
  }

  /**
   * Deletes the queue with all that is in it. `confirm` is its name; with `force`, although workers have tasks of it, who
   * lose them. Throws MisuseError, UnavailableError.
   */
  async obliterate(options: { readonly confirm: string; readonly force?: boolean }): Promise<void> {
    requireKnown('obliterate', options, ['confirm', 'force']);
    if (options.confirm !== this.name) {
      throw new MisuseError(
        `To obliterate "${this.name}", give its name as confirm; got ${display(options.confirm)}.`,
      );
    }
    const [word, active] = (await this.port.call('obliterate', [
      options.force ? '1' : '',
    ])) as readonly string[];
    if (word === 'active') {
      throw new MisuseError(
        `Workers have ${active} tasks of "${this.name}"; stop them first, or give force.`,
      );
    }
  }

  /** Closes the connections that the queue opened. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.close()));
    this.#waiters?.close();
    this.#port.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What has tasks: the queue, or its groups. */
  get #parts(): readonly Queue<Input, Output>[] {
    return this.#groups.size === 0 ? [this] : [...this.#groups.values()];
  }

  async #addPlain(text: string, options: AddOptions): Promise<Added> {
    const kept = keptOptions(options, this.#now(), traceOfAdd());
    const id = String(await this.#port.call('add', [String(options.priority ?? 0), text, kept]));
    if (id === 'full') throw new QueueFullError(this.name, this.#max);
    if (this.#port.waitsForReplicas) await this.#port.replicated();
    added(this.name);
    return { id, added: true };
  }

  async #put(text: string, options: AddOptions): Promise<Added> {
    const { id = this.#port.random.id(), priority = 0, key = '', delay = 0, deduplicate } = options;
    const kept = keptOptions(options, this.#now(), traceOfAdd());
    const body = kept === '' ? `{"d":${text}}` : `{"d":${text},"o":${kept}}`;
    const { key: same = '', within = 0, keep = 'first' } = deduplicate ?? {};
    const limits = limitsOfKeys(this.settings);
    const args = [id, String(priority), key, String(delay), body, same, String(within), keep, ...limits];
    const [word, kind] = (await this.#port.call('put', args)) as readonly string[];
    if (word === 'full') throw new QueueFullError(this.name, this.#max);
    if (this.#port.waitsForReplicas) await this.#port.replicated();
    if (word === 'added') added(this.name);
    return { id: String(kind), added: word === 'added' };
  }

  /** Milliseconds since the epoch. */
  #now(): number {
    return Math.round(this.#port.clock.wall() / 1000);
  }

  async #bound(): Promise<void> {
    const bound = (): Promise<unknown> =>
      Promise.all(this.#parts.map(({ port }) => port.call('bound', [String(this.#max)])));
    this.#bounded ??= bound().catch((error: unknown) => {
      this.#bounded = undefined;
      throw error;
    });
    await this.#bounded;
  }
}

/** Whether all of it fits into an entry of a stream. */
function isPlain({ id, delay, key, deduplicate }: AddOptions): boolean {
  return id === undefined && !delay && key === undefined && deduplicate === undefined;
}

function replicasOf(replicas: QueueOptions['replicas']): ReplicasOptions | undefined {
  if (replicas === undefined) return undefined;
  requireKnown('replicas', replicas, ['count', 'timeout']);
  return {
    count: requireCount('replicas.count', replicas.count, { min: 1, max: 100 }),
    timeout: requireDuration('replicas.timeout', replicas.timeout ?? 1_000, { min: 1 }),
  };
}

/** Slots of each key, and its rate, as the scripts want them. */
export function limitsOfKeys({ keys: { concurrency, rate } }: QueueSettings): readonly string[] {
  return [concurrency, rate?.max, rate?.per].map((limit) => String(limit ?? ''));
}

function groupsOf<Input, Output>(options: QueueOptions<Input, Output>): Map<string, Queue<Input, Output>> {
  const { groups: names = [], ...rest } = options;
  if (!Array.isArray(names) || names.length > 50 || new Set(names).size < names.length) {
    throw new MisuseError(`groups is a list of at most 50 names, each once; got ${display(names)}.`);
  }
  return new Map(
    names.map((name) => [
      name,
      new Queue({ ...rest, name: `${options.name}@${requireName('groups', name)}` }),
    ]),
  );
}

function requireRate(option: string, rate: QueueOptions['rate']): QueueSettings['rate'] {
  if (rate === undefined) return undefined;
  requireKnown(option, rate, ['max', 'per']);
  requireCount(`${option}.max`, rate.max, { min: 1, max: 1e9 });
  requireDuration(`${option}.per`, rate.per, { min: 1 });
  return rate;
}

function settingsOf(options: QueueOptions): QueueSettings {
  const { rate, keys = {}, retain = {}, concurrency } = options;
  requireKnown('keys', keys, ['concurrency', 'rate']);
  if (concurrency !== undefined) requireCount('concurrency', concurrency, { min: 1, max: 1e9 });
  requireKnown('retain', retain, ['count', 'age']);
  return {
    attempts: requireCount('attempts', options.attempts ?? 3, { min: 1, max: 1_000_000 }),
    backoff: requireBackoff(options.backoff ?? DEFAULT_BACKOFF),
    concurrency,
    rate: requireRate('rate', rate),
    keys: {
      concurrency: requireCount('keys.concurrency', keys.concurrency ?? 1, { min: 1, max: 1e6 }),
      rate: requireRate('keys.rate', keys.rate),
    },
    retain: {
      count: requireCount('retain.count', retain.count ?? 10_000, { min: 0, max: 1e9 }),
      age: requireDuration('retain.age', retain.age ?? 86_400_000),
    },
    maxBytes: requireCount('maxBytes', options.maxBytes ?? 1_000_000, { min: 1, max: 500_000_000 }),
  };
}
