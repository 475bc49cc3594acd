/** Fencing over HTTP: the contract and every answer, through real servers of each framework, on real stores. */
import { mkdtemp, rm } from 'node:fs/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  type Guard,
  IssuerMismatchError,
  MisuseError,
  StaleTokenError,
  type TokenClaim,
  UnavailableError,
} from '@holdfast/fence';
import {
  createFencingCheck,
  expressFencing,
  type Fencing,
  fastifyFencing,
  fencedFetch,
  fencingHeaders,
  honoFencing,
  nodeFencing,
} from '@holdfast/fence/http';
import { createObjectGuard, directoryStore } from '@holdfast/fence/object-store';
import { createPostgresGuard, type PostgresWrite } from '@holdfast/fence/postgres';
import {
  createRedisGuard,
  type RedisCommand,
  type RedisGuard,
  type RedisReplies,
} from '@holdfast/fence/redis';
import { systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import { Redis } from 'ioredis';
import { Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type GuardFixture, guardContract } from './contract.js';
import { holder } from './holder.js';
import { FRAMEWORKS, type Handle, type RunningSite, type Site, type Start } from './http-servers.js';

let nodes: LocalNodes;
let redis: Redis;
let guard: RedisGuard;
let server: LocalPostgres;
let pool: Pool;
let names = 0;

beforeAll(async () => {
  nodes = await startNodes(1);
  redis = new Redis(nodes.urls[0] as string);
  redis.setMaxListeners(0); // one client serves many guards
  guard = createRedisGuard({ redis });
  await guard.initialize();
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url, max: 20 });
  await pool.query('CREATE TABLE numbers (name text PRIMARY KEY, value integer NOT NULL)');
});

afterAll(async () => {
  await guard?.close();
  redis?.disconnect();
  await nodes?.stop();
  await pool?.end();
  await server?.stop();
});

const base = systemClock.wall();
const fresh = (): string => `thing ${++names}: 5%, ö/日本 🎉`;
const SET = 'INSERT INTO numbers VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2';

async function inPostgres(name: string): Promise<number> {
  const { rows } = await pool.query('SELECT value FROM numbers WHERE name = $1', [name]);
  return rows[0]?.value ?? 0;
}

/** Something to wait for that another step decides. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

type Sent = Readonly<Record<string, string | readonly string[]>>;

interface ToSend {
  readonly method: string;
  readonly headers: Sent;
  readonly body?: string;
}

/** A request whose body is open; unlike fetch it sends a header twice, and takes an answer before its body ends. */
function begin(url: string, { method, headers }: ToSend) {
  const request = httpRequest(url, { method, headers: headers as OutgoingHttpHeaders });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  return { request, answered };
}

async function send(url: string, sent: ToSend) {
  const { request, answered } = begin(url, sent);
  request.end(sent.body);
  const response = await answered;
  const { 'content-type': type, 'retry-after': retryAfter } = response.headers;
  const [mediaType] = type?.split(';') ?? []; // Fastify adds a charset
  return { status: response.statusCode, type: mediaType, retryAfter, body: await text(response) };
}

/** A site, and what hands one of its resources over at every guard that it has. */
interface Guarded<W, R> {
  readonly site: Site<W, R>;
  readonly handOver: HandOver;
}

type HandOver = (resource: string, holder: TokenClaim) => Promise<unknown>;

/** The guard of who has the resource behind a server: to seal is a request, to write another one with a body. */
const overHttp = ({ url }: RunningSite, handOver: HandOver): Guard<number, string> => ({
  async seal(claim, options) {
    fencingHeaders(claim, options); // throws for what is no holder
    const { resource = claim.resource } = options ?? {};
    const put = async (body: string): Promise<string> => {
      const response = await fencedFetch(claim, url(resource), { method: 'PUT', body }, { resource });
      expect(response.status).toBe(200);
      return response.text();
    };
    await put('');
    return { ...claim, resource, write: (value) => put(String(value)) };
  },
  async transfer(resource, claim) {
    await handOver(resource, claim);
    return this.seal(claim, { resource });
  },
});

