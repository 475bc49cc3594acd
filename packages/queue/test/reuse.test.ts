/** Tasks that are taken out, and ids and keys that are used again: what is gone leaves nothing behind that counts. */
import { QueueFullError, type Task } from '@holdfast/queue';
import { describe, expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const READY = '{queue:q}:ready:0';

/** A promise, and what resolves it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Handles tasks by noting them, once `opened` is. */
function noting(queue: ReturnType<typeof queueOf<number>>, concurrency = 1, opened?: Promise<void>) {
  const seen: number[] = [];
  const worker = workerOf({
    queue,
    concurrency,
    handler: async (task: Task<number>) => {
      seen.push(task.data);
      await opened;
      return task.data;
    },
  });
  return { seen, worker };
}

/** Pages until there is no next one. */
async function listAll(queue: ReturnType<typeof queueOf<number>>, limit: number) {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await queue.list('waiting', { limit, after });
    expect(page.tasks.length).toBeLessThanOrEqual(limit);
    ids.push(...page.tasks.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  return ids;
}

describe('a task that is removed', () => {
  it.each([
    ['with an id', {}, {}],
    ['with a key', { key: 'k' }, { key: 'k' }],
    ['with another priority', { priority: 3 }, {}],
    ['with a key, and without it the second time', { key: 'k' }, {}],
  ])('and added again is delivered once: %s', async (_, first, second) => {
    const queue = queueOf<number>({ limits: { keys: { concurrency: 2 } } });
    await queue.add(1, { id: 'x', ...first });
    expect(await queue.remove('x')).toBe(true);
    expect(await queue.counts()).toMatchObject({ waiting: 0 });
    await queue.add(2, { id: 'x', ...second });
    await queue.add(3, { id: 'last' });
    const { opened, open } = gate();
    const { seen } = noting(queue, 3, opened);
    await eventually(() => seen.length, 2);
    open();
    await eventually(async () => (await queue.counts()).completed, 2);
    expect(seen.sort()).toEqual([2, 3]);
  });

  it('after it was handed back leaves no delivery behind', async () => {
    const queue = queueOf<number>();
    const { opened, open } = gate();
    const { seen, worker } = noting(queue, 1, opened);
    await queue.add(1, { id: 'x' });
    await eventually(() => seen, [1]);
    await worker.stop();
    open();
    expect(await listAll(queue, 10)).toEqual(['x']);
    expect(await queue.remove('x')).toBe(true);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0 });
    await queue.add(2, { id: 'x' });
    const again = noting(queue, 2);
    await eventually(async () => (await queue.counts()).completed, 1);
    expect(again.seen).toEqual([2]);
  });

  it('between attempts gives its key to the next', async () => {
    const queue = queueOf<number>({ backoff: { type: 'constant', delay: 3_600_000 } });
    await queue.add(1, { id: 'x', key: 'k' });
    await queue.add(2, { id: 'y', key: 'k' });
    const worker = workerOf({
      queue,
      handler: ({ data }: Task<number>) => {
        if (data === 1) throw new Error('no');
      },
    });
    await eventually(async () => (await queue.counts()).delayed, 1);
    expect(await queue.remove('x')).toBe(true);
    await eventually(async () => (await queue.counts()).completed, 1);
    await worker.stop();
    expect(await client().exists('{queue:q}:slots', '{queue:q}:lines', '{queue:q}:tasks')).toBe(0);
  });

  it('is forgotten by deduplication', async () => {
    const queue = queueOf<number>();
    const deduplicate = { key: 'd', within: 3_600_000 };
    for (const options of [{ deduplicate }, { deduplicate, key: 'k' }, { deduplicate, delay: 60_000 }]) {
      const { id } = await queue.add(1, options);
      expect(await queue.remove(id)).toBe(true);
    }
    const again = await queue.add(2, { deduplicate });
    expect(again.added).toBe(true);
    expect(await queue.add(3, { deduplicate })).toEqual({ id: again.id, added: false });
    noting(queue);
    await eventually(async () => (await queue.counts()).completed, 1);
    expect(await queue.add(3, { deduplicate })).toEqual({ id: again.id, added: false });
    expect(await client().hlen('{queue:q}:deduped')).toBe(2);
  });
});

