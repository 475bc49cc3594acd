/** The rights that README.md lists are enough for who they are for, and no more than they do. */
import { readFileSync } from 'node:fs';
import { createWorker } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, queueOf, url, useRedis } from './setting.js';

useRedis();

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** What README.md says after "ACL SETUSER <user> on ><password>". */
function rightsOf(user: string): string[] {
  const line = new RegExp(`^ACL SETUSER ${user} on >\\S+ (.*)$`, 'm').exec(readme)?.[1];
  return (line ?? '').replaceAll('images', 'q').split(' ');
}

async function as(user: string): Promise<string> {
  await client().call('ACL', 'SETUSER', user, 'reset', 'on', '>secret', ...rightsOf(user));
  later(() => client().call('ACL', 'DELUSER', user));
  return url().replace('redis://', `redis://${user}:secret@`);
}

it('a producer adds, a worker works, an operator operates', async () => {
  const rate = { max: 100, per: 1 };
  const producer = queueOf<number>({
    redis: await as('producer'),
    attempts: 1,
    limits: { rate, keys: { rate } },
  });
  const ids = await Promise.all([
    producer.add(1),
    producer.add(2, { priority: 3 }),
    producer.add(3, { id: 'a', key: 'k' }),
    producer.add(4, { delay: 5 }),
    producer.add(5, { deduplicate: { key: 'd', within: 60_000 } }),
  ]);
  const { id: after } = await producer.addMany([{ data: 8, options: { key: 'k' } }], {
    followUp: { data: 9 },
  });
  expect(ids.every(({ added }) => added)).toBe(true);
  await producer.guard.initialize();
  const holder = { token: Date.now() * 1000, resource: 'r', issuer: 'locks:test' };
  expect(await producer.add(10, { holder, delay: 3_600_000 })).toMatchObject({ added: true });
  const queue = queueOf<number>({ redis: await as('worker'), attempts: 1, limits: { rate, keys: { rate } } });
  const operator = queueOf<number>({ redis: await as('operator') });
  const problems: unknown[] = [];
  const worker = createWorker({
    queue,
    concurrency: 2,
    lease: 300,
    onError: (error) => problems.push(error),
    handler: async (task) => {
      await task.progress(task.data);
      if (task.data === 9) for await (const { state } of task.outcomes()) expect(state).toBe('completed');
      if (task.data === 7) {
        await operator.cancel(task.id);
        await new Promise((resolve) => task.signal.addEventListener('abort', resolve));
      }
      if (task.data === 5) throw new Error('five');
    },
  });
  later(() => worker.stop());
  await eventually(async () => (await operator.counts()).completed, 6);
  expect(await operator.fanIn(after)).toEqual({ tasks: 1, left: 0 });
  await eventually(async () => (await operator.counts()).dead, 1);
  await producer.add(7, { id: 'cancelled' });
  await eventually(async () => (await operator.get('cancelled'))?.state, 'cancelled' as const);
  expect(problems).toEqual([]);
  const [letter] = (await operator.list('dead')).tasks;
  await operator.pause();
  expect(await operator.requeue(letter?.id ?? '')).toBe(true);
  expect(await operator.remove(letter?.id ?? '')).toBe(true);
  expect(await operator.cancel((await producer.add(6, { key: 'waits' })).id)).toBe(true);
  for (let n = 0; n < 3; n += 1) await producer.add(n, { key: 'waits' });
  expect((await operator.list('waiting')).tasks).toHaveLength(3);
  expect(await operator.purge('waiting')).toBe(3);
  for (const options of [{}, { id: 'own', key: 'k' }, { tenant: 't' }]) {
    const { id } = await producer.add(1, options);
    expect(await operator.change(id, { data: 2, priority: 5 })).toBe('changed');
    expect(await operator.reschedule(id, { delay: 60_000 })).toBe('changed');
    expect(await operator.promote(id)).toBe('changed');
    expect(await operator.remove(id)).toBe(true);
  }
  await operator.schedule('s', 1, { every: 60_000 });
  await operator.unschedule('s');
  await operator.resume();
  await worker.stop();
  await operator.obliterate({ confirm: 'q', force: true });
});

it('a worker deletes what is not to be kept any more', async () => {
  const limits = { retain: { count: 0, age: 1, dead: { age: 1 } } };
  const queue = queueOf<number>({ redis: await as('worker'), attempts: 1, limits });
  const operator = queueOf<number>({ redis: await as('operator') });
  const problems: unknown[] = [];
  const worker = createWorker({
    queue,
    lease: 100,
    onError: (error) => problems.push(error),
    handler: async (task) => {
      await task.log('a line');
      if (task.data % 2 === 1) throw new Error('odd');
    },
  });
  later(() => worker.stop());
  for (const data of [0, 1, 2, 3])
    await queue.add(data, data < 2 ? {} : { retain: { age: 5, dead: { age: 5 } } });
  await eventually(async () => (await operator.counts()).totals.failed, 2);
  await eventually(async () => {
    const { waiting, active, completed, dead } = await operator.counts();
    return [waiting, active, completed, dead];
  }, [0, 0, 0, 0]);
  await queue.add(5, { id: 'letter', retain: { dead: { age: 60_000 } } });
  await eventually(async () => (await operator.get('letter'))?.state, 'dead' as const);
  expect(await operator.remove('letter')).toBe(true);
  expect(problems).toEqual([]);
});

it('a producer cannot take tasks, nor touch another queue', async () => {
  const redis = await as('producer');
  const queue = queueOf<number>({ redis });
  await queue.add(1);
  await expect(queue.counts()).rejects.toThrow(/does not let this user do that/);
  const problems: string[] = [];
  const worker = createWorker({
    queue,
    onError: (error) => problems.push(String(error)),
    handler: () => 'taken',
  });
  await eventually(() => problems.length > 0, true);
  expect(problems[0]).toMatch(/does not let this user do that/);
  expect(worker.problem).toBeDefined();
  await worker.stop();
  await expect(queueOf({ redis, name: 'other' }).add(1)).rejects.toThrow(/does not let this user do that/);
});
