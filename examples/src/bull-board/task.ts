/** A task, as Bull Board looks at it. */
import type { JobState, QueueJob, QueueJobJson } from '@bull-board/api/dist/types.js';
import type { Queue, TaskInfo } from '@holdfast/queue';

export class BoardTask implements QueueJob {
  readonly opts: { delay?: number };
  readonly #queue: Queue;
  readonly #task: TaskInfo;

  constructor(queue: Queue, task: TaskInfo) {
    this.#queue = queue;
    this.#task = task;
    this.opts = task.due === undefined ? {} : { delay: task.due };
  }

  toJSON(): QueueJobJson {
    const { id, state, data, key, priority, errors = [], result, progress, ...task } = this.#task;
    const last = errors.at(-1);
    return {
      ...{ id, data, returnvalue: result, name: key ?? id, progress: (progress as object) ?? 0 },
      attemptsMade: task.attempt ?? errors.length,
      timestamp: task.added ?? 0,
      processedOn: task.begun ?? last?.at ?? null,
      finishedOn: task.ended ?? null,
      processedBy: task.worker ?? last?.worker ?? null,
      failedReason: state === 'dead' ? (last?.message ?? '') : '',
      stacktrace: errors.map(({ stack, message }) => stack ?? message),
      opts: { priority, ...this.opts },
      ...(task.due !== undefined && { delay: task.due }),
    };
  }

  async getState(): Promise<JobState> {
    const { state } = this.#task;
    if (state === 'dead') return 'failed';
    return (state === 'cancelled' ? 'unknown' : state) as JobState;
  }

  async retry(): Promise<void> {
    await this.#queue.requeue(this.#task.id);
  }

  /** One that a worker has is cancelled: it ends with no result. */
  async remove(): Promise<void> {
    const { id, state } = this.#task;
    if (state === 'active') await this.#queue.cancel(id, { reason: 'removed on the board' });
    else await this.#queue.remove(id);
  }

  async promote(): Promise<void> {
    await this.#queue.promote(this.#task.id);
  }
}
