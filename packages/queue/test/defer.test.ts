/** Not yet: attempts that are put off, and workers that pause for a while, without an attempt for it. */
import { MisuseError } from '@holdfast/kernel';
import type { QueueEvent, Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

it.each([
  ['returned', {}],
  ['thrown', { id: 'x', priority: 2 }],
])('an attempt that is put off does not count, however often: %s', async (how, options) => {
  const queue = queueOf<number>({ attempts: 1 });
  const events: QueueEvent[] = [];
  const listening = new AbortController();
  const heard = (async () => {
    for await (const event of queue.events({ signal: listening.signal })) events.push(event);
  })();
  const attempts: number[] = [];
  const { id } = await queue.add(1, options);
  const result = queue.wait(id);
  workerOf({
    queue,
    handler: (task: Task<number>) => {
      attempts.push(task.attempt);
      task.effect('INCR', '{queue:q}:mark');
      if (attempts.length > 3) return 'done';
      if (how === 'thrown') throw task.defer(1);
      return task.defer(1);
    },
  });
  expect(await result).toBe('done');
  expect(attempts).toEqual([1, 1, 1, 1]);
  expect(await client().get('{queue:q}:mark')).toBe('1');
  expect(await queue.get(id)).toMatchObject({ state: 'completed', attempt: 1 });
  await eventually(() => events.length, 4);
  expect(events[0]).toMatchObject({ kind: 'deferred', id, delay: 1 });
  listening.abort();
  await heard;
});

it('a task that is put off keeps its key, and its failures', async () => {
  const queue = queueOf<number>({ attempts: 2, backoff: { type: 'constant', delay: 0 } });
  await queue.add(1, { id: 'first', key: 'k' });
  await queue.add(2, { id: 'second', key: 'k' });
  const seen: [number, number][] = [];
  workerOf({
    queue,
    concurrency: 2,
    handler: (task: Task<number>) => {
      seen.push([task.data, task.attempt]);
      if (seen.length === 1) throw new Error('once');
      if (seen.length === 2) return task.defer(20);
      return task.data;
    },
  });
  expect(await queue.wait('second')).toBe(2);
  expect(seen).toEqual([
    [1, 1],
    [1, 2],
    [1, 2],
    [2, 1],
  ]);
  expect((await queue.get('first'))?.errors).toHaveLength(1);
});

it('refuses what is no delay, which fails the attempt', async () => {
  const queue = queueOf<number>({ attempts: 1 });
  const { id } = await queue.add(1);
  let thrown: unknown;
  const worker = workerOf({
    queue,
    handler: (task: Task<number>) => {
      try {
        return task.defer(-1);
      } catch (error) {
        thrown = error;
        throw error;
      }
    },
  });
  await expect(queue.wait(id)).rejects.toThrow(/The delay of defer is a whole number of milliseconds from 0/);
  expect(thrown).toBeInstanceOf(MisuseError);
  expect(() => worker.pauseFor(0)).toThrow(MisuseError);
});

it('a worker that pauses for a while begins nothing, then goes on; the others go on meanwhile', async () => {
  const queue = queueOf<number>();
  const seen: [string, number][] = [];
  const handler = (name: string) => (task: Task<number>) => void seen.push([name, task.data]);
  const worker = workerOf({ queue, concurrency: 10, handler: handler('first') });
  await queue.wait((await queue.add(0)).id);
  worker.pauseFor(3_600_000);
  await queue.add(1);
  const other = workerOf({ queue, handler: handler('other') });
  await eventually(() => seen.length, 2);
  await other.stop();
  worker.pauseFor(50);
  await queue.add(2);
  await eventually(
    () => seen,
    [
      ['first', 0],
      ['other', 1],
      ['first', 2],
    ],
  );
  worker.pauseFor(3_600_000);
  worker.resume();
  await queue.wait((await queue.add(3)).id);
});
