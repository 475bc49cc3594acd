/**
 * @holdfast/queue/testing: for the tests of programs that use the queue: runs handlers on real tasks without waiting for
 * clocks. The main path: add tasks, then `handleAll`.
 */
import {
  CodecError,
  callback,
  MisuseError,
  optional,
  passedOn,
  type Readers,
  readOptions,
} from '@holdfast/kernel';
import { UnknownKindError } from './errors.js';
import type { Queue, TaskHandler } from './index.js';
import { type AnyKind, defineKind } from './kinds.js';
import { requireQueue } from './parts.js';
import { hurry, last } from './verbs.js';
import { createWorker, WORKER } from './worker.js';

export interface HandleAllOptions<Data, Result> {
  // biome-ignore lint/suspicious/noExplicitAny: as in createWorker.
  readonly queue: Queue<any, Data>;
  /** Handles a task. Give this, or `kinds`. */
  readonly handler?: TaskHandler<Data, Result>;
  /** Handlers by the kinds of tasks, each made by `defineKind`, as those of a worker. */
  readonly kinds?: readonly AnyKind[];
  /** How many tasks at a time. Default 1. */
  readonly concurrency?: number;
}

const HANDLE_ALL = {
  queue: passedOn<Queue>(),
  handler: optional(callback<TaskHandler>('a task')),
  kinds: WORKER.kinds,
  concurrency: WORKER.concurrency,
} satisfies Readers<Omit<HandleAllOptions<unknown, unknown>, 'kinds'> & { kinds?: unknown }>;

/**
 * Handles tasks until none is left, including those that handlers add, and those that are delayed or wait for their
 * next attempt or for the pause of a breaker, as if their time had come. Resolves to how many attempts it took. Throws
 * UnavailableError, MisuseError; UnknownKindError where it has `kinds`, and a task is of none of them; CodecError where the
 * queue cannot decode one.
 */
export async function handleAll<Data, Result>(options: HandleAllOptions<Data, Result>): Promise<number> {
  const { queue, handler, kinds, concurrency } = readOptions('handleAll', options, HANDLE_ALL);
  if ((handler === undefined) === (kinds === undefined))
    throw new MisuseError(
      'handleAll has a handler, which is a function of a task, or kinds; give one of them.',
    );
  const { port } = requireQueue(queue);
  let attempts = 0;
  let wake = (): void => {};
  let left: UnknownKindError | CodecError | undefined;
  const counted =
    (handle: TaskHandler): TaskHandler =>
    async (task) => {
      attempts += 1;
      try {
        return await handle(task);
      } finally {
        wake();
      }
    };
  const worker = createWorker({
    ...{ queue, concurrency },
    onError: (error) => {
      if (error instanceof UnknownKindError || error instanceof CodecError) left = error;
    },
    ...(handler && { handler: counted(handler) }),
    ...(kinds && {
      kinds: [...kinds].map(([name, { schema, handler: handle }]) => {
        const options = { handler: counted(handle) };
        return schema ? defineKind(name, { schema, ...options }) : defineKind(name, options);
      }),
    }),
  });
  try {
    for (;;) {
      const { waiting, active, delayed, breaker } = await queue.counts();
      if (left) throw left;
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
