/**
 * Batches: a handler that takes several tasks of a queue in one call, as to write them in one statement.
 *
 * Guarantees: each task keeps its own token, signal and attempt, and has its own outcome: one that fails does not fail the
 * others. If the handler throws, or returns something else than an outcome for each, all tasks of the call have failed. A
 * task that is over before its batch is handed on, because it was cancelled or lost, or its timeout has passed, is not in
 * it. Without `stop`, a batch waits at most as long as it is told to.
 */
import {
  type Clock,
  callback,
  duration,
  MisuseError,
  type Readers,
  type Timer,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { Deferral, type DeliveredTask, type Task, type TaskHandler } from './task.js';

/**
 * Handles several tasks. It returns nothing if all have completed without a result, or a list with an entry for each task,
 * in their order: its result; an Error, with which its attempt has failed; or what `task.defer` gives.
 */
export type BatchHandler<Data = unknown> = (tasks: readonly Task<Data>[]) => Promise<unknown> | unknown;

export interface BatchOptions<Data = unknown> {
  readonly handler: BatchHandler<Data>;
  /** The most tasks in a batch, from 1 to 1000. */
  readonly size: number;
  /**
   * How long the first task of a batch that is not full waits for others, in ms, up to 60000; that counts towards its
   * `timeout`. Default 0: a batch has what one call to Redis has brought.
   */
  readonly wait?: number;
}

export const BATCH = {
  handler: callback<BatchHandler>('a list of tasks'),
  size: whole(1, 1_000),
  wait: withDefault(duration({ max: 60_000 }), 0),
} satisfies Readers<BatchOptions>;

interface Waiting {
  readonly task: Task;
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The batches of one queue. */
export class Batches {
  readonly #clock: Clock;
  readonly #options: Required<BatchOptions>;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #isStopping = false;

  constructor(clock: Clock, options: Required<BatchOptions>) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Handles a task, as one of a batch. */
  readonly handle: TaskHandler = (task) =>
    new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      const { size, wait } = this.#options;
      if (this.#waiting.length >= size) this.#drop();
      if (this.#waiting.length >= size) this.#handOn();
      else this.#timer ??= this.#clock.after(this.#isStopping ? 0 : wait, () => this.#handOn());
    });

  /** No more tasks come: what waits is handed on. */
  stop(): void {
    this.#isStopping = true;
    this.#handOn();
  }

  /** Those that are over take no place in a batch. */
  #drop(): void {
    this.#waiting = this.#waiting.filter(({ task, reject }) => {
      const { over } = task as DeliveredTask<unknown>;
      if (over) reject(over);
      return over === undefined;
    });
  }

  #handOn(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#drop();
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) void this.#run(batch);
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = outcomesOf(await this.#options.handler(batch.map(({ task }) => task)), batch.length);
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      // That the handler puts all of them off is no failure of any.
      for (const { resolve, reject } of batch)
        if (Deferral.delayOf(error) === undefined) reject(error);
        else resolve(error);
    }
  }
}

function outcomesOf(returned: unknown, count: number): readonly unknown[] {
  if (returned === undefined) return [];
  if (Array.isArray(returned) && returned.length === count) return returned;
  const got = Array.isArray(returned) ? `a list of ${returned.length}` : typeof returned;
  throw new MisuseError(
    `The handler of a batch returns nothing, or a list with an outcome for each of its ${count} tasks; got ${got}.`,
  );
}
