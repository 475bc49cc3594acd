/** A queue over the shards of a real Cluster. */
import { MisuseError } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createPartitionedQueue, createWorker, listQueues, QueueFullError, type Task } from '@holdfast/queue';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

const SLOTS = [0, 5_461, 10_923, 16_384];

let nodes: LocalNodes;
let masters: Redis[];
beforeAll(async () => {
  nodes = await startNodes(3, { args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'] });
  masters = nodes.urls.map((url) => new Redis(url));
  const ports = nodes.nodes.map(({ port }) => String(port));
  for (const [index, redis] of masters.entries()) {
    const [from = 0, to = 0] = SLOTS.slice(index);
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1));
    await redis.call('CLUSTER', 'MEET', '127.0.0.1', ports[0] ?? '');
  }
  for (const redis of masters) {
    const settled = async (): Promise<void> =>
      expect(String(await redis.call('CLUSTER', 'INFO'))).toMatch(/cluster_state:ok.*known_nodes:3/s);
    await vi.waitFor(settled, { timeout: 20_000, interval: 50 });
  }
}, 60_000);
afterAll(async () => {
  for (const redis of masters) redis.disconnect();
  await nodes.stop();
});

const url = (): string => `redis-cluster://${nodes.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;

it('spreads over the shards, keeps the order of keys, and is served by one worker', async () => {
  await using images = createPartitionedQueue<{ key: string; n: number }>({
    redis: url(),
    name: 'images',
    partitions: 9,
  });
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (let n = 0; n < 5; n += 1)
    for (const key of keys) expect((await images.add({ key, n }, { key })).added).toBe(true);
  const plain = await images.addMany(Array.from({ length: 9 }, (_, n) => ({ data: { key: 'none', n } })));
  expect(new Set(plain.map(({ queue }) => queue.name)).size).toBe(1);
  const single = await Promise.all(keys.concat('g', 'h', 'i').map((_, n) => images.add({ key: 'none', n })));
  expect(new Set(single.map(({ queue }) => queue.name)).size).toBe(9);
  for (const redis of masters) expect(await redis.dbsize()).toBeGreaterThan(0);
  expect(await images.counts()).toMatchObject({ waiting: 48, workers: 0, paused: false });
  // Whichever shard they are on.
  expect(await listQueues({ redis: url() })).toEqual(images.partitions.map(({ name }) => name).sort());

  const seen = new Map<string, number[]>();
  await using _worker = createWorker({
    queue: images.partitions,
    concurrency: 4,
    handler: ({ data }: Task<{ key: string; n: number }>) => {
      seen.set(data.key, [...(seen.get(data.key) ?? []), data.n]);
      return data.n;
    },
  });
  await expect.poll(async () => (await images.counts()).completed, { timeout: 20_000 }).toBe(48);
  for (const key of keys) expect(seen.get(key)).toEqual([0, 1, 2, 3, 4]);
  const [one] = plain;
  expect(await one?.queue.wait(one.id)).toBe(0);
});

it('knows a task by its id, wherever it is', async () => {
  await using queue = createPartitionedQueue<number>({ redis: url(), name: 'ids', partitions: 3 });
  const first = await queue.add(1, { id: 'one' });
  expect(await queue.add(1, { id: 'one' })).toMatchObject({ added: false });
  expect((await queue.partitionOf('one').get('one'))?.data).toBe(1);
  expect(first.queue.name).toBe(queue.partitionOf('one').name);
});

it('spreads a large call over all partitions, and each task of a call where each has a share of limits', async () => {
  await using free = createPartitionedQueue<number>({ redis: url(), name: 'free', partitions: 3 });
  const many = await free.addMany(Array.from({ length: 90 }, (_, data) => ({ data })));
  const { length: parts } = free.partitions;
  for (const { name } of free.partitions)
    expect(many.filter(({ queue }) => queue.name === name)).toHaveLength(many.length / parts);

  const options = { redis: url(), name: 'shares', partitions: 3, limits: { waiting: 6 } };
  await using shares = createPartitionedQueue<number>(options);
  await shares.addMany(Array.from({ length: 6 }, (_, data) => ({ data })));
  expect((await shares.counts()).waiting).toBe(6);
});

it('refuses a number of partitions that makes none', () => {
  expect(() => createPartitionedQueue({ redis: url(), name: 'x', partitions: 1 })).toThrow(MisuseError);
});

it('has its limits as a whole: each partition has a share', async () => {
  const limits = { waiting: 7, concurrency: 4, rate: { max: 5, per: 3_600_000 } };
  await using queue = createPartitionedQueue<number>({
    redis: url(),
    name: 'limited',
    partitions: 3,
    limits,
  });
  const tries = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => queue.add(n)));
  const refused = tries.filter((tried) => tried.status === 'rejected');
  expect(refused.map(({ reason }) => reason)).toEqual(Array(5).fill(expect.any(QueueFullError)));
  expect(await queue.counts()).toMatchObject({ waiting: 7 });

  let most = 0;
  let active = 0;
  const waiting: (() => void)[] = [];
  await using worker = createWorker({
    queue: queue.partitions,
    concurrency: 100,
    grace: 0,
    handler: async () => {
      active += 1;
      most = Math.max(most, active);
      await new Promise<void>((resolve) => waiting.push(resolve));
      active -= 1;
    },
  });
  await expect.poll(() => waiting.length, { timeout: 20_000 }).toBe(4);
  for (const resolve of waiting.splice(0)) resolve();
  await expect.poll(() => waiting.length, { timeout: 20_000 }).toBe(1);
  for (const resolve of waiting.splice(0)) resolve();
  await expect.poll(async () => (await queue.counts()).completed, { timeout: 20_000 }).toBe(5);
  expect(await queue.counts()).toMatchObject({ waiting: 2, active: 0 });
  expect(most).toBe(4);
  expect(worker.problem).toBeUndefined();
});

it.each([{ waiting: 2 }, { concurrency: 2 }, { rate: { max: 2, per: 1_000 } }])(
  'refuses a limit that leaves a partition without any: %j',
  (limits) => {
    const options = { redis: url(), name: 'x', partitions: 3, limits };
    expect(() => createPartitionedQueue(options)).toThrow(/partitions is at least 3, one for each; got 2/);
  },
);

it('is paused as a whole, and a task is removed from wherever it is', async () => {
  await using queue = createPartitionedQueue<number>({ redis: url(), name: 'whole', partitions: 3 });
  await queue.add(1, { id: 'mine', key: 'k' });
  const given = await queue.add(2);
  await queue.pause();
  expect(await queue.counts()).toMatchObject({ paused: true, waiting: 2 });
  await queue.resume();
  expect((await queue.counts()).paused).toBe(false);
  expect(await queue.remove('mine')).toBe(true);
  expect(await queue.remove('mine')).toBe(false);
  await expect(queue.remove(given.id)).rejects.toThrow('use the queue that add returned');
  expect(await given.queue.remove(given.id)).toBe(true);
  expect((await queue.counts()).waiting).toBe(0);
});

it('is looked up, requeued, purged and obliterated as a whole', async () => {
  await using queue = createPartitionedQueue<number>({
    redis: url(),
    name: 'admin',
    partitions: 3,
    attempts: 1,
  });
  expect(await queue.exists()).toBe(false);
  // One that fails, in a partition that its id alone does not lead to.
  await queue.add(1, { id: 'mine', key: 'k' });
  expect(await queue.get('mine')).toMatchObject({ data: 1, state: 'waiting' });
  expect(await queue.get('nobody')).toBeUndefined();
  const handled: number[] = [];
  let release = (): void => {};
  const worker = createWorker({
    queue: queue.partitions,
    grace: 0,
    handler: async ({ data, signal }: Task<number>) => {
      handled.push(data);
      if (handled.length === 1) throw new Error('planned');
      if (data === 9) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      release();
    },
  });
  await expect.poll(async () => (await queue.get('mine'))?.state, { timeout: 20_000 }).toBe('dead');
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  expect(await queue.requeue('mine')).toBe(true);
  await released;
  expect(await queue.requeue('mine')).toBe(false);
  await expect(queue.requeue((await queue.add(2)).id)).rejects.toThrow('use the queue that add returned');

  await queue.add(9, { id: 'held' });
  await expect.poll(() => handled.includes(9), { timeout: 20_000 }).toBe(true);
  for (let n = 0; n < 9; n += 1) await queue.add(n, { delay: 3_600_000 });
  expect(await queue.purge('delayed')).toBe(9);
  expect(await queue.counts()).toMatchObject({ delayed: 0, active: 1 });

  await expect(queue.obliterate({ confirm: 'admin.0' })).rejects.toThrow('give its name as confirm');
  await expect(queue.obliterate({ confirm: 'admin' })).rejects.toThrow('Workers have 1 tasks of "admin"');
  expect(await queue.exists()).toBe(true);
  await worker.stop();
  await queue.obliterate({ confirm: 'admin', force: true });
  expect(await queue.exists()).toBe(false);
  expect(await queue.get('mine')).toBeUndefined();
});
