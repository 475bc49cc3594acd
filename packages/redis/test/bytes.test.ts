/** Every byte travels unchanged: through scripts, group commits and both clients, behind sentinels and in a Cluster. */
import { systemClock } from '@holdfast/kernel';
import { startNodes } from '@holdfast/local';
import {
  type BinaryCommand,
  type BinaryReply,
  type BinaryVerb,
  type Call,
  Caller,
  type Connection,
  connect,
  type Operation,
  RedisNode,
  Script,
} from '@holdfast/redis';
import { openNodeRedis } from '@holdfast/redis/node-redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Cluster, once, Watched } from '../../lock/test/topologies.js';
import { parseAddress } from '../src/address.js';

/** All bytes there are, and what looks like the end of a line of the protocol or like UTF-8 that is none. */
const BYTES = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from('\r\n$5\r\n\0\xff\xfe\xc3\x28', 'latin1'),
]);

/** Stores bytes under its key, and is answered with what was stored. */
class Keep implements Operation<Buffer> {
  readonly key: string;
  readonly bytes: Uint8Array;
  abandoned = false;
  readonly outcome: Promise<Buffer>;
  settle: (bytes: Buffer) => void = () => {};
  fail: (reason: string, sent: boolean) => void = () => {};

  constructor(key: string, bytes: Uint8Array) {
    this.key = key;
    this.bytes = bytes;
    this.outcome = new Promise((resolve, reject) => {
      this.settle = resolve;
      this.fail = (reason) => reject(new Error(reason));
    });
  }
}

const keep: BinaryVerb<Keep, Buffer> = {
  script: new Script(`local reply = {'kept', #ARGV}
    for i, key in ipairs(KEYS) do
      redis.call('SET', key, ARGV[i])
      reply[i + 2] = redis.call('GET', key)
    end
    return reply`),
  keys: [],
  binary: true,
  encode({ key, bytes }, keys, args) {
    keys.push(key);
    args.push(bytes);
  },
  decode(reply) {
    const [word, count, ...kept] = reply as [Buffer, number, ...Buffer[]];
    if (word.toString() !== 'kept' || count !== kept.length) throw new Error('not the reply of the script');
    return kept;
  },
};

let nodes: Awaited<ReturnType<typeof startNodes>>;
let url = '';
let ioredis: Redis;
let nodeRedis: ReturnType<typeof createClient>;
beforeAll(async () => {
  nodes = await startNodes(1);
  [url = ''] = nodes.urls;
  ioredis = new Redis(url);
  nodeRedis = createClient({ url });
  nodeRedis.on('error', () => {});
  await nodeRedis.connect();
});
afterAll(async () => {
  ioredis.disconnect();
  nodeRedis.destroy();
  await nodes.stop();
});

async function expectBytes(connection: Connection): Promise<void> {
  const script = 'return {ARGV[1], #ARGV[1], KEYS[1], {ARGV[2]}, redis.status_reply(ARGV[3]), false}';
  const args = [script, '1', '{bytes}:é', BYTES, new Uint8Array(0), 'fine'];
  const reply = await connection.sendBinary('EVAL', args);
  const key = Buffer.from('{bytes}:é');
  expect(reply).toEqual([BYTES, BYTES.length, key, [Buffer.alloc(0)], Buffer.from('fine'), null]);
  await connection.sendBinary('SET', ['{bytes}:text', 'é']);
  expect(await connection.send('GET', ['{bytes}:text'])).toBe('é');
  await connection.sendBinary('HSET', ['{bytes}:hash', BYTES, BYTES]);
  expect(await connection.sendBinary('HMGET', ['{bytes}:hash', BYTES, 'none'])).toEqual([BYTES, null]);
}

