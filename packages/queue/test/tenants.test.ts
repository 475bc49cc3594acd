/** Tenants share the workers in turns. */
import { MisuseError } from '@holdfast/kernel';
import type { Queue, Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const many = (queue: Queue<string, string>, tenant: string, count: number): Promise<unknown> =>
  queue.addMany(Array.from({ length: count }, (_, n) => ({ data: `${tenant}${n}`, options: { tenant } })));

/** A worker that notes what it handles, one at a time. */
function noting(queue: Queue<string, string>, handler: (task: Task<string>) => unknown = () => {}): string[] {
  const seen: string[] = [];
  workerOf({
    queue,
    handler: (task: Task<string>) => {
      seen.push(task.data);
      return handler(task);
    },
  });
  return seen;
}

const LEFT = ['slots', 'lines', 'joined', 'places', 'tasks'].map((name) => `{queue:q}:${name}`);

it('takes turns, however many tasks one of them has, and each is in order', async () => {
  const queue = queueOf<string>();
  await many(queue, 'a', 20);
  await many(queue, 'b', 3);
  await many(queue, 'c', 1);
  await queue.add('plain');
  const seen = noting(queue);
  await eventually(() => seen.length, 25);
  expect(seen.slice(0, 8)).toEqual(['a0', 'b0', 'c0', 'plain', 'a1', 'b1', 'a2', 'b2']);
  expect(seen.slice(8)).toEqual(Array.from({ length: 17 }, (_, n) => `a${n + 3}`));
  await eventually(async () => client().exists(...LEFT), 0);
});

it('one that comes while another floods waits for no more than one task of each', async () => {
  const queue = queueOf<string>();
  await many(queue, 'a', 200);
  let late: Promise<unknown> | undefined;
  const seen = noting(queue, async ({ data }) => {
    if (data === 'a9') late ??= many(queue, 'b', 1);
    await late;
  });
  await eventually(() => seen.length, 201);
  // What the worker had claimed ahead by then comes first.
  expect(seen.indexOf('b0')).toBeLessThan(60);
});

it('a tenant that is alone has all workers at once', async () => {
  const queue = queueOf<string>();
  await many(queue, 'a', 30);
  const tasks: Task<string>[] = [];
  const ends: (() => void)[] = [];
  workerOf({
    queue,
    concurrency: 20,
    handler: (task: Task<string>) => {
      tasks.push(task);
      return new Promise<void>((resolve) => ends.push(resolve));
    },
  });
  await eventually(() => tasks.length, 20);
  expect(tasks[0]).toMatchObject({ tenant: 'a', key: undefined, data: 'a0' });
  expect(await queue.counts()).toMatchObject({ active: 20, waiting: 10 });
  await eventually(() => {
    for (const end of ends.splice(0)) end();
    return tasks.length;
  }, 30);
  for (const end of ends.splice(0)) end();
});

it('has as many tasks in a turn as it has weight, also from the middle of its line on', async () => {
  const queue = queueOf<string>();
  await many(queue, 'a', 8);
  await many(queue, 'b', 8);
  await queue.weigh('a', 3);
  const seen = noting(queue);
  await eventually(() => seen.length, 16);
  // Two more of a were let in behind b's first.
  expect(seen.slice(0, 9)).toEqual(['a0', 'b0', 'a1', 'a2', 'a3', 'b1', 'a4', 'a5', 'a6']);
  await queue.weigh('a', 1);
  expect(await client().exists('{queue:q}:weights')).toBe(0);
  await expect(queue.weigh('a', 0)).rejects.toThrow(/weight is a whole number from 1 to 1000/);
});

it('a task that is tried again holds up no other of its tenant', async () => {
  const queue = queueOf<string>({ backoff: { type: 'constant', delay: 50 } });
  await many(queue, 'a', 3);
  const seen = noting(queue, ({ data, attempt }) => {
    if (data === 'a0' && attempt === 1) throw new Error('once');
  });
  await eventually(() => seen, ['a0', 'a1', 'a2', 'a0']);
  await eventually(async () => client().exists(...LEFT), 0);
});

it('turns are passed on by tasks that are removed, cancelled, replaced or handed back', async () => {
  const queue = queueOf<string>();
  const add = (id: string, more: object = {}) => queue.add(id, { id, tenant: 'a', ...more });
  for (const id of ['removed', 'cancelled', 'in line', 'last', 'end']) await add(id);
  await queue.remove('in line');
  await queue.remove('removed');
  await queue.cancel('cancelled');
  expect(await queue.get('last')).toMatchObject({ state: 'waiting', tenant: 'a' });
  const deduplicate = { key: 'd', within: 3_600_000 };
  await queue.add('first', { id: 'replaced', tenant: 'b', deduplicate });
  await queue.add('behind', { id: 'behind', tenant: 'b' });
  await queue.add('later', { tenant: 'b', deduplicate: { ...deduplicate, keep: 'last' } });
  const holding = workerOf({
    queue,
    handler: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  });
  await eventually(() => holding.inFlight, 1);
  await holding.stop();
  const seen = noting(queue);
  await eventually(() => seen.sort(), ['behind', 'end', 'last']);
  expect(await queue.remove('replaced')).toBe(true);
  await eventually(async () => client().exists(...LEFT), 0);
});

it('is told of a task wherever that is, also by a schedule, and goes with a priority', async () => {
  const queue = queueOf<string>({ attempts: 1 });
  await queue.add('low', { tenant: 'a' });
  await queue.add('high', { tenant: 'a', priority: 9 });
  await queue.add('higher', { tenant: 'b', priority: 9 });
  await queue.schedule('s', 'scheduled', { every: 3_600_000, tenant: 'c' });
  const id = await queue.runSchedule('s');
  expect(await queue.get(String(id))).toMatchObject({ tenant: 'c' });
  expect((await queue.list('waiting')).tasks).toHaveLength(4);
  const seen = noting(queue, ({ data }) => {
    if (data === 'low') throw new Error('no');
  });
  await eventually(() => seen.length, 4);
  expect(seen).toEqual(['higher', 'low', 'high', 'scheduled']);
  const [dead] = (await queue.list('dead')).tasks;
  expect(dead).toMatchObject({ tenant: 'a' });
  expect(dead).not.toHaveProperty('key');
  await queue.requeue(dead?.id ?? '');
  await eventually(() => seen.length, 5);
});

it('refuses a key beside a tenant', async () => {
  const queue = queueOf<string>();
  await expect(queue.add('x', { tenant: 'a', key: 'k' })).rejects.toThrow(MisuseError);
  await expect(queue.schedule('s', 'x', { every: 100, tenant: 'a', key: 'k' })).rejects.toThrow(/Give one/);
});
