/** A queue and its workers, on a real Redis: what each option promises, and what each refusal says. */
import { MisuseError } from '@holdfast/kernel';
import { NonRetryableError, QueueFullError, type Task, TaskFailedError } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { client, eventually, later, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const immediately = { type: 'constant', delay: 0 } as const;

/** Handles tasks by noting their data, until it is told otherwise. */
function noting<Data>(queue: ReturnType<typeof queueOf<Data>>, concurrency = 1) {
  const seen: Data[] = [];
  const worker = workerOf({ queue, concurrency, handler: (task: Task<Data>) => void seen.push(task.data) });
  return { seen, worker };
}

it('handles what was added, in order, and forgets it but for its result', async () => {
  const queue = queueOf<number>();
  const added = await queue.addMany([1, 2, 3].map((data) => ({ data })));
  expect(added.every(({ added }) => added)).toBe(true);
  const { seen } = noting(queue);
  await eventually(() => seen, [1, 2, 3]);
  await eventually(async () => (await queue.counts()).completed, 3);
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0, dead: 0, workers: 1 });
  expect(await client().xlen('{queue:q}:ready:0')).toBe(0);
});

it('tells the handler who it is, and what it may rely on', async () => {
  const queue = queueOf<{ n: number }>();
  const { id } = await queue.add({ n: 1 });
  const tasks: Task<{ n: number }>[] = [];
  workerOf({
    queue,
    lease: 10_000,
    handler: (task: Task<{ n: number }>) => {
      tasks.push(task);
      expect(task.lease.remaining()).toBeGreaterThan(5_000);
      expect(task.signal.aborted).toBe(false);
    },
  });
  await eventually(() => tasks.length, 1);
  expect(tasks[0]).toMatchObject({
    id,
    data: { n: 1 },
    attempt: 1,
    resource: `queue:q/${id}`,
    key: undefined,
  });
  expect(Number.isSafeInteger(tasks[0]?.token)).toBe(true);
});

it('gives results to those who wait for them, before and after', async () => {
  const queue = queueOf<number>();
  const ids = (await queue.addMany([2, 3].map((data) => ({ data })))).map(({ id }) => id);
  const before = ids.map((id) => queue.wait(id));
  workerOf({ queue, concurrency: 2, handler: ({ data }: Task<number>) => data * data });
  expect(await Promise.all(before)).toEqual([4, 9]);
  expect(await Promise.all(ids.map((id) => queue.wait(id)))).toEqual([4, 9]);
  await expect(queue.wait('nothing')).rejects.toThrow(MisuseError);
  const { id } = await queue.add(1, { delay: 60_000 });
  await expect(queue.wait(id, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
    name: 'AbortError',
  });
});

it('keeps as many results as it is told to', async () => {
  const queue = queueOf<number>({ limits: { retain: { count: 10 } } });
  await queue.addMany(Array.from({ length: 400 }, (_, data) => ({ data })));
  const { seen } = noting(queue, 10);
  await eventually(() => seen.length, 400);
  await eventually(async () => (await queue.counts()).completed < 250, true);
  expect(await client().xlen('{queue:q}:events')).toBe((await queue.counts()).completed);
});

it('takes a task of the same id once while it lives', async () => {
  const queue = queueOf<number>();
  expect(await queue.add(1, { id: 'a' })).toEqual({ id: 'a', added: true });
  expect(await queue.add(2, { id: 'a' })).toEqual({ id: 'a', added: false });
  const { seen } = noting(queue);
  await eventually(async () => (await queue.counts()).completed, 1);
  expect(await queue.add(3, { id: 'a' })).toEqual({ id: 'a', added: true });
  await eventually(() => seen, [1, 3]);
  await expect(queue.add(1, { id: '12-3' })).rejects.toThrow(/has the form of those that the queue gives/);
});

it('handles higher priorities first', async () => {
  const queue = queueOf<string>();
  for (const priority of [0, 3, 9, 3, 0]) await queue.add(`p${priority}`, { priority });
  const { seen } = noting(queue);
  await eventually(() => seen, ['p9', 'p3', 'p3', 'p0', 'p0']);
});

it('lets a delayed task begin when it is due', async () => {
  const queue = queueOf<string>();
  const began = performance.now();
  await queue.add('later', { delay: 120 });
  await queue.add('now');
  expect((await queue.counts()).delayed).toBe(1);
  const { seen } = noting(queue);
  await eventually(() => seen, ['now', 'later']);
  expect(performance.now() - began).toBeGreaterThanOrEqual(119);
});

it('a delayed task that is added while workers sleep wakes them in time', async () => {
  const queue = queueOf<string>();
  const { seen, worker } = noting(queue);
  await eventually(() => worker.problem, undefined);
  await queue.add('far', { delay: 3_600_000 });
  await queue.add('near', { delay: 50 });
  await eventually(() => seen, ['near']);
});

