/** Features, vectors, idempotency keys and limits of requests over HTTP. */
import { expect, test } from 'vitest';
import { makeIndex, makeStore } from './made.js';
import { keysOf, serve, useRedis } from './setting.js';

useRedis();

test('rows of a view and answers of a service are read; what is not there is 404', async () => {
  const { ask } = await serve();
  expect((await ask('GET', '/v1/features/shop')).body.code).toBe('HOLDFAST_NOT_FOUND');
  await makeStore();
  expect((await ask('GET', '/v1/features/shop')).body).toEqual({
    views: ['profile'],
    services: ['ranking@1'],
  });
  const { rows } = (
    await ask('POST', '/v1/features/shop/views/profile:read', { body: { ids: ['u1', 'u2'] } })
  ).body;
  expect(rows).toMatchObject([
    { values: { tier: 'gold', spent: 99.5 }, time: expect.any(Number) },
    { values: { tier: null, spent: null }, reason: 'missing' },
  ]);
  const served = await ask('POST', '/v1/features/shop/services/ranking:read', {
    body: { ids: [{ user: 'u1' }] },
  });
  expect(served.body.answers).toMatchObject([{ 'profile.tier': 'gold' }]);
  const other = await ask('POST', '/v1/features/shop/views/other:read', { body: { ids: ['u1'] } });
  expect(other).toMatchObject({ status: 404, body: { code: 'HOLDFAST_NOT_FOUND' } });
});

test('a search after a write sees it, whichever replica took it', async () => {
  const [one, other] = [await serve(), await serve()];
  expect((await one.ask('POST', '/v1/indexes/kb/search', { body: { vector: [1, 0, 0] } })).status).toBe(404);
  await makeIndex();
  const write = { body: { vector: [0.9, 0.1, 0], attributes: { kind: 'pear' } } };
  const { place, outcome } = (await one.ask('PUT', '/v1/indexes/kb/documents/pear', write)).body;
  expect(outcome).toBe('written');
  const body = { vector: [1, 0, 0], after: place, wait: 20_000 };
  const found = await other.ask('POST', '/v1/indexes/kb/search', { body });
  expect(found.body.hits.map(({ id }: { id: string }) => id)).toEqual(['apple', 'pear']);
  const lost = { vector: [1, 0, 0], after: `before-${place}`, wait: 0 };
  expect(await other.ask('POST', '/v1/indexes/kb/search', { body: lost })).toMatchObject({
    status: 412,
    body: { code: 'HOLDFAST_PLACE_LOST' },
  });
  const wrong = await other.ask('POST', '/v1/indexes/kb/search', { body: { vector: [1] } });
  expect(wrong).toMatchObject({ status: 400, body: { code: 'HOLDFAST_MISUSE' } });
});

test('a vector may be the base64 of its 32-bit floats, and is the same vector then', async () => {
  await makeIndex();
  const { ask } = await serve();
  const bytes = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer).toString('base64');
  const write = { body: { vectors: [bytes(0.1, 0.9, 0), [0.2, 0.8, 0]] } };
  const { place } = (await ask('PUT', '/v1/indexes/kb/documents/fig', write)).body;
  const search = async (vector: unknown) =>
    ask('POST', '/v1/indexes/kb/search', { body: { vector, after: place, wait: 20_000 } });
  const found = await search(bytes(0, 1, 0));
  expect(found.body.hits[0].id).toBe('fig');
  expect(found.body.hits).toEqual((await search([0, 1, 0])).body.hits);
  expect(await search(bytes(0, Number.NaN, 0))).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('dimension 1 is NaN') },
  });
  for (const vector of [
    '',
    'AAAA',
    'AACAPwA=',
    `${bytes(1)}!`,
    bytes(...new Float32Array(8_193)),
    [],
    ['x'],
  ]) {
    const { status, body } = await search(vector);
    expect(status, JSON.stringify(vector).slice(0, 40)).toBe(400);
    expect(body.errors[0].field).toMatch(/^body\.vector/);
  }
});

test('a task that is added again with its key is added once, and not with other data', async () => {
  const { ask } = await serve();
  const add = (data: unknown) =>
    ask('POST', '/v1/queues/q/tasks', { body: { data }, headers: { 'idempotency-key': 'k' } });
  const first = await add({ n: 1 });
  expect(first).toMatchObject({ status: 201, body: { added: true } });
  expect(await add({ n: 1 })).toMatchObject({ status: 200, body: { id: first.body.id, added: false } });
  expect(await add({ n: 2 })).toMatchObject({
    status: 422,
    body: { errors: [{ field: 'header.idempotency-key' }] },
  });
  expect((await ask('GET', '/v1/queues/q')).body.waiting).toBe(1);
});

test('a key that asks too often is told when to come again; others are not kept from asking', async () => {
  const { file, keys } = keysOf({ a: ['*'], b: ['*'] });
  const { ask } = await serve({ keys: file, rate: { count: 3, per: 600_000 } });
  const statuses = [];
  for (let call = 0; call < 4; call += 1) {
    statuses.push((await ask('GET', '/v1/queues', { key: keys.a })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 429]);
  const refused = await ask('GET', '/v1/queues', { key: keys.a });
  expect(refused.body).toMatchObject({ code: 'HOLDFAST_RATE_LIMITED', retryAfter: expect.any(Number) });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(100);
  expect((await ask('GET', '/v1/queues', { key: keys.b })).status).toBe(200);
  const kept = await ask('PATCH', '/v1/leases', {
    ...{ key: keys.a, body: {} },
    headers: { 'holdfast-lease': 'x' },
  });
  expect(kept.status).toBe(400);
});

test('an address that sends many wrong keys is told to wait; a right one is accepted all the same', async () => {
  const { file, keys } = keysOf({ a: ['*'] });
  const { ask } = await serve({ keys: file });
  const wrong = `${keys.a.slice(0, -1)}${keys.a.endsWith('A') ? 'B' : 'A'}`;
  const statuses = new Set<number>();
  // Many at a time: on a busy machine, one after the other would come slowly enough to be let in.
  for (let round = 0; round < 20 && !statuses.has(429); round += 1) {
    const asked = Array.from({ length: 20 }, () => ask('GET', '/v1/queues', { key: wrong }));
    for (const { status } of await Promise.all(asked)) statuses.add(status);
  }
  expect([...statuses]).toEqual([401, 429]);
  expect((await ask('GET', '/v1/queues', { key: keys.a })).status).toBe(200);
});
