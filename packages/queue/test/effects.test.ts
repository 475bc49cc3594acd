/** Effects of a task in the queue's own Redis: with its end, once, or not at all. */
import { LeaseLostError, MisuseError } from '@holdfast/kernel';
import type { Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, queueOf, startChild, useRedis, workerOf } from './setting.js';

useRedis();

it('happen when the task completes, also one with a key, and not when its attempt fails', async () => {
  const queue = queueOf<number>({ backoff: { type: 'constant', delay: 0 } });
  await queue.add(1);
  await queue.add(2, { key: 'k' });
  workerOf({
    queue,
    handler: (task: Task<number>) => {
      task.effect('INCRBY', 'sum', task.data);
      task.effect('RPUSH', 'done', task.id, 'x');
      if (task.attempt === 1) throw new Error('too early');
    },
  });
  await eventually(async () => (await queue.counts()).completed, 2);
  expect(await client().get('sum')).toBe('3');
  expect(await client().llen('done')).toBe(4);
});

it('do not happen where the worker has lost its task', async () => {
  const queue = queueOf<string>();
  const { id } = await queue.add('x');
  const stale = startChild('hold');
  await stale.said('began');
  stale.kill('SIGSTOP');
  workerOf({ queue, handler: (task: Task<string>) => task.effect('INCR', 'effects') });
  await queue.wait(id);
  stale.kill('SIGCONT');
  await stale.said('aborted');
  stale.tell();
  expect(await stale.said('effect')).toBe('effect LeaseLostError');
  expect(await client().get('effects')).toBe('1');
});

it('that Redis refuses make the task a dead letter that says why', async () => {
  const queue = queueOf<string>();
  await client().set('text', 'x');
  const ids = [await queue.add('a "quoted" \\ one'), await queue.add('with a key', { key: 'k' })];
  workerOf({ queue, handler: (task: Task<string>) => task.effect('LPUSH', 'text', 'y') });
  for (const { id } of ids) {
    await eventually(async () => (await queue.get(id))?.state, 'dead' as const);
    const letter = await queue.get(id);
    expect(letter?.errors?.at(-1)).toMatchObject({ attempt: 1 });
    expect(letter?.errors?.at(-1)?.message).toMatch(/^Redis refused an effect: .*WRONGTYPE/);
  }
  expect((await queue.get(ids[0]?.id ?? ''))?.data).toBe('a "quoted" \\ one');
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 2 });
});

it('are refused where they make no sense', async () => {
  const queue = queueOf<string>();
  const tasks: Task<string>[] = [];
  const { id } = await queue.add('x');
  workerOf({
    queue,
    handler: (task: Task<string>) => {
      tasks.push(task);
      expect(() => task.effect('')).toThrow(MisuseError);
      expect(() => task.effect('SET', 'x', Number.NaN)).toThrow(/NaN/);
      for (let n = 0; n < 100; n += 1) task.effect('INCR', 'n');
      expect(() => task.effect('INCR', 'n')).toThrow(/100/);
    },
  });
  await queue.wait(id);
  expect(await client().get('n')).toBe('100');
  expect(() => tasks[0]?.effect('INCR', 'n')).toThrow(LeaseLostError);
});
