/** Tasks that are cancelled, wherever they are, and handlers that take longer than they may. */
import { MisuseError } from '@holdfast/kernel';
import {
  type QueueEvent,
  type Task,
  TaskCancelledError,
  TaskFailedError,
  TaskTimeoutError,
} from '@holdfast/queue';
import { describe, expect, it } from 'vitest';
import { client, eventually, later, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const immediately = { type: 'constant', delay: 0 } as const;

/** A worker whose handler ends only when it is told to, whatever its signal says. */
function heedless(queue: ReturnType<typeof queueOf<number>>, concurrency = 1) {
  const begun: Task<number>[] = [];
  const ends: ((result?: unknown) => void)[] = [];
  const worker = workerOf({
    queue,
    concurrency,
    handler: (task: Task<number>) => {
      begun.push(task);
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  later(() => ends.forEach((end) => void end()));
  return { begun, ends, worker };
}

/** What Redis still has of living tasks. */
async function leftovers(): Promise<string[]> {
  const names = ['tasks', 'places', 'delayed', 'joined', 'lines', 'slots', 'cancelling', 'progress'];
  const keys = names.map((name) => `{queue:q}:${name}`);
  const there = await Promise.all(keys.map((key) => client().exists(key)));
  return keys.filter((_, index) => there[index] === 1);
}

describe('a task that waits', () => {
  it.each([
    ['plain', {}],
    ['with an id', { id: 'x' }],
    ['with a priority', { priority: 3 }],
    ['with a key', { key: 'k' }],
    ['delayed', { delay: 3_600_000 }],
    ['deduplicated', { deduplicate: { key: 'd', within: 3_600_000 } }],
  ])('ends at once when it is cancelled: %s', async (_, options) => {
    const queue = queueOf<number>();
    const { id } = await queue.add(1, options);
    const waits = queue.wait(id).catch((error: unknown) => error);
    await eventually(async () => (await queue.get(id)) !== undefined, true);
    expect(await queue.cancel(id, { reason: 'sold' })).toBe(true);
    expect(await waits).toBeInstanceOf(TaskCancelledError);
    expect(await waits).toMatchObject({ queue: 'q', id, reason: 'sold', code: 'HOLDFAST_TASK_CANCELLED' });
    await expect(queue.wait(id)).rejects.toThrow(`Task ${id} of "q" was cancelled: sold`);
    const known = { id, state: 'cancelled', data: undefined, reason: 'sold' };
    expect(await queue.get(id)).toEqual({ ...known, ended: expect.any(Number) });
    expect(await queue.counts()).toMatchObject({
      waiting: 0,
      delayed: 0,
      dead: 0,
      completed: 0,
      cancelled: 1,
    });
    expect((await queue.list('cancelled')).tasks).toEqual([known]);
    expect(await queue.cancel(id)).toBe(false);
    expect(await leftovers()).toEqual([]);
    // Nothing that it was the same as stands in the way of another.
    expect((await queue.add(2, options)).added).toBe(true);
    const { begun, ends } = heedless(queue);
    if (!('delay' in options)) {
      await eventually(() => begun.map(({ data }) => data), [2]);
      ends[0]?.();
    }
  });

  it('gives the slot of its key to the next, and is not there for another attempt', async () => {
    const queue = queueOf<number>({ backoff: { type: 'constant', delay: 3_600_000 } });
    await queue.add(1, { id: 'first', key: 'k' });
    await queue.add(2, { id: 'second', key: 'k' });
    const seen: number[] = [];
    workerOf({
      queue,
      handler: ({ data }: Task<number>) => {
        seen.push(data);
        if (data === 1) throw new Error('again');
      },
    });
    await eventually(async () => (await queue.get('first'))?.state, 'delayed' as const);
    expect(seen).toEqual([1]);
    await queue.cancel('first');
    await eventually(() => seen, [1, 2]);
    await eventually(async () => (await queue.counts()).completed, 1);
    expect(await leftovers()).toEqual([]);
  });
});

describe('a task that a worker has', () => {
  it.each([
    ['plain', {}],
    ['with an id and a key', { id: 'x', key: 'k' }],
  ])('ends when it is cancelled, and what its handler returns is ignored: %s', async (_, options) => {
    const queue = queueOf<number>();
    const events: QueueEvent[] = [];
    const listening = new AbortController();
    const heard = (async () => {
      for await (const event of queue.events({ signal: listening.signal })) events.push(event);
    })();
    const { id } = await queue.add(1, options);
    const { begun, ends, worker } = heedless(queue);
    await eventually(() => begun.length, 1);
    const [task] = begun;
    const aborted = new Promise((resolve) => task?.signal.addEventListener('abort', resolve));
    const waits = queue.wait(id).catch((error: unknown) => error);
    expect(await queue.cancel(id, { reason: 'too late' })).toBe(true);
    await aborted;
    expect(task?.signal.reason).toBeInstanceOf(TaskCancelledError);
    expect(task?.lease.remaining()).toBe(0);
    await expect(task?.progress(1)).rejects.toThrow(TaskCancelledError);
    expect(() => task?.effect('SET', '{queue:q}:mark', '1')).toThrow(TaskCancelledError);
    expect(await waits).toMatchObject({ reason: 'too late' });
    expect(worker.inFlight).toBe(0);
    ends[0]?.('a result');
    // The worker goes on with the next.
    await queue.add(2);
    await eventually(() => begun.map(({ data }) => data), [1, 2]);
    expect((await queue.get(id))?.state).toBe('cancelled');
    await eventually(() => events.some((event) => event.kind === 'cancelled'), true);
    expect(events).toMatchObject([{ kind: 'cancelled', id, reason: 'too late' }]);
    expect(await client().exists('{queue:q}:cancelling')).toBe(0);
    listening.abort();
    await heard;
  });

  it('does not complete once it was cancelled, even if its worker has not heard of that', async () => {
    const queue = queueOf<number>();
    const { id } = await queue.add(1, { id: 'x' });
    const other = queueOf<number>();
    let cancelled: boolean | undefined;
    workerOf({
      queue,
      handler: async (task: Task<number>) => {
        task.effect('SET', '{queue:q}:mark', '1');
        cancelled = await other.cancel(id); // its handler ends at once, before anybody listens
        return 'a result';
      },
    });
    await expect(queue.wait(id)).rejects.toThrow(TaskCancelledError);
    expect(cancelled).toBe(true);
    expect(await client().exists('{queue:q}:mark')).toBe(0);
    await eventually(leftovers, []);
  });

  it('is not tried again when its attempt fails, nor by another worker when its own is gone', async () => {
    const queue = queueOf<number>({ backoff: immediately });
    const other = queueOf<number>();
    let attempts = 0;
    const worker = workerOf({
      queue,
      handler: async ({ id }: Task<number>) => {
        attempts += 1;
        await other.cancel(id);
        throw new Error('again');
      },
    });
    const { id } = await queue.add(1);
    await expect(queue.wait(id)).rejects.toThrow(TaskCancelledError);
    await worker.stop();

    const lost = heedless(queue);
    await queue.add(2, { id: 'x' });
    await eventually(() => lost.begun.length, 1);
    // The session ends, as if its worker were gone; then the task is cancelled while it is nobody's.
    const [session = ''] = await client().zrange('{queue:q}:sessions', '0', '0');
    await client().zadd('{queue:q}:sessions', '0', session);
    await queue.cancel('x');
    await lost.worker.stop();
    workerOf({
      queue,
      handler: () => {
        attempts += 1;
      },
    });
    await eventually(async () => (await queue.get('x'))?.state, 'cancelled' as const);
    expect(attempts).toBe(1);
    expect(await leftovers()).toEqual([]);
  });

  it('hears of it with the next renewal where it has missed the news', async () => {
    const queue = queueOf<number>();
    const begun: Task<number>[] = [];
    workerOf({
      queue,
      lease: 300,
      handler: (task: Task<number>) => {
        begun.push(task);
        return new Promise<void>((resolve) => task.signal.addEventListener('abort', () => resolve()));
      },
    });
    const { id } = await queue.add(1);
    await eventually(() => begun.length, 1);
    // Noted as a cancellation is, but not announced.
    const [entry] = (await client().xrange('{queue:q}:ready:0', '-', '+'))[0] ?? [];
    await client().hset('{queue:q}:cancelling', `0 ${entry}`, 'unannounced');
    await client().hset('{queue:q}:meta', 'cancelling', 1);
    await expect(queue.wait(id)).rejects.toThrow('was cancelled: unannounced');
    expect(begun[0]?.signal.reason).toBeInstanceOf(TaskCancelledError);
  });
});

it('cancels nothing that has ended, and refuses what is no id or no reason', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  workerOf({
    queue,
    handler: ({ data }: Task<number>) => {
      if (data === 2) throw new Error('broken');
    },
  });
  await queue.add(1, { id: 'done' });
  await queue.add(2, { id: 'dead' });
  await eventually(async () => (await queue.counts()).dead, 1);
  await eventually(async () => (await queue.counts()).completed, 1);
  for (const id of ['done', 'dead', 'never', '1-0']) expect(await queue.cancel(id)).toBe(false);
  await expect(queue.cancel('')).rejects.toThrow(MisuseError);
  await expect(queue.cancel('x', { reason: 5 as never })).rejects.toThrow(/reason is text of at most 1000/);
  expect(await queue.counts()).toMatchObject({ dead: 1, completed: 1, cancelled: 0 });
});

it('counts and lists no cancelled task whose id is in use again', async () => {
  const queue = queueOf<number>();
  await queue.add(1, { id: 'x' });
  await queue.cancel('x');
  expect(await queue.counts()).toMatchObject({ cancelled: 1 });
  await queue.add(2, { id: 'x' });
  expect(await queue.counts()).toMatchObject({ waiting: 1, cancelled: 0 });
  expect((await queue.list('cancelled')).tasks).toEqual([]);
});

it('keeps as many reasons as results', async () => {
  const queue = queueOf<number>({ limits: { retain: { count: 2 } } });
  for (let n = 0; n < 6; n += 1) {
    await queue.add(n, { id: `task ${n}` });
    await queue.cancel(`task ${n}`);
  }
  const { tasks } = await queue.list('cancelled');
  expect(tasks.map(({ id }) => id)).toEqual(['task 3', 'task 4', 'task 5']);
});

describe('a handler that takes longer than the timeout', () => {
  it('has failed: its slot is free, its late result is refused, and the task is tried again', async () => {
    const queue = queueOf<number>({ timeout: 30, attempts: 2, backoff: immediately });
    const { begun, ends } = heedless(queue);
    const { id } = await queue.add(1);
    await eventually(() => begun.length, 2);
    expect(begun.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(begun[0]?.signal.reason).toBeInstanceOf(TaskTimeoutError);
    expect(begun[0]?.signal.reason).toMatchObject({
      queue: 'q',
      id,
      timeout: 30,
      code: 'HOLDFAST_TASK_TIMEOUT',
    });
    expect(begun[0]?.lease.remaining()).toBe(0);
    ends[0]?.('late');
    await expect(queue.wait(id)).rejects.toThrow(TaskFailedError);
    ends[1]?.('late too');
    const { errors = [] } = (await queue.get(id)) ?? {};
    expect(errors.map(({ message }) => message)).toEqual(
      [1, 2].map(() => `Task ${id} of "q" has timed out: its handler has not ended within 30 ms.`),
    );
    expect(await queue.counts()).toMatchObject({ dead: 1, completed: 0, active: 0 });
  });

  it('goes by the timeout of its task, or that of the queue to which it was added', async () => {
    const queue = queueOf<number>({ timeout: 3_600_000, attempts: 1 });
    const { begun, ends } = heedless(queue, 2);
    const [short, long] = await Promise.all([queue.add(1, { timeout: 20 }), queue.add(2, { key: 'k' })]);
    await expect(queue.wait(short.id)).rejects.toThrow(/has timed out/);
    await eventually(() => begun.length, 2);
    ends[begun.findIndex(({ data }) => data === 2)]?.('in time');
    expect(await queue.wait(long.id)).toBe('in time');
    await expect(queue.add(3, { timeout: 0 })).rejects.toThrow(
      /timeout is a whole number of milliseconds from 1/,
    );
  });
});
