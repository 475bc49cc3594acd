/** A queue that is closed under what stands on it, and arguments that are none. */
import { createPartitionedQueue, type Queue, QueueFullError, type Task } from '@holdfast/queue';
import { describe, expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

/** What a program without types passes. */
// biome-ignore lint/suspicious/noExplicitAny: that is the point.
const untyped = (queue: Queue): any => queue;

describe('a queue that is closed', () => {
  it('ends the loops over its events', async () => {
    const queue = queueOf();
    const events = queue.events();
    const next = events.next();
    await eventually(async () => String(await client().client('LIST')).includes('cmd=xread'), true);
    await queue.close();
    expect(await next).toEqual({ done: true, value: undefined });
    await expect(queue.events().next()).rejects.toThrow('is closed');
  });

  it('lets a worker stop at once, whose tasks it has lost', async () => {
    const queue = queueOf();
    const told: unknown[] = [];
    let task: Task | undefined;
    const worker = workerOf({
      queue,
      grace: 60_000,
      onError: (error) => told.push(error),
      handler: async (begun) => {
        task = begun;
        await new Promise((resolve) => begun.signal.addEventListener('abort', resolve));
      },
    });
    await queue.add(1);
    await eventually(() => task !== undefined, true);
    await queue.close();
    expect(task?.signal.aborted).toBe(true);
    await eventually(() => worker.problem, 'The queue "q" is closed; create another with createQueue().');
    await worker.stop();
    expect(told.length).toBeLessThan(5);
  });
});

it('a queue that is closed gets no worker', async () => {
  const queue = queueOf();
  await queue.close();
  expect(() => workerOf({ queue, handler: () => {} })).toThrow('The queue "q" is closed; create another');
});

describe('arguments that are none', () => {
  it('are refused with their names', async () => {
    const queue = untyped(queueOf());
    for (const signal of [1, 'x', {}, null]) {
      await expect(queue.wait('x', { signal })).rejects.toThrow('signal is an AbortSignal');
      await expect(queue.events({ signal }).next()).rejects.toThrow('signal is an AbortSignal');
    }
    for (const after of [1, Object.create(null), ['x']]) {
      await expect(queue.list('waiting', { after })).rejects.toThrow(
        'after is the "next" of the page before',
      );
    }
    const partitioned = createPartitionedQueue({ redis: url(), name: 'p', partitions: 2 });
    later(() => partitioned.close());
    expect(() => untyped(partitioned as unknown as Queue).partitionOf(5)).toThrow(
      'key is a well-formed string',
    );
  });

  it('are not taken for another choice: an undefined `keep` is "first"', async () => {
    const queue = untyped(queueOf());
    const deduplicate = { key: 'd', within: 60_000, keep: undefined };
    const { id } = await queue.add(1, { deduplicate });
    expect(await queue.add(2, { deduplicate })).toEqual({ id, added: false });
    expect((await queue.counts()).waiting).toBe(1);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no answer'))],
    ['answers nothing', () => undefined],
    ['answers without a value', () => ({})],
    ['answers what is no list of issues', () => ({ issues: [null] })],
  ])('a schema that %s is named as the cause', async (_, validate) => {
    // biome-ignore lint/suspicious/noExplicitAny: it is none.
    const schema: any = { '~standard': { version: 1, vendor: 'test', validate } };
    await expect(queueOf({ schema }).add(1)).rejects.toMatchObject({ code: 'HOLDFAST_MISUSE' });
  });

  it('an effect that would change the database is refused, and the task ends', async () => {
    const queue = queueOf();
    workerOf({
      queue,
      handler: (task) => {
        expect(() => task.effect('select', 3)).toThrow('cannot be an effect');
        return 'done';
      },
    });
    expect(await queue.wait((await queue.add(1)).id)).toBe('done');
  });
});

it('what is there already needs no room in a full queue', async () => {
  const queue = queueOf<number>({ limits: { waiting: 3 } });
  const first = { key: 'first', within: 60_000 };
  const last = { key: 'last', within: 60_000, keep: 'last' } as const;
  await queue.add(1, { id: 'x' });
  const one = await queue.add(2, { deduplicate: first });
  const two = await queue.add(3, { deduplicate: last });
  await expect(queue.add(5, { id: 'y' })).rejects.toBeInstanceOf(QueueFullError);
  expect(await queue.add(6, { id: 'x' })).toEqual({ id: 'x', added: false });
  expect(await queue.add(7, { deduplicate: first })).toEqual({ id: one.id, added: false });
  expect(await queue.add(8, { deduplicate: last })).toEqual({ id: two.id, added: false });
  expect((await queue.get(two.id))?.data).toBe(8);
  expect((await queue.get('x'))?.data).toBe(1);
});

it('a task that one of the groups has no room for is added to none, unless all have it already', async () => {
  const queue = queueOf<number>({ groups: ['a', 'b'], limits: { waiting: 1 } });
  await queue.add(1, { id: 'x' });
  expect(await queue.add(2, { id: 'x' })).toEqual({ id: 'x', added: false });
  await queue.group('a').remove('x');
  await expect(queue.add(3, { id: 'x' })).rejects.toBeInstanceOf(QueueFullError);
  expect((await queue.group('a').counts()).waiting).toBe(0);
});

it('what is being handled takes no room', async () => {
  const queue = queueOf<number>({ limits: { waiting: 2 } });
  const begun: Task<number>[] = [];
  const hand = (queue: Queue<number, number>) =>
    workerOf({
      queue,
      concurrency: 2,
      handler: async (task: Task<number>) => {
        begun.push(task);
        await new Promise((resolve) => task.signal.addEventListener('abort', resolve));
      },
    });
  const worker = hand(queue);
  await queue.addMany([{ data: 1 }, { data: 2, options: { id: 'x' } }]);
  await eventually(() => begun.length, 2);
  await queue.pause();
  await queue.addMany([{ data: 3 }, { data: 4, options: { id: 'y' } }]);
  await expect(queue.add(5)).rejects.toBeInstanceOf(QueueFullError);
  await worker.stop(); // hands back, above the limit
  expect((await queue.counts()).waiting).toBe(4);
  await queue.purge('waiting');
  await queue.addMany([{ data: 6 }, { data: 7 }]);
  await expect(queue.add(8, { id: 'z' })).rejects.toBeInstanceOf(QueueFullError);
});
