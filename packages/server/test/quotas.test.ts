/** Quotas of keys: what is stored and held is counted over all replicas, and never exceeds them. */
import { createQueue, createWorker } from '@holdfast/queue';
import { createServerKey } from '@holdfast/server';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { fileOf, keysOf, later, type Served, serve, url, useRedis } from './setting.js';

useRedis();

type Ask = Served['ask'];

/** Two replicas, and a caller with quotas that asks them in turn. */
async function replicas(quotas: Readonly<Record<string, number>>): Promise<{ ask: Ask; other: Ask }> {
  const { file, keys } = keysOf({ shop: ['*'], other: ['*'] }, { shop: quotas });
  const serverKey = fileOf(createServerKey());
  const servers = [await serve({ keys: file, serverKey }), await serve({ keys: file, serverKey })];
  let turn = 0;
  const ask: Ask = (method, path, options) => {
    turn += 1;
    return (servers[turn % 2] as Served).ask(method, path, { key: keys.shop, ...options });
  };
  return { ask, other: (method, path, options) => ask(method, path, { ...options, key: keys.other }) };
}

const statuses = (replies: readonly { readonly status: number }[]): Record<number, number> => {
  const counted: Record<number, number> = {};
  for (const { status } of replies) counted[status] = (counted[status] ?? 0) + 1;
  return counted;
};

const TASKS = '/v1/queues/images/tasks';

function queueOf(name: string) {
  const queue = createQueue({ redis: url(), name });
  later(() => queue.close());
  return queue;
}

test('of tasks that are added at two replicas at once, as many are as the quota has room for', async () => {
  const { ask, other } = await replicas({ tasks: 10 });
  const add = (index: number) => ask('POST', TASKS, { body: { data: index } });
  const replies = await Promise.all(Array.from({ length: 40 }, (_, index) => add(index)));
  expect(statuses(replies)).toEqual({ 201: 10, 429: 30 });
  expect((await queueOf('images').counts()).waiting).toBe(10);
  const refused = await add(1);
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'HOLDFAST_QUOTA_EXCEEDED', quota: 'tasks', limit: 10, used: 10, retryAfter: 1_000 },
  });
  expect(refused.body.detail).toContain('quota "tasks" of shop is 10');
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await other('POST', TASKS, { body: { data: 1 } })).status).toBe(201);
  expect((await ask('GET', '/v1/quotas')).body).toEqual({
    subject: 'shop',
    quotas: { tasks: { limit: 10, used: 10 } },
  });
});

test('what has ended makes room, at whatever replica; dead letters do not', async () => {
  const { ask } = await replicas({ tasks: 3 });
  const add = (data: number) => ask('POST', TASKS, { body: { data, attempts: 1 } });
  for (const data of [1, 2, 3]) expect((await add(data)).status).toBe(201);
  expect((await add(4)).status).toBe(429);
  const queue = queueOf('images');
  const handler = ({ data }: { data: unknown }) => {
    if (data === 1) throw new Error('no cat');
  };
  const worker = createWorker({ queue, handler });
  later(() => worker.stop());
  await expect.poll(async () => (await queue.counts()).totals.completed).toBe(2);
  await expect.poll(async () => (await queue.counts()).dead).toBe(1);
  await worker.stop();
  const replies = await Promise.all([5, 6, 7, 8].map(add));
  expect(statuses(replies)).toEqual({ 201: 2, 429: 2 });
  expect((await ask('GET', '/v1/quotas')).body.quotas.tasks.used).toBe(3);
});

test('a batch is added as a whole or refused; bytes are counted, and what was there already is not', async () => {
  const { ask } = await replicas({ tasks: 6, taskBytes: 100 });
  const batch = (count: number) =>
    ask('POST', `${TASKS}:batch`, { body: { tasks: Array.from({ length: count }, () => ({ data: 1 })) } });
  expect((await batch(7)).body).toMatchObject({ quota: 'tasks', limit: 6, used: 0 });
  expect((await batch(2)).status).toBe(201);
  const once = { body: { data: 'x'.repeat(60) }, headers: { 'idempotency-key': 'k' } };
  expect((await ask('POST', TASKS, once)).status).toBe(201);
  expect((await ask('POST', TASKS, once)).status).toBe(200);
  expect((await ask('POST', TASKS, { body: { data: 'x'.repeat(60) } })).body).toMatchObject({
    ...{ quota: 'taskBytes', limit: 100, used: 64 },
  });
  expect((await ask('GET', '/v1/quotas')).body.quotas).toEqual({
    ...{ tasks: { limit: 6, used: 3 }, taskBytes: { limit: 100, used: 64 } },
  });
  const twice = { tasks: [1, 2].map((data) => ({ data, id: 'twice' })) };
  expect((await ask('POST', `${TASKS}:batch`, { body: twice })).status).toBe(201);
  expect((await ask('GET', '/v1/quotas')).body.quotas.tasks.used).toBe(4);
  await queueOf('images').add(1, { id: 'theirs' });
  expect((await ask('POST', TASKS, { body: { data: 1, id: 'theirs' } })).body.added).toBe(false);
  expect((await ask('GET', '/v1/quotas')).body.quotas.tasks.used).toBe(4);
  const last = (data: string) => ({ data, deduplicate: { key: 'a', within: 60_000, keep: 'last' } });
  expect((await ask('POST', TASKS, { body: { ...last('x'), delay: 60_000 } })).status).toBe(201);
  await ask('POST', TASKS, { body: { ...last('x'.repeat(20)), delay: 60_000 } });
  expect((await ask('GET', '/v1/quotas')).body.quotas.taskBytes.used).toBe(65 + 22);
});

