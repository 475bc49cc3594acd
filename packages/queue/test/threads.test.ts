/** Handlers in threads, and handlers in the tests of users. */

import { fileURLToPath } from 'node:url';
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

it('what cannot be helped is not tried again, and what cannot be copied out of its thread fails or completes', async () => {
  const queue = queueOf<string>({ attempts: 2, backoff: { type: 'constant', delay: 0 } });
  const added = ['never', 'throw a function', 'throw nothing', 'function'].map((data) => queue.add(data));
  const ids = (await Promise.all(added)).map(({ id }) => id);
  workerOf({ queue, concurrency: 2, threads, onError: () => {} });
  const ended = await Promise.all(
    ids.map(async (id) => {
      await queue.wait(id).catch(() => {});
      const { state, failed, errors, notKept } = (await queue.get(id)) ?? {};
      return [state, failed, errors?.at(-1)?.message ?? notKept];
    }),
  );
  expect(ended).toEqual([
    ['dead', 1, 'not even once more'],
    ['dead', 2, expect.stringMatching(/cannot be copied/)],
    ['dead', 2, '[object Object]'],
    ['completed', undefined, expect.stringMatching(/cannot be copied/)],
  ]);
  const { errors = [] } = (await queue.get(ids[0] ?? '')) ?? {};
  expect(errors[0]?.stack).toMatch(/double\.mjs/);
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

const talking = { module: new URL('talking.mjs', import.meta.url), max: 1 };

it('a handler in a thread logs, reports progress, and is told what is wrong', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('log');
  workerOf({ queue, threads: talking });
  expect(await queue.wait(id)).toEqual([
    'MisuseError',
    'HOLDFAST_MISUSE',
    expect.stringContaining('A line of a log is text'),
  ]);
  expect((await queue.log(id)).map(({ text }) => text)).toEqual(['waited for', 'not waited for']);
});

it('a handler in a thread puts its task off, returned or thrown, without an attempt', async () => {
  const queue = queueOf<string>({ attempts: 1 });
  const ids = await Promise.all(
    ['defer', 'throw deferral', 'nonsense'].map(async (data) => (await queue.add(data)).id),
  );
  workerOf({ queue, threads: talking });
  await eventually(async () => (await queue.counts()).delayed, 2);
  expect(await queue.change(ids[0] ?? '', { data: 'so' })).toBe('changed');
  expect(await queue.promote(ids[0] ?? '')).toBe('changed');
  expect(await queue.wait(ids[0] ?? '')).toBe('so!');
  expect(await queue.get(ids[0] ?? '')).toMatchObject({ attempt: 1 });
  const failed = await queue.wait(ids[2] ?? '').catch((error: Error) => error.message);
  expect(failed).toMatch(/delay of defer/);
});

it('a follow-up in a thread reads how the others have ended, page by page', async () => {
  const queue = queueOf<string>({ attempts: 1 });
  const some = await queue.addMany([{ data: 'a' }, { data: 'b' }], { followUp: { data: 'after' } });
  const many = Array.from({ length: 120 }, (_, n) => ({ data: `${n}` }));
  const more = await queue.addMany(many, { followUp: { data: 'after', options: { id: 'more' } } });
  const none = await queue.add('no follow-up');
  workerOf({ queue, threads: talking, concurrency: 20 });
  expect(await queue.wait(some.id)).toEqual(['0 completed a!', '1 completed b!']);
  expect(await queue.wait(more.id)).toEqual([120, '0 completed 0!', '119 completed 119!']);
  expect(await queue.wait(none.id).catch((error: Error) => error.message)).toMatch(/follow/);
});

it('wants a handler, a batch or threads', () => {
  const queue = queueOf<string>();
  expect(() => workerOf({ queue } as never)).toThrow(/a handler, .* or a batch, or threads; give one/);
  expect(() => workerOf({ queue, handler: () => 1, threads } as never)).toThrow(/give one of them/);
  expect(() => workerOf({ queue, threads: { module: 5 } } as never)).toThrow(/threads.module/);
  for (const module of ['double.mjs', 'http://localhost/double.mjs', new URL('none.mjs', import.meta.url)])
    expect(() => workerOf({ queue, threads: { module } })).toThrow(/threads\.module.*(double|none|URL)/);
  expect(() => workerOf({ queue, threads: { module: fileURLToPath(threads.module) } })).not.toThrow();
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
