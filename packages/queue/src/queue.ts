/**
 * A queue, as producers and operators see it. The main path: `createQueue`, then `add`.
 *
 * Guarantees: a task whose `add` resolved is in Redis. An `add` that threw QueueFullError or MisuseError added nothing.
 * After an UnavailableError that says so, it is not known whether it did; an `add` with an `id` may be repeated.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import {
  abortSignal,
  display,
  MisuseError,
  optional,
  passedOn,
  readOptions,
  type Schema,
  type TokenClaim,
  text,
} from '@holdfast/kernel';
import { type Added, Adder } from './adding.js';
import { type ObliterateOptions, QueueAdministration } from './administration.js';
import { placeAfter, type QueueEvent, readEvents } from './events.js';
import { addFanIn, type FanIn, type FollowUp } from './fan-in.js';
import { QueueMarks } from './guarded.js';
import { issuerOf, requireId, requireQueueName } from './keys.js';
import { type KeptResult, type Kind, requireKind, type TasksOfKind } from './kinds.js';
import { QueueParts, registerParts, requireQueue } from './parts.js';
import { Payloads } from './payloads.js';
import { QueuePort } from './port.js';
import { QUEUE, type QueueOptions, type ReadOptions, settingsOf } from './queue-options.js';
import { type AddOptions, readHolder, requireTasks, type TaskToAdd } from './task-options.js';
import { ResultWaiters } from './waiting.js';

/** Creates a queue. Throws MisuseError for options that cannot work; connects on first use. */
export function createQueue<Input = unknown, Output = Input>(
  options: QueueOptions<Input, Output>,
): Queue<Input, Output> {
  return new Queue(readOptions('createQueue', options, QUEUE));
}

/** The options of `addMany`. */
export const MANY = { followUp: passedOn<unknown>(), holder: readHolder };

/** The options of `wait`. */
export const FOLLOW = { signal: optional(abortSignal) };

const EVENTS = { ...FOLLOW, after: optional(text('the cursor of an event')) };

