/** Handlers that take several tasks in one call. */
import { MisuseError, NonRetryableError } from '@holdfast/kernel';
import { type BatchOptions, createWorker, type Queue, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const immediately = { type: 'constant', delay: 0 } as const;
const added = async (queue: Queue<number, number>, count: number): Promise<string[]> =>
  (await queue.addMany(Array.from({ length: count }, (_, data) => ({ data })))).map(({ id }) => id);

/** A worker that notes its batches. */
function batching(queue: Queue<number, number>, options: Partial<BatchOptions<number>>, more: object = {}) {
  const batches: number[][] = [];
  const { handler = () => {}, ...rest } = options;
  const worker = workerOf<number, unknown>({
    queue,
    ...more,
    batch: {
      size: 10,
      ...rest,
      handler: (tasks) => {
        batches.push(tasks.map(({ data }) => data));
        return handler(tasks);
      },
    },
  });
  return { batches, worker };
}

it('takes as many as it may, each with a token of its own and a result of its own', async () => {
  const queue = queueOf<number>();
  const ids = await added(queue, 30);
  const tasks: Task<number>[] = [];
  const { batches } = batching(queue, {
    wait: 60_000,
    handler: (batch) => {
      tasks.push(...batch);
      return batch.map(({ data }) => data * 2);
    },
  });
  expect(await Promise.all(ids.map((id) => queue.wait(id)))).toEqual(ids.map((_, n) => n * 2));
  expect(batches.flat()).toEqual(ids.map((_, n) => n));
  expect(batches.map(({ length }) => length)).toEqual([10, 10, 10]);
  for (const task of tasks) expect(task).toMatchObject({ attempt: 1, token: expect.any(Number) });
  expect(tasks.map(({ id }) => id)).toEqual(ids);
});

it('waits for more, and no longer than it is told to', async () => {
  const queue = queueOf<number>();
  const { batches } = batching(queue, { size: 3, wait: 30 });
  await queue.add(1);
  await eventually(() => batches, [[1]]);
  const slow = queueOf<number>({ name: 'slow' });
  const patient = batching(slow, { size: 3, wait: 60_000 });
  for (let n = 1; n <= 4; n += 1) await slow.add(n);
  await eventually(() => patient.batches, [[1, 2, 3]]);
  await eventually(async () => (await slow.counts()).completed, 3);
});

it('hands on what waits when the worker stops', async () => {
  const queue = queueOf<number>();
  const { batches, worker } = batching(queue, { wait: 60_000 }, { grace: 20_000 });
  await added(queue, 2);
  await eventually(() => worker.inFlight, 2);
  await worker.stop();
  expect(batches).toEqual([[0, 1]]);
  expect(await queue.counts()).toMatchObject({ completed: 2, active: 0, waiting: 0 });
});

it('one that fails does not fail the others, and each is tried again by itself', async () => {
  const queue = queueOf<number>({ backoff: immediately, attempts: 2 });
  const ids = await added(queue, 4);
  const { batches } = batching(queue, {
    wait: 10,
    handler: (tasks) =>
      tasks.map((task) => {
        if (task.data === 1 && task.attempt === 1) return new Error('once');
        if (task.data === 2) return new NonRetryableError('never');
        if (task.data === 3 && batches.length === 1) return task.defer(1);
        return { done: task.data };
      }),
  });
  const [zero, one, two, three] = ids as [string, string, string, string];
  expect(await queue.wait(zero)).toEqual({ done: 0 });
  expect(await queue.wait(one)).toEqual({ done: 1 });
  await expect(queue.wait(two)).rejects.toThrow(/never/);
  expect(await queue.wait(three)).toEqual({ done: 3 });
  expect(await queue.get(one)).toMatchObject({ attempt: 2 });
  expect(await queue.get(three)).toMatchObject({ attempt: 1 });
});

it.each([
  ['throws', () => Promise.reject(new Error('all of it')), /all of it/],
  ['returns too few outcomes', () => [1], /an outcome for each of its 3 tasks; got a list of 1/],
  ['returns no list', () => 'done' as never, /got string/],
])('a handler that %s fails all', async (_, handler, message) => {
  const queue = queueOf<number>({ attempts: 1 });
  const ids = await added(queue, 3);
  batching(queue, { wait: 10, handler });
  for (const id of ids) await expect(queue.wait(id)).rejects.toThrow(message);
});

it('a batch that is put off as a whole costs no attempt, and effects happen with their own task', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const ids = await added(queue, 3);
  const { batches } = batching(queue, {
    wait: 10,
    handler: (tasks) => {
      for (const task of tasks) task.effect('INCRBY', '{queue:q}:sum', 10 ** task.data);
      if (batches.length === 1) throw tasks[0]?.defer(1);
      return tasks.map(({ data }) => (data === 1 ? new Error('no') : null));
    },
  });
  await expect(queue.wait(ids[1] as string)).rejects.toThrow(/no/);
  await queue.wait(ids[2] as string);
  await eventually(async () => (await queue.counts()).totals.completed, 2);
  expect(await client().get('{queue:q}:sum')).toBe('101');
});

it('what is cancelled or too late while it waits for others is not in the batch', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const { batches, worker } = batching(queue, { size: 3, wait: 60_000 });
  const late = await queue.add(1, { timeout: 20 });
  await expect(queue.wait(late.id)).rejects.toThrow(/has not ended within 20 ms/);
  const { id } = await queue.add(2);
  await eventually(() => worker.inFlight, 1);
  await queue.cancel(id);
  await eventually(() => worker.inFlight, 0);
  for (const data of [3, 4, 5]) await queue.add(data);
  await eventually(async () => (await queue.counts()).completed, 3);
  expect(batches.flat()).toEqual(expect.arrayContaining([3, 4, 5]));
  expect(batches.flat()).not.toContain(1);
  expect(batches.flat()).not.toContain(2);
});

it('has as many tasks at a time as full batches of its concurrency have, and each batch is of one queue', async () => {
  const queues = ['a', 'b'].map((name) => queueOf<number>({ name }));
  let [running, most] = [0, 0];
  const ends: (() => void)[] = [];
  const seen: string[][] = [];
  workerOf<number, unknown>({
    queue: queues,
    concurrency: 2,
    batch: {
      size: 5,
      handler: async (tasks) => {
        running += 1;
        most = Math.max(most, running);
        seen.push(tasks.map(({ queue }) => queue));
        await new Promise<void>((resolve) => ends.push(resolve));
        running -= 1;
      },
    },
  });
  for (const queue of queues) await added(queue, 20);
  const total = async () =>
    (await Promise.all(queues.map((queue) => queue.counts()))).reduce(
      (sum, { completed }) => sum + completed,
      0,
    );
  await eventually(async () => {
    for (const end of ends.splice(0)) end();
    return total();
  }, 40);
  expect(seen.every((names) => new Set(names).size === 1)).toBe(true);
  expect(most).toBeGreaterThan(1);
});

it('refuses what cannot work', () => {
  const queue = queueOf<number>();
  const handler = (): void => {};
  const wrong: [object, RegExp][] = [
    [{ handler, batch: { size: 2, handler } }, /give one of them/],
    [{ batch: { size: 0, handler } }, /batch.size is a whole number from 1 to 1000/],
    [{ batch: { size: 2 } }, /batch.handler is a function/],
    [{ batch: { size: 2, handler, wait: 60_001 } }, /batch.wait is/],
  ];
  for (const [options, message] of wrong) {
    expect(() => createWorker({ queue, ...options })).toThrow(message);
    expect(() => createWorker({ queue, ...options })).toThrow(MisuseError);
  }
});