it('streams hold an entry for each task that may begin, and no other', async () => {
  const queue = queueOf<number>({ limits: { keys: { concurrency: 5 } } });
  for (const id of ['a', 'b', 'c']) await queue.add(0, { id });
  for (const id of ['a', 'b', 'c']) await queue.remove(id);
  expect(await client().xlen(READY)).toBe(0);
  for (let n = 1; n <= 4; n += 1) await queue.add(n, { key: 'k' });
  for (let n = 5; n <= 9; n += 1) await queue.add(n);
  const entries: number[] = [];
  workerOf({ queue, handler: async () => void entries.push(await client().xlen(READY)) });
  await eventually(() => entries.length, 9);
  // Those that have ended are deleted with the next claim.
  expect(Math.max(...entries)).toBe(9);
  await eventually(async () => (await queue.counts()).completed, 9);
  expect(await client().xlen(READY)).toBe(0);
});

it('entries that stand for nothing do not let a worker sleep', async () => {
  const queue = queueOf<number>();
  for (let n = 0; n < 30; n += 1) await queue.add(n, { id: `gone ${n}` });
  await client().del('{queue:q}:tasks');
  await queue.add(1);
  const { seen } = noting(queue);
  await eventually(() => seen, [1]);
  expect(await client().xlen(READY)).toBeLessThanOrEqual(1);
});

describe('an id that is used again', () => {
  it('after completion: get and wait tell of the new task', async () => {
    const queue = queueOf<number>();
    const { worker } = noting(queue);
    await queue.add(1, { id: 'x' });
    expect(await queue.wait('x')).toBe(1);
    worker.pause();
    await queue.add(2, { id: 'x' });
    expect(await queue.get('x')).toMatchObject({ state: 'waiting', data: 2 });
    const result = queue.wait('x');
    worker.resume();
    expect(await result).toBe(2);
    expect(await queue.get('x')).toMatchObject({ state: 'completed', result: 2 });
    expect((await queue.list('completed')).tasks).toMatchObject([{ id: 'x', result: 2 }]);
    worker.pause();
    await queue.add(3, { id: 'x' });
    expect(await queue.remove('x')).toBe(true);
    expect(await queue.get('x')).toBeUndefined();
  });

  it('after death: its letter stays, and waits for the new task to end', async () => {
    const queue = queueOf<number>({ attempts: 1 });
    const worker = workerOf({
      queue,
      handler: ({ data }: Task<number>) => {
        if (data === 1) throw new Error('no');
        return data;
      },
    });
    await queue.add(1, { id: 'x' });
    await eventually(async () => (await queue.counts()).dead, 1);
    worker.pause();
    await queue.add(2, { id: 'x' });
    expect(await queue.get('x')).toMatchObject({ state: 'waiting', data: 2 });
    expect(await queue.requeue('x')).toBe(false);
    expect((await queue.list('dead')).tasks).toMatchObject([{ id: 'x', data: 1 }]);
    worker.resume();
    expect(await queue.wait('x')).toBe(2);
    expect(await queue.get('x')).toMatchObject({ state: 'completed', result: 2 });
    worker.pause();
    expect(await queue.requeue('x')).toBe(true);
    expect(await queue.get('x')).toMatchObject({ state: 'waiting', data: 1 });
    worker.resume();
    await eventually(async () => (await queue.get('x'))?.state, 'dead' as const);
    worker.pause();
    await queue.add(3, { id: 'x' });
    expect(await queue.purge('dead')).toBe(1);
    expect(await queue.get('x')).toMatchObject({ state: 'waiting', data: 3 });
  });
});

