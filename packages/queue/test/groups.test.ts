/** Groups of a queue, each of which gets every task, and workers that serve several queues. */
import { MisuseError } from '@holdfast/kernel';
import { listQueues, QueueFullError, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

const groups = ['thumbnails', 'audit'] as const;

it('give every task to every group, each with attempts and results of its own', async () => {
  const queue = queueOf<number>({ groups, backoff: { type: 'constant', delay: 0 } });
  const audited: number[] = [];
  workerOf({ queue: queue.group('audit'), handler: ({ data }: Task<number>) => void audited.push(data) });
  workerOf({
    queue: queueOf<number>({ name: 'q@thumbnails', backoff: { type: 'constant', delay: 0 } }),
    handler: ({ data, attempt, queue: name }: Task<number>) => {
      if (attempt === 1) throw new Error('again');
      return `${name} ${data}`;
    },
  });
  const [first, keyed] = [await queue.add(1), await queue.add(2, { key: 'k', priority: 3 })];
  expect(await queue.group('thumbnails').wait(first.id)).toBe('q@thumbnails 1');
  expect(await queue.group('thumbnails').wait(keyed.id)).toBe('q@thumbnails 2');
  await eventually(() => [...audited].sort(), [1, 2]);
  expect(await listQueues({ redis: url() })).toEqual(['q@audit', 'q@thumbnails']);
});

it('get a task together or not at all', async () => {
  const queue = queueOf<number>({ groups, limits: { waiting: 2 } });
  await queue.group('audit').add(0);
  expect((await queue.add(1, { id: 'one' })).added).toBe(true);
  await expect(queue.add(2)).rejects.toThrow(QueueFullError);
  expect((await queue.group('thumbnails').counts()).waiting).toBe(1);
  expect((await queue.group('audit').counts()).waiting).toBe(2);
});

it('take what is repeated once each, also where one has done it already', async () => {
  const queue = queueOf<number>({ groups });
  await queue.add(1, { id: 'one' });
  expect(await queue.add(1, { id: 'one' })).toEqual({ id: 'one', added: false });
  await queue.group('audit').remove('one');
  expect(await queue.add(1, { id: 'one' })).toEqual({ id: 'one', added: true });
  expect((await queue.group('thumbnails').counts()).waiting).toBe(1);
});

it('have schedules and pauses in common, and everything else of their own', async () => {
  const queue = queueOf<number>({ groups });
  await queue.schedule('hourly', 1, { every: 3_600_000 });
  expect(await queue.group('audit').schedules()).toHaveLength(1);
  expect(await queue.unschedule('hourly')).toBe(true);
  expect(await queue.group('thumbnails').schedules()).toHaveLength(0);
  await queue.pause();
  expect((await queue.group('audit').counts()).paused).toBe(true);
  await expect(queue.counts()).rejects.toThrow('name one, such as group("thumbnails")');
  await expect(queue.wait('x')).rejects.toThrow(MisuseError);
  expect(() => workerOf({ queue, handler: () => {} })).toThrow(MisuseError);
  expect(() => queue.group('video')).toThrow('has no group "video"; it has thumbnails, audit.');
});

it.each(['a@', '@b', 'a@b@c', 'a@b:c', 'a{b'])('have names that make sense: not %s', (name) => {
  expect(() => queueOf({ name })).toThrow(MisuseError);
});

it('a worker serves several queues, in turns, within its concurrency', async () => {
  const queues = ['a', 'b', 'c'].map((name) => queueOf<number>({ name }));
  const each = 40;
  for (const queue of queues) await queue.addMany(Array.from({ length: each }, (_, data) => ({ data })));
  const order: string[] = [];
  let [running, most] = [0, 0];
  const worker = workerOf({
    queue: queues,
    concurrency: 3,
    handler: async (task: Task<number>) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      order.push(task.queue);
      running -= 1;
    },
  });
  await eventually(() => order.length, 3 * each);
  expect(most).toBeLessThanOrEqual(3);
  // When the first queue is done with, no other is far behind.
  const turns = order.slice(
    0,
    order.lastIndexOf(order.find((name, at) => order.indexOf(name) === at) ?? '') + 1,
  );
  for (const name of ['a', 'b', 'c'])
    expect(turns.filter((one) => one === name).length).toBeGreaterThan(each / 3);
  expect(worker.problem).toBeUndefined();
  await queues[2]?.add(1);
  await eventually(() => order.length, 3 * each + 1);
  expect(() => workerOf({ queue: [], handler: () => {} })).toThrow(MisuseError);
});

it('the rate of a key holds back its tasks, in order, and no others', async () => {
  const queue = queueOf<string>({ limits: { keys: { rate: { max: 2, per: 400 } } } });
  const serverTime = async (): Promise<number> => {
    const [seconds, micros] = (await client().time()) as unknown as [number, number];
    return Number(seconds) * 1000 + Number(micros) / 1000;
  };
  const first = await serverTime();
  for (let n = 0; n < 5; n += 1) await queue.add(`slow ${n}`, { key: 'slow' });
  for (let n = 0; n < 5; n += 1) await queue.add(`other ${n}`, { key: `other ${n}` });
  const began: [string, number][] = [];
  workerOf({
    queue,
    concurrency: 10,
    handler: async ({ data }: Task<string>) => {
      began.push([data, await serverTime()]);
    },
  });
  await eventually(() => began.length, 10);
  const slow = began.filter(([data]) => data.startsWith('slow'));
  expect(slow.map(([data]) => data)).toEqual([0, 1, 2, 3, 4].map((n) => `slow ${n}`));
  const last = slow.at(-1)?.[1] ?? 0;
  // Two at once, then one each 200 ms.
  expect(last - first).toBeGreaterThan(590);
  expect(began.slice(0, 7).filter(([data]) => data.startsWith('other'))).toHaveLength(5);
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0 });
  await eventually(
    async () => (await client().zcard('{queue:q}:paced')) + (await client().hlen('{queue:q}:slots')),
    0,
  );
});
