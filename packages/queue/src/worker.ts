/**
 * A worker: handles the tasks of a queue. The main path: `createWorker`, and `stop` in the end.
 *
 * Guarantees: at-least-once delivery, and at most one valid owner of a task at a time. A worker never falls silent: it
 * tries again for as long as it runs, and `problem` says why it does not consume. After `stop`, nothing of it is left
 * in Redis.
 */
import {
  AbortedError,
  type Clock,
  type CustomBackoff,
  callback,
  duration,
  group,
  MisuseError,
  optional,
  passedOn,
  pause,
  type Readers,
  readOptions,
  requireName,
  type Timer,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { reportTo, SharedReaders } from '@holdfast/redis';
import { BATCH, Batches, type BatchOptions } from './batches.js';
import { Consumer } from './consumer.js';
import { Handling } from './handling.js';
import { type AnyKind, readKinds } from './kinds.js';
import { type QueueParts, requireQueue } from './parts.js';
import type { Queue } from './queue.js';
import type { TaskHandler } from './task.js';
import { openThreads, THREADS, type ThreadOptions, type Threads } from './threads.js';

export interface WorkerOptions<Data, Result> {
  /** The queue, or several queues that share the concurrency and take turns. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever its producers give, its workers see what the schema makes.
  readonly queue: Queue<any, Data> | readonly Queue<any, Data>[];
  /** Handles a task. Give this, or `kinds`, `batch` or `threads`. */
  readonly handler?: TaskHandler<Data, Result>;
  /** Handles several tasks of a queue in one call, each with an outcome of its own. */
  readonly batch?: BatchOptions<Data>;
  /**
   * Handlers by the kinds of tasks, each made by `defineKind`. A task of another kind, or of none, is left to other workers
   * without an attempt, and tried again after 1 s, later after up to 60 s; onError is told once for each kind with an
   * UnknownKindError. After an hour it is a dead letter.
   */
  readonly kinds?: readonly AnyKind[];
  /** A module that handles tasks in threads, for work that keeps a CPU busy. */
  readonly threads?: ThreadOptions;
  /** How many tasks to handle at a time; with `batch`, as many as so many full batches have. Default 1. */
  readonly concurrency?: number;
  /** How long a delivery may go without renewal before the task is delivered to somebody else, in ms. Default 30000. */
  readonly lease?: number;
  /**
   * How long `stop` lets tasks finish, in ms, before it hands them back, which takes up to 5 s more if Redis is away.
   * Default 20000: with that, the worker has ended before Kubernetes kills the process, 30 s after SIGTERM.
   */
  readonly grace?: number;
  /**
   * How long a task that was added without a backoff of its own waits after a failed attempt. Default: the backoff of
   * the queue to which it was added.
   */
  readonly backoff?: CustomBackoff;
  /** A name by which people recognize the worker. Default: a generated one. */
  readonly name?: string;
  /** Called with errors outside of handlers. Default: emits a process warning. */
  readonly onError?: (error: unknown) => unknown;
}

export const WORKER = {
  queue: passedOn<WorkerOptions<unknown, unknown>['queue']>(),
  handler: optional(callback<TaskHandler>('a task')),
  batch: optional(group(BATCH)),
  threads: optional(group(THREADS)),
  kinds: readKinds,
  concurrency: withDefault(whole(1, 100_000), 1),
  lease: withDefault(duration({ min: 100, max: 86_400_000 }), 30_000),
  grace: withDefault(duration(), 20_000),
  backoff: optional(callback<CustomBackoff>('the attempt and its error')),
  name: optional(requireName),
  onError: optional(callback<(error: unknown) => unknown>('an error')),
} satisfies Readers<Omit<WorkerOptions<unknown, unknown>, 'kinds'> & { kinds?: unknown }>;

const readPause = duration({ min: 1 });

/** How long `stop` tries to hand tasks back, in ms, if Redis does not answer; the session then ends without that. */
const HAND_BACK = 5_000;

/** Made by `createWorker`. */
export interface Worker extends AsyncDisposable {
  readonly name: string;
  /** Why the worker does not consume; undefined while it does. For health checks. */
  readonly problem: string | undefined;
  /** How many tasks it is handling now. */
  readonly inFlight: number;
  /** Takes no new tasks until `resume`; finishes those that it has. */
  pause(): void;
  resume(): void;
  /**
   * Begins no task for so many ms, as when a service answers 429; finishes those that it has begun, and hands back the
   * others, which does not count as an attempt. `pause` and `resume` end that. Throws MisuseError.
   */
  pauseFor(duration: number): void;
  /**
   * Takes no new tasks, lets those that it has finish within the grace, and hands the rest back: they are delivered to
   * others at once, and this does not count as an attempt. Never rejects; every call returns the same promise.
   */
  stop(): Promise<void>;
}

/** Starts a worker. Throws MisuseError for options that cannot work, and for a queue that is closed. */
export function createWorker<Data, Result>(options: WorkerOptions<Data, Result>): Worker {
  const { handler, batch, threads, kinds, ...settings } = readOptions('createWorker', options, WORKER);
  if ([handler, kinds, batch, threads].filter((one) => one !== undefined).length !== 1) {
    throw new MisuseError(
      'A worker has a handler, which is a function of a task, or kinds, or a batch, or threads; give one of them.',
    );
  }
  const { lease, grace, backoff } = settings;
  const concurrency = settings.concurrency * (batch?.size ?? 1);
  const queues = queuesOf(settings.queue);
  const { clock, random } = queues[0].port;
  const { name = `worker-${random.id()}` } = settings;
  const report = reportTo(settings.onError, 'HoldfastQueueWarning');
  const pool = threads && openThreads(threads, concurrency);
  const shared: Consumer[] = [];
  const gathering: Batches[] = [];
  const readers = new SharedReaders(queues.length > 1);
  for (const queue of queues) {
    const batches = batch && new Batches(clock, batch);
    if (batches) gathering.push(batches);
    const handle = pool?.handle ?? batches?.handle ?? (handler as TaskHandler);
    const handling = new Handling({ queue, handler: handle, kinds, backoff, worker: name, report });
    shared.push(
      new Consumer({
        ...{ queue, worker: name, concurrency, shared, readers, lease, report },
        handle: (claimed, task, now) => handling.handle(claimed, task, now),
      }),
    );
  }
  for (const consumer of shared) consumer.start();
  return new RunningWorker({ name, grace, clock, consumers: shared, batches: gathering, threads: pool });
}

interface Parts {
  readonly name: string;
  readonly grace: number;
  readonly clock: Clock;
  readonly consumers: readonly Consumer[];
  readonly batches: readonly Batches[];
  readonly threads: Threads | undefined;
}

class RunningWorker implements Worker {
  readonly name: string;
  readonly #parts: Parts;
  #stopping: Promise<void> | undefined;
  /** Ends a pause that has a time. */
  #resumption: Timer | undefined;

  constructor(parts: Parts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  get problem(): string | undefined {
    return this.#parts.consumers.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  get inFlight(): number {
    return this.#parts.consumers.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  pause(): void {
    this.#resumption?.cancel();
    for (const consumer of this.#parts.consumers) consumer.claiming = false;
  }

  resume(): void {
    this.#resumption?.cancel();
    for (const consumer of this.#parts.consumers) consumer.claiming = true;
  }

  pauseFor(duration: number): void {
    const delay = readPause('The duration of pauseFor', duration);
    this.pause();
    if (this.#stopping) return;
    this.#resumption = this.#parts.clock.after(delay, () => this.resume(), { keepAlive: false });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    const { clock, consumers, batches, grace, threads } = this.#parts;
    this.#resumption?.cancel();
    const ended = new AbortController();
    void Promise.all(consumers.map((consumer) => consumer.drain())).then(() => ended.abort());
    for (const each of batches) each.stop();
    await pause(clock, grace, ended.signal);
    const reason = new AbortedError('The worker stops, and hands the task back.', 'stop');
    for (const consumer of consumers) consumer.handBack(reason);
    await pause(clock, HAND_BACK, ended.signal);
    await Promise.all(consumers.map((consumer) => consumer.close()));
    await threads?.close();
  }
}

function queuesOf(queue: WorkerOptions<unknown, unknown>['queue']): readonly [QueueParts, ...QueueParts[]] {
  const [first, ...others] = (Array.isArray(queue) ? queue : [queue]).map(requireQueue);
  if (!first || new Set([first, ...others]).size <= others.length)
    throw new MisuseError('queue is what createQueue made, or a list of such, each once.');
  for (const { port } of [first, ...others]) port.requireOpen();
  return [first, ...others];
}