describe('what waits', () => {
  it('is listed, counted and purged, whatever it waits for', async () => {
    const queue = queueOf<number>({ limits: { waiting: 700, keys: { rate: { max: 1, per: 3_600_000 } } } });
    const { opened, open } = gate();
    const { seen, worker } = noting(queue, 2, opened);
    await queue.add(1, { id: 'back' });
    await queue.add(2);
    await eventually(() => seen.length, 2);
    await worker.stop();
    open();
    const added = await queue.addMany([
      ...Array.from({ length: 350 }, (_, data) => ({ data, options: { key: `k${data % 2}` } })),
      ...Array.from({ length: 100 }, (_, data) => ({ data, options: { id: `i${data}` } })),
      ...Array.from({ length: 248 }, (_, data) => ({ data, options: { priority: data % 3 } })),
    ]);
    expect(await queue.counts()).toMatchObject({ waiting: 700, active: 0 });
    await expect(queue.add(0, { key: 'k1' })).rejects.toThrow(QueueFullError);
    const listed = await listAll(queue, 30);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.length).toBe(700);
    expect(listed).toEqual(expect.arrayContaining(['back', ...added.map(({ id }) => id)]));
    expect(await queue.purge('waiting')).toBe(700);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, oldest: 0 });
    await queue.addMany(Array.from({ length: 700 }, (_, data) => ({ data })));
  });

  it('in the line of a key tells for how long', async () => {
    const queue = queueOf<number>();
    const { opened, open } = gate();
    const { seen } = noting(queue, 1, opened);
    for (let n = 0; n < 5; n += 1) await queue.add(n, { key: 'k' });
    await eventually(() => seen, [0]);
    await expect.poll(async () => (await queue.counts()).oldest).toBeGreaterThan(2);
    open();
    await eventually(async () => (await queue.counts()).completed, 5);
    expect(await queue.counts()).toMatchObject({ oldest: 0 });
  });

  it('for its key begins by its own priority', async () => {
    const queue = queueOf<number>();
    await queue.add(90, { key: 'k', priority: 9 });
    for (let n = 0; n < 3; n += 1) await queue.add(n, { key: 'k' });
    for (let n = 50; n < 53; n += 1) await queue.add(n, { priority: 5 });
    const { seen } = noting(queue);
    await eventually(() => seen, [90, 50, 51, 52, 0, 1, 2]);
  });
});

it('dead letters are kept as many, and for as long, as the queue says', async () => {
  const queue = queueOf<number>({ attempts: 1, limits: { retain: { dead: { count: 3 } } } });
  const worker = workerOf({
    queue,
    handler: () => {
      throw new Error('no');
    },
  });
  const { id: last } = (await queue.addMany(Array.from({ length: 8 }, (_, data) => ({ data })))).at(-1) ?? {};
  await eventually(async () => (await queue.get(String(last)))?.state, 'dead' as const);
  expect((await queue.list('dead')).tasks.map(({ data }) => data)).toEqual([5, 6, 7]);
  expect(await client().hlen('{queue:q}:letters')).toBe(3);
  await worker.stop();
  const short = queueOf<number>({ limits: { version: 2, retain: { dead: { age: 1 } } } });
  noting(short);
  await short.add(1);
  await eventually(async () => (await short.counts()).completed, 1);
  expect((await short.counts()).dead).toBe(0);
});

it('keeps the log of a task that lives when the result of an earlier one with its id is deleted', async () => {
  const queue = queueOf<string>({ limits: { retain: { count: 0 } } });
  const { opened, open } = gate();
  workerOf({
    queue,
    concurrency: 2,
    handler: async (task) => {
      await task.log(task.data);
      if (task.data === 'second') await opened;
    },
  });
  const lines = async () => (await queue.log('x')).map(({ text }) => text);
  await queue.add('first', { id: 'x' });
  await queue.wait('x');
  await queue.add('second', { id: 'x' });
  await eventually(lines, ['second']);
  // Results are deleted once they are a hundred too many; that of the first task is the oldest.
  await queue.addMany(Array.from({ length: 210 }, () => ({ data: 'other' })));
  await eventually(async () => (await queue.counts()).totals.completed, 211);
  expect((await queue.counts()).completed).toBeLessThan(150);
  expect(await lines()).toEqual(['second']);
  open();
  await queue.wait('x');
});