it('retries, counts the attempts, and ends among the dead letters with every error', async () => {
  const queue = queueOf<number>({ attempts: 3, backoff: immediately });
  const attempts: number[] = [];
  const tokens: number[] = [];
  const { id } = await queue.add(7);
  workerOf({
    queue,
    name: 'w',
    handler: (task: Task<number>) => {
      attempts.push(task.attempt);
      tokens.push(task.token);
      throw new Error(`no ${task.attempt}`);
    },
  });
  await expect(queue.wait(id)).rejects.toThrow(TaskFailedError);
  expect(attempts).toEqual([1, 2, 3]);
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
  expect(new Set(tokens).size).toBe(3);
  const letter = await queue.get(id);
  expect(letter).toMatchObject({ state: 'dead', data: 7, failed: 3 });
  expect(letter?.errors?.map(({ attempt, message, worker }) => [attempt, message, worker])).toEqual([
    [1, 'no 1', 'w'],
    [2, 'no 2', 'w'],
    [3, 'no 3', 'w'],
  ]);
  expect(letter?.errors?.[0]?.stack).toContain('queue.test.ts');
});

it('does not retry what cannot be helped', async () => {
  const queue = queueOf<number>({ backoff: immediately });
  let attempts = 0;
  const { id } = await queue.add(1);
  workerOf({
    queue,
    handler: () => {
      attempts += 1;
      throw new NonRetryableError('never');
    },
  });
  await expect(queue.wait(id)).rejects.toThrow(/never/);
  expect(attempts).toBe(1);
});

it('a backoff of the task, and one that is a function, decide when it is tried again', async () => {
  const queue = queueOf<string>({ attempts: 2 });
  const asked: [number, unknown][] = [];
  const tried: string[] = [];
  await queue.add('own', { backoff: { type: 'linear', delay: 1, jitter: 0 } });
  await queue.add('custom');
  workerOf({
    queue,
    backoff: (attempt, error) => {
      asked.push([attempt, (error as Error).message]);
      return 1;
    },
    handler: ({ data }: Task<string>) => {
      tried.push(data);
      throw new Error(data);
    },
  });
  await eventually(async () => (await queue.counts()).dead, 2);
  expect(tried.sort()).toEqual(['custom', 'custom', 'own', 'own']);
  expect(asked).toEqual([[1, 'custom']]);
});

it('dead letters can be tried again, removed and purged', async () => {
  const queue = queueOf<string>({ attempts: 1 });
  const ids = (await queue.addMany(['a', 'b', 'c'].map((data) => ({ data })))).map(({ id }) => id);
  let works = false;
  const worker = workerOf({
    queue,
    handler: () => {
      if (!works) throw new Error('no');
    },
  });
  await eventually(async () => (await queue.counts()).dead, 3);
  works = true;
  expect(await queue.requeue(ids[0] ?? '')).toBe(true);
  expect(await queue.requeue(ids[0] ?? '')).toBe(false);
  expect(await queue.wait(ids[0] ?? '')).toBe(null);
  expect(await queue.remove(ids[1] ?? '')).toBe(true);
  expect(await queue.purge('dead')).toBe(1);
  expect(await queue.counts()).toMatchObject({ dead: 0, waiting: 0, delayed: 0 });
  await worker.stop();
});

