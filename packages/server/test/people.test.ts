/** Tokens of an issuer, signing in by it, and TLS with certificates of clients. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type Clock, systemClock } from '@holdfast/kernel';
import { createServerKey } from '@holdfast/server';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { callerOf } from './called.js';
import { type Provider, startProvider } from './provider.js';
import { fileOf, keysOf, later, serve, useRedis } from './setting.js';

useRedis();

async function provided(): Promise<Provider> {
  const provider = await startProvider();
  later(() => provider[Symbol.asyncDispose]());
  return provider;
}

const GROUPS = { groups: { shop: ['queues:*=images'], ops: ['*'] }, everybody: ['product:read'] };

test('a token may do what its groups may, and only while it is good', async () => {
  const provider = await provided();
  const issuer = { url: provider.url, audience: 'holdfast', groups: fileOf(GROUPS) };
  const { file, keys } = keysOf({ robot: ['queues:read'] });
  const { ask } = await serve({ keys: file, issuer });
  const counts = (key: string, queue = 'images') => ask('GET', `/v1/queues/${queue}`, { key });
  const add = (key: string, queue = 'images') =>
    ask('POST', `/v1/queues/${queue}/tasks`, { key, body: { data: 1 } });
  const shop = await provider.token({ sub: 'eve', groups: ['shop', 'unknown'] });
  expect((await add(shop)).status).toBe(201);
  expect((await add(shop, 'bank')).status).toBe(403);
  expect((await ask('GET', '/v1/session', { key: shop })).body.subject).toBe(`${provider.url}#eve`);
  expect((await add(await provider.token({ sub: 'eve', groups: 'ops shop' }), 'bank')).status).toBe(201);
  expect((await add(await provider.token({ sub: 'eve', scope: '*', groups: ['*'] }))).status).toBe(403);
  expect((await counts(keys.robot)).status).toBe(200);

  const wrong = {
    audience: await provider.token({ sub: 'eve' }, { audience: 'other' }),
    issuer: await provider.token({ sub: 'eve' }, { issuer: 'https://elsewhere.example' }),
    expired: await provider.token({ sub: 'eve' }, { expires: '-2m' }),
    nobody: await provider.token({ groups: ['ops'] }),
    secret: await new SignJWT({ sub: 'eve', groups: ['ops'] })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .setIssuer(provider.url)
      .setAudience('holdfast')
      .setExpirationTime('5m')
      .sign(Buffer.from(provider.url.padEnd(32, 'x'))),
    unsigned: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${shop.split('.')[1]}.`,
    changed: `${shop.slice(0, -4)}AAAA`,
    nonsense: 'nonsense',
  };
  for (const [what, token] of Object.entries(wrong)) {
    const { status, body } = await counts(token);
    expect({ what, status, code: body.code }).toEqual({
      what,
      status: 401,
      code: 'HOLDFAST_UNAUTHENTICATED',
    });
    expect(JSON.stringify(body)).not.toContain(token);
  }
  const before = provider.fetched();
  provider.isDown = true;
  expect((await counts(shop)).status).toBe(200);
  expect(provider.fetched()).toBe(before);
});

test('keys are fetched again for a token that names a new one, but not for each', async () => {
  const provider = await provided();
  const issuer = { url: provider.url, audience: 'holdfast', groups: fileOf(GROUPS) };
  let ahead = 0;
  const clock: Clock = Object.create(systemClock, { now: { value: () => systemClock.now() + ahead } });
  const { ask } = await serve({ issuer, clock });
  const session = (key: string) => ask('GET', '/v1/session', { key });
  expect((await session(await provider.token({ sub: 'eve' }))).status).toBe(200);
  await provider.rotate();
  for (let index = 0; index < 3; index += 1)
    expect((await session(await provider.token({ sub: 'eve' }))).status).toBe(401);
  expect(provider.fetched()).toBe(1);
  ahead = 31_000;
  for (let index = 0; index < 3; index += 1)
    expect((await session(await provider.token({ sub: 'eve' }))).status).toBe(200);
  expect(provider.fetched()).toBe(2);
  const other = await serve({ issuer });
  const tokenOfAnother = await provider.token({ sub: 'eve' });
  provider.isNonsense = true;
  for (const broken of [await serve({ issuer }), other]) {
    const { status, body } = await broken.ask('GET', '/v1/session', { key: tokenOfAnother });
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'HOLDFAST_UNAVAILABLE' });
  }
  provider.isNonsense = false;
  provider.isDown = true;
  const unknown = await other.ask('GET', '/v1/session', { key: await provider.token({ sub: 'eve' }) });
  expect(unknown).toMatchObject({ status: 503, body: { code: 'HOLDFAST_UNAVAILABLE' } });
});

test('a token that was good is not once it has expired, is shown for another audience, or its key is gone', async () => {
  const provider = await provided();
  const issuer = { url: provider.url, audience: 'holdfast', groups: fileOf(GROUPS) };
  let ahead = 0;
  const clock: Clock = Object.create(systemClock, {
    now: { value: () => systemClock.now() + ahead },
    wall: { value: () => systemClock.wall() + ahead * 1_000 },
  });
  const { ask } = await serve({ issuer, clock });
  const other = await serve({ issuer: { ...issuer, audience: 'other' } });
  const [short, long] = [
    await provider.token({ sub: 'eve' }),
    await provider.token({ sub: 'eve' }, { expires: '1h' }),
  ];
  const statuses = async () =>
    Promise.all([short, long].map(async (key) => (await ask('GET', '/v1/session', { key })).status));
  for (let index = 0; index < 2; index += 1) expect(await statuses()).toEqual([200, 200]);
  expect((await other.ask('GET', '/v1/session', { key: long })).status).toBe(401);
  ahead = 5 * 60_000 + 31_000;
  expect(await statuses()).toEqual([401, 200]);
  await provider.rotate();
  await provider.rotate();
  ahead = 11 * 60_000;
  // While keys are fetched, others go by those that there are.
  await statuses();
  expect(await statuses()).toEqual([401, 401]);
});

test('a person signs in at the issuer, and may do what the groups may now', async () => {
  const provider = await provided();
  provider.person = { sub: 'eve', groups: ['shop'] };
  const groups = fileOf(GROUPS);
  const url = 'http://127.0.0.1:7400';
  const signIn = { clientId: 'dashboard', clientSecret: fileOf('client-secret\n'), url };
  const issuer = { url: provider.url, audience: 'holdfast', groups, signIn };
  const { url: at, ask } = await serve({ issuer, serverKey: fileOf(createServerKey()) });
  const go = (to: string, cookie = '') => fetch(to, { redirect: 'manual', headers: { cookie } });
  const cookieOf = (reply: Response, name: RegExp): string =>
    reply.headers
      .getSetCookie()
      .find((each) => name.test(each))
      ?.split(';')[0] ?? '';

  const begun = await go(`${at}/v1/session/oidc`);
  const own = cookieOf(begun, /^holdfast-sign-in/);
  expect(begun.headers.getSetCookie()[0]).toMatch(/HttpOnly; SameSite=Lax/);
  const asked = await go(begun.headers.get('location') ?? '');
  const back = asked.headers.get('location')?.replace(url, at) ?? '';
  expect(back).toContain('/v1/session/oidc:callback?code=');
  expect((await go(back)).status).toBe(401);
  expect((await go(back, cookieOf(await go(`${at}/v1/session/oidc`), /^holdfast-sign-in/))).status).toBe(401);
  const signedIn = await go(back, own);
  expect([signedIn.status, signedIn.headers.get('location')]).toEqual([302, '/']);
  const cookie = cookieOf(signedIn, /^holdfast-\d+=/);
  expect(cookie).not.toBe('');
  // The code is of use once.
  expect((await go(back, own)).status).toBe(503);

  const mine = { cookie, origin: at };
  expect((await ask('GET', '/v1/session', { headers: mine })).body.subject).toBe(`${provider.url}#eve`);
  const add = (headers: Record<string, string>) =>
    ask('POST', '/v1/queues/images/tasks', { headers, body: { data: 1 } });
  expect((await add(mine)).status).toBe(201);
  expect((await add({ cookie, origin: 'https://elsewhere.example' })).status).toBe(403);
  expect((await add({ cookie: `${cookie}x`, origin: at })).status).toBe(401);
  writeFileSync(groups, JSON.stringify({ groups: { ops: ['*'] } }));
  await expect.poll(async () => (await add(mine)).status, { timeout: 30_000 }).toBe(403);
});

test('who has no certificate of the authority is not let in; a new certificate is taken while it runs', async () => {
  const folder = `${fileOf('')}.d`;
  execFileSync('mkdir', [folder]);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=ca', '-days', '2');
  for (const name of ['server', 'next', 'client']) {
    openssl('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const names = join(folder, `${name}.ext`);
    writeFileSync(names, 'subjectAltName=IP:127.0.0.1');
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', names];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`);
  }
  const at = (name: string) => join(folder, name);
  const tls = { cert: at('server.crt'), key: at('server.key'), ca: at('ca.crt') };
  const { url, server } = await serve({ tls, grpc: { port: 0 } });
  expect(url).toMatch(/^https:/);
  const [ca, cert, key] = ['ca.crt', 'client.crt', 'client.key'].map((name) => readFileSync(at(name)));
  const asked = (more: object) =>
    new Promise<{ status: number; by: string }>((resolve, reject) => {
      const asking = request(`${url}/healthz`, { ca, agent: false, ...more }, (response) => {
        const { subject } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
        response
          .resume()
          .once('end', () => resolve({ status: response.statusCode ?? 0, by: String(subject.CN) }));
      });
      asking.once('error', reject).end();
    });
  expect(await asked({ cert, key })).toEqual({ status: 200, by: 'server' });
  await expect(asked({})).rejects.toThrow();
  const check = (own: object) =>
    callerOf(server, { ca: at('ca.crt'), ...own }).call(
      'grpc.health.v1.Health/Check',
      {},
      { deadline: 5_000 },
    );
  expect((await check({ cert: at('client.crt'), key: at('client.key') })).code).toBe(0);
  expect((await check({})).code).toBe(14);
  copyFileSync(at('next.key'), at('server.key'));
  copyFileSync(at('next.crt'), at('server.crt'));
  await expect.poll(async () => (await asked({ cert, key })).by, { timeout: 30_000 }).toBe('next');
  const { port } = new URL(server.grpcUrl ?? '');
  const socket = connect({ port: Number(port), host: '127.0.0.1', ca, cert, key, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  expect(String(socket.getPeerCertificate().subject.CN)).toBe('next');
  socket.destroy();
  await expect(serve({ tls: { cert: at('next.crt'), key: at('client.key') } })).rejects.toThrow(/its key/);
});