export interface EventsOptions {
  /** The cursor of an event: those after it are read, as far as they are still kept. Default: those from now on. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

/** Made by `createQueue`. */
export class Queue<Input = unknown, Output = Input>
  extends QueueAdministration<Input>
  implements AsyncDisposable
{
  /** The schema of the data. */
  readonly schema: Schema<Input, Output> | undefined;
  readonly #parts: QueueParts;
  readonly #adder: Adder;
  readonly #groups: ReadonlyMap<string, Queue<Input, Output>>;
  #waiters: ResultWaiters | undefined;

  /** @internal */
  constructor(options: ReadOptions) {
    const groups = groupsOf<Input, Output>(options);
    const parts = partsFrom(options, groups);
    super(parts);
    this.schema = options.schema as Schema<Input, Output> | undefined;
    this.#groups = groups;
    this.#parts = parts;
    this.#adder = new Adder(parts);
    registerParts(this, parts);
  }

  /** One of the queue's groups. Throws MisuseError if there is no group of that name. */
  group(name: string): Queue<Input, Output> {
    const group = this.#groups.get(name);
    if (group) return group;
    const known = [...this.#groups.keys()].join(', ') || 'none';
    throw new MisuseError(`"${this.name}" has no group ${display(name)}; it has ${known}.`);
  }

  /**
   * Adds a task. Resolves when Redis has it.
   * Throws MisuseError for data or options that cannot work, QueueFullError, UnavailableError; with a `holder`, also
   * StaleTokenError and IssuerMismatchError.
   */
  add(data: Input, options: AddOptions = {}): Promise<Added> {
    return this.#adder.add(data, options);
  }

  /**
   * The tasks of one kind, as defineKind has made it: `add` takes its data, and `wait` gives what its handler returns, both
   * by their types. Throws MisuseError for anything else.
   */
  kind<Data, Checked, Result>(kind: Kind<Data, Checked, Result>): TasksOfKind<Data, Result> {
    const { name, schema } = requireKind('kind', kind);
    return {
      add: async (data, options = {}) => this.#adder.add(data, { ...options, kind: name }, schema),
      wait: async (id, options) => (await this.wait(id, options)) as KeptResult<Result>,
    };
  }

  /**
   * Adds many tasks, each as `add` would; they need not all be added when one throws. With a `holder`, they are added under
   * its token, as one would be; up to 100 together or not at all where the token is stale, with more so many at a time.
   */
  addMany(
    tasks: readonly TaskToAdd<Input>[],
    options?: { readonly holder?: TokenClaim; readonly followUp?: undefined },
  ): Promise<Added[]>;
  /**
   * Adds many tasks, and a follow-up that is added when all of them have ended: completed, as a dead letter, cancelled or
   * removed. Up to 100 tasks are added together or not at all; with more, the follow-up needs an id, and a call that has
   * failed is repeated with that id, which adds what is missing. Without an id, a task has that of the follow-up, "/" and
   * its place. Throws MisuseError, also for a queue with groups; QueueFullError, UnavailableError.
   */
  addMany<Other>(
    tasks: readonly TaskToAdd<Input>[],
    options: { readonly followUp: FollowUp<Input, Other>; readonly holder?: TokenClaim },
  ): Promise<FanIn>;
  async addMany(
    tasks: readonly TaskToAdd<Input>[],
    options?: { readonly followUp?: unknown; readonly holder?: TokenClaim },
  ): Promise<Added[] | FanIn> {
    requireTasks(tasks);
    if (options !== undefined) {
      const { followUp, holder } = readOptions('addMany', options, MANY);
      if (followUp !== undefined) return addFanIn(this.#parts, tasks, { followUp, holder });
      if (holder !== undefined) return this.#adder.addUnder(holder, tasks);
    }
    return Promise.all(tasks.map(({ data, options }) => this.add(data, options)));
  }

  /**
   * The guard for Redis that has the marks with which `add` compares the tokens of holders: `seal` raises one, so that nothing
   * more is added under a lower token, `transfer` hands a resource over to another issuer, and `initialize` says that this
   * Redis is new and has lost no mark. The groups of a queue have its marks; each partition of a partitioned one has its own.
   */
  get guard(): RedisGuard {
    return this.#parts.marks.guard;
  }

  /**
   * Waits until a task has completed, and resolves with its result. Throws TaskFailedError when it is among the dead
   * letters, TaskCancelledError when it was cancelled, MisuseError when there is no such task and no result of it is kept, TaskGoneError when that happens while
   * waiting, AbortedError when `signal` aborts or the queue is closed, UnavailableError.
   */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    const { signal } = readOptions('wait', options, FOLLOW);
    this.#waiters ??= new ResultWaiters(this.name, this.#parts.port, this.#parts.payloads);
    return this.#waiters.wait(requireId('id', id), signal);
  }

  /**
   * The events of the queue's tasks after a cursor, or from now on, until `signal` aborts, the loop is left or the queue is
   * closed. All that one process reads of one Redis comes over one connection. Throws MisuseError.
   */
  async *events(options: EventsOptions = {}): AsyncGenerator<QueueEvent, void> {
    const { signal: given, after } = readOptions('events', options, EVENTS);
    const { port, payloads } = this.#parts;
    const from = after === undefined ? undefined : placeAfter(this.name, after);
    port.requireOpen();
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, port.closed, ...(given ? [given] : [])]);
    try {
      for await (const events of readEvents(port, from, signal)) {
        for (const { event } of events) yield await payloads.event(event);
      }
    } finally {
      ended.abort();
    }
  }

  override async obliterate(options: ObliterateOptions): Promise<void> {
    await super.obliterate(options);
    this.#waiters?.lookAgain();
  }

  /** Closes the connections that the queue opened. Calls that wait for a result reject with an AbortedError. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.close()));
    this.#waiters?.close();
    this.#parts.adding.close();
    await this.#parts.marks.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function partsFrom(options: ReadOptions, groups: ReadonlyMap<string, object>): QueueParts {
  const { name, redis, tls, prefix, callTimeout, replicas, schema, clock, random } = options;
  const settings = settingsOf(options);
  const parts = new Map<string, QueueParts>();
  for (const [group, queue] of groups) parts.set(group, requireQueue(queue));
  const port = new QueuePort(name, {
    ...{ redis, tls, prefix, callTimeout, clock, random },
    replicas: replicas && { count: replicas.count, timeout: replicas.callTimeout },
    groups: [...parts.values()].map((part) => part.name),
    limits: settings.limits,
  });
  const marks = new QueueMarks(options);
  const { codec, maxBytes } = options;
  const payloads = new Payloads({ codec, name, prefix, clock, maxBytes });
  const issuer = issuerOf(name, prefix);
  return new QueueParts({ name, issuer, settings, schema, port, marks, payloads, groups: parts });
}

function groupsOf<Input, Output>({ groups, ...options }: ReadOptions): Map<string, Queue<Input, Output>> {
  return new Map(
    groups.map((group) => {
      const name = requireQueueName(`${options.name}@${group}`);
      return [group, new Queue({ ...options, name, groups: [] })];
    }),
  );
}