/** The contract through two servers over one store; `prefix` keeps its things from those of other suites. */
async function openFixture<W, R>(
  start: Start,
  open: (prefix: string) => Promise<Guarded<W, R>>,
  read: (name: string) => Promise<number>,
): Promise<GuardFixture<number, string>> {
  const prefix = `contract-${++names}`;
  const { site, handOver } = await open(prefix);
  const sites = [await start(site), await start((await open(prefix)).site)] as const;
  return {
    guards: [overHttp(sites[0], handOver), overHttp(sites[1], handOver)],
    set: (_resource, value) => value,
    read: (resource) => read(`${prefix} ${resource}`),
    token: (step) => base + step,
    async [Symbol.asyncDispose]() {
      for (const running of sites) await running[Symbol.asyncDispose]();
    },
  };
}

/** Marks and numbers in Redis, written by what the check gave. */
async function siteOnRedis(prefix: string): Promise<Guarded<readonly RedisCommand[], RedisReplies>> {
  const store = createRedisGuard({ redis, name: prefix });
  await store.initialize();
  const handle: Handle<readonly RedisCommand[], RedisReplies> = async (fencing, body) => {
    const value = await text(body);
    if (value) await fencing?.write([['SET', `${prefix} ${fencing.resource}`, value]]);
    return value;
  };
  return { site: { guard: store, handle }, handOver: (resource, claim) => store.transfer(resource, claim) };
}

/** Marks and numbers in PostgreSQL. */
async function siteOnPostgres(prefix: string): Promise<Guarded<PostgresWrite<PoolClient>, unknown>> {
  const store = createPostgresGuard({ sql: pool, table: prefix });
  await store.migrate();
  await store.initialize();
  const handle: Handle<PostgresWrite<PoolClient>, unknown> = async (fencing, body) => {
    const value = await text(body);
    if (value) await fencing?.write((tx) => tx.query(SET, [`${prefix} ${fencing.resource}`, value]));
    return value;
  };
  return { site: { guard: store, handle }, handOver: (resource, claim) => store.transfer(resource, claim) };
}

/** Marks in Redis, at which the check looks, and numbers in PostgreSQL, where the handler seals again. */
async function siteOnBoth(prefix: string): Promise<Guarded<readonly RedisCommand[], RedisReplies>> {
  const { site, handOver } = await siteOnRedis(prefix);
  const store = createPostgresGuard({ sql: pool, table: prefix });
  await store.migrate();
  await store.initialize();
  const handle: Handle<readonly RedisCommand[], RedisReplies> = async (fencing, body) => {
    if (fencing === undefined) return '';
    const value = await text(body);
    await store.transaction(fencing, async (tx) => {
      if (value) await tx.query(SET, [`${prefix} ${fencing.resource}`, value]);
    });
    return value;
  };
  // One after the other: nothing is under way any more when one is refused.
  const both: HandOver = async (...of) => {
    await handOver(...of);
    await store.transfer(...of);
  };
  return { site: { guard: site.guard, handle }, handOver: both };
}

const inRedis = async (name: string): Promise<number> => Number(await redis.get(name));

for (const [framework, start] of FRAMEWORKS) {
  guardContract(`a server of ${framework}, with marks in Redis`, () =>
    openFixture(start, siteOnRedis, inRedis),
  );
  guardContract(`a server of ${framework}, with marks in PostgreSQL`, () =>
    openFixture(start, siteOnPostgres, inPostgres),
  );
  guardContract(`a server of ${framework}, with marks in Redis and data in PostgreSQL`, () =>
    openFixture(start, siteOnBoth, inPostgres),
  );
}

interface Refused {
  readonly headers: Sent;
  readonly status: number;
  readonly type: string;
  readonly detail: RegExp;
}

const missing = (headers: Sent, detail: RegExp): Refused => ({
  headers,
  status: 428,
  type: 'required',
  detail,
});
const wrong = (token: Sent[string], resource: Sent[string], detail: RegExp): Refused => ({
  headers: { 'Fencing-Token': token, 'Fencing-Resource': resource, 'Fencing-Issuer': 'locks:test' },
  status: 400,
  type: 'malformed',
  detail,
});

