/** Cases of BullMQ's own test suite that had no test here, written anew: docs/BULLMQ-SUITE.md has the whole list. */
import type { Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, startChild, useRedis, workerOf } from './setting.js';

useRedis();

it('a delayed task of a paused queue that has come due begins with the resumption', async () => {
  const queue = queueOf<number>();
  const handled: number[] = [];
  workerOf({ queue, handler: ({ data }: Task<number>) => void handled.push(data) });
  await queue.pause();
  await queue.add(1, { delay: 30 });
  await queue.add(2);
  await eventually(async () => {
    const { waiting, delayed } = await queue.counts();
    return [waiting, delayed];
  }, [2, 0]);
  expect(handled).toEqual([]);
  await queue.resume();
  await eventually(() => [...handled].sort(), [1, 2]);
});

it('a task that pauses its queue and fails without a backoff waits for the resumption', async () => {
  const queue = queueOf<number>({ attempts: 2, backoff: { type: 'constant', delay: 0 } });
  const attempts: number[] = [];
  workerOf({
    queue,
    handler: async ({ attempt }: Task<number>) => {
      attempts.push(attempt);
      if (attempt > 1) return;
      await queue.pause();
      throw new Error('not yet');
    },
  });
  const { id } = await queue.add(1);
  await eventually(async () => (await queue.get(id))?.failed, 1);
  await eventually(async () => (await queue.counts()).active, 0);
  expect(attempts).toEqual([1]);
  await queue.resume();
  await queue.wait(id);
  expect(attempts).toEqual([1, 2]);
});

it('workers that are paused finish what they have, and begin nothing', async () => {
  const queue = queueOf<number>();
  const ends: (() => void)[] = [];
  later(() => ends.forEach((end) => void end()));
  const handler = (_: Task<number>): Promise<void> => new Promise((resolve) => ends.push(resolve));
  const workers = [workerOf({ queue, handler }), workerOf({ queue, handler })];
  await queue.addMany([1, 2, 3, 4].map((data) => ({ data })));
  await eventually(() => ends.length, 2);
  for (const worker of workers) worker.pause();
  for (const end of ends) end();
  await eventually(async () => {
    const { active, waiting, completed } = await queue.counts();
    return [active, waiting, completed];
  }, [0, 2, 2]);
  for (const worker of workers) {
    worker.resume();
    worker.pause();
    worker.resume();
  }
  await eventually(() => ends.length, 4);
});

it('a slow rate neither delays tasks, nor keeps a worker from stopping, and goes with the limit', async () => {
  const rate = { max: 1, per: 3_600_000 };
  const queue = queueOf<number>({ limits: { rate } });
  const handled: number[] = [];
  const handler = ({ data }: Task<number>): void => void handled.push(data);
  const worker = workerOf({ queue, concurrency: 5, handler });
  await queue.addMany([1, 2, 3].map((data) => ({ data })));
  await eventually(() => handled.length, 1);
  expect(await queue.counts()).toMatchObject({ delayed: 0, waiting: 2 });
  await queue.pause();
  expect((await queue.counts()).waiting).toBe(2);
  await queue.resume();
  const other = workerOf({ queue, handler });
  await worker.stop();
  await queue.setLimits({});
  await eventually(() => handled, [1, 2, 3]);
  await other.stop();
});

it('a task that never ends does not hold the rate up for the others', async () => {
  const queue = queueOf<string>({ limits: { rate: { max: 5, per: 50 } } });
  let ended = 0;
  const worker = workerOf({
    queue,
    concurrency: 2,
    handler: async ({ data }: Task<string>) => {
      if (data === 'never') await new Promise<void>(() => {});
      ended += 1;
    },
  });
  await queue.add('never');
  for (let n = 0; n < 20; n += 1) await queue.add('short');
  await eventually(() => ended, 20);
  await worker.stop();
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
});

it('higher priorities go first, those of one priority in order, also those that come while others wait', async () => {
  const queue = queueOf<string>();
  const order: string[] = [];
  let begin = (): void => {};
  const worker = workerOf({
    queue,
    handler: async ({ data }: Task<string>) => {
      if (data === 'first') {
        await new Promise<void>((resolve) => {
          begin = resolve;
        });
      }
      order.push(data);
    },
  });
  await queue.add('first');
  await eventually(() => worker.inFlight, 1);
  for (const [n, priority] of [0, 5, 1, 5, 0, 9, 1].entries())
    await queue.add(`${priority}.${n}`, { priority, ...(n % 2 === 1 && { id: `own ${n}` }) });
  begin();
  await eventually(() => order, ['first', '9.5', '5.1', '5.3', '1.2', '1.6', '0.0', '0.4']);
});

