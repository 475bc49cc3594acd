/** Every way to name a node: URLs with TLS, ACL users and sockets, and clients of ioredis and node-redis. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { startNodes } from '@holdfast/local';
import { createLocks, type LocksOptions } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deploy, SHORT } from './deployment.js';

let folder: string;
let ca: Buffer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-tls-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    certificate,
  ];
  execFileSync('openssl', [...args, ...subject], { stdio: 'ignore' });
  ca = readFileSync(certificate);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Takes, extends, hands over and gives back a lease, and closes. */
async function tryOut(options: LocksOptions): Promise<void> {
  await using locks = createLocks({ ...SHORT, ...options });
  await locks.initialize();
  const lease = await locks.acquire('r', { ttl: 2_000, wait: 0 });
  expect(await lease.extend()).toBe('kept');
  const waiting = locks.acquire('r', { ttl: 2_000 });
  await vi.waitFor(async () => expect((await locks.inspect('r')).waiting).toBe(1), 20_000);
  await lease.release();
  await (await waiting).release();
  const readers = [
    await locks.acquireShared('r', { ttl: 2_000 }),
    await locks.acquireShared('r', { ttl: 2_000 }),
  ];
  for (const reader of readers) await reader.release();
  const semaphore = locks.semaphore('s', { permits: 2 });
  await (await semaphore.acquire({ ttl: 2_000 })).release();
  await semaphore.resize(1, { ttl: 2_000 });
  expect((await locks.inspect('r')).nodes.every(({ state }) => state === 'voting')).toBe(true);
}

describe('a URL', () => {
  it('with TLS', async () => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await using plain = await startNodes(1);
    const port = (plain.nodes[0]?.port ?? 0) + 1;
    const tls = ['--tls-port', `${port}`, '--tls-cert-file', certificate, '--tls-key-file', key];
    await using _nodes = await startNodes(1, {
      args: [...tls, '--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no', '--save', ''],
    });
    await tryOut({ nodes: [`rediss://127.0.0.1:${port}`], tls: { ca } });
    await using untrusting = createLocks({ ...SHORT, nodes: [`rediss://127.0.0.1:${port}`] });
    await expect(untrusting.acquire('r', { wait: 0 })).rejects.toThrow(/self.signed certificate/);
  });

  it('with an ACL user, whose rights are those that the documentation names', async () => {
    await using nodes = await startNodes(1);
    const redis = new Redis(nodes.urls[0] ?? '');
    const rights = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rule =
      /ACL SETUSER holdfast (.*)/.exec(rights)?.[1]?.replace('>password', '>s3cret%p@ss').split(' ') ?? [];
    await redis.call('ACL', 'SETUSER', 'holdfast', ...rule);
    const { port } = nodes.nodes[0] ?? { port: 0 };
    await tryOut({ nodes: [`redis://holdfast:s3cret%25p%40ss@127.0.0.1:${port}`] });
    await using wrong = createLocks({ ...SHORT, nodes: [`redis://holdfast:wr0ng-one@127.0.0.1:${port}`] });
    const error = await wrong.acquire('r', { wait: 0 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as UnavailableError).nodes[0]?.reason).toMatch(/WRONGPASS/);
    expect(String((error as Error).stack)).not.toContain('wr0ng-one');
    redis.disconnect();
  });

  it('with an ACL user who may not call functions', async () => {
    await using nodes = await startNodes(1);
    const redis = new Redis(nodes.urls[0] ?? '');
    await redis.call('ACL', 'SETUSER', 'scripts', 'on', '>p', '~*', '&*', '+@all', '-fcall', '-function');
    await tryOut({ nodes: [`redis://scripts:p@127.0.0.1:${nodes.nodes[0]?.port}`] });
    expect(await redis.info('commandstats')).toMatch(/cmdstat_evalsha:calls/);
    redis.disconnect();
  });

  it('with an ACL user without the rights: a MisuseError that says where they are listed', async () => {
    await using nodes = await startNodes(1);
    const redis = new Redis(nodes.urls[0] ?? '');
    await redis.call('ACL', 'SETUSER', 'poor', 'on', '>p', '~*', '&*', '+@all', '-hset', '-pexpire');
    const url = `redis://poor:p@127.0.0.1:${nodes.nodes[0]?.port}`;
    await using locks = createLocks({ nodes: [url], ...SHORT });
    const says =
      /The nodes do not let this user do that.*README lists.*ACL LOG.*127\.0\.0\.1:\d+: .*(?:can't run|no permissions to run)/s;
    for (const call of [() => locks.initialize(), () => locks.acquire('r')]) {
      const error = await call().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MisuseError);
      expect((error as Error).message).toMatch(says);
    }
    await using rich = createLocks({ nodes: nodes.urls, ...SHORT });
    await rich.initialize();
    const lease = await locks.acquire('r');
    await expect(lease.extend()).rejects.toThrow(says);
    await lease.release();
    redis.disconnect();
  });

  it('of nodes that are slow to connect: they are initialized all the same', async () => {
    await using nodes = await startNodes(3);
    await using locks = createLocks({ nodes: nodes.urls, ...SHORT, callTimeout: 20 });
    for (const node of nodes) node.freeze();
    const initializing = locks.initialize();
    await expect(locks.acquire('r', { wait: 0 })).rejects.toThrow(/not connected yet/);
    for (const node of nodes) node.thaw();
    expect((await initializing).map(({ outcome }) => outcome)).toEqual(Array(3).fill('initialized'));
  });

  it('with an ACL user who may not listen: waiting works, slowly, and says why', async () => {
    await using nodes = await startNodes(1);
    const redis = new Redis(nodes.urls[0] ?? '');
    await redis.call('ACL', 'SETUSER', 'deaf', 'on', '>p', '~*', '+@all');
    const warnings: string[] = [];
    const url = `redis://deaf:p@127.0.0.1:${nodes.nodes[0]?.port}`;
    await using locks = createLocks({ nodes: [url], ...SHORT, onWarning: (text) => warnings.push(text) });
    await locks.initialize();
    const lease = await locks.acquire('r');
    const waiting = locks.acquire('r', { wait: 20_000 });
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringMatching(/does not let.*NOPERM/)]), 20_000);
    await lease.release();
    await (await waiting).release();
    redis.disconnect();
  });

  it('of a socket, with a database', async () => {
    const path = join(folder, 'redis.sock');
    await using nodes = await startNodes(1, { args: ['--unixsocket', path, '--save', ''] });
    await tryOut({ nodes: [`unix:${path}?db=3`] });
    const redis = new Redis(nodes.urls[0] ?? '', { db: 3 });
    expect(await redis.exists('{holdfast}:record')).toBe(1);
    redis.disconnect();
  });
});

