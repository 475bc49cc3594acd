/** Fan-out and fan-in: a follow-up is added once, when all of its tasks have ended, whatever their ends. */
import {
  createPartitionedQueue,
  MisuseError,
  NonRetryableError,
  QueueFullError,
  type Task,
  type TaskOutcome,
} from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

type Data = { readonly n?: number; readonly sum?: true };

async function all(outcomes: AsyncIterable<TaskOutcome>): Promise<TaskOutcome[]> {
  const found: TaskOutcome[] = [];
  for await (const outcome of outcomes) found.push(outcome);
  return found;
}

/** What is left of fan-ins besides what is known of their tasks. */
const remains = async (): Promise<number[]> =>
  Promise.all([client().hlen('{queue:q}:fans'), client().hlen('{queue:q}:members')]);

async function sum(task: Task<Data>): Promise<number> {
  if (task.data.sum === undefined) return 10 * (task.data.n ?? 0);
  let total = 0;
  for await (const outcome of task.outcomes())
    if (outcome.state === 'completed') total += Number(outcome.result);
  return total;
}

it('a follow-up begins when all have ended, with what they have returned', async () => {
  const queue = queueOf<Data>();
  const { id, tasks } = await queue.addMany(
    [{ data: { n: 1 } }, { data: { n: 2 }, options: { key: 'k' } }, { data: { n: 3 } }],
    {
      followUp: { data: { sum: true } },
    },
  );
  expect(tasks.map(({ added }) => added)).toEqual([true, true, true]);
  expect(await queue.fanIn(id)).toEqual({ tasks: 3, left: 3 });
  expect(await queue.get(id)).toMatchObject({ state: 'waiting', data: { sum: true } });
  const waits = queue.wait(id);
  workerOf({ queue, handler: sum });
  expect(await waits).toBe(60);
  expect(await queue.fanIn(id)).toEqual({ tasks: 3, left: 0 });
  expect(await all(queue.outcomes(id))).toMatchObject(
    [10, 20, 30].map((result, place) => ({ place, state: 'completed', result })),
  );
  expect(await remains()).toEqual([0, 0]);
});

it('every end counts, once: completed, dead, cancelled, removed; and one that is tried again does not count again', async () => {
  const queue = queueOf<Data>({ attempts: 1 });
  const { id, tasks } = await queue.addMany(
    [0, 1, 2, 3, 4].map((n) => ({ data: { n }, options: n === 3 ? { delay: 60_000 } : {} })),
    { followUp: { data: { sum: true }, options: { id: 'report' } } },
  );
  let fails = true;
  const begun: string[] = [];
  const worker = workerOf({
    queue,
    concurrency: 2,
    handler: async (task: Task<Data>) => {
      begun.push(task.id);
      if (task.data.n === 1 && fails) throw new NonRetryableError('one');
      if (task.data.n !== 2) return sum(task);
      const ended = new Promise((resolve) => task.signal.addEventListener('abort', resolve));
      await queue.cancel(task.id, { reason: 'enough' });
      await ended;
      return undefined;
    },
  });
  await eventually(async () => (await queue.fanIn(id))?.left, 1);
  fails = false;
  await queue.requeue(tasks[1]?.id ?? '');
  await eventually(async () => (await queue.get(tasks[1]?.id ?? ''))?.state, 'completed' as const);
  expect(await queue.fanIn(id)).toEqual({ tasks: 5, left: 1 });
  expect(begun).not.toContain('report');
  await queue.remove(tasks[3]?.id ?? '');
  expect(await queue.wait(id)).toBe(40);
  expect((await all(queue.outcomes(id))).map(({ state }) => state)).toEqual([
    'completed',
    'failed',
    'cancelled',
    'removed',
    'completed',
  ]);
  expect(begun.filter((each) => each === 'report')).toHaveLength(1);
  expect(await remains()).toEqual([0, 0]);
  await worker.stop();
});

