/** Tasks that are unique until they have begun, or until they have ended. */
import { MisuseError } from '@holdfast/kernel';
import { createPartitionedQueue, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis, workerOf } from './setting.js';

useRedis();

const begun = { deduplicate: { key: 'd', until: 'begun' } } as const;
const ended = { deduplicate: { key: 'd', until: 'ended' } } as const;
const immediately = { type: 'constant', delay: 0 } as const;

/** What is kept of windows. */
const windows = async (): Promise<unknown> =>
  Promise.all([client().zrange('{queue:q}:dedup', '0', '-1'), client().hgetall('{queue:q}:deduped')]);
const NONE = [[], {}];

/** A worker whose tasks end when `end` is called, or fail with what it is given. */
function gated() {
  const tasks: Task<number>[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const handler = (task: Task<number>) =>
    new Promise<void>((resolve, reject) => {
      tasks.push(task);
      ends.push((error) => (error ? reject(error) : resolve()));
    });
  const end = (error?: Error): void => {
    for (const one of ends.splice(0)) one(error);
  };
  later(() => end());
  return { tasks, handler, end };
}

it('until begun: while it waits it is the only one, and from its first delivery another may be added', async () => {
  const queue = queueOf<number>();
  const { id } = await queue.add(1, { ...begun, delay: 60_000 });
  expect(await queue.add(2, begun)).toEqual({ id, added: false });
  expect(await queue.add(2, ended)).toEqual({ id, added: false });
  expect(await queue.add(2, { deduplicate: { key: 'd', within: 5 } })).toEqual({ id, added: false });
  await client().zadd('{queue:q}:delayed', 1, id);
  const { tasks, handler, end } = gated();
  workerOf({ queue, handler });
  await eventually(() => tasks.map(({ data }) => data), [1]);
  const next = await queue.add(3, begun);
  expect(next.added).toBe(true);
  expect(await queue.add(4, begun)).toEqual({ id: next.id, added: false });
  end(new Error('once')); // the first has begun, so its retry does not make the second one the same
  await eventually(() => tasks.map(({ data }) => data), [1, 3]);
  expect((await queue.add(5, begun)).added).toBe(true);
  end();
  await eventually(() => tasks.map(({ data }) => data), [1, 3, 5]);
  expect(await windows()).toEqual(NONE);
});

it('until ended: also while it runs and between its attempts, until it has completed', async () => {
  const queue = queueOf<number>({ backoff: immediately });
  const { id } = await queue.add(1, ended);
  const { tasks, handler, end } = gated();
  workerOf({ queue, handler });
  await eventually(() => tasks.length, 1);
  expect(await queue.add(2, ended)).toEqual({ id, added: false });
  end(new Error('once'));
  await eventually(() => tasks.length, 2);
  expect(await queue.add(2, begun)).toEqual({ id, added: false });
  end();
  await eventually(async () => (await queue.counts()).completed, 1);
  expect(await windows()).toEqual(NONE);
  expect((await queue.add(3, ended)).added).toBe(true);
  await eventually(() => tasks.length, 3);
});

it.each([
  ['is a dead letter', 'dead', ended],
  ['was removed', 'removed', begun],
  ['was cancelled while it waited', 'cancelled', ended],
  ['has expired', 'expired', { ...ended, expires: 1, delay: 20 }],
] as const)('one that %s is unique no more', async (_, how, options) => {
  const queue = queueOf<number>({ attempts: 1 });
  const { id } = await queue.add(1, options);
  const { handler, end } = gated();
  if (how === 'removed') await queue.remove(id);
  else if (how === 'cancelled') await queue.cancel(id);
  else {
    const worker = workerOf({ queue, handler });
    await eventually(async () => {
      end(new Error('no'));
      return (await queue.counts()).dead;
    }, 1);
    await worker.stop();
    expect(await queue.requeue(id)).toBe(true);
  }
  expect(await windows()).toEqual(NONE);
  expect((await queue.add(2, ended)).added).toBe(true);
});

it('one that is cancelled while a worker has it is unique no more once the delivery has ended', async () => {
  const queue = queueOf<number>();
  const { tasks, handler } = gated();
  workerOf({ queue, handler, lease: 86_400_000 });
  const { id } = await queue.add(1, ended);
  await eventually(() => tasks.length, 1);
  await queue.cancel(id);
  await eventually(async () => (await queue.get(id))?.state, 'cancelled' as const);
  expect(await windows()).toEqual(NONE);
});

it('`within` is the most that it is unique for, and `release` ends it', async () => {
  const queue = queueOf<number>();
  await queue.add(1, { deduplicate: { key: 'd', until: 'ended', within: 1 } });
  await eventually(async () => (await queue.add(2, { ...ended, id: 'second' })).added, true);
  expect(await queue.add(3, ended)).toEqual({ id: 'second', added: false });
  expect(await queue.release('d')).toBe(true);
  expect(await queue.release('d')).toBe(false);
  expect((await queue.add(4, ended)).added).toBe(true);
  expect(await queue.release('nothing')).toBe(false);
  await expect(queue.release(5 as never)).rejects.toThrow(MisuseError);
});

it('an end of a window by one task leaves that of a later task under the same key', async () => {
  const queue = queueOf<number>();
  const { tasks, handler, end } = gated();
  workerOf({ queue, concurrency: 2, handler });
  await queue.add(1, ended);
  await eventually(() => tasks.length, 1);
  await queue.release('d');
  const second = await queue.add(2, { ...ended, delay: 60_000 });
  end();
  await eventually(async () => (await queue.counts()).completed, 1);
  expect(await queue.add(3, ended)).toEqual({ id: second.id, added: false });
});

it('an id that is used again is not unique by what was said of the earlier task', async () => {
  const queue = queueOf<number>();
  await queue.add(1, { ...ended, id: 'x' });
  await queue.remove('x');
  await queue.add(2, { id: 'x', deduplicate: { key: 'e', within: 60_000 } });
  const { tasks, handler, end } = gated();
  workerOf({ queue, handler });
  await eventually(() => tasks.length, 1);
  end();
  await eventually(async () => (await queue.counts()).completed, 1);
  expect((await queue.add(3, { deduplicate: { key: 'e', until: 'begun' } })).added).toBe(false);
});

it('a window that nobody has ended, as a worker of an older version, is over with its task', async () => {
  const queue = queueOf<number>();
  const { id } = await queue.add(1, ended);
  await client().hdel('{queue:q}:tasks', id);
  expect((await queue.add(2, ended)).added).toBe(true);
});

it('groups and partitions: in each, and released in all', async () => {
  const queue = queueOf<number>({ groups: ['a', 'b'] });
  const { id } = await queue.add(1, ended);
  const { handler } = gated();
  workerOf({ queue: queue.group('a'), handler: () => {} });
  await eventually(async () => (await queue.group('a').counts()).completed, 1);
  expect(await queue.add(2, { ...ended, id: 'second' })).toEqual({ id: 'second', added: true });
  expect(await queue.group('b').get(id)).toMatchObject({ state: 'waiting' });
  expect(await queue.group('b').get('second')).toBeUndefined();
  expect(await queue.release('d')).toBe(true);
  const parts = createPartitionedQueue<number>({ redis: url(), name: 'parts', partitions: 3 });
  later(() => parts.close());
  expect((await parts.add(1, ended)).added).toBe(true);
  expect((await parts.add(2, ended)).added).toBe(false);
  expect(await parts.release('d')).toBe(true);
  workerOf({ queue: parts.partitions, handler });
});

it('refuses a window without an end, and one with two', async () => {
  const queue = queueOf<number>();
  const wrong: [object, RegExp][] = [
    [{ key: 'd' }, /deduplicate has a time, "within" in ms, or "until"/],
    [{ key: 'd', until: 'ended', keep: 'last', within: 5 }, /"keep" for a window of time, or "until"/],
    [{ key: 'd', until: 'never' }, /until is "begun" or "ended"/],
  ];
  for (const [deduplicate, message] of wrong)
    await expect(queue.add(1, { deduplicate: deduplicate as never })).rejects.toThrow(message);
  expect(await queue.exists()).toBe(false);
});
