/** Leases over HTTP: several replicas, clients that go, requests that are repeated, places in line. */
import { createServerKey } from '@holdfast/server';
import { beforeEach, expect, test } from 'vitest';
import { fileOf, keysOf, ownLocks, type Served, serve, useRedis } from './setting.js';

useRedis();

let one: Served;
let other: Served;
let name = '';
let tests = 0;

beforeEach(async () => {
  const serverKey = fileOf(createServerKey());
  one = await serve({ serverKey });
  other = await serve({ serverKey });
  tests += 1;
  name = `account:${tests}`;
});

const take = (at: Served, body: object = {}, headers: Record<string, string> = {}) =>
  at.ask('POST', `/v1/locks/${name}/leases`, { body, headers });
const withHandle = (lease: string) => ({ headers: { 'holdfast-lease': lease } });
const extend = (at: Served, lease: string) =>
  at.ask('PATCH', '/v1/leases', { body: {}, ...withHandle(lease) });
const end = (at: Served, lease: string) => at.ask('DELETE', '/v1/leases', withHandle(lease));
/** Whether a request waits in line. */
const untilWaiting = () => expect.poll(async () => (await ownLocks().inspect(name)).waiting).toBe(1);

test('a lease is extended and ended by any replica, and is over for good afterwards', async () => {
  const { status, body } = await take(one, { ttl: 20_000 });
  expect(status).toBe(201);
  expect(body).toMatchObject({ resource: name, issuer: 'locks:holdfast' });
  expect(body.validFor).toBeGreaterThan(15_000);
  expect(body.validFor).toBeLessThan(20_000);
  expect((await extend(other, body.lease)).status).toBe(200);
  expect((await take(other)).body).toMatchObject({ code: 'HOLDFAST_BUSY', token: body.token });
  expect((await end(other, body.lease)).status).toBe(204);
  expect((await end(one, body.lease)).status).toBe(204);
  expect(await extend(one, body.lease)).toMatchObject({ status: 410, body: { code: 'HOLDFAST_LEASE_LOST' } });
  const next = await take(one);
  expect(next.body.token).toBeGreaterThan(body.token);
  expect((await extend(one, body.lease)).status).toBe(410);
});

test('a request waits, and is granted the lease when it is given back', async () => {
  const { body } = await take(one, { ttl: 20_000 });
  const waiting = take(other, { wait: 20_000 });
  await untilWaiting();
  await end(one, body.lease);
  const granted = await waiting;
  expect(granted.body.token).toBeGreaterThan(body.token);
  expect(granted.body.waited).toBeGreaterThanOrEqual(0);
});

test('whoever comes again with a ticket goes before those that came meanwhile', async () => {
  const { body } = await take(one, { ttl: 20_000 });
  const atOnce = await take(one);
  expect(atOnce).toMatchObject({ status: 409, body: { retryAfter: 1_000 } });
  expect(atOnce.headers.get('retry-after')).toBe('1');
  const refused = await take(one, { wait: 300 });
  expect(refused).toMatchObject({ status: 409, body: { ticket: expect.any(String) } });
  expect(refused.headers.get('retry-after')).toBe('0');
  const later = take(other, { wait: 20_000 });
  await untilWaiting();
  const again = take(one, { wait: 20_000, ticket: refused.body.ticket });
  await expect.poll(async () => (await ownLocks().inspect(name)).waiting).toBeGreaterThanOrEqual(1);
  await expect.poll(async () => (await one.ask('GET', `/v1/locks/${name}`)).body.held).toBe(true);
  await end(one, body.lease);
  const first = await Promise.race([later, again]);
  await end(one, first.body.lease);
  const [second, third] = await Promise.all([later, again]);
  expect(third.body.token).toBeLessThan(second.body.token);
});

test('a repeated request ends what the lost answer told of, and has a lease of its own', async () => {
  const key = { 'idempotency-key': 'k1' };
  const lost = await take(one, { ttl: 20_000 }, key);
  const repeated = await take(other, { ttl: 20_000 }, key);
  expect(repeated.status).toBe(201);
  expect(repeated.body.token).toBeGreaterThan(lost.body.token);
  expect((await extend(one, lost.body.lease)).status).toBe(410);
  expect((await take(one, {}, { 'idempotency-key': 'k2' })).status).toBe(409);
  expect((await extend(one, repeated.body.lease)).status).toBe(200);
});

test('a client that goes while it waits is out of the line', async () => {
  const { body } = await take(one, { ttl: 20_000 });
  const gone = new AbortController();
  const left = fetch(`${one.url}/v1/locks/${name}/leases`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, signal: gone.signal },
    body: '{"wait":20000}',
  }).catch(() => 'gone');
  await untilWaiting();
  gone.abort();
  expect(await left).toBe('gone');
  await expect.poll(async () => (await ownLocks().inspect(name)).waiting).toBe(0);
  await end(one, body.lease);
  expect((await ownLocks().inspect(name)).held).toBe(false);
});

test('a lock is broken by who may, and its holder is told so', async () => {
  const { body } = await take(one, { ttl: 20_000 });
  expect((await one.ask('DELETE', `/v1/locks/${name}/holder`)).status).toBe(204);
  expect((await extend(one, body.lease)).status).toBe(410);
  expect((await one.ask('DELETE', `/v1/locks/${name}/holder`)).body.code).toBe('HOLDFAST_NOT_FOUND');
});

test('names and TTLs that leases over HTTP do not have are refused; nodes have no addresses for most', async () => {
  for (const wrong of ['a%23b', 'holdfast:x']) {
    const refused = await one.ask('POST', `/v1/locks/${wrong}/leases`, { body: {} });
    expect(refused.body.errors).toMatchObject([{ field: 'path.name' }]);
  }
  expect((await take(one, { ttl: 999 })).body.errors).toMatchObject([{ field: 'body.ttl' }]);
  expect((await take(one, { ttl: 3_600_000 })).body.code).toBe('HOLDFAST_MISUSE');
  const { file, keys } = keysOf({ reader: ['locks:read'] });
  const guarded = await serve({ keys: file });
  const { body } = await guarded.ask('GET', `/v1/locks/${name}`, { key: keys.reader });
  expect(body.nodes).toEqual([{ node: 'node 1', state: 'voting' }]);
});
