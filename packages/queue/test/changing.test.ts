/** Tasks that wait are changed, or begin at another time: each in one step, unless a worker has them. */
import { MisuseError } from '@holdfast/kernel';
import { createPartitionedQueue, type Queue, type Task, type TaskHandler } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

/** What a worker handles from now on, one at a time. */
function noting<Data>(queue: Queue<Data, Data>, handler: TaskHandler<Data> = () => {}): Data[] {
  const seen: Data[] = [];
  workerOf({
    queue,
    handler: (task: Task<Data>) => {
      seen.push(task.data);
      return handler(task);
    },
  });
  return seen;
}

const HOUR = 3_600_000;

const LEFT = ['slots', 'lines', 'joined', 'places', 'tasks', 'delayed'].map((name) => `{queue:q}:${name}`);

it('a delayed task is promoted, and a task that could begin is delayed', async () => {
  const queue = queueOf<string>();
  const [slow, plain, own] = await Promise.all([
    queue.add('slow', { delay: HOUR }),
    queue.add('plain'),
    queue.add('own', { id: 'own' }),
  ]);
  expect(await queue.reschedule(plain.id, { delay: HOUR })).toBe('changed');
  expect(await queue.reschedule(own.id, { at: Date.now() + HOUR })).toBe('changed');
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 3 });
  expect((await queue.get(plain.id))?.added).toBe(Number.parseInt(plain.id, 10));
  expect(await queue.promote(slow.id)).toBe('changed');
  expect(await queue.promote(slow.id)).toBe('changed');
  expect(await queue.reschedule(plain.id, { at: new Date(0) })).toBe('changed');
  expect(await queue.counts()).toMatchObject({ waiting: 2, delayed: 1 });
  const seen = noting(queue);
  await eventually(() => seen, ['slow', 'plain']);
  await eventually(() => queue.promote(plain.id), 'ended' as const);
  expect(await queue.promote(own.id)).toBe('changed');
  await eventually(() => seen.length, 3);
  await eventually(async () => client().exists(...LEFT), 0);
});

it('data and priority are changed together, of tasks of every kind', async () => {
  const queue = queueOf<string>({ attempts: 2, timeout: 60_000 });
  const ids: string[] = [];
  for (const options of [{}, { priority: 1 }, { id: 'own' }, { tenant: 't' }, { key: 'k' }, { delay: HOUR }])
    ids.push((await queue.add('old', options)).id);
  for (const [place, id] of ids.entries())
    expect(await queue.change(id, { data: `new ${place}`, priority: 9 - place })).toBe('changed');
  const read = await Promise.all(ids.map((id) => queue.get(id)));
  expect(read.map((task) => [task?.data, task?.priority])).toEqual(
    ids.map((_, place) => [`new ${place}`, 9 - place]),
  );
  expect(read.map((task) => task?.tenant ?? task?.key)).toEqual([...Array(3), 't', 'k', undefined]);
  expect(await queue.promote(ids[5] as string)).toBe('changed');
  const seen = noting(queue);
  await eventually(
    () => seen,
    ids.map((_, place) => `new ${place}`),
  );
  await eventually(async () => client().exists(...LEFT), 0);
  expect(await queue.change(ids[0] as string, { priority: 1 })).toBe('ended');
  expect(await queue.change('nobody', { priority: 1 })).toBe('unknown');
});

it('nothing is changed of a task that a worker has', async () => {
  const queue = queueOf<string>();
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const seen = noting(queue, () => ended);
  const { id } = await queue.add('first');
  await eventually(() => seen, ['first']);
  expect(await queue.change(id, { data: 'other' })).toBe('active');
  expect(await queue.reschedule(id, { delay: HOUR })).toBe('active');
  expect(await queue.promote(id)).toBe('active');
  expect(await queue.get(id)).toMatchObject({ state: 'active', data: 'first' });
  end();
  await queue.wait(id);
});

it('a task of a key gives its slot to the next one, unless it has begun', async () => {
  const queue = queueOf<string>({ backoff: { type: 'constant', delay: HOUR } });
  const ids = await Promise.all(
    ['a', 'b', 'c'].map(async (data) => (await queue.add(data, { key: 'k' })).id),
  );
  // It stands in line, and keeps its place there.
  expect(await queue.change(ids[1] as string, { data: 'B', priority: 5 })).toBe('changed');
  expect(await queue.reschedule(ids[0] as string, { delay: HOUR })).toBe('changed');
  const failing = new Set(['B']);
  const seen = noting(queue, ({ data }) => {
    if (failing.delete(data)) throw new Error('once');
  });
  await eventually(async () => (await queue.get(ids[1] as string))?.failed, 1);
  // B waits for its next attempt and keeps the key, also where its time is another.
  expect(await queue.reschedule(ids[1] as string, { delay: 2 * HOUR })).toBe('changed');
  expect(await queue.promote(ids[0] as string)).toBe('changed');
  expect(await queue.counts()).toMatchObject({ waiting: 2, delayed: 1 });
  expect(await queue.promote(ids[1] as string)).toBe('changed');
  await eventually(() => seen, ['B', 'B', 'c', 'a']);
  await eventually(async () => client().exists(...LEFT), 0);
});

