/** The kinds of lease over HTTP: shared, several at once, permits, leadership; and the fence that their tokens are shown to. */
import { createQueue } from '@holdfast/queue';
import { createServerKey } from '@holdfast/server';
import { beforeEach, expect, test } from 'vitest';
import {
  fileOf,
  keysOf,
  later,
  ownLocks,
  type Served,
  serve,
  trustFences,
  url,
  useRedis,
} from './setting.js';

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
  name = `book:${tests}`;
});

const take = (at: Served, body: object = {}, headers: Record<string, string> = {}) =>
  at.ask('POST', `/v1/locks/${name}/leases`, { body: { ttl: 20_000, ...body }, headers });
const withHandle = (lease: string) => ({ headers: { 'holdfast-lease': lease } });
const extend = (at: Served, lease: string) =>
  at.ask('PATCH', '/v1/leases', { body: {}, ...withHandle(lease) });
const end = (at: Served, lease: string) => at.ask('DELETE', '/v1/leases', withHandle(lease));
const seal = (at: Served, lease: string, body: object = {}) =>
  at.ask('POST', '/v1/fences:seal', { body, ...withHandle(lease) });

test('a shared lease is held beside others, under one token, and keeps writers out until the last has ended', async () => {
  const first = await take(one, { shared: true });
  const second = await take(other, { shared: true });
  expect(first.status).toBe(201);
  expect(second.body.token).toBe(first.body.token);
  expect((await take(one)).status).toBe(409);
  expect((await extend(other, first.body.lease)).status).toBe(200);
  expect((await one.ask('GET', `/v1/locks/${name}`)).body.readers).toHaveLength(2);
  expect((await end(other, first.body.lease)).status).toBe(204);
  expect((await take(one)).status).toBe(409);
  expect((await end(one, second.body.lease)).status).toBe(204);
  const writer = await take(one);
  expect(writer.body.token).toBeGreaterThan(first.body.token);
  expect((await extend(one, first.body.lease)).status).toBe(410);
  expect((await end(one, first.body.lease)).status).toBe(204);
  expect((await extend(one, writer.body.lease)).status).toBe(200);
});

test('several are granted all or none, and extended and ended together', async () => {
  const others = [`${name}:b`, `${name}:c`];
  const held = await take(one, { others });
  expect(held.body.others.map(({ resource }: { resource: string }) => resource)).toEqual(others);
  const refused = await other.ask('POST', `/v1/locks/${name}:z/leases`, { body: { others } });
  expect(refused.status).toBe(409);
  expect((await ownLocks().inspect(`${name}:z`)).held).toBe(false);
  expect((await extend(other, held.body.lease)).status).toBe(200);
  expect((await one.ask('DELETE', `/v1/locks/${name}:b/holder`)).status).toBe(204);
  expect((await extend(other, held.body.lease)).status).toBe(410);
  for (const resource of [name, ...others]) expect((await ownLocks().inspect(resource)).held).toBe(false);
});

test('a semaphore has as many holders as permits, and a permit that was ended is over for good', async () => {
  const permits = 2;
  const first = await take(one, { permits });
  const second = await take(other, { permits });
  expect([first.body.resource, second.body.resource].sort()).toEqual([`${name}#1`, `${name}#2`]);
  expect((await take(one, { permits })).status).toBe(409);
  expect(await take(one, { permits: 3 })).toMatchObject({ status: 400, body: { code: 'HOLDFAST_MISUSE' } });
  expect((await extend(other, first.body.lease)).status).toBe(200);
  expect((await end(other, first.body.lease)).status).toBe(204);
  expect((await extend(one, first.body.lease)).status).toBe(410);
  expect((await take(one, { permits })).body.resource).toBe(first.body.resource);
});

test.each([
  ['shared', { shared: true }],
  ['several', { others: ['more'] }],
  ['a permit', { permits: 1 }],
])('a repeated request for %s ends what the lost answer told of', async (_, body) => {
  const key = { 'idempotency-key': 'k1' };
  const lost = await take(one, body, key);
  expect(lost.status).toBe(201);
  const repeated = await take(other, body, key);
  expect(repeated.status).toBe(201);
  if (!('shared' in body)) expect((await extend(one, lost.body.lease)).status).toBe(410);
  expect((await extend(one, repeated.body.lease)).status).toBe(200);
  if ('shared' in body) expect((await ownLocks().inspect(name)).readers).toHaveLength(1);
  await end(one, repeated.body.lease);
});

test('names that the key may not hold are refused, also those of a handle that has them', async () => {
  const { file, keys } = keysOf({ shop: ['locks:*=shop:*'] });
  const { ask } = await serve({ keys: file });
  const asked = (body: object) => ask('POST', '/v1/locks/shop:1/leases', { key: keys.shop, body });
  expect((await asked({ others: ['bank:1'] })).body.code).toBe('HOLDFAST_FORBIDDEN');
  expect((await ownLocks().inspect('shop:1')).held).toBe(false);
  const wrong = [{ others: ['shop:2', 'shop:2'] }, { others: ['a#1'] }, { others: ['shop:2'], shared: true }];
  for (const body of [...wrong, { permits: 0 }, { permits: 1, shared: true }])
    expect((await asked(body)).status).toBe(400);
  expect((await asked({ others: ['shop:1'] })).body.code).toBe('HOLDFAST_MISUSE');
  const { body } = await asked({ permits: 5 });
  const headers = { 'holdfast-lease': body.lease };
  expect((await ask('PATCH', '/v1/leases', { key: keys.shop, body: {}, headers })).status).toBe(200);
  await ask('DELETE', '/v1/leases', { key: keys.shop, headers });
});

