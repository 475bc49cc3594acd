/**
 * The errors of the queue alone; the others are shared by all of Holdfast (docs/ERRORS.md).
 */
import { HoldfastError } from '@holdfast/kernel';

declare module '@holdfast/kernel' {
  interface ErrorCodes {
    HOLDFAST_QUEUE_FULL: QueueFullError;
    HOLDFAST_TASK_FAILED: TaskFailedError;
    HOLDFAST_RESULT_NOT_KEPT: ResultNotKeptError;
    HOLDFAST_TASK_GONE: TaskGoneError;
    HOLDFAST_TASK_CANCELLED: TaskCancelledError;
    HOLDFAST_TASK_TIMEOUT: TaskTimeoutError;
    HOLDFAST_UNKNOWN_KIND: UnknownKindError;
    HOLDFAST_LATCH_GONE: LatchGoneError;
  }
}

/** The queue has as many waiting tasks as it may have. Wait and add again. */
export class QueueFullError extends HoldfastError {
  override readonly name = 'QueueFullError';
  readonly code = 'HOLDFAST_QUEUE_FULL';
  readonly queue: string;
  /** The limit `waiting`, as it is kept with the queue. */
  readonly max: number;

  constructor(queue: string, max: number) {
    super(`The queue "${queue}" is full (${max} tasks wait); the task was not added. Add it again later.`);
    this.queue = queue;
    this.max = max;
  }
}

/** The awaited task has ended among the dead letters. */
export class TaskFailedError extends HoldfastError {
  override readonly name = 'TaskFailedError';
  readonly code = 'HOLDFAST_TASK_FAILED';
  readonly queue: string;
  readonly id: string;
  /** The message of its last error. */
  readonly reason: string;

  constructor(details: { queue: string; id: string; reason: string }) {
    const { queue, id, reason } = details;
    super(
      `Task ${id} of "${queue}" has failed for good: ${reason.replace(/\.$/, '')}. It is among the dead letters.`,
    );
    this.queue = queue;
    this.id = id;
    this.reason = reason;
  }
}

/** The awaited task has completed, but the value that its handler returned could not be kept. It is not run again. */
export class ResultNotKeptError extends HoldfastError {
  override readonly name = 'ResultNotKeptError';
  readonly code = 'HOLDFAST_RESULT_NOT_KEPT';
  readonly queue: string;
  readonly id: string;
  readonly reason: string;

  constructor(details: { queue: string; id: string; reason: string }) {
    const { queue, id, reason } = details;
    super(`Task ${id} of "${queue}" has completed, but its result was not kept: ${reason}`);
    this.queue = queue;
    this.id = id;
    this.reason = reason;
  }
}

/** The awaited task is no longer there, and no result of it is kept. */
export class TaskGoneError extends HoldfastError {
  override readonly name = 'TaskGoneError';
  readonly code = 'HOLDFAST_TASK_GONE';
  readonly queue: string;
  readonly id: string;

  constructor(details: { queue: string; id: string; reason: string }) {
    const { queue, id, reason } = details;
    super(`Task ${id} of "${queue}" is gone: ${reason}.`);
    this.queue = queue;
    this.id = id;
  }
}

/** Somebody has cancelled the task. It has no result, and is not tried again. */
export class TaskCancelledError extends HoldfastError {
  override readonly name = 'TaskCancelledError';
  readonly code = 'HOLDFAST_TASK_CANCELLED';
  readonly queue: string;
  readonly id: string;
  /** As it was given to `cancel`; '' for none. */
  readonly reason: string;

  constructor(details: { queue: string; id: string; reason: string }) {
    const { queue, id, reason } = details;
    super(`Task ${id} of "${queue}" was cancelled${reason === '' ? '.' : `: ${reason}`}`);
    this.queue = queue;
    this.id = id;
    this.reason = reason;
  }
}

/** A worker that handles tasks by their kinds was given one of another kind, or of none; it has left it to others. */
export class UnknownKindError extends HoldfastError {
  override readonly name = 'UnknownKindError';
  readonly code = 'HOLDFAST_UNKNOWN_KIND';
  readonly queue: string;
  readonly id: string;
  /** Undefined for a task that was added without one. */
  readonly kind: string | undefined;

  constructor(details: { queue: string; id: string; kind: string | undefined }) {
    const { queue, id, kind } = details;
    const what = kind === undefined ? 'tasks without a kind' : `the kind "${kind}"`;
    super(
      `This worker has no handler for ${what}, such as task ${id} of "${queue}". Give it one, or run another worker that has.`,
    );
    this.queue = queue;
    this.id = id;
    this.kind = kind;
  }
}

/** The handler has not ended within the task's `timeout`. The attempt has failed; what the handler returns is ignored. */
export class TaskTimeoutError extends HoldfastError {
  override readonly name = 'TaskTimeoutError';
  readonly code = 'HOLDFAST_TASK_TIMEOUT';
  readonly queue: string;
  readonly id: string;
  /** In ms. */
  readonly timeout: number;

  constructor(details: { queue: string; id: string; timeout: number }) {
    const { queue, id, timeout } = details;
    super(`Task ${id} of "${queue}" has timed out: its handler has not ended within ${timeout} ms.`);
    this.queue = queue;
    this.id = id;
    this.timeout = timeout;
  }
}

/** Nobody has opened the latch, or it has expired, or Redis has forgotten it. Open it, or give up what it was for. */
export class LatchGoneError extends HoldfastError {
  override readonly name = 'LatchGoneError';
  readonly code = 'HOLDFAST_LATCH_GONE';
  readonly latch: string;

  constructor(latch: string) {
    super(
      `There is no latch "${latch}": nobody has opened it, it has expired, or Redis has forgotten it. Open it with open(count), and repeat the count-downs.`,
    );
    this.latch = latch;
  }
}
