/**
 * @holdfast/queue/testing: for the tests of programs that use the queue: runs handlers on real tasks without waiting for
 * clocks. The main path: add tasks, then `handleAll`.
 */
import { callback, passedOn, type Readers, readOptions } from '@holdfast/kernel';
import type { Queue, TaskHandler } from './index.js';
import { requireQueue } from './parts.js';
import { hurry, last } from './verbs.js';
import { createWorker, WORKER } from './worker.js';

export interface HandleAllOptions<Data, Result> {
  // biome-ignore lint/suspicious/noExplicitAny: as in createWorker.
  readonly queue: Queue<any, Data>;
  readonly handler: TaskHandler<Data, Result>;
  /** How many tasks at a time. Default 1. */
  readonly concurrency?: number;
}

const HANDLE_ALL = {
  queue: passedOn<Queue>(),
  handler: callback<TaskHandler>('a task'),
  concurrency: WORKER.concurrency,
} satisfies Readers<HandleAllOptions<unknown, unknown>>;

/**
 * Handles tasks until none is left, including those that handlers add, and those that are delayed or wait for their
 * next attempt or for the pause of a breaker, as if their time had come. Resolves to how many attempts it took. Throws UnavailableError, MisuseError.
 */
export async function handleAll<Data, Result>(options: HandleAllOptions<Data, Result>): Promise<number> {
  const { queue, handler, concurrency } = readOptions('handleAll', options, HANDLE_ALL);
  const { port } = requireQueue(queue);
  let attempts = 0;
  let wake = (): void => {};
  const worker = createWorker({
    queue,
    concurrency,
    onError: () => {},
    handler: async (task) => {
      attempts += 1;
      try {
        return await handler(task);
      } finally {
        wake();
      }
    },
  });
  try {
    for (;;) {
      const { waiting, active, delayed, breaker } = await queue.counts();
      if (waiting + active + delayed === 0) return attempts;
      if (waiting + active === 0 || breaker === 'open') await port.call(hurry, undefined);
      const handled = new Promise<void>((resolve) => {
        wake = resolve;
      });
      // A task that was handled counts as active until the worker's next call has ended it.
      await Promise.race([handled, port.call(last, undefined)]);
    }
  } finally {
    await worker.stop();
  }
}
