/** Feature reads and search by gRPC, with the client of grpc-js: the same answers, checks and errors as over HTTP. */
import { connect } from 'node:net';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { createServer } from '@holdfast/server';
import { createIndex } from '@holdfast/vectors';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { callerOf } from './called.js';
import { makeIndex, makeStore } from './made.js';
import { keysOf, later, ownLocks, serve, url, useRedis } from './setting.js';

useRedis();

const FEATURES = 'holdfast.v1.Features';
const ROWS = `${FEATURES}/ReadRows`;
const SERVICE = `${FEATURES}/ReadService`;
const SEARCH = 'holdfast.v1.Vectors/Search';
const grpc = { port: 0 };
const u1 = { store: 'shop', view: 'profile', ids: [{ text: 'u1' }] };
const near = { index: 'kb', vector: { values: [1, 0, 0] } };

test('rows, a service and a search are answered as over HTTP', async () => {
  const { server, ask } = await serve({ grpc });
  const { call } = callerOf(server);
  expect(await call(ROWS, u1)).toMatchObject({ code: 5, error: 'HOLDFAST_NOT_FOUND' });
  await makeStore();
  await makeIndex();
  const { body } = await call(ROWS, { ...u1, ids: [{ text: 'u1' }, { text: 'u2' }] });
  expect(body).toMatchObject({
    features: ['spent', 'tier'],
    rows: [
      { values: [{ float64Value: 99.5 }, { stringValue: 'gold' }], time: expect.any(Number) },
      { values: [{}, {}], reason: 'missing' },
    ],
  });
  const served = await call(SERVICE, { store: 'shop', service: 'ranking', ids: [{ parts: { user: 'u1' } }] });
  expect(served.body).toMatchObject({
    features: ['profile.spent', 'profile.tier'],
    answers: [{ values: [{ float64Value: 99.5 }, { stringValue: 'gold' }] }],
  });
  const { hits, place } = (await call(SEARCH, near)).body;
  expect(hits).toMatchObject([
    { id: 'apple', score: expect.any(Number), attributes: { fields: { kind: { stringValue: 'fruit' } } } },
  ]);
  const overHttp = await ask('POST', '/v1/indexes/kb/search', { body: { vector: [1, 0, 0] } });
  expect({ time: hits[0].time, place }).toEqual({
    time: overHttp.body.hits[0].time,
    place: overHttp.body.place,
  });
  const missed = await call(SEARCH, { ...near, after: place, wait: 5_000, like: 'apple' });
  expect(missed).toMatchObject({ code: 3, error: 'HOLDFAST_MISUSE' });
  expect((await call(SEARCH, { index: 'kb', like: 'apple' })).body.hits).toEqual([]);
});

test('each type of features has its own field, and null has none', async () => {
  const user = entity('visit', [entity('shop'), entity('user')]);
  const all = view('all', {
    entity: user,
    fields: {
      int: t.int(),
      float64: t.float64(),
      float32: t.float32(),
      bool: t.bool(),
      string: t.string(),
      timestamp: t.timestamp(),
      vector: t.vector(2),
      list: t.list(),
      none: t.int().optional(),
    },
  });
  const derived = service('derived', {
    views: { all },
    derive: (row) => ({ twice: (row['all.int'] ?? 0) * 2, big: (row['all.int'] ?? 0) > 5, word: 'x' }),
  });
  const store = createFeatures({ redis: url(), name: 'types', views: [all], services: [derived] });
  later(() => store.close());
  await store.apply();
  const lease = await ownLocks().acquire('all', { ttl: 20_000 });
  const lane = await store.open(all, { holder: lease });
  const values = {
    ...{
      int: -(2 ** 53 - 1),
      float64: 3,
      float32: 0.5,
      bool: false,
      string: '',
      timestamp: 1_700_000_000_123,
    },
    ...{ vector: [0.25, -1], list: [1e300, 2], none: null },
  };
  await lane.land([{ id: { shop: 's', user: 'u' }, time: Date.now(), values }]);
  await lease.release();
  const { server } = await serve({ grpc, definitions: { features: [store] } });
  const { call } = callerOf(server);
  const parts = { parts: { shop: 's', user: 'u' } };
  const { body } = await call(ROWS, { store: 'types', view: 'all', ids: [{ parts }] });
  const typed = [
    { intValue: -(2 ** 53 - 1) },
    { float64Value: 3 },
    { float32Value: 0.5 },
    { boolValue: false },
    { stringValue: '' },
    { timestampValue: 1_700_000_000_123 },
    { vectorValue: { values: [0.25, -1] } },
    { listValue: { values: [1e300, 2] } },
  ];
  expect(body.rows[0].values).toMatchObject([...typed, {}]);
  const served = await call(SERVICE, { store: 'types', service: 'derived', ids: [parts] });
  expect(served.body.answers[0].values).toMatchObject([
    ...typed,
    ...[{}, { float64Value: -(2 ** 54 - 2) }, { boolValue: false }, { stringValue: 'x' }],
  ]);
});

