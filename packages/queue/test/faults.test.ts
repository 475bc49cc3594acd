/** What happens to tasks when workers and Redis fail: real processes that are frozen, killed and stopped. */

import { StaleTokenError } from '@holdfast/fence';
import { createRedisGuard } from '@holdfast/fence/redis';
import { LeaseLostError } from '@holdfast/kernel';
import type { Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, node, queueOf, startChild, url, useRedis, workerOf } from './setting.js';

useRedis();

it('a worker that was frozen past its lease cannot finish, note progress or write under a guard', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('x');
  const stale = startChild('hold');
  const [, , token] = (await stale.said('began')).split(' ');
  stale.kill('SIGSTOP');
  const tasks: Task<string>[] = [];
  workerOf({ queue, handler: (task: Task<string>) => void tasks.push(task) });
  await eventually(() => tasks.length, 1);
  expect(tasks[0]?.id).toBe(id);
  expect(tasks[0]?.attempt).toBe(2);
  expect(tasks[0]?.token).toBeGreaterThan(Number(token));
  expect(await queue.wait(id)).toBe(null);

  const guard = createRedisGuard({ redis: url(), name: 'g' });
  later(() => guard.close());
  await guard.initialize();
  await (await guard.seal(tasks[0] as Task)).write([['SET', '{g}:x', 'new']]);
  const old = { resource: `queue:q/${id}`, token: Number(token), issuer: 'queue:q' };
  await expect(guard.seal(old)).rejects.toThrow(StaleTokenError);

  stale.kill('SIGCONT');
  expect(await stale.said('aborted')).toBe('aborted LeaseLostError');
  stale.tell();
  expect(await stale.said('remaining')).toBe('remaining 0');
  expect(await stale.said('progress')).toBe('progress LeaseLostError');
  expect((await queue.get(id))?.result).toBe(null);
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, completed: 1 });
});

it('a worker that was killed loses its task to another, after its lease', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('x');
  const child = startChild('hold');
  await child.said('began');
  child.kill('SIGKILL');
  workerOf({ queue, handler: ({ attempt }: Task<string>) => attempt });
  expect(await queue.wait(id)).toBe(2);
});

it('a task that kills its workers ends among the dead letters', async () => {
  const queue = queueOf<string>({ attempts: 2 });
  const { id } = await queue.add('poison', { attempts: 2 });
  const children = [startChild('die'), startChild('die')];
  await Promise.all(children.map((child) => child.said('began')));
  workerOf({ queue, handler: () => 'never' });
  await eventually(async () => (await queue.get(id))?.state, 'dead' as const);
  expect((await queue.get(id))?.errors?.[0]?.message).toBe('its worker died or stalled in every attempt');
});

it('SIGTERM: what is in flight finishes within the grace, and the rest goes on elsewhere', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('x');
  const child = startChild('hold');
  await child.said('began');
  child.kill('SIGTERM');
  await queue.add('y');
  child.tell();
  await child.said('stopped');
  expect(await queue.wait(id)).toBe('held');
  expect(child.lines.filter((line) => line.startsWith('began'))).toHaveLength(1);
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
});

it('stop hands back what does not finish: another begins it at once, as the same attempt', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('x');
  const begun: Task<string>[] = [];
  const first = workerOf({
    queue,
    lease: 60_000,
    grace: 0,
    handler: async (task: Task<string>) => {
      begun.push(task);
      await new Promise((resolve) => task.signal.addEventListener('abort', resolve));
    },
  });
  await eventually(() => begun.length, 1);
  const second: Task<string>[] = [];
  workerOf({ queue, handler: (task: Task<string>) => void second.push(task) });
  await first.stop();
  await eventually(() => second.length, 1);
  expect(second[0]?.id).toBe(id);
  expect(second[0]?.attempt).toBe(1);
  expect(second[0]?.token).toBeGreaterThan(begun[0]?.token ?? Number.NaN);
  expect(begun[0]?.signal.reason).toMatchObject({ name: 'AbortError' });
});

