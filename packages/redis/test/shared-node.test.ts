/** Callers on one server share its connection, and none of them takes it from the others. */
import { AbortedError, systemClock } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Caller, type CallVerb, type NodeSource, type Reply, Script } from '@holdfast/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';

let nodes: LocalNodes;
let redis: Redis;
beforeAll(async () => {
  nodes = await startNodes(1);
  redis = new Redis(url());
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
});

const url = (): string => nodes.urls[0] ?? '';

const open = (source: NodeSource, key: string): Caller =>
  new Caller({
    redis: source,
    key,
    timeout: 30_000,
    clock: systemClock,
    words: { subject: 'The test', unknown: 'Look', closed: 'open another' },
  });

/** Counts the calls of a key; with a text that differs from verb to verb. */
const count = (key: string): CallVerb<undefined, number> => ({
  script: new Script(`-- ${key}\nreturn {'counted', redis.call('INCR', KEYS[1])}`),
  keys: [key],
  most: 1,
  encode: () => {},
  decode: (reply: Reply) => [Number((reply as readonly unknown[])[1])],
});

/** Clients of the server, but for the one that asks. */
async function clients(): Promise<number> {
  const list = String(await redis.call('CLIENT', 'LIST', 'TYPE', 'normal'));
  return list.trim().split('\n').length - 1;
}

test('two on one address have one connection, which stays until the last has ended', async () => {
  const [one, other] = [open(url(), 'a'), open(url(), 'b')];
  expect(await Promise.all([one.call(count('a'), undefined), other.call(count('b'), undefined)])).toEqual([
    1, 1,
  ]);
  expect(await clients()).toBe(1);
  one.close();
  one.close();
  expect(await other.call(count('b'), undefined)).toBe(2);
  other.close();
  await expect.poll(clients).toBe(0);
});

test('scripts of both are loaded again after the server has forgotten them', async () => {
  const [one, other] = [open(url(), 'a'), open(url(), 'b')];
  const before = await one.call(count('a'), undefined);
  await redis.script('FLUSH');
  expect(await one.call(count('a'), undefined)).toBe(before + 1);
  expect(await other.call(count('b'), undefined)).toBeGreaterThan(0);
  one.close();
  other.close();
});

test('to close one aborts its own calls under way, and not those of the other', async () => {
  const client = new Redis(url());
  const [one, other] = [open(client, 'a'), open(client, 'b')];
  await Promise.all([one.call(count('a'), undefined), other.call(count('b'), undefined)]);
  nodes.nodes[0]?.freeze();
  const calls = [one.call(count('a'), undefined), other.call(count('b'), undefined)] as const;
  one.close();
  await expect(calls[0]).rejects.toBeInstanceOf(AbortedError);
  nodes.nodes[0]?.thaw();
  expect(await calls[1]).toBeGreaterThan(0);
  other.close();
  expect(client.status).toBe('ready');
  client.disconnect();
});