test('a filter, facets, weights of terms and how words are read go through as they are', async () => {
  const index = createIndex({
    ...{ redis: url(), name: 'kb', vectors: { dimensions: 3 } },
    ...{ schema: { kind: 'tag', price: 'number' }, terms: {}, keywords: {} },
  });
  later(() => index.close());
  const said = { text: 'an apple', terms: { fruit: 2 } };
  await index.put({ id: 'apple', vector: [1, 0, 0], attributes: { kind: 'fruit', price: 2 }, ...said });
  await index.put({ id: 'stone', vector: [1, 0, 0.1], attributes: { kind: 'fruit', price: 9 } });
  const { server } = await serve({ grpc, definitions: { indexes: [index] } });
  const { call } = callerOf(server);
  await index.ready();
  const lt = { structValue: { fields: { lt: { numberValue: 5 } } } };
  const found = await call(SEARCH, { ...near, filter: { fields: { price: lt } }, facets: ['kind'] });
  expect(found.body.hits).toMatchObject([{ id: 'apple' }]);
  expect(found.body.facets.fields.kind).toBeDefined();
  const byTerms = await call(SEARCH, { index: 'kb', terms: { weights: { fruit: 1.5 } } });
  expect(byTerms.body.hits).toMatchObject([{ id: 'apple', score: 3 }]);
  for (const [text, how] of [
    ['app', { prefix: true }],
    ['aplpe', { typos: true }],
  ] as const) {
    expect((await call(SEARCH, { index: 'kb', text })).body.hits).toEqual([]);
    expect((await call(SEARCH, { index: 'kb', text, ...how })).body.hits).toMatchObject([{ id: 'apple' }]);
  }
  expect(await call(SEARCH, { index: 'kb', terms: { weights: { fruit: 64 } } })).toMatchObject({ code: 3 });
});

test('keys, rights, counts of requests and values are checked as over HTTP', async () => {
  await makeStore();
  const { file, keys } = keysOf({ a: ['features:read=shop'], b: ['features:read=other'] });
  const { server, ask } = await serve({ grpc, keys: file, rate: { count: 3, per: 600_000 } });
  const { call } = callerOf(server);
  expect(await call(ROWS, u1)).toMatchObject({ code: 16, error: 'HOLDFAST_UNAUTHENTICATED' });
  expect(await call(ROWS, u1, { key: 'hf_x_y' })).toMatchObject({ code: 16 });
  expect(await call(ROWS, u1, { key: keys.b })).toMatchObject({ code: 7, error: 'HOLDFAST_FORBIDDEN' });
  expect(await call(SEARCH, near, { key: keys.a })).toMatchObject({ code: 7 });
  expect(await call(ROWS, { ...u1, ids: [] }, { key: keys.a })).toMatchObject({
    code: 3,
    error: 'HOLDFAST_MISUSE',
    message: expect.stringContaining('ids'),
  });
  const overHttp = await ask('POST', '/v1/features/shop/views/profile:read', {
    ...{ key: keys.a, body: { ids: ['u1'] } },
  });
  expect(overHttp.status).toBe(200);
  const refused = await call(ROWS, u1, { key: keys.a });
  expect(refused).toMatchObject({ code: 8, error: 'HOLDFAST_RATE_LIMITED' });
  expect(Number(refused.pushback)).toBeGreaterThan(1_000);
});

test('a deadline ends a call that Redis keeps waiting; the server goes on', async () => {
  await makeStore();
  const { server } = await serve({ grpc });
  const { call } = callerOf(server);
  expect((await call(ROWS, u1)).code).toBe(0);
  const redis = new Redis(url());
  later(() => redis.disconnect());
  await redis.client('PAUSE', 300, 'ALL');
  expect((await call(ROWS, u1, { deadline: 50 })).code).toBe(4);
  expect((await call(ROWS, u1)).code).toBe(0);
});