it.each([42, 'half', true, { percentage: 42 }, [1, 2], null])(
  'progress of %j is kept and told as it is',
  async (value) => {
    const queue = queueOf<number>();
    const seen: unknown[] = [];
    const ended = new AbortController();
    const reading = (async () => {
      for await (const event of queue.events({ after: '0:0-0', signal: ended.signal }))
        if (event.kind === 'progress') seen.push(event.progress);
    })();
    later(() => {
      ended.abort();
      return reading;
    });
    workerOf({ queue, handler: (task: Task<number>) => task.progress(value) });
    await queue.wait((await queue.add(1)).id);
    await eventually(() => seen, [value]);
  },
);

it('a new worker does not get what another has, until that was killed', async () => {
  const queue = queueOf<string>();
  const child = startChild('hold');
  const first = await queue.add('x');
  await child.said('began');
  const others = await Promise.all(['a', 'b', 'c'].map((data) => queue.add(data)));
  const begun: [string, number][] = [];
  const worker = workerOf({
    queue,
    handler: ({ id, attempt }: Task<string>) => void begun.push([id, attempt]),
  });
  await eventually(() => begun.length, 3); // the new worker does not get what the other one has
  expect(begun.map(([id]) => id)).toEqual(others.map(({ id }) => id));
  child.kill('SIGKILL');
  await eventually(() => begun.at(-1), [first.id, 2]);
  await worker.stop();
});

it('schedules of one name that are set at once are one, with one next tick; those of other names are others', async () => {
  const queue = queueOf<string>();
  await Promise.all(
    [1_000, 2_000, 3_000].map((every) => queueOf<string>().schedule('same', 'x', { every: every * 3_600 })),
  );
  expect(await queue.schedules()).toHaveLength(1);
  for (const minutes of [1, 2, 3, 4]) await queue.schedule('same', 'x', { every: minutes * 3_600_000 });
  expect(await queue.schedules()).toMatchObject([{ name: 'same', every: 4 * 3_600_000 }]);
  await Promise.all(['one', 'two'].map((name) => queue.schedule(name, 'x', { cron: '0 3 * * *' })));
  expect((await queue.schedules()).map(({ name }) => name).sort()).toEqual(['one', 'same', 'two']);
  expect((await queue.counts()).delayed).toBe(0); // a tick adds its task when it is due
});

it('a schedule that its own task changes goes on as it was changed', async () => {
  const queue = queueOf<string>();
  await queue.schedule('s', 'before', { every: 100 });
  const seen: string[] = [];
  workerOf({
    queue,
    handler: async ({ data }: Task<string>) => {
      seen.push(data);
      await queue.schedule('s', 'after', { every: 3_600_000 });
    },
  });
  await eventually(() => seen.includes('before'), true);
  await eventually(
    async () => (await queue.schedules()).map(({ data, every }) => [data, every]),
    [['after', 3_600_000]],
  );
});

it('a deduplication key whose task somebody has deleted by hand ends with its window', async () => {
  const queue = queueOf<number>();
  const deduplicate = { key: 'd', within: 60_000 } as const;
  const { id } = await queue.add(1, { deduplicate });
  await client().hdel('{queue:q}:tasks', id);
  expect((await queue.add(2, { deduplicate })).added).toBe(false);
  await client().zadd('{queue:q}:dedup', 1, 'd');
  expect((await queue.add(3, { deduplicate })).added).toBe(true);
});

it('a schedule goes on while its tasks fail, and trying one again leaves its ticks alone', async () => {
  const queue = queueOf<string>();
  await queue.schedule('failing', 'x', { every: 100, attempts: 1 });
  const worker = workerOf({
    queue,
    handler: () => {
      throw new Error('always');
    },
  });
  await expect.poll(async () => (await queue.counts()).dead).toBeGreaterThan(1);
  await worker.stop();
  const [next] = await queue.schedules();
  const { tasks } = await queue.list('dead');
  expect(await queue.requeue(tasks[0]?.id ?? '')).toBe(true);
  expect(await queue.schedules()).toEqual([next]);
  expect(await queue.counts()).toMatchObject({ delayed: 0, dead: tasks.length - 1 });
});
