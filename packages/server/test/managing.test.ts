/** Limits and schedules over HTTP, the rarer verbs of runs, and rows that are landed under a lease. */
import { createQueue } from '@holdfast/queue';
import { createWorkflows, defineWorkflow } from '@holdfast/workflow';
import { expect, test } from 'vitest';
import { makeStore } from './made.js';
import { keysOf, later, serve, url, useRedis } from './setting.js';

useRedis();

async function tasks(name: string): Promise<void> {
  const queue = createQueue({ redis: url(), name });
  later(() => queue.close());
  await queue.add({ secret: 1 });
}

test('limits are replaced at once, and one that was made for earlier ones is refused', async () => {
  const { ask } = await serve();
  await tasks('q');
  const at = '/v1/queues/q/limits';
  expect((await ask('GET', at)).body).toEqual({ version: 0 });
  expect((await ask('PUT', at, { body: { waiting: 2 } })).body).toMatchObject({ version: 1, waiting: 2 });
  const rate = { max: 5, per: 1_000 };
  const second = await ask('PUT', at, { body: { waiting: 1, rate, retain: { age: 1_000 } } });
  expect(second.body).toMatchObject({ version: 2, waiting: 1, rate });
  expect((await ask('POST', '/v1/queues/q/tasks', { body: { data: 1 } })).body.code).toBe(
    'HOLDFAST_QUEUE_FULL',
  );
  const late = await ask('PUT', at, { body: { concurrency: 1, version: 2 } });
  expect(late).toMatchObject({ status: 400, body: { code: 'HOLDFAST_MISUSE' } });
  expect((await ask('PUT', at, { body: { waiting: 0 } })).body.errors).toMatchObject([
    { field: 'body.waiting' },
  ]);
  expect((await ask('GET', at)).body).toMatchObject({ version: 2, waiting: 1 });
});

test('a schedule of a queue is set, listed, run and removed; its data are for those who may see them', async () => {
  const { file, keys } = keysOf({ all: ['*'], reader: ['queues:read'] });
  const { ask } = await serve({ keys: file });
  await tasks('q');
  const key = keys.all;
  const at = '/v1/queues/q/schedules';
  const body = { data: { secret: 2 }, cron: '0 3 1 1 *', timezone: 'Europe/Berlin', priority: 3 };
  expect((await ask('PUT', `${at}/nightly`, { key, body })).status).toBe(204);
  expect((await ask('PUT', `${at}/often`, { key, body: { data: 0, every: 3_600_000 } })).status).toBe(204);
  const { schedules } = (await ask('GET', at, { key })).body;
  expect(schedules.map(({ name }: { name: string }) => name)).toEqual(['often', 'nightly']);
  expect(schedules[1]).toMatchObject({
    data: { secret: 2 },
    timezone: 'Europe/Berlin',
    next: expect.any(Number),
  });
  const seen = JSON.stringify((await ask('GET', at, { key: keys.reader })).body);
  expect(seen).toContain('nightly');
  expect(seen).not.toContain('secret');
  const { id } = (await ask('POST', `${at}/nightly:run`, { key })).body;
  const task = await ask('GET', `/v1/queues/q/tasks/~?id=${encodeURIComponent(id)}`, { key });
  expect(task.body).toMatchObject({ data: { secret: 2 }, priority: 3 });
  for (const wrong of [
    { cron: 'never' },
    { cron: '* * * * *', every: 1_000 },
    { every: 1_000, timezone: 'Mars' },
  ])
    expect((await ask('PUT', `${at}/x`, { key, body: { data: 1, ...wrong } })).status).toBe(400);
  expect((await ask('DELETE', `${at}/nightly`, { key })).status).toBe(204);
  expect((await ask('DELETE', `${at}/nightly`, { key })).status).toBe(404);
  expect((await ask('POST', `${at}/nightly:run`, { key })).status).toBe(404);
});