test('leases are counted while they are held: of all kinds, at all replicas, as long as they are extended', async () => {
  const { ask } = await replicas({ leases: 3 });
  const take = (name: string, body: object = {}) =>
    ask('POST', `/v1/locks/${name}/leases`, { body: { ttl: 20_000, ...body } });
  const first = await take('a');
  expect(first.status).toBe(201);
  expect((await take('a')).status).toBe(409); // what is not granted is not counted
  const several = await take('b', { others: ['c'] });
  expect(several.status).toBe(201);
  const refused = await take('pool', { permits: 2 });
  expect(refused).toMatchObject({ status: 429, body: { quota: 'leases', limit: 3, used: 3 } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(20);
  const header = { 'holdfast-lease': several.body.lease };
  expect((await ask('DELETE', '/v1/leases', { headers: header })).status).toBe(204);
  expect((await take('pool', { permits: 2 })).status).toBe(201);
  expect((await ask('GET', '/v1/quotas')).body.quotas.leases).toEqual({ limit: 3, used: 2 });
  const extended = { headers: { 'holdfast-lease': first.body.lease }, body: {} };
  const redis = new Redis(url());
  later(() => redis.disconnect());
  await redis.flushall();
  expect((await ask('PATCH', '/v1/leases', extended)).status).toBe(200);
  expect((await ask('GET', '/v1/quotas')).body.quotas.leases.used).toBe(1);
});

test('a lease that is taken again with its Idempotency-Key takes the place of the earlier one', async () => {
  const { ask } = await replicas({ leases: 1 });
  const take = () =>
    ask('POST', '/v1/locks/again/leases', { body: {}, headers: { 'idempotency-key': 'once' } });
  expect((await take()).status).toBe(201);
  expect((await take()).status).toBe(201);
  expect((await ask('GET', '/v1/quotas')).body.quotas.leases.used).toBe(1);
});

test('runs are counted until they are over, and again when they go on; schedules until they are removed', async () => {
  const { ask } = await replicas({ runs: 2, schedules: 1 });
  const order = defineWorkflow({ name: 'order' }, async (ctx) => ctx.receive('go'));
  const app = createWorkflows({ redis: url(), workflows: [order] });
  later(() => app.close());
  app.work();
  await app.start(order, 1, { id: 'not-counted' });
  const start = (id: string) => ask('POST', '/v1/workflows/order/runs', { body: { input: 1, id } });
  expect(statuses(await Promise.all(['a', 'b', 'c', 'd'].map(start)))).toEqual({ 201: 2, 429: 2 });
  const { runs } = (await ask('GET', '/v1/workflows/order/runs')).body;
  const { id } = runs.find((run: { id: string }) => run.id !== 'not-counted');
  await ask('POST', `/v1/workflows/order/runs/${id}:terminate`, { body: {} });
  expect((await ask('GET', '/v1/quotas')).body.quotas.runs.used).toBe(1);
  expect((await start('e')).status).toBe(201);
  expect((await ask('POST', `/v1/workflows/order/runs/${id}:retry`, { body: {} })).body).toMatchObject({
    quota: 'runs',
  });
  const nightly = { body: { data: 1, cron: '0 3 * * *' } };
  const [one, two] = ['one', 'two'].map((name) => `/v1/queues/images/schedules/${name}`) as [string, string];
  expect((await ask('PUT', one, nightly)).status).toBe(204);
  expect((await ask('PUT', one, nightly)).status).toBe(204);
  expect((await ask('PUT', two, nightly)).body).toMatchObject({ quota: 'schedules', used: 1 });
  expect((await ask('DELETE', one)).status).toBe(204);
  expect((await ask('PUT', two, nightly)).status).toBe(204);
});

test('a task whose answer was lost stays counted, and is looked up when nobody can be writing it any more', async () => {
  const { ask } = await replicas({ tasks: 2 });
  expect((await ask('POST', TASKS, { body: { data: 1, id: 'a' } })).status).toBe(201);
  const redis = new Redis(url());
  later(() => redis.disconnect());
  // As a replica leaves it that died between the counting and the adding.
  const key = '{holdfast:server}:quota:tasks:shop';
  const now = Date.now() * 1_000;
  const lost = JSON.stringify(['images', 'lost']);
  await redis.zadd(key, String(now), lost);
  await redis.zadd(`${key}:writing`, String(now), lost);
  expect((await ask('POST', TASKS, { body: { data: 1 } })).status).toBe(429);
  const before = String(now - 3_600_000_000);
  await redis.zadd(key, before, lost);
  await redis.zadd(`${key}:writing`, before, lost);
  expect((await ask('POST', TASKS, { body: { data: 1 } })).status).toBe(201);
  expect(await redis.zrange(`${key}:writing`, '0', '-1')).toEqual([]);
});
