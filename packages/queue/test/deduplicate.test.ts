/** Deduplication where the choices of two adds under one key differ: the task that waits is replaced, wherever it waits. */
import type { Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const first = { key: 'd', within: 3_600_000 };
const last = { key: 'd', within: 3_600_000, keep: 'last' } as const;

it.each([
  ['in a stream', {}, false],
  ['in a stream, with a key', { key: 'k' }, false],
  ['in the line of its key', { key: 'k' }, true],
  ['delayed', { delay: 60_000 }, false],
])('"last" replaces what "first" added: %s', async (_, options, isBehind) => {
  const queue = queueOf<number>();
  if (isBehind) await queue.add(0, { id: 'ahead', key: 'k' });
  const { id } = await queue.add(1, { deduplicate: first, ...options });
  expect(await queue.add(2, { deduplicate: last })).toEqual({ id, added: false });
  expect(await queue.get(id)).toMatchObject({ state: 'delayed', data: 2 });
  expect(await queue.counts()).toMatchObject({ waiting: isBehind ? 1 : 0, delayed: 1 });
  const seen: number[] = [];
  workerOf({ queue, handler: ({ data }: Task<number>) => void seen.push(data) });
  await queue.add(3, { key: 'k' }); // its slot is free
  await eventually(() => seen, isBehind ? [0, 3] : [3]);
  expect(await client().exists('{queue:q}:slots', '{queue:q}:lines', '{queue:q}:joined')).toBe(0);
});

it('"last" replaces a task that the rate of its key holds back', async () => {
  const limits = { keys: { concurrency: 10, rate: { max: 1, per: 3_600_000 } } };
  const queue = queueOf<number>({ limits });
  const seen: number[] = [];
  workerOf({ queue, handler: ({ data }: Task<number>) => void seen.push(data) });
  await queue.add(0, { key: 'k' });
  await eventually(() => seen, [0]);
  const { id } = await queue.add(1, { key: 'k', deduplicate: first });
  await eventually(async () => await client().zcard('{queue:q}:paced'), 1);
  expect(await queue.add(2, { deduplicate: last })).toEqual({ id, added: false });
  expect(await queue.get(id)).toMatchObject({ state: 'delayed', data: 2 });
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 1 });
  expect(await client().exists('{queue:q}:paced', '{queue:q}:joined', '{queue:q}:slots')).toBe(0);
});

it('"last" replaces a task that was handed back', async () => {
  const queue = queueOf<number>();
  const handler = ({ signal }: Task<number>) =>
    new Promise((resolve) => signal.addEventListener('abort', resolve));
  const worker = workerOf({ queue, grace: 0, handler });
  const { id } = await queue.add(1, { key: 'k', deduplicate: first });
  await eventually(async () => (await queue.counts()).active, 1);
  await worker.stop();
  expect(await queue.add(2, { deduplicate: last })).toEqual({ id, added: false });
  expect(await queue.get(id)).toMatchObject({ state: 'delayed', data: 2 });
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 1 });
  expect(await client().hget('{queue:q}:meta', 'returned')).toBe('0');
  expect(await client().exists('{queue:q}:slots')).toBe(0);
});

it('"last" replaces a task that waits to be tried again, and lets its key go', async () => {
  const queue = queueOf<number>({ backoff: { type: 'constant', delay: 3_600_000 } });
  const seen: number[] = [];
  workerOf({
    queue,
    handler: ({ data }: Task<number>) => {
      seen.push(data);
      if (data === 1) throw new Error('no');
    },
  });
  const { id } = await queue.add(1, { key: 'k', deduplicate: first });
  await eventually(async () => (await queue.counts()).delayed, 1);
  await queue.add(3, { key: 'k' }); // behind it, as long as it has the key
  expect(await queue.add(2, { deduplicate: last })).toEqual({ id, added: false });
  await eventually(() => seen, [1, 3]);
  expect(await queue.get(id)).toMatchObject({ state: 'delayed', data: 2 });
  await eventually(async () => await client().exists('{queue:q}:slots'), 0);
});

it('"last" adds another where the task has begun, and where it has ended', async () => {
  const queue = queueOf<number>();
  const seen: number[] = [];
  const { id } = await queue.add(1, { deduplicate: first });
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  workerOf({
    queue,
    handler: async ({ data }: Task<number>) => {
      seen.push(data);
      await ended;
    },
  });
  await eventually(() => seen, [1]);
  const second = await queue.add(2, { deduplicate: last });
  expect(second.added).toBe(true);
  expect(second.id).not.toBe(id);
  expect(await queue.add(3, { deduplicate: last })).toEqual({ id: second.id, added: false });
  end();
  await eventually(async () => (await queue.counts()).completed, 1);
  expect(await queue.get(second.id)).toMatchObject({ state: 'delayed', data: 3 });
});

it('"last" does not replace a later task of the same id', async () => {
  const queue = queueOf<number>();
  await queue.add(1, { id: 'x', deduplicate: first });
  const seen: number[] = [];
  const worker = workerOf({ queue, handler: ({ data }: Task<number>) => void seen.push(data) });
  await eventually(async () => (await queue.counts()).completed, 1);
  await worker.stop();
  await queue.add(2, { id: 'x' });
  expect((await queue.add(3, { deduplicate: last })).added).toBe(true);
  expect(await queue.get('x')).toMatchObject({ state: 'waiting', data: 2 });
});