test('runs are forked, erased, ended together, and held up; a schedule starts them', async () => {
  const { ask, url: at } = await serve();
  const order = defineWorkflow({ name: 'order' }, async (ctx, input: string) => {
    if (input === 'waits') await ctx.receive('never');
    return ctx.step('price', () => input.length);
  });
  const other = defineWorkflow({ name: 'other' }, async () => 1);
  const app = createWorkflows({ redis: url(), workflows: [order, other] });
  later(() => app.close());
  app.work();
  expect(await app.run(order, 'abc', { id: 'a' })).toBe(3);
  const runs = '/v1/workflows/order/runs';
  const forked = await ask('POST', `${runs}/a:fork`, { body: { id: 'b', from: 'price' } });
  expect(forked).toMatchObject({ status: 201, body: { workflow: 'order', id: 'b', key: 'a' } });
  expect((await ask('GET', `${runs}/b?key=a&wait=20000`)).body).toMatchObject({
    status: 'completed',
    result: 3,
  });
  expect((await ask('DELETE', `${runs}/a`)).body).toEqual({ purged: true });
  expect((await ask('GET', `${runs}/a`)).status).toBe(404);

  for (const id of ['c', 'd']) {
    const run = await app.start(order, 'waits', { id });
    await expect.poll(async () => (await run.status()).status).toBe('sleeping');
  }
  expect((await ask('DELETE', `${runs}/c`)).body).toEqual({ purged: false });
  const many = (body: object) => ask('POST', '/v1/workflows/order:many', { body });
  expect((await many({ verb: 'terminate', state: 'sleeping', reason: 'not wanted' })).body.done).toBe(2);
  expect((await ask('GET', `${runs}/c`)).body.status).toBe('cancelled');

  expect((await ask('POST', '/v1/workflows/order:pause')).status).toBe(204);
  await app.start(order, 'xy', { id: 'e' });
  expect((await ask('GET', `${runs}/e?wait=200`)).body.status).toBe('waiting');
  const gone = new AbortController();
  const events = await fetch(`${at}/v1/workflows/order/events?after=oldest`, { signal: gone.signal });
  expect((await ask('POST', '/v1/workflows/order:resume')).status).toBe(204);
  let seen = '';
  for await (const chunk of (events.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream(),
  )) {
    seen += chunk;
    if (/event: ended\ndata: [^\n]*"run":"e"/.test(seen)) break;
  }
  gone.abort();

  const schedules = '/v1/workflows/order/schedules';
  const body = { input: 'abcd', every: 3_600_000 };
  expect((await ask('PUT', `${schedules}/hourly`, { body })).status).toBe(204);
  expect((await ask('PUT', '/v1/workflows/other/schedules/hourly', { body })).status).toBe(409);
  expect((await ask('DELETE', '/v1/workflows/other/schedules/hourly')).status).toBe(404);
  expect((await ask('GET', '/v1/workflows/other/schedules')).body.schedules).toEqual([]);
  expect((await ask('GET', schedules)).body.schedules).toMatchObject([{ name: 'hourly', input: 'abcd' }]);
  expect((await ask('DELETE', `${schedules}/hourly`)).status).toBe(204);
});

test('rows are landed under a lease, and not under an earlier one; those that do not fit are named', async () => {
  await makeStore();
  const one = await serve();
  const held = await one.ask('POST', '/v1/locks/profile:lane/leases', { body: { ttl: 20_000 } });
  const rows = '/v1/features/shop/views/profile/rows';
  const time = Date.now() - 10_000;
  const land = (lease: string, ...all: object[]) =>
    one.ask('POST', rows, { body: { lane: 'stream', rows: all }, headers: { 'holdfast-lease': lease } });
  const row = { id: 'u9', time, values: { tier: 'new', spent: 1 } };
  const landed = await land(held.body.lease, row, { ...row, values: { tier: 5, spent: 1 } });
  expect(landed.body).toMatchObject({
    outcomes: ['accepted', 'refused'],
    errors: [{ row: 1, field: 'values.tier' }],
  });
  expect((await land(held.body.lease, row)).status).toBe(200);
  expect((await land(held.body.lease, { ...row, time: time - 1 })).body.outcomes).toEqual(['older']);
  const read = await one.ask('POST', '/v1/features/shop/views/profile:read', { body: { ids: ['u9'] } });
  expect(read.body.rows[0].values).toEqual({ tier: 'new', spent: 1 });
  await one.ask('DELETE', '/v1/leases', { headers: { 'holdfast-lease': held.body.lease } });
  const next = await one.ask('POST', '/v1/locks/profile:lane/leases', { body: { ttl: 20_000 } });
  expect((await land(next.body.lease, { ...row, time: time + 1 })).body.outcomes).toEqual(['accepted']);
  expect(await land(held.body.lease, { ...row, time: time + 2 })).toMatchObject({
    status: 412,
    body: { code: 'HOLDFAST_STALE_TOKEN', seen: next.body.token },
  });
  expect((await one.ask('POST', rows, { body: { rows: [row] } })).status).toBe(400);
});