test('a candidate is elected when the leader resigns, and whoever watches is told', async () => {
  const stand = (at: Served, body: object) => at.ask('POST', `/v1/elections/${name}/candidates`, { body });
  expect((await one.ask('GET', `/v1/elections/${name}`)).body).toEqual({ leader: null });
  const first = await stand(one, { ttl: 20_000 });
  const gone = new AbortController();
  const watched = await fetch(`${other.url}/v1/elections/${name}/leaders`, { signal: gone.signal });
  const reader = (watched.body as ReadableStream<Uint8Array>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let seen = '';
  const until = async (token: number) => {
    while (!seen.includes(`"token":${token}`)) seen += (await reader.read()).value;
  };
  await until(first.body.token);
  const second = stand(other, { wait: 20_000 });
  await expect.poll(async () => (await ownLocks().inspect(name)).waiting).toBe(1);
  await end(other, first.body.lease);
  const elected = await second;
  await until(elected.body.token);
  expect((await one.ask('GET', `/v1/elections/${name}`)).body.leader.token).toBe(elected.body.token);
  gone.abort();
  await end(one, elected.body.lease);
});

test('a fence refuses the token of an earlier lease, on every replica', async () => {
  await trustFences();
  const first = await take(one);
  expect((await one.ask('GET', `/v1/fences/${name}`)).body).toEqual({ resource: name, token: null });
  expect((await seal(one, first.body.lease)).body.token).toBe(first.body.token);
  await end(one, first.body.lease);
  const second = await take(one, { others: [`${name}:b`] });
  expect((await seal(other, second.body.lease)).status).toBe(200);
  expect((await seal(other, second.body.lease, { resource: `${name}:b` })).status).toBe(200);
  expect((await seal(other, second.body.lease, { resource: 'elsewhere' })).status).toBe(400);
  expect(await seal(one, first.body.lease)).toMatchObject({
    status: 412,
    body: { code: 'HOLDFAST_STALE_TOKEN', seen: second.body.token, reason: 'lower' },
  });
  const { body } = await one.ask('GET', `/v1/fences/${name}`);
  expect(body).toEqual({ resource: name, token: second.body.token, issuer: 'locks:holdfast' });
  await end(one, second.body.lease);
});

/** A queue whose Redis has lost no mark. */
async function guarded() {
  const queue = createQueue({ redis: url(), name: 'mails' });
  later(() => queue.close());
  await queue.guard.initialize();
  return queue;
}

test('tasks are added under the token of a lease or of a claim; who was overtaken adds nothing more', async () => {
  const queue = await guarded();
  const add = (at: Served, body: object) =>
    at.ask('POST', '/v1/queues/mails/tasks', { body: { data: 1, ...body } });
  const batch = (at: Served, body: object) => at.ask('POST', '/v1/queues/mails/tasks:batch', { body });
  const first = await take(one, { others: [`${name}:b`] });
  const { lease } = first.body;
  expect((await add(other, { id: 'a', holder: { lease } })).status).toBe(201);
  await end(one, lease);
  const second = await take(other);
  const under = { lease: second.body.lease };
  const key = { 'idempotency-key': 'k' };
  for (const status of [201, 200]) {
    const body = { data: 2, holder: under };
    expect((await one.ask('POST', '/v1/queues/mails/tasks', { body, headers: key })).status).toBe(status);
  }
  const stale = await add(one, { id: 'b', holder: { lease } });
  expect(stale).toMatchObject({
    status: 412,
    body: {
      code: 'HOLDFAST_STALE_TOKEN',
      resource: name,
      offered: first.body.token,
      seen: second.body.token,
    },
  });
  expect(await queue.get('b')).toBeUndefined();
  expect((await add(one, { id: 'c', holder: { lease, resource: `${name}:b` } })).status).toBe(201);
  expect((await batch(one, { tasks: [{ data: 1 }, { data: 2 }], holder: { lease } })).status).toBe(412);
  const mixed = await batch(one, { tasks: [{ data: 1, holder: { lease } }, { data: 2 }], holder: under });
  expect(mixed).toMatchObject({
    status: 207,
    body: { tasks: [{ problem: { code: 'HOLDFAST_STALE_TOKEN' } }, { added: true }] },
  });
  await one.ask('POST', '/v1/queues/jobs/tasks', { body: { data: 1, id: 'j' } });
  const claimed = await one.ask('POST', '/v1/queues/jobs/claims', { body: { wait: 5_000 } });
  const { claim } = claimed.body.tasks[0];
  expect((await add(other, { id: 'd', holder: { claim } })).status).toBe(201);
  for (const wrong of [
    {},
    { lease, claim },
    { lease: claim },
    { lease: 'x' },
    { lease, resource: 'elsewhere' },
  ])
    expect((await add(one, { holder: wrong })).status).toBe(400);
  expect((await queue.counts()).waiting).toBe(5);
});

test('a task is added under a lease by whom it was granted to, with the right to hold it', async () => {
  const { file, keys } = keysOf({ a: ['locks:write', 'queues:write'], b: ['locks:write', 'queues:write'] });
  const at = await serve({ keys: file });
  await guarded();
  const taken = await at.ask('POST', `/v1/locks/${name}/leases`, { key: keys.a, body: { ttl: 20_000 } });
  const body = { data: 1, holder: { lease: taken.body.lease } };
  const add = (key: string) => at.ask('POST', '/v1/queues/mails/tasks', { key, body });
  expect((await add(keys.b)).status).toBe(400);
  expect((await add(keys.a)).status).toBe(201);
});