it('tasks of one key go strictly in order, also past a failure, and beside those of other keys', async () => {
  const queue = queueOf<string>({ attempts: 2, backoff: { type: 'constant', delay: 20 } });
  for (const n of [1, 2, 3]) for (const key of ['a', 'b']) await queue.add(`${key}${n}`, { key });
  const ended: string[] = [];
  let running = 0;
  let most = 0;
  workerOf({
    queue,
    concurrency: 10,
    handler: async (task: Task<string>) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      if (task.data === 'a1' && task.attempt === 1) throw new Error('again');
      ended.push(task.data);
    },
  });
  await eventually(() => ended.length, 6);
  expect(ended.filter((data) => data.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  expect(ended.filter((data) => data.startsWith('b'))).toEqual(['b1', 'b2', 'b3']);
  expect(most).toBeLessThanOrEqual(2);
  await eventually(async () => (await queue.counts()).completed, 6);
  expect(
    await client().exists('{queue:q}:slots', '{queue:q}:joined', '{queue:q}:lines', '{queue:q}:tasks'),
  ).toBe(0);
});

it('a key with more slots has as many tasks at a time', async () => {
  const queue = queueOf<number>({ limits: { keys: { concurrency: 2 } } });
  await Promise.all(Array.from({ length: 20 }, (_, n) => queue.add(n, { key: 'k' })));
  let running = 0;
  const seen: number[] = [];
  workerOf({
    queue,
    concurrency: 10,
    handler: async () => {
      running += 1;
      seen.push(running);
      await new Promise(setImmediate);
      running -= 1;
    },
  });
  await eventually(() => seen.length, 20);
  expect(Math.max(...seen)).toBe(2);
});

it('a limit on the queue holds across workers', async () => {
  const queue = queueOf<number>({ limits: { concurrency: 3 } });
  await queue.addMany(Array.from({ length: 60 }, (_, data) => ({ data })));
  let running = 0;
  const seen: number[] = [];
  const handler = async (): Promise<void> => {
    running += 1;
    seen.push(running);
    await new Promise(setImmediate);
    running -= 1;
  };
  for (let n = 0; n < 3; n += 1) workerOf({ queue, concurrency: 5, handler });
  await eventually(() => seen.length, 60);
  expect(Math.max(...seen)).toBe(3);
});

it('deduplicates: the first counts, or the last does', async () => {
  const queue = queueOf<number>();
  const first = { key: 'f', within: 60_000 };
  const one = await queue.add(1, { deduplicate: first });
  expect(await queue.add(2, { deduplicate: first })).toEqual({ id: one.id, added: false });
  const last = { key: 'l', within: 100, keep: 'last' } as const;
  const three = await queue.add(3, { deduplicate: last });
  expect(await queue.add(4, { deduplicate: last })).toEqual({ id: three.id, added: false });
  const { seen } = noting(queue);
  await eventually(() => seen, [1, 4]);
  expect((await queue.add(5, { deduplicate: first })).added).toBe(false);
  expect((await queue.add(6, { deduplicate: last })).added).toBe(true);
});

it('what has expired goes to the dead letters, and is not handled', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('old', { expires: 1 });
  await expect.poll(async () => (await queue.counts()).oldest).toBeGreaterThan(2);
  const { seen } = noting(queue);
  await eventually(async () => (await queue.get(id))?.state, 'dead' as const);
  expect((await queue.get(id))?.errors?.[0]?.message).toMatch(/expired/);
  expect(seen).toEqual([]);
});

it('a full queue refuses, and loses nothing', async () => {
  const queue = queueOf<number>({ limits: { waiting: 3 } });
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map((data) => queue.add(data)));
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
  ]);
  await expect(queue.add(6, { delay: 5 })).rejects.toThrow(QueueFullError);
  expect((await queue.counts()).waiting).toBe(3);
});

it('checks data by the schema when they are added, and before they are handled', async () => {
  const strict = queueOf({ schema: z.strictObject({ url: z.string() }) });
  await expect(strict.add({ url: 1 } as never)).rejects.toThrow(/url: .*string/);
  await expect(strict.add({ url: 'x', more: 1 } as never)).rejects.toThrow(MisuseError);
  expect((await strict.counts()).waiting).toBe(0);
  const loose = queueOf<unknown>();
  const { id } = await loose.add({ url: 5 });
  let handled = 0;
  workerOf({
    queue: strict,
    handler: () => {
      handled += 1;
    },
  });
  await eventually(async () => (await strict.get(id))?.state, 'dead' as const);
  expect((await strict.get(id))?.errors?.[0]?.message).toMatch(/do not fit the queue's schema/);
  expect(handled).toBe(0);
});

it('refuses what cannot work, and names it', async () => {
  const queue = queueOf({ maxBytes: 100 });
  const cases: [unknown, object, RegExp][] = [
    ['x'.repeat(99), {}, /has 101 bytes, and 100 are the most/],
    [1n, {}, /is not JSON/],
    [undefined, {}, /is JSON; got undefined/],
    [1, { prioritie: 1 }, /no option "prioritie"/],
    [1, { priority: 10 }, /priority is a whole number from 0 to 9; got 10/],
    [1, { delay: -1 }, /delay is a whole number/],
    [1, { attempts: 0 }, /attempts is a whole number from 1/],
    [
      1,
      { backoff: { type: 'fast', delay: 1 } },
      /backoff.type is "constant", "linear" or "exponential"; got "fast"/,
    ],
    [1, { deduplicate: { key: 'k', within: 1, keep: 'best' } }, /keep is "first" or "last"; got "best"/],
  ];
  for (const [data, options, message] of cases) {
    await expect(queue.add(data, options)).rejects.toThrow(message);
    await expect(queue.add(data, options)).rejects.toThrow(MisuseError);
  }
  expect(await client().keys('*')).toEqual([]);
});

it('a paused queue gives nothing, a resumed one goes on; so does a worker', async () => {
  const queue = queueOf<number>();
  await queue.pause();
  const { seen, worker } = noting(queue);
  await queue.add(1);
  await eventually(() => worker.problem, undefined);
  expect(await queue.counts()).toMatchObject({ paused: true, waiting: 1 });
  await queue.resume();
  await eventually(() => seen, [1]);
  worker.pause();
  await queue.add(2);
  await queue.add(3);
  expect(await queue.list('waiting')).toMatchObject({ tasks: [{ data: 2 }, { data: 3 }] });
  worker.resume();
  await eventually(() => seen, [1, 2, 3]);
});

it('lists tasks by their state, a page at a time', async () => {
  const queue = queueOf<number>();
  await queue.addMany(Array.from({ length: 25 }, (_, data) => ({ data, options: { priority: data % 2 } })));
  await queue.add(100, { delay: 60_000, id: 'd' });
  const listed: unknown[] = [];
  let after: string | undefined;
  do {
    const page = await queue.list('waiting', { limit: 10, after });
    listed.push(...page.tasks.map(({ data }) => data));
    after = page.next;
  } while (after !== undefined);
  const numbers = Array.from({ length: 25 }, (_, n) => n);
  expect(listed).toEqual([...numbers.filter((n) => n % 2 === 1), ...numbers.filter((n) => n % 2 === 0)]);
  expect((await queue.list('delayed')).tasks).toMatchObject([{ id: 'd', state: 'delayed', data: 100 }]);
  expect(await queue.purge('waiting')).toBe(25);
  expect(await queue.purge('delayed')).toBe(1);
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0 });
});

