/**
 * A worker: handles the tasks of a queue. The main path: `createWorker`, and `stop` in the end.
 *
 * Guarantees: at least once, and at most one valid owner at a time. A worker never falls silent: it tries again for as
 * long as it runs, and `problem` says why it does not consume. After `stop`, nothing of it is left in Redis.
 */
import {
  AbortedError,
  type Clock,
  display,
  MisuseError,
  pause,
  requireDuration,
  requireKnown,
  requireName,
} from '@holdfast/kernel';
import type { CustomBackoff } from './backoff.js';
import type { Claimed } from './claimed.js';
import { Consumer } from './consumer.js';
import { dead, done, failed, failureOf, type Outcome, withEffects } from './outcome.js';
import { type QueueParts, requireQueue } from './parts.js';
import type { Queue } from './queue.js';
import { runTick } from './schedule.js';
import { check, encode } from './schema.js';
import type { DeliveredTask, Task } from './task.js';
import { requireCount } from './task-options.js';
import { attemptOf } from './telemetry.js';
import { openThreads, type ThreadOptions, type Threads } from './threads.js';

/** Handles a task. What it returns is the task's result; what it throws is why the attempt failed. */
export type TaskHandler<Data = unknown, Result = unknown> = (task: Task<Data>) => Promise<Result> | Result;

export interface WorkerOptions<Data, Result> {
  /** The queue, or several that share the concurrency and take turns. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever its producers give, its workers see what the schema makes.
  readonly queue: Queue<any, Data> | readonly Queue<any, Data>[];
  /** Either this or `threads`. */
  readonly handler?: TaskHandler<Data, Result>;
  /** A module that handles tasks in threads, for work that keeps a CPU busy. */
  readonly threads?: ThreadOptions;
  /** How many tasks at a time. Default 1. */
  readonly concurrency?: number;
  /** How long a delivery may go without renewal before somebody else is delivered the task, in ms. Default 30000. */
  readonly lease?: number;
  /** How long `stop` lets tasks finish, in ms, before it hands them back. Default 30000. */
  readonly grace?: number;
  /** How long a task waits after a failed attempt, where it says nothing itself. Default: the queue's. */
  readonly backoff?: CustomBackoff;
  /** Who it is, for people. Default: a name that is made up. */
  readonly name?: string;
  /** Told of what goes wrong outside of handlers. Default: emits a process warning. */
  readonly onError?: (error: unknown) => void;
}

const OPTIONS: readonly (keyof WorkerOptions<unknown, unknown>)[] = [
  'queue',
  'handler',
  'threads',
  'concurrency',
  'lease',
  'grace',
  'backoff',
  'name',
  'onError',
];

/** Starts a worker. Throws MisuseError for options that cannot work. */
export function createWorker<Data, Result>(options: WorkerOptions<Data, Result>): Worker {
  requireKnown('createWorker', options, OPTIONS);
  const { handler, threads } = options;
  if ((handler === undefined) === (threads === undefined)) {
    throw new MisuseError('A worker has either a handler, which is a function of a task, or threads.');
  }
  if (handler !== undefined && typeof handler !== 'function') {
    throw new MisuseError(`handler is a function of a task; got ${display(handler)}.`);
  }
  return new Worker(options as WorkerOptions<unknown, unknown>);
}

/** How long `stop` tries to hand back, in ms, where Redis does not answer; the session ends by itself then. */
const HAND_BACK = 5_000;

/** Made by `createWorker`. */
export class Worker implements AsyncDisposable {
  readonly name: string;
  readonly #options: WorkerOptions<unknown, unknown>;
  readonly #clock: Clock;
  readonly #consumers: readonly Consumer[];
  readonly #grace: number;
  readonly #handler: TaskHandler;
  readonly #threads: Threads | undefined;
  #stopping: Promise<void> | undefined;

