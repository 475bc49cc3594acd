/** How much is kept of tasks that have ended: as the queue says, whichever client declared that, or the task itself. */
import { MisuseError } from '@holdfast/kernel';
import { createPartitionedQueue, type Queue, TaskFailedError } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

const MINUTE = 60_000;
/** Renews its session each 33 ms, and deletes then. */
const RENEWING = { lease: 100 };
const ids = async (queue: Queue<number, number>, state: 'completed' | 'dead' | 'cancelled') =>
  (await queue.list(state)).tasks.map(({ id }) => id).sort();

/** A worker whose tasks fail if they are negative. */
const working = (queue: Queue<number, number>, options: object = {}) =>
  workerOf({
    queue,
    ...options,
    handler: ({ data }) => {
      if (data < 0) throw new Error('negative');
      return data;
    },
  });

it('is kept with the queue: a client that declares nothing deletes as another has declared', async () => {
  const declaring = queueOf<number>({ limits: { retain: { count: 3, dead: { count: 2 } } } });
  await declaring.add(0, { delay: MINUTE });
  const queue = queueOf<number>({ attempts: 1 });
  working(queue, RENEWING);
  for (let n = 1; n <= 250; n += 1) void queue.add(n % 50 === 0 ? -n : n);
  await eventually(async () => (await queue.counts()).totals.completed, 245);
  await eventually(async () => (await queue.counts()).dead, 2);
  await eventually(async () => (await queue.counts()).completed <= 103, true);
  await queue.setLimits({ retain: { count: 7, events: 1 } });
  expect(await declaring.limits()).toEqual({ version: 2, retain: { count: 7, events: 1 } });
});

it('deletes what is too old while no task ends, by the renewals of a worker that has nothing to do', async () => {
  const limits = { retain: { age: 300, dead: { age: 300 } } };
  const queue = queueOf<number>({ attempts: 1, limits });
  working(queue, RENEWING);
  await queue.add(1, { id: 'done' });
  await queue.add(-1, { id: 'dead' });
  await queue.add(2, { id: 'cancelled', delay: MINUTE });
  await queue.cancel('cancelled');
  expect(await queue.wait('done')).toBe(1);
  await eventually(async () => {
    const { completed, dead, cancelled } = await queue.counts();
    return completed + dead + cancelled;
  }, 0);
  expect(await client().hlen('{queue:q}:reasons')).toBe(0);
});

it('keeps a task longer, or less long, than the queue keeps others, if it says so', async () => {
  const limits = { retain: { age: 1, count: 0, dead: { age: 1 } } };
  const queue = queueOf<number>({ attempts: 1, limits });
  const long = { age: MINUTE, dead: { age: MINUTE } };
  await queue.add(1, { id: 'kept', retain: long });
  await queue.add(-1, { id: 'kept letter', retain: long });
  await queue.add(2, { id: 'gone' });
  await queue.add(-2, { id: 'gone letter' });
  const { id: plain } = await queue.add(4, { retain: long });
  await queue.schedule('now', 5, { every: 3_600_000, retain: long });
  const scheduled = (await queue.runSchedule('now')) as string;
  working(queue, RENEWING);
  await eventually(async () => ids(queue, 'completed'), [plain, 'kept', scheduled].sort());
  await eventually(async () => ids(queue, 'dead'), ['kept letter']);
  expect(await queue.wait('kept')).toBe(1);
  await expect(queue.wait('kept letter')).rejects.toThrow(TaskFailedError);
});

it('gives a result that is not kept to whoever waits for it by then', async () => {
  const queue = queueOf<number>();
  const { id } = await queue.add(3, { retain: { age: 0 } });
  const told = queue.wait(id);
  // Where Redis knows who waits, it is sent what comes, whatever becomes of that.
  await eventually(async () => / cmd=xread /.test(String(await client().call('CLIENT', 'LIST'))), true);
  working(queue, RENEWING);
  expect(await told).toBe(3);
  await eventually(async () => queue.get(id), undefined);
});