/** Of requests about "r". */
const BAD_HEADERS: readonly Refused[] = [
  missing({}, /Send Fencing-Token/),
  missing({ 'Fencing-Token': '7' }, /Send Fencing-Resource/),
  missing({ 'Fencing-Resource': 'r' }, /Send Fencing-Token/),
  missing({ 'Fencing-Token': '7', 'Fencing-Resource': 'r' }, /Send Fencing-Issuer/),
  {
    ...wrong('7', 'r', /Fencing-Issuer is one name/),
    headers: { ...fencingHeaders(holder('r', 7)), 'Fencing-Issuer': 'a, b' },
  },
  ...['', '0', '-1', '1.5', '007', '+7', '1e3', '0x7', '9007199254740992', 'seven', '7, 7', '7;q=1'].map(
    (token) => wrong(token, 'r', /Fencing-Token is one positive integer/),
  ),
  ...['', '%', '%zz', '%ff', '%00', 'a b', 'a,b', 'ö', 'x'.repeat(513)].map((resource) =>
    wrong('7', resource, /Fencing-Resource is one name/),
  ),
  wrong(['7', '7'], 'r', /got "7, 7"/),
  wrong('7', ['r', 'r'], /got "r, r"/),
  wrong('7', 's', /names "s"; this request is about "r"/),
];

type Handled = (fencing: Fencing<RedisGuard> | undefined, body: AsyncIterable<Uint8Array>) => Promise<string>;

