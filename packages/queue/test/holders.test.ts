/** A queue is a guarded resource: tasks are added under the token of a holder, in one step with the check that it is not stale. */
import { createRedisGuard } from '@holdfast/fence/redis';
import type { TokenClaim } from '@holdfast/kernel';
import { createPartitionedQueue, createWorker, type Queue, type Task } from '@holdfast/queue';
import { expect, it } from 'vitest';
import { client, eventually, later, node, queueOf, url, useRedis } from './setting.js';

useRedis();

/** A lease on "invoice", as far as a guard looks at it; tokens are times in microseconds. */
const holder = (number: number, more: Partial<TokenClaim> = {}): TokenClaim => ({
  token: Date.now() * 1000 + number,
  resource: 'invoice',
  issuer: 'locks:test',
  ...more,
});

async function guardedQueue(options: Parameters<typeof queueOf>[0] = {}): Promise<Queue<unknown, unknown>> {
  const queue = queueOf(options);
  await queue.guard.initialize();
  return queue;
}

const waiting = async (queue: Queue<unknown, unknown>): Promise<unknown[]> =>
  (await queue.list('waiting')).tasks.map(({ data }) => data);

const STALE = { code: 'HOLDFAST_STALE_TOKEN', reason: 'lower', resource: 'invoice' };

it('refuses the older of two holders once the newer one has added, and adds nothing for it', async () => {
  const queue = await guardedQueue();
  const [older, newer] = [holder(0), holder(5)];
  expect(await queue.add('a', { holder: older })).toMatchObject({ added: true });
  expect(await queue.add('b', { holder: newer, id: 'b' })).toEqual({ id: 'b', added: true });
  const refused = { ...STALE, offered: older.token, seen: newer.token };
  await expect(queue.add('c', { holder: older })).rejects.toMatchObject(refused);
  await expect(queue.add('c', { holder: older, id: 'b' })).rejects.toMatchObject(refused);
  await expect(queue.addMany([{ data: 'c' }, { data: 'd' }], { holder: older })).rejects.toMatchObject(
    refused,
  );
  const followUp = { data: 'then' };
  await expect(queue.addMany([{ data: 'c' }], { holder: older, followUp })).rejects.toMatchObject(refused);
  expect(await waiting(queue)).toEqual(['a', 'b']);
  // The same holder may go on, others on other resources, and who has no token at all.
  await queue.addMany([{ data: 'd' }, { data: 'e', options: { key: 'k' } }], { holder: newer });
  await queue.add('f', { holder: { ...older, resource: 'other' } });
  await queue.add('g');
  expect((await waiting(queue)).sort()).toEqual(['a', 'b', 'd', 'e', 'f', 'g']);
});

it('adds in the order of calls, whichever way, and what is the same once', async () => {
  const queue = await guardedQueue({ retry: { within: 1_000 } });
  const claim = holder(0);
  const all = Array.from({ length: 250 }, (_, data) => ({
    data,
    options: data === 7 ? { id: 'seven' } : {},
  }));
  const added = await queue.addMany(all, { holder: claim });
  expect(added).toHaveLength(250);
  expect(added.every((each) => each.added)).toBe(true);
  expect(added[7]).toEqual({ id: 'seven', added: true });
  expect(await queue.addMany([{ data: 7, options: { id: 'seven' } }], { holder: claim })).toEqual([
    { id: 'seven', added: false },
  ]);
  expect((await queue.list('waiting', { limit: 1_000 })).tasks.map(({ data }) => data)).toEqual(
    all.map(({ data }) => data),
  );
});

it('shares its marks with a guard for Redis: a seal shuts earlier holders out, and one of another issuer waits', async () => {
  const queue = await guardedQueue({ prefix: 'test:' });
  const [older, newer] = [holder(0), holder(5)];
  await queue.add('a', { holder: older });
  const guard = createRedisGuard({ redis: url(), prefix: 'test:', name: 'queue:q' });
  later(() => guard.close());
  expect(await guard.mark('invoice')).toEqual({ token: older.token, issuer: older.issuer });
  await guard.seal(newer);
  await expect(queue.add('b', { holder: older })).rejects.toMatchObject(STALE);
  const other = holder(-1_000_000, { issuer: 'queue:other' });
  await expect(queue.add('b', { holder: other })).rejects.toMatchObject({ expected: 'locks:test' });
  await queue.guard.transfer('invoice', other);
  expect(await queue.add('b', { holder: other })).toMatchObject({ added: true });
  expect(await client().get('test:{queue:q}:mark:invoice')).toBe(`${other.token} queue:other`);
  expect(await client().pttl('test:{queue:q}:mark:invoice')).toBe(-1);
  // Whoever deletes the queue does not let an earlier holder come back.
  await queue.obliterate({ confirm: 'q' });
  await expect(queue.add('c', { holder: newer })).rejects.toMatchObject({ expected: 'queue:other' });
});

