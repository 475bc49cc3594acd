/** The guard for data in Redis: the contract, its commands, and a store that forgets. */
import { readFileSync } from 'node:fs';
import { IssuerMismatchError, MisuseError, StaleTokenError, UnavailableError } from '@holdfast/fence';
import {
  createRedisGuard,
  type RedisCommand,
  type RedisGuard,
  type RedisReplies,
} from '@holdfast/fence/redis';
import { systemClock } from '@holdfast/kernel';
import { type LocalNode, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { describe, expect, it, vi } from 'vitest';
import { type GuardFixture, guardContract } from './contract.js';
import { holder } from './holder.js';

/** A window of 50 ms: a store that forgot judges tokens again after 100 ms. */
const WINDOW = 50;

interface Store extends AsyncDisposable {
  readonly node: LocalNode;
  readonly redis: Redis;
  guard(options?: {
    initialize?: boolean;
    persistence?: 'synchronous';
    prefix?: string;
  }): Promise<RedisGuard>;
}

async function openStore(args?: readonly string[]): Promise<Store> {
  const nodes = await startNodes(1, args ? { args } : {});
  const [node] = nodes.nodes as [LocalNode];
  const redis = new Redis(node.url, { retryStrategy: () => 20 });
  redis.on('error', () => {});
  const guards: RedisGuard[] = [];
  return {
    node,
    redis,
    async guard({ initialize = true, ...options } = {}) {
      const guard = createRedisGuard({ redis: node.url, window: WINDOW, ...options });
      guards.push(guard);
      if (initialize) await guard.initialize();
      return guard;
    },
    async [Symbol.asyncDispose]() {
      for (const guard of guards) await guard.close();
      redis.disconnect();
      await nodes.stop();
    },
  };
}

async function openFixture(): Promise<GuardFixture<readonly RedisCommand[], RedisReplies>> {
  const store = await openStore();
  const base = systemClock.wall();
  return {
    guards: [await store.guard(), await store.guard({ initialize: false })],
    set: (resource, value) => [['SET', `number:${resource}`, value]],
    read: async (resource) => Number(await store.redis.get(`number:${resource}`)),
    token: (step) => base + step,
    markWithoutIssuer: async (resource, token) => {
      await store.redis.set(`{holdfast}:mark:${resource}`, token);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

guardContract('redis', openFixture);

describe('a write that would take the guard from under itself', () => {
  it.each<[string, RedisCommand]>([
    ['another database', ['SELECT', '1']],
    ['an empty one', ['flushdb', 'ASYNC']],
    ['its mark', ['DEL', '{holdfast}:mark:r']],
    ['the mark of another resource', ['DEL', 'a', '{holdfast}:mark:other']],
    ['its record', ['DEL', '{holdfast}:guard']],
  ])('is refused: %s', async (_, command) => {
    await using store = await openStore();
    const guard = await store.guard();
    const sealed = await guard.seal(holder('r', systemClock.wall()));
    await expect(sealed.write([['SET', 'a', '1'], command])).rejects.toThrow(MisuseError);
    await expect(sealed.write([['SET', 'a', '1'], command])).rejects.toThrow(/Command 2 .*guard/);
    expect(await store.redis.exists('a')).toBe(0);
    await sealed.write([['SET', '{holdfast}:marks', '{holdfast}']]);
  });

  it('needs the rights that the documentation names', async () => {
    await using store = await openStore();
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rights = /A user of Redis needs `([^`]*)`/.exec(readme)?.[1]?.split(' ') ?? [];
    await store.redis.call('ACL', 'SETUSER', 'app', 'on', '>p', '-@all', ...rights, '~data');
    await using guard = createRedisGuard({ redis: store.node.url.replace('//', '//app:p@'), window: WINDOW });
    await guard.initialize();
    const token = systemClock.wall();
    await (await guard.seal(holder('r', token))).write([['SET', 'data', '1']]);
    const next = await guard.transfer('r', { ...holder('r', token), issuer: 'queue:q' });
    await expect(next.write([['HSET', 'hash', 'f', '1']])).rejects.toThrow(MisuseError);
    expect(await store.redis.get('data')).toBe('1');
  });

  it('names the rights where its user may not', async () => {
    await using store = await openStore();
    await store.redis.call('ACL', 'SETUSER', 'default', '-rename');
    const guard = await store.guard();
    const sealed = await guard.seal(holder('r', systemClock.wall()));
    await store.redis.set('a', '1');
    const writing = sealed.write([['RENAME', 'a', 'b']]);
    await expect(writing).rejects.toThrow(MisuseError);
    await expect(writing).rejects.toThrow(/Command 1 of the write failed.*README lists/);
  });
});

describe('the commands of a write', () => {
  it('are carried out in order, with their replies as Redis gives them', async () => {
    await using store = await openStore();
    const sealed = await (await store.guard()).seal(holder('r', 7));
    const replies = await sealed.write([
      ['SET', 'balance', 5],
      ['INCRBY', 'balance', 37],
      ['GET', 'nothing'],
      ['RPUSH', 'entries', 'a', 'b'],
      ['LRANGE', 'entries', 0, -1],
    ]);
    expect(replies).toEqual(['OK', 42, null, 2, ['a', 'b']]);
    expect(await store.redis.get('balance')).toBe('42');
  });

  it('say which of them failed, and why', async () => {
    await using store = await openStore();
    const sealed = await (await store.guard()).seal(holder('r', 7));
    const failed = sealed.write([
      ['SET', 'text', 'words'],
      ['INCR', 'text'],
      ['SET', 'after', 1],
    ]);
    await expect(failed).rejects.toThrow(MisuseError);
    await expect(failed).rejects.toThrow(/Command 2 .*those before it were carried out.*not an integer/);
    expect(await store.redis.exists('after')).toBe(0);
  });

  it.each([
    [[], /at least one/],
    [[['SET']], /Command 1/],
    [[['SET', 'k', 1], 'GET k'], /Command 2/],
    [[['SET', 'k', { a: 1 }]], /got \[object Object\]/],
    [[['SET', 'k', Number.NaN]], /NaN/],
  ])('are refused when malformed: %j', async (commands, message) => {
    await using store = await openStore();
    const sealed = await (await store.guard()).seal(holder('r', 7));
    await expect(sealed.write(commands as unknown as RedisCommand[])).rejects.toThrow(message);
    await expect(sealed.write(commands as unknown as RedisCommand[])).rejects.toThrow(MisuseError);
  });
});

describe('a store that forgets', () => {
  it('and is new, refuses what it cannot judge, until it can', async () => {
    await using store = await openStore();
    const guard = await store.guard({ initialize: false });
    const early = guard.seal(holder('r', systemClock.wall()));
    await expect(early).rejects.toThrow(StaleTokenError);
    await expect(early).rejects.toThrow(/new or restarted.*initialize/);
    await vi.waitFor(() => guard.seal(holder('r', systemClock.wall())), {
      timeout: 20_000,
      interval: 20,
    });
  });

  it.each(['FLUSHALL', 'an empty restart'])('by %s, refuses the tokens from before', async (how) => {
    await using store = await openStore();
    const guard = await store.guard();
    const stale = systemClock.wall();
    const before = holder('r', stale + 1);
    const sealed = await guard.seal(before);
    await sealed.write([['SET', 'balance', 1]]);
    if (how === 'FLUSHALL') await store.redis.flushall();
    else await store.node.restart({ empty: true });
    await vi.waitFor(() => store.redis.ping(), 20_000);
    const again = await vi.waitFor(async () => {
      const error = await guard.seal(holder('r', stale)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StaleTokenError);
      return error as StaleTokenError;
    }, 20_000);
    expect(again.seen).toBeGreaterThan(before.token);
    expect(again.reason).toBe('forgotten');
    expect(again.message).toMatch(
      new RegExp(`accepts tokens above ${again.seen}.*waiting with this one does not help`),
    );
    await vi.waitFor(() => guard.seal(holder('r', again.seen + 1)), 20_000);
    await expect(sealed.write([['SET', 'balance', 2]])).rejects.toThrow(StaleTokenError);
    expect(await store.redis.get('balance')).toBeNull();
  });

  it('by a failover and back, in one run, refuses the tokens from before', async () => {
    await using store = await openStore(['--repl-diskless-sync-delay', '0']);
    await using other = await startNodes(1, { args: ['--repl-diskless-sync-delay', '0'] });
    const replica = new Redis(other.urls[0] ?? '');
    replica.on('error', () => {});
    const follow = async (redis: Redis, port: number): Promise<void> => {
      await redis.replicaof('127.0.0.1', port);
      await vi.waitFor(async () => expect(await redis.info('replication')).toMatch(/link_status:up/), 20_000);
    };
    await follow(replica, store.node.port);
    const guard = await store.guard();
    const [before, lost] = [systemClock.wall(), systemClock.wall() + 1];
    await guard.seal(holder('other', before));
    await replica.replicaof('NO', 'ONE');
    await guard.seal(holder('r', lost)); // the replica has not heard of it
    await follow(store.redis, other.nodes[0]?.port ?? 0);
    await store.redis.replicaof('NO', 'ONE');
    await expect(guard.seal(holder('r', before))).rejects.toThrow(StaleTokenError);
    replica.disconnect();
  });

  it('can say that it does not: synchronous persistence keeps the mark and the holder over a restart', async () => {
    await using store = await openStore(['--appendonly', 'yes', '--appendfsync', 'always']);
    const guard = await store.guard({ persistence: 'synchronous' });
    const token = systemClock.wall();
    const sealed = await guard.seal(holder('r', token));
    await store.node.restart();
    await vi.waitFor(() => sealed.write([['SET', 'balance', 1]]), 20_000);
    await expect(guard.seal(holder('r', token - 1))).rejects.toMatchObject({ seen: token });
  });
});

describe('a store whose memory is full', () => {
  it('still lets a new holder seal, and refuses the writes of both as unavailable', async () => {
    await using store = await openStore();
    const guard = await store.guard();
    const old = await guard.seal(holder('r', 1));
    await old.write([['SET', 'balance', 1]]);
    await store.redis.config('SET', 'maxmemory', '1mb');
    for (const [token, mark] of [
      [2, 'r'],
      [3, 'new'],
    ] as const) {
      const sealed = await guard.seal(holder(mark, token));
      const write = sealed.write([['SET', 'balance', 2]]);
      await expect(write).rejects.toThrow(UnavailableError);
      await expect(write).rejects.toThrow(/refused command 1 of the write\. .*\n.*OOM/);
    }
    await expect(old.write([['SET', 'balance', 3]])).rejects.toThrow(StaleTokenError);
    const theirs = { token: 4, resource: 'task', issuer: 'queue:q' };
    await guard.transfer('new', theirs); // hands over, too
    await expect(guard.seal(holder('new', 5))).rejects.toThrow(IssuerMismatchError);
    await store.redis.del('{holdfast}:mark:r');
    const unmarked = old.write([['SET', 'balance', 4]]);
    await expect(unmarked).rejects.toThrow(/was refused by Redis; nothing was done/);
    expect(await store.redis.get('balance')).toBe('1');
    await store.redis.config('SET', 'maxmemory', '0');
  });
});

it.each([{ clock: {} }, { tls: 1 }, { window: -1 }])('the option %j is refused', (option) => {
  const make = (): unknown => createRedisGuard({ redis: 'redis://127.0.0.1:1', ...option } as never);
  expect(make).toThrow(MisuseError);
});

describe('the connection of a guard', () => {
  it('may be a client of the user, which stays open', async () => {
    await using store = await openStore();
    const nodeRedis = createClient({ url: store.node.url });
    nodeRedis.on('error', () => {});
    await nodeRedis.connect();
    for (const redis of [store.redis, nodeRedis]) {
      const guard = createRedisGuard({ redis });
      await guard.initialize();
      await (await guard.seal(holder('r', 7))).write([['SET', 'a', 1]]);
      await guard.close();
    }
    expect(await store.redis.ping()).toBe('PONG');
    expect(await nodeRedis.ping()).toBe('PONG');
    nodeRedis.destroy();
  });

  it('is not a client that may send a write twice, but one like it', async () => {
    await using store = await openStore();
    const once = new Redis(store.node.url, { autoResendUnfulfilledCommands: false });
    const clients = async (): Promise<number> =>
      String(await once.client('LIST'))
        .trim()
        .split('\n').length;
    await store.redis.ping();
    const before = await clients();
    for (const [redis, more] of [
      [store.redis, 1],
      [once, 0],
    ] as const) {
      const guard = createRedisGuard({ redis });
      await guard.initialize();
      expect(await clients()).toBe(before + more);
      await guard.close();
      await vi.waitFor(async () => expect(await clients()).toBe(before), 20_000);
    }
    expect(await store.redis.ping()).toBe('PONG');
    once.disconnect();
  });

  it('makes UnavailableError when the store is away or silent', async () => {
    await using store = await openStore();
    const away = createRedisGuard({ redis: 'redis://user:secret@127.0.0.1:1' });
    const error = await away.seal(holder('r', 1)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(String((error as Error).stack)).not.toContain('secret');
    await away.close();
    const impatient = createRedisGuard({ redis: store.node.url, callTimeout: 1_000 });
    await impatient.initialize();
    store.node.freeze();
    await expect(impatient.seal(holder('r', 1))).rejects.toThrow(/did not answer within 1000 ms/);
    await impatient.close();
  });

  it('keeps the marks of two prefixes apart', async () => {
    await using store = await openStore();
    const [one, other] = [await store.guard({ prefix: 'staging:' }), await store.guard({ prefix: 'test:' })];
    await one.seal(holder('r', 2));
    await other.seal(holder('r', 1));
    expect((await store.redis.keys('*')).sort()).toEqual([
      'staging:{holdfast}:guard',
      'staging:{holdfast}:mark:r',
      'test:{holdfast}:guard',
      'test:{holdfast}:mark:r',
    ]);
  });

  it('refuses options that cannot work', () => {
    expect(() => createRedisGuard({ redis: 'http://x' })).toThrow(MisuseError);
    expect(() => createRedisGuard({ redis: 'redis://x', name: '{x}' })).toThrow(/braces/);
    expect(() => createRedisGuard({ redis: 'redis://x', prefix: '{x}' })).toThrow(/prefix/);
    expect(() => createRedisGuard({ redis: 'redis://x', window: 0 })).toThrow(/window/);
    expect(() => createRedisGuard({ redis: 'redis://x', persistence: 'some' as 'none' })).toThrow(/"some"/);
    expect(() => createRedisGuard({ redis: 'redis://x', windw: 5 } as never)).toThrow(/"windw"/);
  });
});
