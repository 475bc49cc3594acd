/** A server that knows what a program defines: schemas of queues, derived features, filters and words. */
import { createFeatures, entity, type Features, service, t, view } from '@holdfast/features';
import { createPartitionedQueue, createQueue } from '@holdfast/queue';
import { createIndex } from '@holdfast/vectors';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { later, ownLocks, serve, url, useRedis } from './setting.js';

useRedis();

test('data of a queue are checked by its schema', async () => {
  const queue = createQueue({ redis: url(), name: 'images', schema: z.object({ width: z.int() }) });
  later(() => queue.close());
  const { server, ask } = await serve({ definitions: { queues: [queue] } });
  const add = (data: unknown) => ask('POST', '/v1/queues/images/tasks', { body: { data } });
  expect((await add({ width: 'wide' })).body).toMatchObject({ code: 'HOLDFAST_MISUSE', status: 400 });
  expect((await add({ width: 10 })).status).toBe(201);
  const { tasks } = (await ask('POST', '/v1/queues/images/claims', { body: {} })).body;
  expect(tasks).toMatchObject([{ data: { width: 10 } }]);
  await server.close();
  expect((await queue.counts()).active).toBe(1);
});

test('tasks are decoded with the codec of their queue; a server without it says that they are encoded', async () => {
  const turn = (bytes: Uint8Array) => Uint8Array.from(bytes).reverse();
  const codec = { encode: turn, decode: turn };
  const queue = createQueue({ redis: url(), name: 'secrets', attempts: 1, codec });
  later(() => queue.close());
  const { ask } = await serve({ definitions: { queues: [queue] } });
  const { ask: askBlind } = await serve({});
  const once = { body: { data: 'alice' }, headers: { 'idempotency-key': 'k' } };
  expect((await ask('POST', '/v1/queues/secrets/tasks', once)).status).toBe(201);
  // What is encoded again differs; what was given does not.
  const again = await ask('POST', '/v1/queues/secrets/tasks', once);
  expect(again).toMatchObject({ status: 200, body: { added: false } });
  const other = { ...once, body: { data: 'bob' } };
  expect((await ask('POST', '/v1/queues/secrets/tasks', other)).status).toBe(422);
  const { id } = again.body;
  expect((await ask('GET', `/v1/queues/secrets/tasks/${id}`)).body).toMatchObject({ data: 'alice' });
  const blind = await askBlind('GET', '/v1/queues/secrets/tasks');
  expect(blind.body.tasks).toMatchObject([{ id, encoded: expect.stringContaining('codec') }]);
  expect(JSON.stringify(blind.body)).not.toContain('alice');
  const claims = '/v1/queues/secrets/claims';
  expect((await askBlind('POST', claims, { body: {} })).body).toMatchObject({
    code: 'HOLDFAST_CODEC',
    status: 501,
  });
  await queue.promote(id);
  const { tasks } = (await ask('POST', claims, { body: {} })).body;
  expect(tasks).toMatchObject([{ data: 'alice', attempt: 1 }]);
  const lease = { 'holdfast-lease': tasks[0].claim };
  await ask('POST', '/v1/claims:complete', { body: { result: 'of alice' }, headers: lease });
  expect(await queue.wait(id)).toBe('of alice');
});

test('a queue stands for its partitions and its groups', async () => {
  const turn = (bytes: Uint8Array) => Uint8Array.from(bytes).reverse();
  const codec = { encode: turn, decode: turn };
  const parts = createPartitionedQueue({ redis: url(), name: 'parts', partitions: 2, codec });
  const grouped = createQueue({ redis: url(), name: 'told', groups: ['mail', 'sms'], codec });
  later(() => Promise.all([parts.close(), grouped.close()]));
  const { ask } = await serve({ definitions: { queues: [parts, grouped] } });
  const { id, queue } = await parts.add('alice');
  expect((await ask('GET', `/v1/queues/${queue.name}/tasks/${id}`)).body).toMatchObject({ data: 'alice' });
  expect((await ask('POST', '/v1/queues/told/tasks', { body: { data: 'bob', id: 't' } })).status).toBe(201);
  expect((await grouped.group('sms').get('t'))?.data).toBe('bob');
  expect((await ask('GET', '/v1/queues/told@mail/tasks/t')).body).toMatchObject({ data: 'bob' });
  const { tasks } = (await ask('POST', '/v1/queues/told@mail/claims', { body: {} })).body;
  expect(tasks).toMatchObject([{ data: 'bob' }]);
});