it('refuses what it cannot judge: a new server, one that forgot or restarted, a token that nobody can have', async () => {
  const queue = queueOf();
  const before = holder(0);
  const forgotten = { code: 'HOLDFAST_STALE_TOKEN', reason: 'forgotten' };
  await expect(queue.add('a', { holder: before })).rejects.toMatchObject(forgotten);
  await expect(queue.add('a', { holder: before })).rejects.toThrow(/call initialize\(\) once/);
  await queue.guard.initialize();
  await queue.add('a', { holder: before });
  await expect(queue.add('b', { holder: holder(60_000_000) })).rejects.toMatchObject({ reason: 'ahead' });
  await client().flushall();
  await expect(queue.add('b', { holder: holder(0) })).rejects.toMatchObject(forgotten);
  expect((await queue.counts()).waiting).toBe(0);
  await queue.guard.initialize();
  await queue.add('b', { holder: holder(0) });
  await node().kill();
  await node().start();
  await eventually(async () => {
    const reason = await queue
      .add('c', { holder: holder(0) })
      .catch(({ reason }: { reason?: string }) => reason);
    return reason;
  }, 'forgotten');
});

it('takes tasks as holders, so that a worker that has lost its task adds nothing', async () => {
  const [orders, mails] = [queueOf<string>({ name: 'orders' }), await guardedQueue({ name: 'mails' })];
  const attempts: Task<string>[] = [];
  const worker = createWorker({
    queue: orders,
    handler: async (task) => {
      attempts.push(task);
      if (task.attempt > 1) await mails.add(`second of ${task.data}`, { holder: task });
      else throw new Error('first');
    },
  });
  later(() => worker.stop());
  const { id } = await orders.add('o', { backoff: { type: 'constant', delay: 1 } });
  await orders.wait(id);
  await expect(mails.add('first of o', { holder: attempts[0] as Task<string> })).rejects.toMatchObject({
    code: 'HOLDFAST_STALE_TOKEN',
    reason: 'lower',
  });
  expect(await waiting(mails)).toEqual(['second of o']);
});

it('guards all groups of a queue together, and each partition by itself', async () => {
  const queue = await guardedQueue({ groups: ['a', 'b'] });
  const [older, newer] = [holder(0), holder(5)];
  await queue.add(1, { holder: older });
  await queue.group('a').add(2, { holder: newer });
  await expect(queue.add(3, { holder: older })).rejects.toMatchObject(STALE);
  expect(await waiting(queue.group('a') as never)).toEqual([1, 2]);
  expect(await waiting(queue.group('b') as never)).toEqual([1]);

  const spread = createPartitionedQueue<number>({ redis: url(), name: 'spread', partitions: 2 });
  later(() => spread.close());
  for (const each of spread.partitions) await each.guard.initialize();
  const { queue: one } = await spread.add(1, { holder: older });
  expect(one).toBe(spread.partitionOf('invoice'));
  const added = await spread.addMany([{ data: 2 }, { data: 3 }], { holder: newer });
  expect(added.map((each) => each.queue)).toEqual([one, one]);
  await expect(spread.add(4, { holder: older })).rejects.toMatchObject(STALE);
});

it('says what is wrong with a holder, and where there can be none', async () => {
  const queue = await guardedQueue();
  for (const wrong of [5, {}, { token: 1.5, resource: 'r', issuer: 'i' }, { token: 1, issuer: 'i' }, null]) {
    await expect(queue.add(1, { holder: wrong as never })).rejects.toMatchObject({ code: 'HOLDFAST_MISUSE' });
  }
  const many = [{ data: 1, options: { holder: holder(0) } }];
  await expect(queue.addMany(many, { holder: holder(1) })).rejects.toThrow(/holder of addMany/);
  await expect(queue.addMany(many, { followUp: { data: 2 } })).rejects.toThrow(/holder of addMany/);
  const followUp = { data: 2, options: { holder: holder(0) } };
  await expect(queue.addMany([{ data: 1 }], { followUp })).rejects.toThrow(/holder of addMany/);
  expect(() => queueOf({ guard: { window: -1 } })).toThrow(/window/);
  expect((await queue.counts()).waiting).toBe(0);
});
