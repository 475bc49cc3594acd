/** What a queue knows of a task: when it was added, begun and ended, its attempts, its log, and the causes of its errors. */
import { MisuseError } from '@holdfast/kernel';
import { LeaseLostError, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const immediately = { type: 'constant', delay: 0 } as const;

/** The time of the server, in ms. */
async function now(): Promise<number> {
  const [seconds = 0, micros = 0] = await client().time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

it.each([
  ['plain', {}],
  ['with an id', { id: 'x' }],
  ['with a key and a delay', { key: 'k', delay: 1 }],
  ['with a priority', { priority: 3 }],
])('tells when a task was added, begun and ended, and by which attempt: %s', async (_, options) => {
  const queue = queueOf<number>({ backoff: immediately });
  const from = await now();
  const { id } = await queue.add(1, options);
  const until = await now();
  const { added = 0 } = (await queue.get(id)) ?? {};
  expect(added).toBeGreaterThanOrEqual(from);
  expect(added).toBeLessThanOrEqual(until);
  let active: Awaited<ReturnType<typeof queue.get>>;
  workerOf({
    queue,
    name: 'w',
    handler: async (task: Task<number>) => {
      if (task.attempt === 1) throw new Error('at first');
      active = await queue.get(id);
      return 'done';
    },
  });
  expect(await queue.wait(id)).toBe('done');
  expect(active).toMatchObject({ state: 'active', worker: 'w', added, failed: 1 });
  expect(active?.begun).toBeGreaterThanOrEqual(added);
  const info = (await queue.get(id)) as Required<NonNullable<Awaited<ReturnType<typeof queue.get>>>>;
  expect(info).toMatchObject({ state: 'completed', result: 'done', added, attempt: 2, worker: 'w' });
  expect(info.begun).toBeGreaterThanOrEqual(added);
  expect(info.ended).toBeGreaterThanOrEqual(info.begun);
  expect(info.duration).toBeGreaterThanOrEqual(0);
  expect(info.errors).toMatchObject([{ attempt: 1, worker: 'w', message: 'at first' }]);
  expect(info.errors[0]?.duration).toBeGreaterThanOrEqual(0);
});

it('tells when a task became a dead letter or was cancelled, and keeps when it was added when it is tried again', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const { id } = await queue.add(1);
  const { added } = (await queue.get(id)) ?? {};
  const worker = workerOf({
    queue,
    handler: () => {
      throw new Error('broken');
    },
  });
  await eventually(async () => (await queue.get(id))?.state, 'dead' as const);
  await worker.stop();
  const dead = await queue.get(id);
  expect(dead).toMatchObject({ added });
  expect(dead?.ended).toBeGreaterThanOrEqual(added ?? 0);
  await queue.requeue(id);
  expect(await queue.get(id)).toMatchObject({ state: 'waiting', added });
  await queue.cancel(id);
  expect((await queue.get(id))?.ended).toBeGreaterThanOrEqual(dead?.ended ?? 0);
});

it('keeps what handlers log, bounded, as long as anything is known of the task', async () => {
  const queue = queueOf<number>({ backoff: immediately });
  const { id } = await queue.add(1, { id: 'x' });
  const tasks: Task<number>[] = [];
  const worker = workerOf({
    queue,
    handler: async (task: Task<number>) => {
      tasks.push(task);
      await task.log(`attempt ${task.attempt}\nwith a second line, and "quotes"`);
      if (task.attempt === 1) throw new Error('again');
      for (let n = 0; n < 150; n += 1) await task.log(`${n} ${'x'.repeat(n === 149 ? 5_000 : 300)}`);
      await expect(task.log(5 as never)).rejects.toThrow(MisuseError);
    },
  });
  await queue.wait(id);
  const log = await queue.log(id);
  expect(log.length).toBeLessThanOrEqual(100);
  expect(log.length).toBeGreaterThan(60);
  expect(log.at(-1)).toMatchObject({ attempt: 2, text: `149 ${'x'.repeat(996)}…` });
  expect(log.at(-2)?.text).toMatch(/^148 x+$/);
  expect(log[0]?.at).toBeLessThanOrEqual(log.at(-1)?.at ?? 0);
  expect(await client().hstrlen('{queue:q}:logs', id)).toBeLessThanOrEqual(32_000);
  await expect(tasks[1]?.log('late')).rejects.toThrow(LeaseLostError);
  await worker.stop();
  // It goes with the result, when a task ends at a worker that keeps none.
  const forgetful = queueOf<number>({ limits: { retain: { count: 0, age: 0 } } });
  workerOf({ queue: forgetful, handler: () => {} });
  await queue.add(2);
  await eventually(async () => queue.log(id), []);
  expect(await queue.log('never')).toEqual([]);
});

it('shows a log from its first line, and forgets it with a task that is removed or added again', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const worker = workerOf({
    queue,
    handler: async (task: Task<number>) => {
      await task.log('first\nsecond');
      throw new Error('broken');
    },
  });
  for (const id of ['x', 'y']) await queue.add(1, { id });
  await eventually(async () => (await queue.counts()).dead, 2);
  await worker.stop();
  expect(await queue.log('x')).toMatchObject([{ attempt: 1, text: 'first\nsecond' }]);
  await queue.remove('x');
  expect(await queue.log('x')).toEqual([]);
  await queue.add(2, { id: 'y' });
  expect(await queue.log('y')).toEqual([]);
});

it('keeps the causes of errors, the errors of an AggregateError, and objects that were thrown, readable and bounded', async () => {
  const circle = new Error('circle');
  circle.cause = circle;
  let deep: unknown = new Error('bottom');
  for (let n = 0; n < 50; n += 1) deep = new Error(`level ${n}`, { cause: deep });
  const throws: Record<string, () => unknown> = {
    cause: () => new Error('no order', { cause: new TypeError('no price', { cause: 'no shop' }) }),
    aggregate: () => new AggregateError([new Error('one'), new RangeError('two')], 'both failed'),
    object: () => ({ status: 429, retryAfter: 5 }),
    message: () => ({ message: 'an error of another realm', code: 7 }),
    circle: () => circle,
    deep: () => deep,
    long: () => new Error('x', { cause: new Error('y'.repeat(1_000_000)) }),
    many: () => new AggregateError(Array.from({ length: 1_000 }, (_, n) => new Error(String(n)))),
  };
  const queue = queueOf<string>({ attempts: 1 });
  for (const id of Object.keys(throws)) await queue.add(id, { id });
  workerOf({
    queue,
    concurrency: 4,
    handler: ({ data }: Task<string>) => {
      throw throws[data]?.();
    },
  });
  await eventually(async () => (await queue.counts()).dead, Object.keys(throws).length);
  const of = async (id: string) => (await queue.get(id))?.errors?.[0];
  expect(await of('cause')).toMatchObject({
    message: 'no order',
    cause: 'caused by TypeError: no price\n  caused by no shop',
  });
  expect(await of('aggregate')).toMatchObject({
    message: 'both failed',
    cause: 'with Error: one\nwith RangeError: two',
  });
  expect(await of('object')).toMatchObject({ message: '{"status":429,"retryAfter":5}' });
  expect(await of('message')).toMatchObject({ message: 'an error of another realm' });
  expect((await of('circle'))?.cause).toBeUndefined();
  expect((await of('deep'))?.cause?.split('\n')).toHaveLength(6);
  expect((await of('long'))?.cause?.length).toBeLessThan(400);
  expect((await of('many'))?.cause?.split('\n')).toHaveLength(10);
});