it('what a worker has is shown with its progress, and is not removed', async () => {
  const queue = queueOf<number>();
  const { id } = await queue.add(1);
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  workerOf({
    queue,
    name: 'w',
    grace: 5_000,
    handler: async (task: Task<number>) => {
      await task.progress({ percent: 40 });
      await held;
    },
  });
  await eventually(async () => (await queue.get(id))?.progress, { percent: 40 });
  expect(await queue.get(id)).toMatchObject({ state: 'active', worker: 'w', data: 1 });
  expect((await queue.list('active')).tasks).toMatchObject([{ id, data: 1 }]);
  await expect(queue.remove(id)).rejects.toThrow(/A worker has task/);
  await expect(queue.obliterate({ confirm: 'q' })).rejects.toThrow(/have 1 tasks/);
  finish();
  await queue.wait(id);
  await expect(queue.obliterate({ confirm: 'p' })).rejects.toThrow(/give its name as confirm/);
});

it('says of a full queue which limit is kept, also to a client that declared none', async () => {
  await queueOf({ limits: { waiting: 1 } }).add(1);
  const other = queueOf();
  for (const options of [{}, { id: 'x' }]) {
    await expect(other.add(2, options)).rejects.toMatchObject({
      max: 1,
      message: 'The queue "q" is full (1 tasks wait); the task was not added. Add it again later.',
    });
  }
});

it('tells a handler that its queue was obliterated, not that its worker was late', async () => {
  const queue = queueOf<number>();
  let reason: unknown;
  workerOf({
    queue,
    lease: 1_000,
    handler: async ({ signal }: Task) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      reason = signal.reason;
    },
  });
  await queue.add(1);
  await eventually(async () => (await queue.counts()).active, 1);
  await queue.obliterate({ confirm: 'q', force: true });
  await eventually(() => String(reason).includes('the queue was obliterated'), true);
});

it('obliterates, and its workers go on with what is added after', async () => {
  const queue = queueOf<number>();
  const { seen } = noting(queue);
  await queue.add(1);
  await eventually(async () => (await queue.counts()).completed, 1);
  await queue.add(2, { delay: 60_000 });
  await queue.obliterate({ confirm: 'q', force: true });
  expect(await queue.get('2')).toBeUndefined();
  await queue.add(3);
  await eventually(() => seen, [1, 3]);
});

it('tells what happens', async () => {
  const queue = queueOf<string>({ attempts: 2, backoff: immediately });
  const controller = new AbortController();
  later(() => controller.abort());
  const seen: string[] = [];
  const watch = (async () => {
    // From the first: where the reading begins otherwise, the task may have ended by then.
    for await (const event of queue.events({ after: '0:0-0', signal: controller.signal }))
      seen.push(`${event.kind} ${event.id}`);
  })();
  workerOf({
    queue,
    handler: async (task: Task<string>) => {
      await task.progress(1);
      if (task.data === 'bad') throw new Error('bad');
    },
  });
  await queue.add('bad', { id: 'b' });
  await eventually(
    () => seen.filter((line) => line.endsWith(' b')),
    ['progress b', 'retried b', 'progress b', 'failed b'],
  );
  controller.abort();
  await watch;
});
