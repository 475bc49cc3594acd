/**
 * One side of the comparison, in a process of its own: does what its parent asks for, and answers with its own CPU time.
 *
 * Arguments: the folder of the checkout whose packages are measured, the URL of the queue's Redis, then those of the
 * nodes. Only verbs and options that both sides have are used. The process ends when its parent does.
 */
import { pathToFileURL } from 'node:url';
import type { createLocks as CreateLocks } from '@holdfast/lock';
import type { createQueue as CreateQueue, createWorker as CreateWorker } from '@holdfast/queue';

export interface Order {
  readonly measure: 'lock' | 'add' | 'addMany' | 'work';
  /** Operations that are counted. */
  readonly count: number;
  /** Operations under way at a time; tasks of one call for `addMany`. */
  readonly inFlight: number;
}

/** CPU time of this process in microseconds, or what went wrong. */
export type Answer = { readonly cpu: number } | { readonly error: string };

const [folder = '', url = '', ...nodes] = process.argv.slice(2);
const load = async <T>(name: string): Promise<T> =>
  (await import(pathToFileURL(`${folder}/packages/${name}/dist/index.js`).href)) as T;
const { createLocks } = await load<{ createLocks: typeof CreateLocks }>('lock');
const { createQueue, createWorker } = await load<{
  createQueue: typeof CreateQueue;
  createWorker: typeof CreateWorker;
}>('queue');

const locks = createLocks({ nodes });
await locks.initialize();
const queue = createQueue<number>({ redis: url, name: 'versus' });

async function inTurns(
  count: number,
  inFlight: number,
  one: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

const measures: Record<Order['measure'], (order: Order) => Promise<void>> = {
  lock: ({ count, inFlight }) =>
    inTurns(count, inFlight, async (index) => {
      const lease = await locks.acquire(`versus:${index % 1_024}`);
      await lease.release();
    }),
  add: ({ count, inFlight }) => inTurns(count, inFlight, (index) => queue.add(index)),
  addMany: async ({ count, inFlight }) => {
    const tasks = Array.from({ length: inFlight }, (_, data) => ({ data }));
    for (let added = 0; added < count; added += inFlight) await queue.addMany(tasks);
  },
  work: async ({ count, inFlight }) => {
    let left = count;
    let done = (): void => {};
    const handled = new Promise<void>((resolve) => {
      done = resolve;
    });
    const worker = createWorker({
      queue,
      concurrency: inFlight,
      handler: () => {
        left -= 1;
        if (left === 0) done();
      },
    });
    await handled;
    await worker.stop();
  },
};

async function answer({ measure, count, inFlight }: Order): Promise<Answer> {
  const before = process.cpuUsage();
  try {
    await measures[measure]({ measure, count, inFlight });
  } catch (error) {
    return { error: String(error) };
  }
  const { user, system } = process.cpuUsage(before);
  return { cpu: user + system };
}

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => void answer(order).then((result) => process.send?.(result)));
process.send?.({ cpu: 0 } satisfies Answer);