it('passes over many tasks with a retention of their own to those behind them', async () => {
  const queue = queueOf<number>({ attempts: 1, limits: { retain: { count: 0, dead: { count: 0 } } } });
  const own = { retain: { age: MINUTE, dead: { age: MINUTE } } };
  working(queue, { ...RENEWING, concurrency: 50 });
  const tasks = Array.from({ length: 650 }, (_, n) => ({ data: n % 2 ? n : -1 - n, options: own }));
  await queue.addMany(tasks);
  await eventually(async () => (await queue.counts()).totals.failed, 325);
  await queue.addMany(Array.from({ length: 700 }, (_, n) => ({ data: n % 2 ? n : -1 - n })));
  await eventually(async () => (await queue.counts()).totals.failed, 675);
  await eventually(async () => (await queue.counts()).dead, 325);
  await eventually(async () => (await queue.counts()).completed <= 425, true);
  const kept = (await queue.list('completed', { limit: 1_000 })).tasks.map(({ result }) => result as number);
  expect(kept.filter((result) => result < 650).length).toBeGreaterThanOrEqual(325);
});

it('a letter that is requeued and fails again under an id without a retention of its own goes as others do', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  working(queue, RENEWING);
  await queue.add(-1, { id: 'x', retain: { dead: { age: MINUTE } } });
  await eventually(async () => (await queue.counts()).totals.failed, 1);
  expect(await queue.remove('x')).toBe(true);
  expect(await client().exists('{queue:q}:own_dead')).toBe(0);
  await queue.add(-1, { id: 'x', retain: { dead: { age: MINUTE } } });
  await eventually(async () => (await queue.counts()).totals.failed, 2);
  await queue.add(-1, { id: 'x' });
  await eventually(async () => (await queue.counts()).totals.failed, 3);
  expect(await client().exists('{queue:q}:own_dead')).toBe(0);
  await eventually(async () => client().hexists('{queue:q}:meta', 'owned'), 0);
  expect(await ids(queue, 'dead')).toEqual(['x']);
});

it('keeps about as many other events as it is told to', async () => {
  const queue = queueOf<number>({ limits: { retain: { events: 100 } } });
  workerOf({
    queue,
    handler: async (task) => {
      for (let step = 0; step < 400; step += 1) await task.progress(step);
    },
  });
  await queue.wait((await queue.add(1)).id);
  expect(await client().xlen('{queue:q}:notices')).toBeLessThan(300);
});

it('gives each partition a share of the counts, and refuses nonsense', async () => {
  const queue = createPartitionedQueue<number>({
    redis: url(),
    name: 'parts',
    partitions: 4,
    limits: { retain: { count: 10, age: 5, dead: { count: 2 } } },
  });
  later(() => queue.close());
  await queue.addMany([1, 2, 3, 4].map((data) => ({ data })));
  expect(await queue.partitions[1]?.limits()).toEqual({
    version: 1,
    retain: { count: 3, age: 5, dead: { count: 1 } },
  });
  const wrong = { retain: { count: -1 } };
  expect(() => queueOf({ limits: wrong })).toThrow(/limits.retain.count is a whole number from 0/);
  await expect(queueOf<number>().add(1, { retain: { dead: { age: 1.5 } } })).rejects.toThrow(
    /retain.dead.age is a whole number of milliseconds/,
  );
  await expect(queueOf<number>().add(1, { retain: { count: 1 } as never })).rejects.toThrow(MisuseError);
});

it('an own retention that somebody wrote by hand and cannot be read is none', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  await queue.add(1);
  for (const k of ['"x"', '[null,"5"]', '[1.5,{}]', '7'])
    await client().xadd('{queue:q}:ready:0', '*', 'd', '2', 'o', `{"k":${k}}`);
  working(queue);
  await eventually(async () => (await queue.counts()).totals.completed, 5);
  expect((await queue.counts()).completed).toBe(5);
});
