/** The server as a whole: whom it answers, how it stops, and what remote workers do over it. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { createQueue } from '@holdfast/queue';
import { createServer, createServerKey } from '@holdfast/server';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { fileOf, keysOf, later, serve, url, useRedis } from './setting.js';

useRedis();

function queueOf(name: string) {
  const queue = createQueue({ redis: url(), name });
  later(() => queue.close());
  return queue;
}

test('beyond the loopback it asks for keys, and for a key that seals handles', () => {
  expect(() => createServer({ host: '0.0.0.0' })).toThrow(
    'Without keys the server listens on 127.0.0.1 only',
  );
  expect(() => createServer({ host: '0.0.0.0', keys: 'keys.json' })).toThrow('a key that seals handles');
  expect(() => createServer({ host: '::', insecure: true })).not.toThrow();
});

test('without keys it answers no other host, and no page of another origin', async () => {
  const { ask } = await serve();
  const foreign = await ask('GET', '/v1/queues', { headers: { origin: 'https://evil.example' } });
  expect(foreign).toMatchObject({ status: 403, body: { code: 'HOLDFAST_FORBIDDEN' } });
  const { url: at } = await serve({ hosts: ['holdfast.example.org'] });
  expect(await status(at, 'rebound.example')).toBe(421);
  expect(await status(at, 'holdfast.example.org')).toBe(200);
  expect(await status(at, 'localhost:80')).toBe(200);
});

/** The status of a request that names another host, which fetch does not allow. */
function status(at: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(at).port), '127.0.0.1');
    socket.on('error', reject);
    socket.on('data', (data) => {
      socket.destroy();
      resolve(Number(String(data).split(' ')[1]));
    });
    socket.write(`GET /v1/queues HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}

test('a key that expires, or comes from elsewhere, is refused; a wrong file is no file', async () => {
  const { file, keys } = keysOf({ a: ['*'] });
  const listed = JSON.parse(String(await import('node:fs').then((fs) => fs.readFileSync(file, 'utf8'))));
  const [entry] = listed.keys;
  writeFileSync(file, JSON.stringify({ keys: [{ ...entry, notAfter: '2020-01-01T00:00:00Z' }] }));
  const expired = await serve({ keys: file });
  expect((await expired.ask('GET', '/v1/queues', { key: keys.a })).body.detail).toContain('has expired');
  writeFileSync(file, JSON.stringify({ keys: [{ ...entry, addresses: ['10.0.0.0/8'] }] }));
  const elsewhere = await serve({ keys: file });
  expect((await elsewhere.ask('GET', '/v1/queues', { key: keys.a })).status).toBe(401);
  writeFileSync(file, JSON.stringify({ keys: [{ ...entry, scopes: ['queues:fly'] }] }));
  await expect(serve({ keys: file })).rejects.toThrow('A scope is');
});

test('data are shown only to those who may see them', async () => {
  const { file, keys } = keysOf({ reader: ['queues:read'], owner: ['queues:read', 'queues:data=images'] });
  const { ask } = await serve({ keys: file });
  await queueOf('images').add({ secret: 1 }, { id: 'a' });
  expect((await ask('GET', '/v1/queues/images/tasks/a', { key: keys.reader })).body).not.toHaveProperty(
    'data',
  );
  expect((await ask('GET', '/v1/queues/images/tasks/a', { key: keys.owner })).body.data).toEqual({
    secret: 1,
  });
  expect((await ask('GET', '/v1/queues', { key: keys.reader })).body).toEqual({ queues: ['images'] });
});

test('names that are not well-formed are refused, and awkward ones found', async () => {
  const { ask } = await serve();
  const id = 'a/b:c ü~?#';
  expect((await ask('POST', '/v1/queues/q/tasks', { body: { data: 1, id } })).status).toBe(201);
  expect((await ask('GET', `/v1/queues/q/tasks/${encodeURIComponent(id)}`)).body).toMatchObject({ id });
  expect((await ask('GET', `/v1/queues/q/tasks/~?id=${encodeURIComponent(id)}`)).body).toMatchObject({ id });
  for (const wrong of ['%ff', '%c0%ae', '%00', '%']) {
    expect((await ask('GET', `/v1/queues/q/tasks/${wrong}`)).status).toBe(400);
  }
  expect((await ask('GET', '/v1/queues/q/nothing')).body.code).toBe('HOLDFAST_NOT_FOUND');
  const method = await ask('PATCH', '/v1/queues/q/tasks');
  expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST, GET']);
});

test('bodies that are too large, too deep, compressed or of another type are refused', async () => {
  const { ask } = await serve({ maxBody: 2_000 });
  const add = (body: unknown, headers = {}) => ask('POST', '/v1/queues/q/tasks', { body, headers });
  expect((await add({ data: 'x'.repeat(3_000) })).status).toBe(413);
  const nested = (open: string, close: string, levels: number) =>
    `{"data": ${open.repeat(levels)}1${close.repeat(levels)}}`;
  expect((await add(nested('[', ']', 63))).status).toBe(201);
  expect((await add(nested('[', ']', 64))).body.detail).toContain('64 levels');
  expect((await add(nested('{"a":', '}', 64))).body.detail).toContain('64 levels');
  expect((await add(nested('[{"a":', '}]', 31))).status).toBe(201);
  expect((await add(nested('[{"a":', '}]', 32))).body.detail).toContain('64 levels');
  expect((await add({ data: 1 }, { 'content-encoding': 'gzip' })).status).toBe(415);
  expect((await add({ data: 1 }, { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await add({})).body.errors).toEqual([{ field: 'body.data', message: 'is missing' }]);
  expect((await add({ data: '[[[[', id: 'text' })).status).toBe(201);
});

test('a body whose length is not told is refused once it is too large, and the server goes on when a client leaves in the middle of one', async () => {
  const { url: at, ask } = await serve({ maxBody: 2_000 });
  const post = (headers = {}) => {
    const sent = request(`${at}/v1/queues/q/tasks`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
    });
    sent.on('error', () => {}); // the connection may end before all was taken
    return sent;
  };
  const long = post();
  const answered = once(long, 'response');
  for (let part = 0; part < 100; part += 1) long.write('x'.repeat(1_000));
  const [{ statusCode }] = (await answered) as [IncomingMessage];
  expect(statusCode).toBe(413);
  long.destroy();
  const cut = post({ 'content-length': '100' });
  await new Promise((resolve) => cut.write('{"data"', resolve));
  cut.destroy();
  expect((await ask('POST', '/v1/queues/q/tasks', { body: { data: 1 } })).status).toBe(201);
});

test('tasks have tenants, are unique until they have begun, and say how long they are kept', async () => {
  const queue = queueOf('q');
  const { ask } = await serve();
  const add = (body: object) => ask('POST', '/v1/queues/q/tasks', { body });
  const unique = {
    data: 1,
    tenant: 'acme',
    deduplicate: { key: 'sync', until: 'begun' },
    retain: { age: 0 },
  };
  expect((await add({ ...unique, id: 'a' })).status).toBe(201);
  expect((await add({ ...unique, id: 'b' })).status).toBe(200);
  const { body } = await ask('POST', '/v1/queues/q/claims', { body: { wait: 5_000 } });
  expect(body.tasks).toMatchObject([{ id: 'a', tenant: 'acme' }]);
  expect((await add({ ...unique, id: 'c' })).status).toBe(201);
  const complete = (claim: string) =>
    ask('POST', '/v1/claims:complete', { body: { result: 1 }, headers: { 'holdfast-lease': claim } });
  await complete(body.tasks[0].claim);
  const next = await ask('POST', '/v1/queues/q/claims', { body: { wait: 5_000 } });
  await complete(next.body.tasks[0].claim); // which forgets what is kept for no longer
  expect(await queue.get('a')).toBeUndefined();
  const both = await add({ data: 1, tenant: 'acme', key: 'k' });
  expect(both).toMatchObject({ status: 400, body: { code: 'HOLDFAST_MISUSE' } });
});

test('a worker is given tasks of the kinds that it handles, and leaves the others', async () => {
  queueOf('q');
  const { ask } = await serve();
  for (const kind of ['mail', 'print'])
    await ask('POST', '/v1/queues/q/tasks', { body: { data: 1, id: kind, kind } });
  const claim = (body: object) =>
    ask('POST', '/v1/queues/q/claims', { body: { max: 2, wait: 5_000, ...body } });
  expect((await claim({ kinds: ['mail'] })).body.tasks).toMatchObject([{ id: 'mail', kind: 'mail' }]);
  expect((await ask('GET', '/v1/queues/q/tasks/print')).body).toMatchObject({
    state: 'delayed',
    kind: 'print',
  });
  expect((await claim({ kinds: [] })).status).toBe(400);
});

test('dead letters of a kind are tried again, also beyond the first ones', async () => {
  const queue = queueOf('q');
  const { ask } = await serve();
  const tasks = ['a', 'b', 'c', 'd'].map((id) => ({ id, data: id, attempts: 1 }));
  await ask('POST', '/v1/queues/q/tasks:batch', { body: { tasks } });
  const claimed = await ask('POST', '/v1/queues/q/claims', { body: { max: 4, wait: 5_000 } });
  for (const { id, claim } of claimed.body.tasks) {
    const message = id < 'c' ? 'the disk is full' : 'the host is away';
    await ask('POST', '/v1/claims:fail', { body: { message }, headers: { 'holdfast-lease': claim } });
  }
  expect((await queue.counts()).dead).toBe(4);
  const again = await ask('POST', '/v1/queues/q:requeue', { body: { error: 'away', limit: 1 } });
  expect(again).toMatchObject({ status: 200, body: { requeued: 1 } });
  expect((await queue.get('c'))?.state).toBe('waiting');
  expect((await ask('POST', '/v1/queues/q:requeue', { body: {} })).body).toEqual({ requeued: 3 });
});

test('a stream shows events that are large, one after the other', async () => {
  const { ask, url: at } = await serve();
  const result = 'x'.repeat(200_000);
  const gone = new AbortController();
  const seen: string[] = [];
  await ask('POST', '/v1/queues/q/tasks', { body: { data: 0 } });
  const response = await fetch(`${at}/v1/queues/q/events`, { signal: gone.signal });
  const reading = (async () => {
    for await (const chunk of response.body ?? []) seen.push(Buffer.from(chunk).toString());
  })().catch(() => {});
  const complete = async () => {
    const { body } = await ask('POST', '/v1/queues/q/claims', { body: { wait: 5_000 } });
    const headers = { 'holdfast-lease': body.tasks[0].claim };
    await ask('POST', '/v1/claims:complete', { body: { result }, headers });
    await ask('POST', '/v1/queues/q/tasks', { body: { data: 0 } });
  };
  await vi.waitFor(
    async () => {
      await complete();
      expect(seen.join('').split(result).length).toBeGreaterThan(3);
    },
    { timeout: 20_000, interval: 20 },
  );
  gone.abort();
  await reading;
});

test('a full queue is 429, and a batch says which tasks were refused', async () => {
  await queueOf('q').setLimits({ waiting: 2 });
  const { ask } = await serve();
  const batch = await ask('POST', '/v1/queues/q/tasks:batch', {
    body: { tasks: [{ data: 1 }, { data: 2 }, { data: 3 }] },
  });
  expect(batch.status).toBe(207);
  expect(batch.body.tasks[2].problem).toMatchObject({ code: 'HOLDFAST_QUEUE_FULL', status: 429 });
  const full = await ask('POST', '/v1/queues/q/tasks', { body: { data: 4 } });
  expect([full.status, full.headers.get('retry-after')]).toEqual([429, '1']);
});

test('a remote worker takes a task, extends it and completes it at another replica', async () => {
  const serverKey = fileOf(createServerKey());
  const [one, other] = [await serve({ serverKey }), await serve({ serverKey })];
  const waiting = one.ask('POST', '/v1/queues/q/claims', { body: { worker: 'w', wait: 20_000 } });
  await expect.poll(async () => (await queueOf('q').counts()).workers).toBe(1);
  await other.ask('POST', '/v1/queues/q/tasks', { body: { data: { n: 1 }, id: 'a' } });
  const { tasks, validFor, waited } = (await waiting).body;
  expect(tasks).toMatchObject([{ id: 'a', data: { n: 1 }, attempt: 1, resource: 'queue:q/a' }]);
  expect(validFor).toBe(29_700);
  expect(waited).toBeGreaterThanOrEqual(0);
  const headers = { 'holdfast-lease': tasks[0].claim };
  expect((await other.ask('POST', '/v1/claims:extend', { body: {}, headers })).body.validFor).toBe(29_700);
  const done = await other.ask('POST', '/v1/claims:complete', { body: { result: 'ok' }, headers });
  expect(done).toMatchObject({ status: 200, body: { outcome: 'finished' } });
  const again = await one.ask('POST', '/v1/claims:complete', { body: { result: 'ok' }, headers });
  expect(again.body).toEqual({ outcome: 'repeated' });
  expect((await one.ask('GET', '/v1/queues/q/tasks/a')).body).toMatchObject({
    state: 'completed',
    result: 'ok',
  });
  expect((await one.ask('POST', '/v1/claims:extend', { body: {}, headers })).body.code).toBe(
    'HOLDFAST_LEASE_LOST',
  );
});

test('a claim that is repeated with its key has the same task; one whose client has gone gives it to others', async () => {
  const { ask, url: at } = await serve();
  const claim = (headers = {}) => ask('POST', '/v1/queues/q/claims', { body: { wait: 20_000 }, headers });
  await queueOf('q').add(1, { id: 'a' });
  const first = await claim({ 'idempotency-key': 'k' });
  const second = await claim({ 'idempotency-key': 'k' });
  expect(second.body.tasks[0].id).toBe(first.body.tasks[0].id);
  expect(second.body.tasks[0].token).toBeGreaterThan(first.body.tasks[0].token);
  const gone = new AbortController();
  const left = fetch(`${at}/v1/queues/q/claims`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    ...{ body: '{"wait":20000}', signal: gone.signal },
  }).catch(() => 'gone');
  await expect.poll(async () => (await queueOf('q').counts()).workers).toBe(2);
  gone.abort();
  expect(await left).toBe('gone');
  await expect.poll(async () => (await queueOf('q').counts()).workers).toBe(1);
  await queueOf('q').add(2, { id: 'b' });
  expect((await claim()).body.tasks).toMatchObject([{ id: 'b', attempt: 1 }]);
});

test('a handle works only for its subject, unchanged, and while its right lasts', async () => {
  const { file, keys } = keysOf({ a: ['queues:*'], b: ['queues:*'], c: ['queues:read'] });
  const { ask } = await serve({ keys: file });
  await queueOf('q').add(1);
  const claimed = await ask('POST', '/v1/queues/q/claims', { body: {}, key: keys.a });
  const handle: string = claimed.body.tasks[0].claim;
  const end = (key: string, lease: string) =>
    ask('POST', '/v1/claims:complete', { body: {}, key, headers: { 'holdfast-lease': lease } });
  expect((await end(keys.b, handle)).status).toBe(400);
  expect((await end(keys.c, handle)).status).toBe(403);
  const [version, id, payload = '', mac] = handle.split('.');
  const changed = `${payload.slice(0, -1)}${payload.endsWith('A') ? 'B' : 'A'}`;
  expect((await end(keys.a, [version, id, changed, mac].join('.'))).status).toBe(400);
  expect((await end(keys.a, [version, 'other', payload, mac].join('.'))).status).toBe(503);
  expect((await end(keys.a, handle)).status).toBe(200);
});

test('rights that the server lacks in Redis are a 500, which says why in its log alone', async () => {
  const redis = new Redis(url());
  later(() => redis.disconnect());
  await redis.call('ACL', 'SETUSER', 'poor', 'reset', 'on', '>secret', '+@connection', '+info', '~*', '&*');
  const error = vi.fn();
  const logger = { ...{ info: vi.fn(), warn: vi.fn(), debug: vi.fn() }, error };
  const { ask } = await serve({ redis: url().replace('//', '//poor:secret@'), logger });
  for (const path of [
    '/v1/queues',
    '/v1/queues/q',
    '/v1/features/shop',
    '/v1/workflows/w/runs/r',
    '/v1/indexes/i',
  ]) {
    error.mockClear();
    const { status, body } = await ask('GET', path);
    expect({ path, status, code: body.code }).toEqual({ path, status: 500, code: 'HOLDFAST_INTERNAL' });
    expect(JSON.stringify(body)).not.toMatch(/127|NOPERM|poor/);
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({
        err: expect.objectContaining({ message: expect.stringMatching(/right|NOPERM/) }),
      }),
      'request',
    );
  }
});

test('when it stops, whoever waits is answered, and the port is free', async () => {
  const { server, ask, url: at } = await serve();
  await queueOf('q').add(1, { id: 'a' });
  const waiting = ask('GET', '/v1/queues/q/tasks/a?wait=30000');
  const claiming = ask('POST', '/v1/queues/other/claims', { body: { wait: 30_000 } });
  await expect.poll(async () => (await queueOf('other').counts()).workers).toBe(1);
  await server.close();
  expect((await waiting).body).toMatchObject({ state: 'waiting' });
  expect((await claiming).body.tasks).toEqual([]);
  await expect(fetch(at)).rejects.toThrow();
});

test('metrics are those of the server and of all queues; without a Redis there are none', async () => {
  const { ask } = await serve();
  await queueOf('images').add(1);
  const { body } = await ask('GET', '/metrics');
  expect(body).toContain('holdfast_queue_tasks{queue="images",state="waiting"} 1');
  expect((await ask('GET', '/metrics')).body).toMatch(
    /http_server_request_duration_seconds_count\{.*http_route="\/metrics".*\} 1/,
  );
});

test('the management port tells of health, metrics and demand without a key, and of nothing else, until the end', async () => {
  const { file } = keysOf({ a: ['*'] });
  const { server, ask } = await serve({ keys: file, management: { port: 0 }, drain: 2_000 });
  const at = server.managementUrl ?? '';
  await queueOf('images').add(1);
  const read = async (path: string) => {
    const response = await fetch(`${at}${path}`);
    return [response.status, await response.text()] as const;
  };
  expect(await read('/healthz')).toEqual([200, 'ok\n']);
  expect(await read('/readyz')).toEqual([200, 'ready\n']);
  expect((await read('/metrics'))[1]).toContain('queue="images"');
  expect(await read('/v1/scale/queues/images')).toEqual([200, '{"demand":1}']);
  expect((await ask('GET', '/metrics')).status).toBe(401);
  for (const path of ['/v1/queues', '/', '/openapi.json', '/v1/queues/images/tasks'])
    expect((await read(path))[0]).toBe(404);
  const closed = server.close();
  expect((await read('/readyz'))[0]).toBe(503);
  await closed;
  await expect(read('/healthz')).rejects.toThrow('fetch failed');
  expect(server.managementUrl).toBeUndefined();
});