it('a call that has failed half-way is repeated with its id, and adds what is missing', async () => {
  const queue = queueOf<Data>();
  const tasks = Array.from({ length: 250 }, (_, n) => ({ data: { n } }));
  await expect(queue.addMany(tasks, { followUp: { data: { sum: true } } })).rejects.toThrow(
    /needs options.id/,
  );
  const followUp = { data: { sum: true }, options: { id: 'r' } } as const;
  await queue.setLimits({ waiting: 150 });
  await expect(queue.addMany(tasks, { followUp })).rejects.toThrow(QueueFullError);
  expect(await queue.fanIn('r')).toEqual({ tasks: 250, left: 250 });
  expect((await queue.counts()).waiting).toBe(100);
  await queue.setLimits({ waiting: 10_000 });
  const again = await queue.addMany(tasks, { followUp });
  expect(again.tasks.filter(({ added }) => added)).toHaveLength(150);
  workerOf({ queue, concurrency: 50, handler: sum });
  expect(await queue.wait('r')).toBe((10 * (250 * 249)) / 2);
  // Its follow-up is known, and has ended: the id may be used again.
  expect((await queue.addMany([], { followUp })).tasks).toEqual([]);
  await eventually(async () => (await queue.fanIn('r'))?.tasks, 0);
});

it('an id that is in use is told apart: of another task, of the follow-up itself, of a fan-in of another size', async () => {
  const queue = queueOf<Data>();
  await queue.add({ n: 7 }, { id: 'there' });
  const followUp = { data: {}, options: { id: 'r' } };
  await expect(queue.addMany([], { followUp: { data: {}, options: { id: 'there' } } })).rejects.toThrow(
    MisuseError,
  );
  const two = [
    { data: {}, options: { id: 'there' } },
    { data: {}, options: { id: 'new' } },
  ];
  expect((await queue.addMany(two, { followUp })).tasks.map(({ added }) => added)).toEqual([false, true]);
  expect(await all(queue.outcomes('r'))).toEqual([{ place: 0, id: 'there', state: 'skipped' }]);
  await expect(queue.addMany([{ data: {} }], { followUp })).rejects.toThrow(/another number of tasks/);
  await expect(queue.addMany([two[1], two[1]] as never, { followUp })).rejects.toThrow(
    /"new" is there twice/,
  );
  await expect(queue.addMany([{ data: {}, options: { id: 'r' } }], { followUp })).rejects.toThrow(
    /"r" is there twice/,
  );
  // Nobody adds a task under the id of a follow-up that is to come.
  expect(await queue.add({}, { id: 'r' })).toEqual({ id: 'r', added: false });
  expect(await queue.addMany(two, { followUp })).toMatchObject({
    tasks: [{ added: false }, { added: false }],
  });
  const same = { key: 'd', within: 10 };
  await expect(queue.addMany([{ data: {}, options: { deduplicate: same } }], { followUp })).rejects.toThrow(
    /cannot have `deduplicate`/,
  );
  await expect(all(queue.outcomes('unknown'))).rejects.toThrow(/No task unknown of "q" is known/);
  expect(await queue.fanIn('unknown')).toBeUndefined();
});

it('a follow-up that is cancelled or removed before its time never comes; its tasks go on', async () => {
  const queue = queueOf<Data>();
  for (const id of ['cancelled', 'removed']) {
    await queue.addMany([{ data: { n: 1 } }], { followUp: { data: { sum: true }, options: { id } } });
  }
  const waits = Promise.allSettled([queue.wait('cancelled'), queue.wait('removed')]);
  await eventually(async () => (await queue.get('removed'))?.state, 'waiting' as const);
  expect(await queue.cancel('cancelled', { reason: 'no' })).toBe(true);
  expect(await queue.remove('removed')).toBe(true);
  const begun: string[] = [];
  workerOf({ queue, handler: ({ id }) => begun.push(id) });
  await eventually(() => begun.length, 2);
  await eventually(async () => (await queue.counts()).completed, 2);
  expect(begun.sort()).toEqual(['cancelled/0', 'removed/0']);
  expect((await waits).map((each) => each.status === 'rejected' && each.reason.name)).toEqual([
    'TaskCancelledError',
    'TaskGoneError',
  ]);
  expect(await remains()).toEqual([0, 0]);
});

