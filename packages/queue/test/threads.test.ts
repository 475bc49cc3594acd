/** Handlers in threads, and handlers in the tests of users. */

import { handleAll } from '@holdfast/queue/testing';
import { expect, it } from 'vitest';
import { eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

const threads = { module: new URL('double.mjs', import.meta.url) };

it('runs a module in threads; one that ends is a failed attempt, not a dead worker', async () => {
  const queue = queueOf<string>({ attempts: 1 });
  const ids = await Promise.all(['a', 'exit', 'throw', 'b'].map((data) => queue.add(data)));
  const worker = workerOf({ queue, concurrency: 2, threads });
  const results = await Promise.allSettled(ids.map(({ id }) => queue.wait(id)));
  expect(
    results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.reason)),
  ).toEqual(['aa', expect.stringMatching(/exit/i), 'thrown in the thread', 'bb']);
  expect(worker.problem).toBeUndefined();
});

it('a thread that spins keeps its lease, and is ended when the worker stops', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('spin');
  const worker = workerOf({ queue, lease: 300, threads });
  await eventually(async () => (await queue.get(id))?.state, 'active' as const);
  const session = (await queue.get(id))?.worker;
  await expect.poll(async () => (await queue.counts()).oldest).toBe(0);
  expect((await queue.get(id))?.worker).toBe(session);
  await worker.stop();
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
});

it('wants either a handler or threads', () => {
  const queue = queueOf<string>();
  expect(() => workerOf({ queue } as never)).toThrow(/either a handler, .* or threads/);
  expect(() => workerOf({ queue, handler: () => 1, threads } as never)).toThrow(/either a handler/);
  expect(() => workerOf({ queue, threads: { module: 5 } } as never)).toThrow(/threads.module/);
});

it('handles all tasks of a test at once, with retries and what handlers add', async () => {
  const queue = queueOf<string>({ attempts: 3 });
  await queue.add('first');
  await queue.add('tomorrow', { delay: 86_400_000 });
  const seen: string[] = [];
  const attempts = await handleAll({
    queue,
    handler: async (task) => {
      seen.push(`${task.data} ${task.attempt}`);
      if (task.data === 'first' && task.attempt === 1) throw new Error('again, after a second');
      if (task.data === 'tomorrow') await queue.add('added', { delay: 3_600_000 });
    },
  });
  expect(attempts).toBe(4);
  expect(seen.sort()).toEqual(['added 1', 'first 1', 'first 2', 'tomorrow 1']);
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, completed: 3 });
});