test('a service derives its features, which another server cannot', async () => {
  const user = entity('user');
  const profile = view('profile', { entity: user, fields: { spent: t.float64() } });
  const ranking = service('ranking', {
    views: { profile },
    derive: (row) => ({ doubled: 2 * (row['profile.spent'] ?? 0) }),
  });
  const store = createFeatures({ redis: url(), name: 'shop', views: [profile], services: [ranking] });
  later(() => store.close());
  await store.apply();
  const lease = await ownLocks().acquire('profiles', { ttl: 20_000 });
  const lane = await store.open(profile, { holder: lease });
  await lane.land([{ id: 'u1', time: Date.now(), values: { spent: 4 } }]);
  await lease.release();
  const read = { body: { ids: [{ user: 'u1' }] } };
  const { ask } = await serve({ definitions: { features: [store as never as Features] } });
  const { answers } = (await ask('POST', '/v1/features/shop/services/ranking:read', read)).body;
  expect(answers).toMatchObject([{ 'profile.spent': 4, doubled: 8 }]);
});

test('a search takes weights of terms, beginnings of words and typing errors; documents are written with terms', async () => {
  const index = createIndex({
    ...{ redis: url(), name: 'kb', vectors: { dimensions: 2 } },
    ...{ keywords: {}, terms: {} },
  });
  later(() => index.close());
  await index.ready();
  const { ask } = await serve({ definitions: { indexes: [index] } });
  const put = async (id: string, body: object) =>
    (await ask('PUT', `/v1/indexes/kb/documents/${id}`, { body })).body.place;
  await put('a', { text: 'a red apple', terms: { fruit: 2, red: 0.5 } });
  const after = await put('b', { text: 'a red car', terms: { red: 1 } });
  const search = (body: object) =>
    ask('POST', '/v1/indexes/kb/search', { body: { after, wait: 20_000, ...body } });
  const found = async (body: object) =>
    (await search(body)).body.hits.map(({ id, score }: { id: string; score: number }) => [id, score]);
  expect(await found({ terms: { red: 3 } })).toEqual([
    ['b', 3],
    ['a', 1.5],
  ]);
  expect(await found({ text: 'red app' })).toHaveLength(2);
  expect(await found({ text: 'app' })).toEqual([]);
  expect(await found({ text: 'app', prefix: true })).toMatchObject([['a', expect.any(Number)]]);
  expect(await found({ text: 'aplle', typos: true })).toMatchObject([['a', expect.any(Number)]]);
  expect((await found({ text: 'car', terms: { fruit: 1 } })).map(([id]: [string]) => id).sort()).toEqual([
    'a',
    'b',
  ]);
  for (const wrong of [{ terms: { red: 64 } }, { terms: { red: -1 } }, { terms: ['red'] }, { prefix: 1 }]) {
    const { status, body } = await search(wrong);
    expect(status).toBe(400);
    expect(body.errors[0].field).toMatch(/^body\.(terms|prefix)/);
  }
  const other = await serve();
  for (const body of [{ terms: { red: 1 } }, { vector: [1, 0], prefix: true }]) {
    expect(await other.ask('POST', '/v1/indexes/kb/search', { body })).toMatchObject({
      ...{ status: 400, body: { code: 'HOLDFAST_MISUSE', detail: expect.stringContaining('createIndex()') } },
    });
  }
});

test('a search has filters and words; without the definition they are refused', async () => {
  const index = createIndex({
    ...{ redis: url(), name: 'kb', vectors: { dimensions: 2 } },
    ...{ schema: { kind: 'tag', price: 'number' }, keywords: {} },
  });
  later(() => index.close());
  await index.put({ id: 'a', vector: [1, 0], text: 'a red apple', attributes: { kind: 'fruit', price: 3 } });
  await index.put({ id: 'b', vector: [1, 0.1], text: 'a red car', attributes: { kind: 'thing', price: 9 } });
  const { place } = await index.put({
    id: 'c',
    vector: [0, 1],
    text: 'green kelp',
    attributes: { kind: 'fruit' },
  });
  const { ask } = await serve({ definitions: { indexes: [index] } });
  const search = (body: object) =>
    ask('POST', '/v1/indexes/kb/search', { body: { after: place, wait: 20_000, ...body } });
  const ids = async (body: object) => (await search(body)).body.hits.map(({ id }: { id: string }) => id);
  expect(await ids({ vector: [1, 0], filter: { kind: 'fruit' } })).toEqual(['a', 'c']);
  expect(await ids({ vector: [1, 0], filter: { price: { gte: 4 } } })).toEqual(['b']);
  expect(await ids({ text: 'kelp' })).toEqual(['c']);
  const found = await search({ text: 'red', facets: ['kind'], texts: true });
  expect(found.body.hits[0]).toMatchObject({ text: expect.stringContaining('red') });
  expect(JSON.stringify(found.body.facets)).toContain('fruit');
  expect((await search({ vector: [1, 0], filter: { colour: 'red' } })).status).toBe(400);
  const other = await serve();
  const refused = await other.ask('POST', '/v1/indexes/kb/search', {
    body: { vector: [1, 0], filter: { kind: 'x' } },
  });
  expect(refused).toMatchObject({ status: 400, body: { code: 'HOLDFAST_MISUSE' } });
});