it('what is kept of a fan-in goes with its follow-up', async () => {
  const queue = queueOf<Data>({ limits: { retain: { age: 0 } } });
  const tasks = Array.from({ length: 700 }, (_, n) => ({ data: { n } }));
  await queue.addMany(tasks, { followUp: { data: {}, options: { id: 'r' } } });
  workerOf({ queue, concurrency: 100, handler: () => {} });
  await eventually(async () => (await queue.get('r'))?.state, undefined);
  const ends = async (): Promise<number> => {
    await queue.add({});
    return client().exists('{queue:q}:gathered', '{queue:q}:litter');
  };
  await eventually(ends, 0);
});

it('a follow-up goes to another queue, with groups too, once, and reads there how the others have ended', async () => {
  const queue = queueOf<Data>();
  const reports = queueOf<{ title: string }>({
    name: 'reports',
    groups: ['mail', 'web'],
    limits: { waiting: 1 },
  });
  await reports.add({ title: 'in the way' });
  workerOf({ queue, handler: sum });
  const { id } = await queue.addMany([{ data: { n: 4 } }, { data: { n: 5 } }], {
    followUp: { queue: reports, data: { title: 'done' }, options: { id: 'r', priority: 2, attempts: 7 } },
  });
  const titles: string[] = [];
  for (const name of ['mail', 'web']) {
    workerOf({
      queue: reports.group(name),
      handler: async (task) => {
        if (task.data.title === 'done') {
          const outcomes = await all(task.outcomes());
          titles.push(`${name} ${outcomes.map((each) => each.state === 'completed' && each.result)}`);
        }
      },
    });
  }
  expect(await queue.wait(id)).toBe(null);
  await eventually(() => titles.toSorted?.() ?? [...titles].sort(), ['mail 40,50', 'web 40,50']);
  const other = queueOf({ name: 'other', prefix: 'p' });
  await expect(queue.addMany([], { followUp: { queue: other, data: 1 } })).rejects.toThrow(/the same prefix/);
  await expect(reports.addMany([], { followUp: { data: { title: '' } } })).rejects.toThrow(MisuseError);
});

it('a call that is repeated after all has ended adds nothing, by its deduplication key', async () => {
  const queue = queueOf<Data>();
  workerOf({ queue, handler: sum });
  const deduplicate = { key: 'monday', within: 60_000 };
  const add = () =>
    queue.addMany([{ data: { n: 1 } }], {
      followUp: { data: { sum: true }, options: { id: 'r', deduplicate } },
    });
  expect((await add()).tasks).toEqual([{ id: 'r/0', added: true }]);
  expect(await queue.wait('r')).toBe(10);
  expect((await add()).tasks).toEqual([{ id: 'r/0', added: false }]);
  expect((await queue.counts()).totals.completed).toBe(2);
});

it('the tasks of a fan-in and their follow-up are in one partition', async () => {
  const queue = createPartitionedQueue<Data>({ redis: url(), name: 'p', partitions: 3 });
  later(() => queue.close());
  workerOf({ queue: queue.partitions, handler: sum });
  const tasks = [1, 2, 3].map((n) => ({ data: { n } }));
  const { id, queue: partition } = await queue.addMany(tasks, { followUp: { data: { sum: true } } });
  expect(await partition.wait(id)).toBe(60);
  const [key = '', other = ''] = ['a', 'b', 'c', 'd', 'e', 'f'].filter((each, _, all) =>
    [all[0], all.find((one) => queue.partitionOf(one) !== queue.partitionOf('a'))].includes(each),
  );
  const followUp = { data: { sum: true }, options: { key } } as const;
  const keyed = (of: string) => [{ data: { n: 1 }, options: { key: of } }];
  await expect(queue.addMany(keyed(other), { followUp })).rejects.toThrow(/are in one partition/);
  const done = await queue.addMany(keyed(key), { followUp });
  expect(await done.queue.wait(done.id)).toBe(10);
});
