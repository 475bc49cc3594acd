/** What somebody has written into a queue by hand: it becomes a dead letter that says why, and the others go on. */
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const TASKS = '{queue:q}:tasks';
const STREAM = '{queue:q}:ready:0';

const spoil = (id: string, record: string): Promise<unknown> => client().hset(TASKS, id, record);

it.each([
  ['a record that is no JSON', (id: string) => spoil(id, '0 0 \n{"d":1'), /cannot be read: /],
  ['a record of nothing', (id: string) => spoil(id, ''), /does not begin with its priority/],
  ['a record without a head', (id: string) => spoil(id, '{"d":1}'), /does not begin with its priority/],
  ['a record that is null', (id: string) => spoil(id, '0 0 \nnull'), /has no data/],
  ['attempts that are no number', (id: string) => spoil(id, '0 0 \n{"d":1,"m":"x"}'), /says nonsense/],
  ['errors that are no list', (id: string) => spoil(id, '0 0 \n{"d":1,"e":5}'), /says nonsense/],
])('%s is set aside, while it waits, is delayed or waits for its key', async (_, write, reason) => {
  const queue = queueOf<number>();
  await queue.add(0, { id: 'waiting' });
  await queue.add(0, { id: 'delayed', delay: 1 });
  await queue.add(0, { id: 'first', key: 'k' });
  await queue.add(0, { id: 'in line', key: 'k' });
  await queue.add(0, { id: 'behind', key: 'k' });
  for (const id of ['waiting', 'delayed', 'in line']) await write(id);
  const { id: good } = await queue.add(7);
  const worker = workerOf({ queue, concurrency: 4, handler: ({ data }) => data });
  expect(await queue.wait(good)).toBe(7);
  expect([await queue.wait('first'), await queue.wait('behind')]).toEqual([0, 0]);
  await eventually(async () => (await queue.counts()).dead, 3);
  for (const id of ['waiting', 'delayed', 'in line'])
    expect((await queue.get(id))?.errors?.[0]?.message).toMatch(reason);
  expect((await queue.list('dead')).tasks).toHaveLength(3);
  await eventually(async () => (await queue.counts()).active, 0);
  expect(worker.problem).toBeUndefined();
});

it('so is an entry of a stream', async () => {
  const queue = queueOf<number>();
  const { id: good } = await queue.add(7);
  expect(await client().exists(STREAM)).toBe(1);
  const written = [
    await client().xadd(STREAM, '*', 'd', '{"broken'),
    await client().xadd(STREAM, '*', 'd', '1', 'o', '{"broken'),
    await client().xadd(STREAM, '*', 'foreign', 'text'),
  ].map(String);
  expect((await queue.list('waiting')).tasks.length).toBeGreaterThan(0);
  const { id: behind } = await queue.add(8);
  workerOf({ queue, concurrency: 4, handler: ({ data }) => data });
  expect(await Promise.all([queue.wait(good), queue.wait(behind)])).toEqual([7, 8]);
  await eventually(async () => (await queue.counts()).dead, 3);
  for (const id of written) {
    const letter = await queue.get(id);
    expect(letter?.errors?.[0]?.message).toMatch(/cannot be read: /);
    expect(letter?.data).toEqual(expect.any(String));
  }
  expect(await client().xlen(STREAM)).toBe(0);
});

it('so is what was handed back by a worker that could not read it', async () => {
  const queue = queueOf<number>();
  await queue.add(1, { id: 'x' });
  const first = workerOf({
    queue,
    handler: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(0))),
  });
  await eventually(async () => (await queue.counts()).active, 1);
  await spoil('x', '0 0 \n{');
  await first.stop();
  workerOf({ queue, handler: () => 'done' });
  await eventually(async () => (await queue.get('x'))?.state, 'dead' as const);
});