describe('clients of the user', () => {
  it('from both libraries serve together, and stay open', async () => {
    await using deployment = await deploy(3);
    const [first = '', second = '', third = ''] = deployment.urls;
    const ioredis = new Redis(first);
    ioredis.on('error', () => {});
    const nodeRedis = createClient({ url: second });
    nodeRedis.on('error', () => {});
    await nodeRedis.connect();
    await tryOut({ nodes: [ioredis, nodeRedis, third] });
    expect(await ioredis.ping()).toBe('PONG');
    expect(await nodeRedis.ping()).toBe('PONG');
    ioredis.disconnect();
    nodeRedis.destroy();
  });

  it('that were not opened are reported as that', async () => {
    const client = createClient({ url: 'redis://127.0.0.1:1' });
    await using locks = createLocks({ ...SHORT, nodes: [client] });
    await expect(locks.acquire('r', { wait: 0 })).rejects.toThrow(/await client.connect\(\) first/);
  });
});

describe('after close', () => {
  it('nothing of Holdfast keeps the process alive', async () => {
    await using deployment = await deploy(3);
    const program = `
      import { createLocks } from '@holdfast/lock';
      const locks = createLocks(${JSON.stringify({ nodes: deployment.urls, ...SHORT })});
      const lease = await locks.acquire('r');
      lease.signal.addEventListener('abort', () => {});
      await locks.using('s', { ttl: 300 }, () => {});
      await locks.close();
      console.log('closed');`;
    const args = ['--import', 'tsx', '--conditions=@holdfast/source', '--input-type=module', '-e', program];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += String(data);
    });
    const [code] = await once(child, 'close', { signal: AbortSignal.timeout(20_000) });
    expect({ code, output }).toEqual({ code: 0, output: 'closed\n' });
  });
});