it('a task that was handed back keeps the count of its deliveries', async () => {
  const queue = queueOf<string>({ attempts: 5 });
  const { id } = await queue.add('x');
  const first = workerOf({ queue, handler: () => new Promise(() => {}) });
  await eventually(async () => (await queue.get(id))?.state, 'active' as const);
  // The server takes the session for one of a worker that has died.
  await queue.pause();
  const [session = ''] = await client().zrange('{queue:q}:sessions', '0', '0');
  await client().zadd('{queue:q}:sessions', 1, session);
  workerOf({ queue, lease: 100, handler: () => {} });
  await eventually(async () => (await queue.get(id))?.state, 'waiting' as const);
  await first.stop();
  expect(await queue.change(id, { data: 'y' })).toBe('changed');
  expect(await queue.reschedule(id, { delay: HOUR })).toBe('changed');
  expect(await queue.get(id)).toMatchObject({ data: 'y', failed: 1, state: 'delayed' });
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 1 });
});

it('what is unique stays so, and turns of tenants go on', async () => {
  const queue = queueOf<string>();
  const unique = { deduplicate: { key: 'd', until: 'begun' } } as const;
  const { id } = await queue.add('first', unique);
  expect(await queue.reschedule(id, { delay: HOUR })).toBe('changed');
  expect(await queue.change(id, { data: 'later' })).toBe('changed');
  expect(await queue.add('second', unique)).toEqual({ id, added: false });
  const tenants = await Promise.all(
    ['a0', 'a1', 'a2'].map(async (data) => (await queue.add(data, { tenant: 'a' })).id),
  );
  expect(await queue.reschedule(tenants[0] as string, { delay: HOUR })).toBe('changed');
  expect(await queue.change(tenants[1] as string, { priority: 3 })).toBe('changed');
  await queue.add('b0', { tenant: 'b' });
  for (const each of [id, tenants[0] as string]) expect(await queue.promote(each)).toBe('changed');
  const seen = noting(queue);
  await eventually(() => seen, ['a1', 'b0', 'later', 'a2', 'a0']);
  expect(await queue.add('third', unique)).toMatchObject({ added: true });
  await eventually(async () => client().exists(...LEFT), 0);
});

it('refuses what makes no sense, and changes nothing then', async () => {
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
    },
  } as const;
  const queue = queueOf<number>({ schema });
  const { id } = await queue.add(1);
  for (const [change, says] of [
    [() => queue.change(id, {}), /neither/],
    [() => queue.change(id, { data: 'x' as never, priority: 3 }), /no number/],
    [() => queue.change(id, { priority: 10 }), /priority/],
    [() => queue.reschedule(id, {} as never), /neither/],
    [() => queue.reschedule(id, { at: 1, delay: 1 } as never), /both/],
    [() => queue.reschedule(id, { delay: -1 }), /delay/],
    [() => queue.reschedule(id, { at: new Date('nonsense') }), /at is a Date/],
    [() => queue.promote(''), /id/],
  ] as const) {
    await expect(change()).rejects.toThrow(MisuseError);
    await expect(change()).rejects.toThrow(says);
  }
  expect(await queue.get(id)).toMatchObject({ state: 'waiting', data: 1, priority: 0 });
  const after = await queue.addMany([{ data: 1, options: { delay: HOUR } }], { followUp: { data: 2 } });
  await expect(queue.change(after.id, { data: 3 })).rejects.toThrow(/follow-up/);
  expect(await queue.change(after.tasks[0]?.id ?? '', { data: 3 })).toBe('changed');
  const entry = await client().xadd('{queue:q}:ready:0', '*', 'd', '1', 'o', '{');
  await expect(queue.change(String(entry), { data: 1 })).rejects.toThrow(MisuseError);
});

it('a cancelled task that nobody has any more is not brought back', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('x', { id: 'x' });
  const worker = workerOf({ queue, grace: 0, handler: () => new Promise(() => {}) });
  await eventually(async () => (await queue.get(id))?.state, 'active' as const);
  await client().hset(
    '{queue:q}:cancelling',
    `0 ${(await client().xrange('{queue:q}:ready:0', '-', '+'))[0]?.[0]}`,
    'sold',
  );
  await client().hincrby('{queue:q}:meta', 'cancelling', 1);
  await client().xclaim(
    '{queue:q}:ready:0',
    'workers',
    '-',
    0,
    (await client().xrange('{queue:q}:ready:0', '-', '+'))[0]?.[0] ?? '',
  );
  await client().hincrby('{queue:q}:meta', 'returned', 1);
  expect(await queue.change(id, { data: 'y' })).toBe('ended');
  expect(await queue.promote(id)).toBe('ended');
  await worker.stop();
});

it('finds the task in whichever partition it is', async () => {
  const queue = createPartitionedQueue<string>({ redis: url(), name: 'p', partitions: 3 });
  later(() => queue.close());
  await queue.add('x', { id: 'x', delay: HOUR });
  expect(await queue.change('x', { data: 'y', priority: 2 })).toBe('changed');
  expect(await queue.reschedule('x', { delay: 2 * HOUR })).toBe('changed');
  expect(await queue.promote('x')).toBe('changed');
  expect(await queue.get('x')).toMatchObject({ data: 'y', priority: 2, state: 'waiting' });
  expect(await queue.promote('y')).toBe('unknown');
  await expect(queue.promote('1-1')).rejects.toThrow(MisuseError);
});