  /** @internal */
  constructor(options: WorkerOptions<unknown, unknown>) {
    const queues = queuesOf(options.queue);
    const { clock, random } = queues[0].port;
    this.#options = options;
    this.#clock = clock;
    this.name = requireName('name', options.name ?? `worker-${random.id()}`);
    this.#grace = requireDuration('grace', options.grace ?? 30_000);
    const concurrency = requireCount('concurrency', options.concurrency ?? 1, { min: 1, max: 100_000 });
    this.#threads = options.threads && openThreads(options.threads, concurrency);
    this.#handler = options.handler ?? ((task) => this.#threads?.handle(task));
    const lease = requireDuration('lease', options.lease ?? 30_000, { min: 100, max: 86_400_000 });
    const shared: Consumer[] = [];
    this.#consumers = queues.map(
      (queue) =>
        new Consumer({
          queue,
          worker: this.name,
          concurrency,
          shared,
          lease,
          handle: (claimed, task, now) => this.#handle(queue, claimed, task, now),
          tick: (tick, now) => runTick(queue.port, tick, now),
          onError: options.onError ?? warn,
        }),
    );
    shared.push(...this.#consumers);
    for (const consumer of this.#consumers) consumer.start();
  }

  /** Why it does not consume; undefined while it does: what a health check asks. */
  get problem(): string | undefined {
    return this.#consumers.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  /** Tasks that it handles now. */
  get inFlight(): number {
    return this.#consumers.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** Takes no new tasks until `resume`; those that it has, it finishes. */
  pause(): void {
    for (const consumer of this.#consumers) consumer.claiming = false;
  }

  resume(): void {
    for (const consumer of this.#consumers) consumer.claiming = true;
  }

  /**
   * Takes no new tasks, lets those that it has finish within the grace, and hands the rest back: others are delivered
   * them at once, and it does not count as an attempt. Never rejects; the same promise at every call.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    const clock = this.#clock;
    const consumers = this.#consumers;
    const ended = new AbortController();
    void Promise.all(consumers.map((consumer) => consumer.drained())).then(() => ended.abort());
    await pause(clock, this.#grace, ended.signal);
    const reason = new AbortedError('The worker stops, and hands the task back.', 'stop');
    for (const consumer of consumers) consumer.handBack(reason);
    await pause(clock, HAND_BACK, ended.signal);
    await Promise.all(consumers.map((consumer) => consumer.close()));
    await this.#threads?.close();
  }

  #handle(
    queue: QueueParts,
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    now: number,
  ): Promise<Outcome> | Outcome {
    const { x: expires } = claimed.options;
    if (expires !== undefined && expires < now) {
      return this.#give(claimed, task, now, `it expired ${now - expires} ms before it could begin`);
    }
    if (task.attempt > (claimed.options.a ?? queue.settings.attempts)) {
      return this.#give(claimed, task, now, 'its worker died or stalled in every attempt');
    }
    return this.#attempt(queue, claimed, task, now);
  }

  async #attempt(
    queue: QueueParts,
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    now: number,
  ): Promise<Outcome> {
    const handler = this.#handler;
    let data: unknown = JSON.parse(claimed.data);
    if (queue.schema) {
      try {
        data = await check(queue.schema, data, `task ${claimed.id}`);
      } catch (error) {
        return this.#give(claimed, task, now, error instanceof Error ? error.message : String(error));
      }
    }
    task.data = data;
    const { clock, random } = queue.port;
    const began = clock.now();
    const attempt = attemptOf(queue.name, task, claimed.options.t);
    try {
      const result = await (attempt ? attempt.run(() => handler(task)) : handler(task));
      const text = result === undefined ? 'null' : encode(result, queue.settings.maxBytes, 'The result');
      attempt?.ended(clock.now() - began, 'done');
      return this.#done(claimed, task, text, now);
    } catch (error) {
      const { attempts } = queue.settings;
      const backoff = this.#options.backoff ?? queue.settings.backoff;
      const context = { attempts, backoff, random, worker: this.name, now };
      const outcome = failed(claimed, task.attempt, error, context);
      attempt?.ended(clock.now() - began, outcome[0] === 'dead' ? 'dead' : 'retry', error);
      return outcome;
    }
  }

  #done(claimed: Claimed, task: DeliveredTask<unknown>, result: string, now: number): Outcome {
    const outcome = done(claimed, result);
    if (task.effects.length === 0) return outcome;
    const { attempt } = task;
    return withEffects(outcome, task.effects, claimed, { attempt, at: now, worker: this.name });
  }

  /** To the dead letters, without an attempt. */
  #give(claimed: Claimed, { attempt }: DeliveredTask<unknown>, now: number, why: string): Outcome {
    const failure = failureOf(why, { attempt, at: now, worker: this.name });
    return dead(claimed, attempt - 1, [...claimed.errors, failure]);
  }
}

function queuesOf(queue: WorkerOptions<unknown, unknown>['queue']): readonly [QueueParts, ...QueueParts[]] {
  const [first, ...others] = (Array.isArray(queue) ? queue : [queue]).map(requireQueue);
  if (first && new Set([first, ...others]).size === others.length + 1) return [first, ...others];
  throw new MisuseError('queue is what createQueue made, or a list of such, each once.');
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error.message : String(error), 'HoldfastQueueWarning');
}