test('a call that is under way when the server stops ends as it would have', async () => {
  let begun = 0;
  const validate = (value: unknown) => {
    begun += 1;
    return { value };
  };
  const request = { '~standard': { version: 1, vendor: 'test', validate } } as const;
  const profile = view('profile', { entity: entity('user'), fields: { tier: t.string() } });
  const asked = service('asked', { views: { profile }, request });
  const store = createFeatures({ redis: url(), name: 'asked', views: [profile], services: [asked] });
  later(() => store.close());
  await store.apply();
  const { server } = await serve({ grpc, definitions: { features: [store] } });
  const { call } = callerOf(server);
  const ask = () =>
    call(SERVICE, {
      store: 'asked',
      service: 'asked',
      ids: [{ parts: { user: 'u1' } }],
      request: { numberValue: 1 },
    });
  expect((await ask()).code).toBe(0);
  const redis = new Redis(url());
  later(() => redis.disconnect());
  await redis.client('PAUSE', 300, 'ALL');
  const underWay = ask();
  await expect.poll(() => begun, { interval: 5 }).toBe(2);
  await server.close();
  expect((await underWay).code).toBe(0);
});

test('its health is told without a key, and whoever watches is told when the server stops; then nothing listens', async () => {
  const { file } = keysOf({ a: ['*'] });
  const { server } = await serve({ grpc, keys: file, drain: 200 });
  const { call, clientOf } = callerOf(server);
  const check = (service: string) => call('grpc.health.v1.Health/Check', { service });
  expect((await check('')).body).toEqual({ status: 'SERVING' });
  expect((await check(FEATURES)).body).toEqual({ status: 'SERVING' });
  expect((await check('other')).code).toBe(5);
  const told: string[] = [];
  const watching = clientOf('grpc.health.v1.Health').Watch({ service: '' });
  const over = new Promise((resolve) => watching.on('end', resolve));
  watching.on('data', ({ status }: { status: string }) => told.push(status)).on('error', () => {});
  await expect.poll(() => told).toEqual(['SERVING']);
  const { port } = new URL(server.grpcUrl ?? '');
  await server.close();
  await over;
  expect(told).toEqual(['SERVING', 'NOT_SERVING']);
  const socket = connect(Number(port), '127.0.0.1');
  expect(await new Promise((resolve) => socket.once('error', resolve))).toMatchObject({
    code: 'ECONNREFUSED',
  });
});

test('beyond the loopback it asks for keys; a port that is in use is named, and nothing is left listening', async () => {
  expect(() => createServer({ grpc: { port: 0, host: '0.0.0.0' } })).toThrow('not on 0.0.0.0');
  const { server } = await serve({ grpc });
  const port = Number(new URL(server.grpcUrl ?? '').port);
  await expect(serve({ grpc: { port } })).rejects.toThrow(`Nothing can listen on 127.0.0.1:${port} for gRPC`);
});

test('what is no message is refused as a wrong request', async () => {
  const { server } = await serve({ grpc });
  const client = new Client(new URL(server.grpcUrl ?? '').host, credentials.createInsecure());
  later(() => client.close());
  const as = (bytes: Buffer): Buffer => bytes;
  const error = await new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest(`/${SEARCH}`, as, as, Buffer.from('ffff', 'hex'), resolve);
  });
  expect(error).toMatchObject({ code: 3, details: expect.stringContaining('no SearchRequest') });
  expect(error?.metadata.get('holdfast-code')).toEqual(['HOLDFAST_MISUSE']);
});

test('calls are in the metrics and in the log, without names', async () => {
  await makeStore();
  const lines: object[] = [];
  const logger = { info: (line: object) => lines.push(line) };
  const { server, ask } = await serve({ grpc, logger: logger as never });
  await ask('GET', '/metrics'); // who reads them first begins to count
  await callerOf(server).call(ROWS, u1);
  expect((await ask('GET', '/metrics')).body).toMatch(
    /rpc_server_duration_seconds_count\{.*rpc_method="ReadRows".*\} 1/,
  );
  const line = lines.find((each) => Object(each).method === 'gRPC');
  expect(line).toMatchObject({ route: `/${ROWS}`, status: 'OK', ms: expect.any(Number) });
  expect(JSON.stringify(line)).not.toMatch(/shop|profile|u1/);
});
