/** Limits that a call changes: at once, for all workers, and none of two changes lost. */
import { MisuseError } from '@holdfast/kernel';
import { createPartitionedQueue, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

it('a change holds at once for workers that are at work, whoever makes it', async () => {
  const queue = queueOf<number>({ limits: { version: 3, concurrency: 1 } });
  const ends: (() => void)[] = [];
  later(() => ends.forEach((end) => void end()));
  const worker = workerOf({
    queue,
    concurrency: 10,
    handler: async (_: Task<number>) => new Promise<void>((resolve) => ends.push(resolve)),
  });
  await queue.addMany(Array.from({ length: 10 }, (_, data) => ({ data })));
  await eventually(() => worker.inFlight, 1);
  const operator = queueOf();
  expect(await operator.limits()).toEqual({ version: 3, concurrency: 1 });
  expect(await operator.setLimits({ concurrency: 4, keys: { concurrency: 2 } })).toEqual({
    ...{ version: 4, concurrency: 4, keys: { concurrency: 2 } },
  });
  await eventually(() => worker.inFlight, 4);
  expect(await operator.setLimits({})).toEqual({ version: 5 });
  await eventually(() => worker.inFlight, 10);
  // The client of before declares a lower version, which is left.
  await queueOf<number>({ limits: { version: 3, concurrency: 1 } }).add(1);
  expect(await operator.limits()).toEqual({ version: 5 });
});

it('the same version with other values, and a lower one, are refused and show both', async () => {
  const queue = queueOf();
  expect(await queue.limits()).toBeUndefined();
  await queue.setLimits({ version: 7, waiting: 5 });
  expect(await queue.setLimits({ version: 7, waiting: 5 })).toEqual({ version: 7, waiting: 5 });
  const same = queue.setLimits({ version: 7, waiting: 6 });
  await expect(same).rejects.toThrow(MisuseError);
  await expect(same).rejects.toThrow(/{"version":7,"waiting":5}; .*: {"version":7,"waiting":6}/);
  await expect(queue.setLimits({ version: 2, waiting: 6 })).rejects.toThrow(
    /limits of version 7, so version 2/,
  );
  await expect(queue.setLimits({ concurrency: 0 })).rejects.toThrow(MisuseError);
  await expect(queue.setLimits({ most: 1 } as never)).rejects.toThrow(/"most"/);
  expect(await queue.limits()).toEqual({ version: 7, waiting: 5 });
});

it('of changes at the same time each has its version', async () => {
  const changed = await Promise.all(
    Array.from({ length: 8 }, (_, n) => queueOf().setLimits({ concurrency: n + 1 })),
  );
  expect(changed.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const last = changed.find(({ version }) => version === 8);
  expect(await queueOf().limits()).toEqual(last);
});

it('a queue whose server has forgotten it is told the changed limits again by the client that changed them', async () => {
  const queue = queueOf<number>({ limits: { version: 1, concurrency: 1 } });
  await queue.add(1);
  await queue.setLimits({ concurrency: 2 });
  await client().flushall();
  await queue.add(2);
  expect(await queue.limits()).toEqual({ version: 2, concurrency: 2 });
});

it('holds for each group', async () => {
  const queue = queueOf<number>({ groups: ['a', 'b'] });
  await queue.setLimits({ waiting: 1 });
  expect(await queue.group('b').limits()).toEqual({ version: 1, waiting: 1 });
  await queue.add(1);
  await expect(queue.add(2)).rejects.toThrow(/full|most/i);
});

it('gives each partition its share, under one version', async () => {
  const queue = createPartitionedQueue<number>({ redis: url(), name: 'p', partitions: 3 });
  later(() => queue.close());
  await queue.partitions[1]?.setLimits({ waiting: 1 });
  await queue.setLimits({ concurrency: 7, keys: { rate: { max: 1, per: 5 } } });
  const kept = await Promise.all(queue.partitions.map((partition) => partition.limits()));
  expect(kept.map((limits) => [limits?.version, limits?.concurrency])).toEqual([
    [2, 3],
    [2, 2],
    [2, 2],
  ]);
  await expect(queue.setLimits({ concurrency: 2 })).rejects.toThrow(/at least 3/);
});
