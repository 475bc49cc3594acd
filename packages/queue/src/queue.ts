/**
 * A queue, as producers and operators see it. The main path: `createQueue`, then `add`.
 *
 * Guarantees: an `add` that resolved is in Redis. One that threw QueueFullError or MisuseError added nothing. After an
 * UnavailableError that says so it is not known; one with an `id` may be repeated.
 */
import {
  abortSignal,
  display,
  MisuseError,
  requireDuration,
  requireKnown,
  requirePrefix,
  systemClock,
  systemRandom,
} from '@holdfast/kernel';
import { type Added, Adder } from './adding.js';
import { type ObliterateOptions, QueueAdministration } from './administration.js';
import { type QueueEvent, readEvents } from './events.js';
import { issuerOf, requireId, requireKeyName, requireQueueName } from './keys.js';
import { QueueParts, registerParts, requireQueue } from './parts.js';
import { QueuePort } from './port.js';
import { QUEUE_OPTIONS, type QueueOptions, replicasOf, settingsOf } from './queue-options.js';
import type { Schema } from './schema.js';
import { type AddOptions, requireTasks, type TaskToAdd } from './task-options.js';
import { ResultWaiters } from './waiting.js';

/** A queue. Throws MisuseError for options that cannot work; connects on first use. */
export function createQueue<Input = unknown, Output = Input>(
  options: QueueOptions<Input, Output>,
): Queue<Input, Output> {
  requireKnown('createQueue', options, QUEUE_OPTIONS);
  return new Queue(options);
}

/** Made by `createQueue`. */
export class Queue<Input = unknown, Output = Input>
  extends QueueAdministration<Input>
  implements AsyncDisposable
{
  /** What the data are. */
  readonly schema: Schema<Input, Output> | undefined;
  readonly #parts: QueueParts;
  readonly #adder: Adder;
  readonly #groups: ReadonlyMap<string, Queue<Input, Output>>;
  #waiters: ResultWaiters | undefined;

  /** @internal */
  constructor(options: QueueOptions<Input, Output>) {
    const groups = groupsOf(options);
    const parts = partsFrom(options as QueueOptions, groups);
    super(parts);
    this.schema = options.schema;
    this.#groups = groups;
    this.#parts = parts;
    this.#adder = new Adder(parts);
    registerParts(this, parts);
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
  add(data: Input, options: AddOptions = {}): Promise<Added> {
    return this.#adder.add(data, options);
  }

  /** Adds many tasks, each as `add` would; they need not all be added when one throws. */
  async addMany(tasks: readonly TaskToAdd<Input>[]): Promise<Added[]> {
    requireTasks(tasks);
    return Promise.all(tasks.map(({ data, options }) => this.add(data, options)));
  }

  /**
   * Resolves with the result of a task, when it has completed. Throws TaskFailedError when it is among the dead letters,
   * MisuseError when there is no such task and no result of it is kept, TaskGoneError when that comes about meanwhile,
   * AbortedError also when the queue is closed, UnavailableError.
   */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    requireKnown('wait', options, ['signal']);
    const signal = signalOf(options);
    this.#waiters ??= new ResultWaiters(this.name, this.#parts.port);
    return this.#waiters.wait(requireId('id', id), signal);
  }

  /**
   * What happens to the queue's tasks from now on, until `signal` aborts, the loop is left or the queue is closed.
   * Throws MisuseError.
   */
  async *events(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<QueueEvent, void> {
    requireKnown('events', options, ['signal']);
    const { port } = this.#parts;
    const given = signalOf(options);
    port.requireOpen();
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, port.closed, ...(given ? [given] : [])]);
    try {
      for await (const events of readEvents(port, undefined, signal)) {
        for (const { event } of events) yield event;
      }
    } finally {
      ended.abort();
    }
  }

  override async obliterate(options: ObliterateOptions): Promise<void> {
    await super.obliterate(options);
    this.#waiters?.lookAgain();
  }

  /** Closes the connections that the queue opened. What waits for a result is told so by an AbortedError. */
  async close(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.close()));
    this.#waiters?.close();
    this.#parts.adding.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Throws MisuseError for what is no signal. */
function signalOf({ signal }: { readonly signal?: AbortSignal }): AbortSignal | undefined {
  return signal === undefined ? undefined : abortSignal('signal', signal);
}

function partsFrom(options: QueueOptions, groups: ReadonlyMap<string, object>): QueueParts {
  const name = requireQueueName(options.name);
  const prefix = requirePrefix('prefix', options.prefix ?? '');
  const settings = settingsOf(options);
  const parts = new Map<string, QueueParts>();
  for (const [group, queue] of groups) parts.set(group, requireQueue(queue));
  const port = new QueuePort(name, {
    redis: options.redis,
    tls: options.tls,
    prefix,
    callTimeout: requireDuration('callTimeout', options.callTimeout ?? 5_000, { min: 1 }),
    replicas: replicasOf(options.replicas),
    groups: [...parts.values()].map((part) => part.name),
    limits: settings.limits,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  });
  const issuer = issuerOf(name, prefix);
  return new QueueParts({ name, issuer, settings, schema: options.schema, port, groups: parts });
}

function groupsOf<Input, Output>(options: QueueOptions<Input, Output>): Map<string, Queue<Input, Output>> {
  const { groups: names = [], ...rest } = options;
  if (!Array.isArray(names) || names.length > 50 || new Set(names).size < names.length) {
    throw new MisuseError(`groups is a list of at most 50 names, each once; got ${display(names)}.`);
  }
  return new Map(
    names.map((name) => [
      name,
      new Queue({ ...rest, name: `${options.name}@${requireKeyName('groups', name)}` }),
    ]),
  );
}