describe.each(FRAMEWORKS)('a server of %s', (_framework, start) => {
  const answer = vi.fn<Handled>();
  const site = (options: Partial<Site<readonly RedisCommand[], RedisReplies>> = {}): Promise<RunningSite> => {
    answer.mockReset().mockResolvedValue('handled');
    return start({ guard, handle: answer, ...options });
  };

  it('refuses headers that are missing, malformed, repeated or about something else', async () => {
    await using running = await site();
    for (const { headers, status, type, detail } of BAD_HEADERS) {
      const answered = await send(running.url('r'), { method: 'PUT', headers, body: 'x' });
      const what = JSON.stringify(headers);
      expect(answered, what).toMatchObject({ status, type: 'application/problem+json' });
      expect(JSON.parse(answered.body), what).toEqual({
        type: `urn:holdfast:fencing-${type}`,
        title: expect.any(String),
        status,
        detail: expect.stringMatching(detail),
      });
    }
    expect(answer).not.toHaveBeenCalled();
  });

  it('answers a stale token with what was offered and what was seen, and the client throws it', async () => {
    await using running = await site();
    const resource = fresh();
    await fencedFetch(holder(resource, 9), running.url(resource), { method: 'PUT' });
    expect(answer.mock.calls).toMatchObject([[holder(resource, 9), {}]]);
    const headers = fencingHeaders(holder(resource, 8));
    const answered = await send(running.url(resource), { method: 'PUT', headers });
    expect(answered).toMatchObject({ status: 412, type: 'application/problem+json' });
    const body = JSON.parse(answered.body);
    expect(body).toMatchObject({
      type: 'urn:holdfast:stale-token',
      status: 412,
      resource,
      offered: 8,
      seen: 9,
      reason: 'lower',
    });
    const outcome = fencedFetch(holder(resource, 8), running.url(resource), { method: 'DELETE' });
    await expect(outcome).rejects.toMatchObject({
      name: 'StaleTokenError',
      resource,
      offered: 8,
      seen: 9,
      message: body.detail,
    });
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it('answers a token of another issuer with 409, and takes those of the route only', async () => {
    await using running = await site();
    const resource = fresh();
    await fencedFetch(holder(resource, 9), running.url(resource), { method: 'PUT' });
    const other = holder(resource, 10, 'queue:ö');
    const outcome = fencedFetch(other, running.url(resource), { method: 'PUT' });
    await expect(outcome).rejects.toThrow(IssuerMismatchError);
    await expect(outcome).rejects.toMatchObject({ resource, issuer: 'queue:ö', expected: 'locks:test' });
    await guard.transfer(resource, other);
    expect((await fencedFetch(other, running.url(resource), { method: 'PUT' })).status).toBe(200);
    await using strict = await site({ issuers: ['queue:q'] });
    const forged = fencedFetch(holder('free', 1, 'queue:z'), strict.url('free'), { method: 'PUT' });
    await expect(forged).rejects.toThrow(/names "queue:z", whose tokens this route does not take/);
    const right = holder('free', 1, 'queue:q');
    expect((await fencedFetch(right, strict.url('free'), { method: 'PUT' })).status).toBe(200);
  });

  it('leaves a resource usable when a forged token was sent', async () => {
    await using running = await site();
    const resource = fresh();
    const forged = { ...fencingHeaders(holder(resource, 1)), 'Fencing-Token': '9007199254740991' };
    const answered = await send(running.url(resource), { method: 'PUT', headers: forged });
    expect(answered.status).toBe(412);
    expect(JSON.parse(answered.body)).toMatchObject({ reason: 'ahead' });
    await fencedFetch(holder(resource, 1), running.url(resource), { method: 'PUT' });
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it('leaves GET, HEAD and OPTIONS alone, unless told to check them', async () => {
    await using running = await site();
    const resource = fresh();
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const headers = { ...fencingHeaders(holder(resource, 9)), 'Fencing-Token': 'nonsense' };
      expect((await fetch(running.url(resource), { method, headers })).status).toBe(200);
      expect((await fencedFetch(holder(resource, 9), running.url(resource), { method })).status).toBe(200);
      expect(answer.mock.lastCall?.[0]).toBeUndefined();
    }
    await guard.seal(holder(resource, 1)); // the mark was not raised
    await using strict = await site({ safeMethods: true });
    expect((await fetch(strict.url(resource))).status).toBe(428);
    await fencedFetch(holder(resource, 9), strict.url(resource));
    expect(answer.mock.lastCall?.[0]).toMatchObject(holder(resource, 9));
    await expect(guard.seal(holder(resource, 8))).rejects.toThrow(StaleTokenError);
  });

  it('refuses the write of a handler that passed and was overtaken', async () => {
    await using running = await site();
    const resource = fresh();
    const [entered, leave] = [gate(), gate()];
    answer.mockImplementation(async (fencing) => {
      if (fencing?.token === 1) {
        entered.open();
        await leave.passed;
      }
      await fencing?.write([['SET', resource, fencing.token]]);
      return 'written';
    });
    const put = (token: number): Promise<Response> =>
      fencedFetch(holder(resource, token), running.url(resource), { method: 'PUT' });
    const slow = put(1).catch((error: unknown) => error);
    await entered.passed;
    expect(await (await put(2)).text()).toBe('written');
    leave.open();
    expect(await slow).toBeInstanceOf(StaleTokenError);
    expect(await slow).toMatchObject({ resource, offered: 1, seen: 2 });
    expect(await inRedis(resource)).toBe(2);
  });

  it('does not read the body: it refuses before its end, and the handler gets it as it comes', async () => {
    await using running = await site();
    const resource = fresh();
    await guard.seal(holder(resource, 5));
    const first = gate();
    answer.mockImplementation(async (_fencing, body) => {
      const parts: string[] = [];
      for await (const part of body) {
        parts.push(Buffer.from(part).toString());
        first.open();
      }
      return parts.join('');
    });
    const open = (token: number): ReturnType<typeof begin> =>
      begin(running.url(resource), { method: 'PUT', headers: fencingHeaders(holder(resource, token)) });
    const refused = open(4);
    refused.request.write('a beginning');
    expect((await refused.answered).statusCode).toBe(412);
    refused.request.destroy();
    const accepted = open(5);
    accepted.request.write('one, ');
    await first.passed;
    accepted.request.end('two');
    const response = await accepted.answered;
    expect([response.statusCode, await text(response)]).toEqual([200, 'one, two']);
    const large = { method: 'PUT', body: new Uint8Array(32 * 1024 * 1024) };
    await expect(fencedFetch(holder(resource, 4), running.url(resource), large)).rejects.toThrow(
      StaleTokenError,
    );
  });

  it('lets nothing pass when the mark store does not answer, and tells only its own side why', async () => {
    const other = await startNodes(1);
    const lost = createRedisGuard({ redis: other.urls[0] as string, callTimeout: 2_000 });
    const onUnavailable = vi.fn();
    await using running = await site({ guard: lost, onUnavailable });
    await other.stop();
    const lease = holder(fresh(), 1);
    const answered = await send(running.url(lease.resource), {
      method: 'POST',
      headers: fencingHeaders(lease),
    });
    expect(answered).toMatchObject({ status: 503, type: 'application/problem+json', retryAfter: '1' });
    expect(answered.body).toMatch(/was not carried out/);
    expect(answered.body).not.toMatch(/127\.0\.0\.1|localhost/);
    expect(onUnavailable).toHaveBeenCalledWith(expect.any(UnavailableError));
    const outcome = fencedFetch(lease, running.url(lease.resource), { method: 'POST' });
    await expect(outcome).rejects.toThrow(UnavailableError);
    await expect(outcome).rejects.toThrow(new URL(running.url('r')).host);
    expect(answer).not.toHaveBeenCalled();
    await lost.close();
  });

  it('answers 503 for a store that the handler could not reach, and leaves other errors to the framework', async () => {
    await using running = await site();
    const lease = holder(fresh(), 1);
    const post = (): Promise<Response> => fencedFetch(lease, running.url(lease.resource), { method: 'POST' });
    answer.mockRejectedValueOnce(new UnavailableError('no', [{ node: 'secret:1', reason: 'gone' }]));
    const outcome = await post().catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(UnavailableError);
    expect(String(outcome)).toMatch(/whether it took effect is not known/);
    expect(String(outcome)).not.toMatch(/secret/);
    answer.mockRejectedValueOnce(new Error('a bug'));
    const failed = await post();
    expect([failed.status, await failed.text()]).toEqual([500, 'the handler failed']);
    await using wrong = await site({ guard: createPostgresGuard({ sql: pool, table: 'nowhere' }) as never });
    expect((await fencedFetch(lease, wrong.url(lease.resource), { method: 'POST' })).status).toBe(500);
    expect(answer).not.toHaveBeenCalled();
  });

  it('takes the resource from the header only where the route says so', async () => {
    await using running = await site({ resource: 'header' });
    await using fixed = await site({ resource: 'the ledger' });
    for (const resource of [fresh(), fresh()]) {
      await fencedFetch(holder(resource, 5), running.url('any'), { method: 'PUT' });
      expect(answer.mock.lastCall?.[0]).toMatchObject(holder(resource, 5));
      await expect(guard.seal(holder(resource, 4))).rejects.toThrow(StaleTokenError);
      const other = fencedFetch(holder(resource, 5), fixed.url('any'), { method: 'PUT' });
      await expect(other).rejects.toThrow(/this request is about "the ledger"/);
      await expect(other).rejects.toBeInstanceOf(MisuseError);
      const lease = holder('a task', base + names);
      const named = await fencedFetch(lease, fixed.url('any'), { method: 'PUT' }, { resource: 'the ledger' });
      expect(named.status).toBe(200);
    }
  });
});

it('an object guard checks, too, and the handler reads by what it gives', async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-http-'));
  const objects = createObjectGuard({ store: directoryStore({ path }) });
  const listener = nodeFencing({ guard: objects, resource: 'totals' }, async (request, response, fencing) => {
    const before = (await fencing?.read()) ?? 'nothing';
    await fencing?.write(await text(request));
    response.end(before);
  });
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const put = async (token: number, body: string): Promise<string> =>
    (await fencedFetch(holder('totals', token), url, { method: 'PUT', body })).text();
  expect(await put(1, 'one')).toBe('nothing');
  expect(await put(2, 'two')).toBe('one');
  await expect(put(1, 'late')).rejects.toThrow(StaleTokenError);
  expect(String(await objects.read('totals'))).toBe('two');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(path, { recursive: true });
});

describe('the client', () => {
  it('gives every answer that is none of ours, with its body', async () => {
    const bodies: [number, string, string][] = [
      [412, 'text/plain', 'no match'],
      [412, 'application/problem+json', '{"type":"about:blank","status":412}'],
      [412, 'application/problem+json', '{"type":"urn:holdfast:stale-token","offered":"1"}'],
      [400, 'application/problem+json', '{"type":"urn:holdfast:stale-token"'],
      [409, 'application/problem+json', '{"type":"urn:holdfast:fencing-required"}'],
      [503, 'application/problem+json', 'null'],
      [201, 'application/json', '{}'],
    ];
    const listener = createServer(({ url = '' }, response) => {
      const [status, type, body] = bodies[Number(url.slice(1))] as (typeof bodies)[number];
      response.writeHead(status, { 'Content-Type': type }).end(body);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    for (const [index, [status, , body]] of bodies.entries()) {
      const response = await fencedFetch(holder('r', 1), `http://127.0.0.1:${port}/${index}`);
      expect([response.status, await response.text()]).toEqual([status, body]);
    }
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
    await expect(fencedFetch(holder('r', 1), `http://127.0.0.1:${port}/`)).rejects.toThrow(TypeError);
  });

  it('keeps the headers of the request, and puts its own in place of others', async () => {
    const seen = vi.fn<(headers: IncomingHttpHeaders) => void>();
    const listener = createServer(({ headers }, response) => {
      seen(headers);
      response.end();
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    const headers = { 'X-Mine': 'kept', 'fencing-token': '99' };
    await fencedFetch(holder('r', 1), url, { headers });
    await fencedFetch(holder('r', 1), new Request(url, { headers }));
    for (const [received] of seen.mock.calls) {
      expect(received).toMatchObject({ 'x-mine': 'kept', 'fencing-token': '1', 'fencing-resource': 'r' });
    }
    expect(seen).toHaveBeenCalledTimes(2);
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
  });

  it('writes a resource as plain as it can, and refuses what cannot be written', () => {
    const written = (resource: string): string =>
      fencingHeaders(holder('x', 7), { resource })['Fencing-Resource'];
    expect(fencingHeaders(holder('account:42', 7))).toEqual({
      'Fencing-Token': '7',
      'Fencing-Resource': 'account:42',
      'Fencing-Issuer': 'locks:test',
    });
    expect(written("/a?b=c#'d'")).toBe("/a?b=c#'d'");
    expect(written(' 5%,ö🎉')).toBe('%205%25%2C%C3%B6%F0%9F%8E%89');
    for (const resource of ['', '\uD800', 'a\nb']) expect(() => written(resource)).toThrow(MisuseError);
    for (const token of [0, 1.5, '7']) {
      expect(() => fencingHeaders(holder('r', token as number))).toThrow(MisuseError);
    }
  });
});

it.each<[object, RegExp]>([
  [{ resource: 'r' }, /guard is one of ours/],
  [{ guard: {} }, /guard is one of ours/],
  [{ guard: { seal: () => {} } }, /resource is a well-formed string/],
  [{ guard: { seal: () => {} }, resource: '' }, /resource is a well-formed string/],
  [{ guard: { seal: () => {} }, resource: 'r', methods: [] }, /no option "methods"/],
  [{ guard: { seal: () => {} }, resource: 'r', issuers: 'queue:q' }, /issuers is an array/],
])('options that cannot work are refused: %o', (options, message) => {
  const makers: ((wrong: never) => unknown)[] = [
    createFencingCheck,
    expressFencing,
    fastifyFencing,
    honoFencing,
    (wrong) => nodeFencing(wrong, () => {}),
  ];
  for (const make of makers) {
    expect(() => make(options as never)).toThrow(MisuseError);
    expect(() => make(options as never)).toThrow(message);
  }
});

it('a route whose resource is empty is wrong, whatever its client names', async () => {
  const check = createFencingCheck({ guard, resource: () => '' });
  const sent: Readonly<Record<string, string>> = fencingHeaders(holder('r', 1));
  const header = (name: string): string | undefined =>
    Object.entries(sent).find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
  await expect(check({}, { method: 'POST', header })).rejects.toThrow(
    /route's resource is a string that is not empty/,
  );
});
