/** Dead letters of a kind are tried again, each once, up to a limit. */
import { createPartitionedQueue, MisuseError, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

type Data = { readonly n: number; readonly why: string };

/** Dead letters, the nth of which has failed with the nth reason, and those that were handled since. */
async function buried(
  queue: ReturnType<typeof queueOf<Data>>,
  reasons: readonly string[],
): Promise<number[]> {
  const handled: number[] = [];
  const handler = async ({ data: { n, why } }: Task<Data>) => {
    handled.push(n);
    throw new Error(why);
  };
  for (const [n, why] of reasons.entries())
    await queue.add({ n, why }, { key: n % 2 === 0 ? 'even' : 'odd', attempts: 1 });
  workerOf({ queue, handler });
  await eventually(async () => (await queue.counts()).dead, reasons.length);
  handled.length = 0;
  return handled;
}

it('of an error, of a key, of a filter, and the oldest up to a limit', async () => {
  const queue = queueOf<Data>();
  const handled = await buried(queue, [
    'refused: a',
    'wrong',
    'refused: b',
    'refused: c',
    'wrong',
    'refused: d',
  ]);
  await queue.pause();
  expect(await queue.requeueAll({ error: 'refused', limit: 2 })).toBe(2);
  expect(await queue.requeueAll({ error: 'refused', key: 'odd' })).toBe(2);
  expect(await queue.requeueAll({ filter: ({ data }) => (data as Data).n > 1, limit: 5 })).toBe(1);
  expect(await queue.requeueAll({ error: 'other' })).toBe(0);
  expect((await queue.list('dead')).tasks.map(({ data }) => (data as Data).n)).toEqual([1]);
  await queue.resume();
  await eventually(() => [...handled].sort(), [0, 2, 3, 4, 5]);
});

it('more than a page, each once although all of them die again at once', async () => {
  const queue = queueOf<Data>();
  const reasons = Array.from({ length: 1_100 }, () => 'again');
  const handled: number[] = [];
  const worker = workerOf({
    queue,
    concurrency: 200,
    handler: async ({ data: { n } }: Task<Data>) => {
      handled.push(n);
      throw new Error('again');
    },
  });
  await queue.addMany(reasons.map((why, n) => ({ data: { n, why }, options: { attempts: 1 } })));
  await eventually(async () => (await queue.counts()).dead, reasons.length);
  handled.length = 0;
  expect(await queue.requeueAll()).toBe(reasons.length);
  await eventually(async () => (await queue.counts()).dead, reasons.length);
  expect([...handled].sort((one, other) => one - other)).toEqual(reasons.map((_, n) => n));
  await worker.stop();
});

it('in all partitions together; options that cannot work are refused, and a filter that throws is heard', async () => {
  const queue = createPartitionedQueue<Data>({ redis: url(), name: 'p', partitions: 2, attempts: 1 });
  later(() => queue.close());
  const worker = workerOf({
    queue: queue.partitions,
    handler: async ({ data }: Task<Data>) => {
      throw new Error(data.why);
    },
  });
  for (let n = 0; n < 6; n += 1) await queue.add({ n, why: 'no' });
  await eventually(async () => (await queue.counts()).dead, 6);
  await worker.stop();
  expect(await queue.requeueAll({ limit: 4, error: 'no' })).toBe(4);
  expect(await queue.counts()).toMatchObject({ dead: 2, waiting: 4 });
  await expect(queue.requeueAll({ limit: 0 })).rejects.toThrow(MisuseError);
  await expect(queue.requeueAll({ errors: 'no' } as never)).rejects.toThrow(/errors/);
  const filter = () => {
    throw new Error('mine');
  };
  await expect(queue.requeueAll({ filter })).rejects.toThrow('mine');
});