describe.each<[string, () => Connection]>([
  ['ioredis', () => connect(url)],
  ['node-redis', () => openNodeRedis(parseAddress(url))],
  ["a user's ioredis", () => connect(ioredis)],
  ["a user's ioredis, once", () => connect(ioredis, { once: true })],
  ['a connection like a user’s ioredis', () => connect(ioredis, { alone: true })],
  ["a user's node-redis", () => connect(nodeRedis)],
  ['a connection like a user’s node-redis', () => connect(nodeRedis, { alone: true })],
])('over %s', (_, open) => {
  it('arguments and replies are the bytes that were given', async () => {
    const connection = open();
    await connection.open();
    await expectBytes(connection);
    // A view of larger memory is sent as the part that it shows.
    const inside = new Uint8Array(BYTES.buffer, BYTES.byteOffset + 7, 3);
    expect(await connection.sendBinary('ECHO', [inside])).toEqual(Buffer.from([7, 8, 9]));
    // The other calls of the same connection still read text.
    expect(await connection.send('ECHO', ['text'])).toBe('text');
    connection.close();
  });

  it('an error is told in words, and a connection that is not open refuses', async () => {
    const connection = open();
    await connection.open();
    await connection.send('SET', ['{bytes}:string', 'x']);
    await expect(connection.sendBinary('HGET', ['{bytes}:string', BYTES])).rejects.toThrow(/^WRONGTYPE/);
    connection.close();
  });

  it('a group commit carries the bytes of many operations, beside one of text', async () => {
    const node = new RedisNode(open());
    await node.open();
    await node.load([keep.script]);
    const operations = Array.from(
      { length: 300 },
      (_, n) => new Keep(`{bytes}:${n}`, BYTES.subarray(n % 250)),
    );
    for (const operation of operations) node.submit(keep, operation);
    const kept = await Promise.all(operations.map(({ outcome }) => outcome));
    expect(kept).toEqual(operations.map(({ bytes }) => bytes));
    node.close();
  });

  it('a plain command carries many operations, and an error reaches each of them', async () => {
    const node = new RedisNode(open());
    await node.open();
    const get: BinaryCommand<Keep, Buffer> = {
      ...{ command: 'MGET', binary: true, keys: [] },
      encode: ({ key }, keys) => void keys.push(key),
      decode: (reply) => reply as readonly Buffer[],
    };
    const kept = ['{bytes}:one', '{bytes}:two'].map((key, n) => new Keep(key, BYTES.subarray(n)));
    for (const operation of kept) node.submit(keep, operation);
    await Promise.all(kept.map(({ outcome }) => outcome));
    const read = kept.map(({ key, bytes }) => new Keep(key, bytes));
    for (const operation of read) node.submit(get, operation);
    expect(await Promise.all(read.map(({ outcome }) => outcome))).toEqual(kept.map(({ bytes }) => bytes));
    const wrong = kept.map(({ key, bytes }) => new Keep(key, bytes));
    for (const operation of wrong) node.submit({ ...get, command: 'HGETALL' }, operation);
    const failed = await Promise.allSettled(wrong.map(({ outcome }) => outcome));
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    node.close();
  });

  it('a script that the server has forgotten is sent again with its bytes', async () => {
    const node = new RedisNode(open());
    await node.open();
    await node.load([keep.script]);
    await once(url, ['SCRIPT', 'FLUSH']);
    const operation = new Keep('{bytes}:again', BYTES);
    node.submit(keep, operation);
    expect(await operation.outcome).toEqual(BYTES);
    node.close();
  });
});

it('before it is open, a connection refuses bytes as it refuses text', async () => {
  for (const connection of [connect(url), openNodeRedis(parseAddress(url))])
    await expect(connection.sendBinary('ECHO', [BYTES])).rejects.toThrow('not connected yet');
});

/** Calls of one verb, through the layer that packages use. */
function callsOn(redis: string, key: string) {
  const verb: BinaryVerb<Call<Uint8Array, Buffer>, Buffer> = {
    ...keep,
    encode({ request }, keys, args) {
      keys.push(key);
      args.push(request);
    },
    decode: (reply: BinaryReply) => keep.decode(reply, []),
  };
  const words = { subject: 'The test', unknown: 'Look', closed: 'open another' };
  const caller = new Caller({
    redis,
    key,
    timeout: 2_000,
    scripts: [keep.script],
    clock: systemClock,
    words,
  });
  return {
    keep: (bytes: Uint8Array): Promise<Buffer> => caller.call(verb, bytes),
    [Symbol.dispose]: () => caller.close(),
  };
}

describe('where servers change', () => {
  it('behind sentinels, bytes arrive before and after a failover', async () => {
    await using watched = await Watched.start();
    using calls = callsOn(watched.url, 'bytes');
    expect(await calls.keep(BYTES)).toEqual(BYTES);
    await (await watched.master()).kill();
    const again = (): Promise<void> => calls.keep(BYTES).then((bytes) => expect(bytes).toEqual(BYTES));
    await vi.waitFor(again, { timeout: 30_000, interval: 100 });
  }, 60_000);

  it('in a Cluster, bytes arrive before and after a slot has moved to another master', async () => {
    await using cluster = await Cluster.start();
    const key = '{bytes}:moving';
    using calls = callsOn(cluster.url, key);
    expect(await calls.keep(BYTES)).toEqual(BYTES);
    const from = await cluster.owner(key);
    const [to] = cluster.nodes.slice(0, 3).filter((node) => node !== from);
    const slot = String(await once(from.url, ['CLUSTER', 'KEYSLOT', key]));
    const target = String(await once(to?.url ?? '', ['CLUSTER', 'MYID']));
    await once(from.url, ['DEL', key]);
    for (const { url } of [to ?? from, from]) await once(url, ['CLUSTER', 'SETSLOT', slot, 'NODE', target]);
    // The first call is answered with MOVED, and the connection looks for the slot again.
    const again = (): Promise<void> => calls.keep(BYTES).then((bytes) => expect(bytes).toEqual(BYTES));
    await vi.waitFor(again, { timeout: 20_000, interval: 50 });
    expect(await once(to?.url ?? '', ['EXISTS', key])).toBe(1);
  }, 60_000);
});
