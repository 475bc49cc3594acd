/** Clients that were passed in are left as they were; what cannot be a node is refused, without its secrets. */
import { type EventEmitter, errorMonitor } from 'node:events';
import { inspect } from 'node:util';
import { MisuseError } from '@holdfast/kernel';
import { startNodes } from '@holdfast/local';
import { connect, type NodeSource, RedisNode } from '@holdfast/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

let nodes: Awaited<ReturnType<typeof startNodes>>;
let ioredis: Redis;
let nodeRedis: ReturnType<typeof createClient>;
beforeAll(async () => {
  nodes = await startNodes(1);
  ioredis = new Redis(nodes.urls[0] ?? '');
  await ioredis.ping();
  nodeRedis = createClient({ url: nodes.urls[0] ?? '' });
  nodeRedis.on('error', () => {});
  await nodeRedis.connect();
});
afterAll(async () => {
  ioredis.disconnect();
  nodeRedis.destroy();
  await nodes.stop();
});

const listeners = (client: EventEmitter): string[] =>
  [...client.eventNames(), errorMonitor]
    .map((name) => `${String(name)} ${client.listenerCount(name)}`)
    .sort();

/** A node that has been used and listened on. */
async function use(source: NodeSource): Promise<RedisNode> {
  const node = new RedisNode(connect(source));
  await node.open();
  await new Promise<void>((resolve, reject) => {
    const ready = { onMessage: () => {}, onListening: resolve, onRefused: reject };
    node.listen('channel', ready).catch(reject);
  });
  await node.info();
  return node;
}

describe.each([
  ['ioredis', () => ioredis],
  ['node-redis', () => nodeRedis],
] as const)('a client of %s', (_, given) => {
  it('has the listeners that it had, once what stood on it is closed', async () => {
    const client = given() as NodeSource & EventEmitter;
    const before = listeners(client);
    for (let times = 0; times < 3; times += 1) (await use(client)).close();
    expect(listeners(client)).toEqual(before);
  });

  it('has one listener of ours for each event, however many stand on it', async () => {
    const client = given() as NodeSource & EventEmitter;
    const before = listeners(client);
    const first = await use(client);
    const during = listeners(client);
    const others = await Promise.all(Array.from({ length: 12 }, () => use(client)));
    expect(listeners(client)).toEqual(during);
    for (const node of [first, ...others]) node.close();
    expect(listeners(client)).toEqual(before);
  });
});

describe('a missing error handler of the user', () => {
  it('is as loud as without us: ioredis prints, node-redis throws', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    const client = new Redis({ host: '127.0.0.1', port: 1, lazyConnect: true, retryStrategy: () => null });
    const connection = connect(client);
    await connection.open();
    expect(printed).toHaveBeenCalledWith(expect.stringContaining('Unhandled error'), expect.anything());
    printed.mockRestore();
    connection.close();
    client.disconnect();

    const silent = createClient({ url: nodes.urls[0] ?? '' });
    const other = connect(silent);
    await other.open();
    expect(() => silent.emit('error', new Error('nobody listens'))).toThrow('nobody listens');
    other.close();
  });

  it('does not hide from a connection why it failed', async () => {
    const client = createClient({ url: 'redis://127.0.0.1:1', socket: { reconnectStrategy: false } });
    client.on('error', () => {});
    const connection = connect(client);
    const connecting = client.connect().catch(() => {});
    await connection.open();
    await connecting;
    expect(connection.unready).toMatch(/node-redis client is not/);
    connection.close();
  });
});

describe('refused as a node', () => {
  it.each([undefined, null, 7, true, {}, () => {}, Symbol('node')])('%s', (source) => {
    expect(() => connect(source as NodeSource)).toThrow(MisuseError);
  });

  it('an ioredis client with a keyPrefix', () => {
    const client = new Redis({ keyPrefix: 'staging:', lazyConnect: true });
    expect(() => connect(client)).toThrow(/keyPrefix "staging:".*option "prefix"/s);
    expect(() => connect(client, { alone: true })).toThrow(MisuseError);
    client.disconnect();
  });

  it('a malformed address, without showing its password in anything that is printed', () => {
    const schemes = ['redis://', 'rediss://', 'redis:', 'redis-sentinel://', 'redis-cluster://', 'unix:', ''];
    const rests = [
      ':s3cret@',
      'user:s3cret@host:port',
      'user:s3cret@host:99999',
      'user:s3cret@[::1',
      'user:s3cret@ho st',
      'user:s3cret@h%zz/x',
      ':s3cret%@host/zero',
      'host:s3cret',
    ];
    for (const address of schemes.flatMap((scheme) => rests.map((rest) => scheme + rest))) {
      try {
        connect(address);
      } catch (error) {
        expect(error, address).toBeInstanceOf(MisuseError);
        expect(inspect(error, { depth: 9, showHidden: true }), address).not.toContain('s3cret');
      }
    }
  });
});