it('rolling restarts under load cost no attempt and lose nothing', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const count = 600;
  const handled = new Map<number, number>();
  const start = () =>
    workerOf({
      queue,
      concurrency: 20,
      lease: 60_000,
      grace: 0,
      handler: async ({ data, signal }: Task<number>) => {
        await new Promise(setImmediate);
        if (!signal.aborted) handled.set(data, (handled.get(data) ?? 0) + 1);
      },
    });
  let workers = [start(), start()];
  for (let n = 0; n < count; n += 1) {
    await queue.add(n);
    if (n % 60 === 0) {
      const [old, kept] = workers;
      workers = [kept as (typeof workers)[0], start()];
      void old?.stop();
    }
  }
  await eventually(async () => (await queue.counts()).completed, count);
  expect(handled.size).toBe(count);
  expect(await queue.counts()).toMatchObject({ dead: 0, waiting: 0, active: 0 });
});

it('a cut connection leaves no task behind with nobody', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const count = 3_000;
  await queue.addMany(Array.from({ length: count }, (_, data) => ({ data })));
  let handled = 0;
  workerOf({
    queue,
    concurrency: 20,
    lease: 60_000,
    onError: () => {},
    handler: async () => {
      handled += 1;
      if (handled % 300 === 0) await client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
  });
  await eventually(async () => {
    const { completed, dead } = await queue.counts().catch(() => ({ completed: 0, dead: 0 }));
    return completed + dead;
  }, count);
  expect(await queue.counts()).toMatchObject({ completed: count, dead: 0, waiting: 0, active: 0 });
});

it('goes on after Redis was emptied, restarted, and had cut all connections', async () => {
  const queue = queueOf<number>();
  const seen: number[] = [];
  const worker = workerOf({
    queue,
    lease: 1_000,
    onError: () => {},
    handler: ({ data }: Task<number>) => void seen.push(data),
  });
  const sure = async (data: number): Promise<void> => {
    await expect
      .poll(
        async () => {
          await queue.add(data, { id: `n${data}` }).catch(() => {});
          return seen.includes(data);
        },
        { timeout: 20_000 },
      )
      .toBe(true);
  };
  await sure(1);
  await client().flushall();
  await sure(2);
  await client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await sure(3);
  await node().kill();
  await node().restart();
  await sure(4);
  await eventually(() => worker.problem, undefined);
});

it('a worker that Redis does not answer says so, and its tasks know that they are lost', async () => {
  const queue = queueOf<number>({ callTimeout: 1_000 });
  await queue.add(1);
  const tasks: Task<number>[] = [];
  const worker = workerOf({
    queue,
    lease: 3_000,
    onError: () => {},
    handler: async (task: Task<number>) => {
      tasks.push(task);
      await new Promise((resolve) => task.signal.addEventListener('abort', resolve));
    },
  });
  await eventually(() => tasks.length, 1);
  node().freeze();
  later(() => node().thaw());
  await eventually(() => worker.problem !== undefined, true);
  await eventually(() => tasks[0]?.signal.aborted, true);
  expect(tasks[0]?.signal.reason).toBeInstanceOf(LeaseLostError);
  node().thaw();
  await eventually(() => worker.problem, undefined);
});

it('tokens go on rising over a restart that lost them', async () => {
  const queue = queueOf<number>();
  const tokens: number[] = [];
  workerOf({ queue, onError: () => {}, handler: ({ token }: Task<number>) => void tokens.push(token) });
  await queue.add(1);
  await eventually(() => tokens.length, 1);
  await node().kill();
  await node().restart({ empty: true });
  await expect
    .poll(
      async () => {
        await queue.add(2, { id: 'two' }).catch(() => {});
        return tokens.length > 1;
      },
      { timeout: 20_000 },
    )
    .toBe(true);
  expect(tokens[1]).toBeGreaterThan(tokens[0] ?? Number.NaN);
});

it('a delivery that a server has forgotten, and repeats to the same worker, has its effect once', async () => {
  const queue = queueOf<string>();
  const child = startChild('patient');
  await eventually(async () => (await queue.counts()).workers, 1);
  await queue.add('x', { id: 'x', delay: 500 });
  await client().save();
  await child.said('began x');
  // What was saved has the worker's session, and the task as one that nobody has. The worker notices nothing until then.
  child.kill('SIGSTOP');
  await node().kill();
  await node().restart();
  child.kill('SIGCONT');
  await eventually(async () => {
    await queue.add('y', { id: 'y' }).catch(() => {});
    return child.lines.some((line) => line.startsWith('began y'));
  }, true);
  child.tell();
  await Promise.all([queue.wait('x'), queue.wait('y')]);
  await eventually(async () => (await queue.counts()).active, 0);
  expect(await client().get('effects')).toBe('2');
});
