/** Every script of the lock on a real Redis: each reply that its header names, and what it leaves in the keys. */
import { systemClock } from '@holdfast/kernel';
import { startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Deployment as Parameters } from '../src/deployment.js';
import { initializeScript, inspectScript, lockVerbs } from '../src/verbs.js';

const SECOND = 1_000_000;
const parameters = new Parameters(1, { maxTtl: 1_000, window: 500, margin: 0, retention: 60_000 });
const synchronous = new Parameters(1, {
  maxTtl: 1_000,
  window: 500,
  margin: 0,
  retention: 60_000,
  persistence: 'synchronous',
});
const [record, lock, fence] = [
  parameters.recordKey,
  parameters.lockKeys('r').lockKey,
  parameters.lockKeys('r').fenceKey,
];
const [queue, readers] = [parameters.lockKeys('r').queueKey, parameters.lockKeys('r').readersKey];

let nodes: Awaited<ReturnType<typeof startNodes>>;
let redis: Redis;
beforeAll(async () => {
  nodes = await startNodes(1);
  redis = new Redis(nodes.urls[0] ?? '');
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
});
beforeEach(async () => {
  await redis.flushall();
  await initialize();
});

const now = (): number => systemClock.wall();
const initialize = (by = parameters, replace = '0'): Promise<unknown> =>
  redis.eval(initializeScript.text, 1, record, by.parameters, replace);
const vote = (
  verb: 'acquire' | 'extend' | 'rejoin',
  token: number,
  owner: string,
  ...rest: (string | number)[]
) =>
  verb === 'acquire'
    ? call(parameters, verb, 1_000, `${token} ${owner}`)
    : call(parameters, verb, `${token} ${owner}`, 1_000, ...rest);
const votesOf = (reply: unknown): string =>
  String(reply)
    .replace(/^voted [0-9a-f]{40} /, '')
    .replace(/@\d{16}$/, '@now');
const release = async (value: string): Promise<unknown> =>
  redis.eval(lockVerbs(parameters).exclusive.release.script.text, 2, lock, queue, value);
/** The keys of one batch of operations on several resources. */
const keysOf = (kind: 'fenceKey' | 'queueKey', ...names: readonly string[]): string[] =>
  names.flatMap((name) => [parameters.lockKeys(name).lockKey, parameters.lockKeys(name)[kind]]);
const acquireAll = async (names: readonly string[], ttls: string, values: readonly string[]) => {
  const { text } = lockVerbs(parameters).exclusive.acquire.script;
  const keys = [record, ...keysOf('fenceKey', ...names)];
  return String(await redis.eval(text, keys.length, ...keys, ttls, ...values));
};
const releaseAll = (names: readonly string[], values: readonly string[], by = redis): Promise<unknown> => {
  const { text } = lockVerbs(parameters).exclusive.release.script;
  const keys = keysOf('queueKey', ...names);
  return by.eval(text, keys.length, ...keys, ...values);
};
/** Claims for a waiter who has been waiting for `waited` microseconds. */
const claim = async (owner: string, { token = now(), waited = 0 } = {}): Promise<string> => {
  const { text } = lockVerbs(parameters).exclusive.claim.script;
  const value = `${token} ${owner}`;
  const reply = await redis.eval(text, 4, record, lock, fence, queue, value, 1_000, waited);
  return votesOf(reply);
};
/** A process that waits: it listens on its channel, and notes what it is told. */
async function listen(process: string) {
  const client = redis.duplicate();
  const heard: string[] = [];
  client.on('message', (_, text) => {
    const [word = '', owner, key] = text.split('\n');
    expect(key).toBe(lock);
    heard.push(`${word.replace(/\d+/, '*')} ${owner}`);
  });
  await client.subscribe(parameters.channel(process));
  return { heard, [Symbol.dispose]: () => client.disconnect() };
}
/** The votes of a reply, or the whole reply where it is a refusal; what is stamped with the node's time, as '<vote>@now'. */
async function call(
  by: Parameters,
  verb: 'acquire' | 'extend' | 'rejoin',
  ...args: (string | number)[]
): Promise<string> {
  const { text } = lockVerbs(by).exclusive[verb].script;
  return votesOf(await redis.eval(text, 3, record, lock, fence, ...args));
}
/** As a restart without persistence, or FLUSHALL, leaves the node. */
const forget = (admitted: number): Promise<unknown> => redis.hset(record, 'admitted', admitted);

describe('admission', () => {
  it('quarantines a node without a record, and one whose record names another server', async () => {
    await redis.del(record);
    expect(await vote('acquire', now(), 'a')).toMatch(/^quarantined [0-9a-f]{40} 1000$/);
    expect(await redis.exists(lock, fence)).toBe(0);
    await redis.hset(record, 'votes_from', 0);
    expect(await vote('acquire', now(), 'a')).toBe('granted');
    await redis.hset(record, 'server', 'x'.repeat(40));
    for (const verb of ['extend', 'rejoin', 'acquire'] as const) {
      expect(await vote(verb, now(), 'a', 0)).toMatch(/^quarantined [0-9a-f]{40} \d+$/);
    }
  });

  it('trusts a record of another run where persistence is declared synchronous', async () => {
    await redis.del(record);
    expect(await call(synchronous, 'acquire', 1_000, `${now()} a`)).toMatch(/^quarantined [0-9a-f]{40} \d+$/);
    await initialize(synchronous, '1');
    await redis.hset(record, 'server', 'x'.repeat(40));
    expect(await call(synchronous, 'acquire', 1_000, `${now()} a`)).toBe('granted');
  });

  it('refuses other parameters with those of the record', async () => {
    expect(await call(synchronous, 'acquire', 1_000, `${now()} a`)).toMatch(
      new RegExp(`^misfit [0-9a-f]{40} ${parameters.parameters}$`),
    );
    expect(await initialize(synchronous)).toEqual(['misfit', expect.any(String), parameters.parameters]);
    expect(await initialize()).toEqual(['voting', expect.any(String)]);
    expect(await initialize(synchronous, '1')).toEqual(['initialized', expect.any(String)]);
  });
});

describe('acquire', () => {
  it('grants a free lock, and remembers the token beyond it', async () => {
    const token = now();
    expect(await vote('acquire', token, 'a')).toBe('granted');
    expect(await redis.get(lock)).toBe(`${token} a`);
    expect(await redis.get(fence)).toBe(`${token} 0`);
    expect(await redis.pttl(lock)).toBeGreaterThan(0);
    expect(await redis.pttl(fence)).toBeGreaterThan(30_000);
    expect(await vote('acquire', token, 'a')).toBe('granted'); // the same proposal, delivered twice
    expect(await vote('acquire', token + 1, 'b')).toMatch(new RegExp(`^held:${token}:\\d+$`));
  });

  it('refuses a token that is not above the fence, and one outside the window', async () => {
    const token = now();
    await vote('acquire', token, 'a');
    expect(await release(`${token} a`)).toBe('released');
    expect(await vote('acquire', token, 'b')).toBe(`stale:${token}@now`);
    expect(await vote('acquire', token - 1, 'b')).toBe(`stale:${token}@now`);
    expect(await vote('acquire', now() + SECOND, 'b')).toBe('window@now');
    await redis.del(fence);
    expect(await vote('acquire', now() - SECOND, 'b')).toBe('window@now');
    expect(await redis.exists(lock)).toBe(0);
  });

  it('votes on a batch, each for itself', async () => {
    const token = now();
    await redis.set(parameters.lockKeys('b').lockKey, '7 other', 'PX', 5_000);
    const values = ['a', 'b', 'c'].map((name) => `${token} ${name}`);
    const reply = await acquireAll(['a', 'b', 'c'], '1000', values);
    expect(reply).toMatch(/^voted [0-9a-f]{40} granted held:7:\d+ granted$/);
    expect(await acquireAll(['a', 'c'], '1000', [`${token} a`, `${token} c`])).toMatch(
      /^voted [0-9a-f]{40} granted$/,
    );
  });

  it('lets each of a batch last for its own time', async () => {
    const values = ['a', 'b', 'c', 'd'].map((name) => `${now()} ${name}`);
    await acquireAll(['a', 'b', 'c', 'd'], '1000 2:60000 4:1000', values);
    const left = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => redis.pttl(parameters.lockKeys(name).lockKey)),
    );
    expect(left.map((ms) => ms > 30_000)).toEqual([false, true, true, false]);
    expect(Math.min(...left)).toBeGreaterThan(0);
  });

  it('grants a lock once, if two of one batch ask for it', async () => {
    const token = now();
    const reply = await acquireAll(['a', 'a'], '1000', [`${token} one`, `${token + 1} two`]);
    expect(reply).toMatch(new RegExp(`^voted [0-9a-f]{40} granted held:${token}:\\d+$`));
    expect(await redis.get(parameters.lockKeys('a').lockKey)).toBe(`${token} one`);
    expect(await redis.get(parameters.lockKeys('a').fenceKey)).toBe(`${token} 0`);
  });
});

describe('release', () => {
  it('deletes the lock only where owner and token match, never the fence', async () => {
    const token = now();
    await vote('acquire', token, 'a');
    expect(await release(`${token} b`)).toBe('released');
    expect(await release(`${token - 1} a`)).toBe('released');
    expect(await redis.exists(lock)).toBe(1);
    expect(await release(`${token} a`)).toBe('released');
    expect(await redis.exists(lock, fence)).toBe(1);
  });

  it.each([
    ['', '+exists'],
    [' that may not ask whether anybody waits', '-exists'],
  ])('gives back those of a batch that are its own, by a user%s', async (_, right) => {
    const names = ['r', 'b', 'c'];
    const [a, b, c] = names.map((name) => parameters.lockKeys(name).lockKey) as [string, string, string];
    await redis.call('ACL', 'SETUSER', 'releasing', 'reset', 'on', '>secret', '~*', '&*', '+@all', right);
    const user = redis.duplicate({ username: 'releasing', password: 'secret' });
    using q = await listen('q');
    await redis.mset(a, '5 x', b, '6 other', c, '7 z');
    await releaseAll(names, ['5 x', '5 y', '7 z'], user);
    expect(await redis.mget(a, b, c)).toEqual([null, '6 other', null]);
    await redis.mset(a, '5 x', c, '0 p.1');
    await redis.zadd(queue, 1, 'q.1');
    await releaseAll(names, ['5 x', '6 other', '+7 p.1'], user);
    expect(await redis.mget(a, b, c)).toEqual(['0 q.1', null, null]);
    await expect.poll(() => q.heard).toEqual(['called q.1']);
    user.disconnect();
  });
});

describe('claim', () => {
  it('is an acquire where the lock is free', async () => {
    const token = now();
    expect(await claim('p.1', { token })).toBe('granted');
    expect(await redis.get(lock)).toBe(`${token} p.1`);
    expect(await redis.get(fence)).toBe(`${token} 0`);
    expect(await redis.exists(queue)).toBe(0);
    await release(`${token} p.1`);
    expect(await claim('p.1', { token })).toBe(`stale:${token}@now`);
    expect(await claim('p.1', { token: now() + SECOND })).toBe('window@now');
  });

  it('stands in the queue in the order of the time waited, and says who is first', async () => {
    const token = now();
    await vote('acquire', token, 'holder');
    using _p = await listen('p');
    using _q = await listen('q');
    expect(await claim('p.1', { waited: 1_000 })).toMatch(new RegExp(`^held:${token}:\\d+:first$`));
    expect(await claim('q.1')).toMatch(/:behind$/);
    expect(await claim('q.2', { waited: SECOND })).toMatch(/:first$/);
    expect(await claim('p.1')).toMatch(/:behind$/); // keeps the place it has
    expect(await redis.zrange(queue, '0', '-1')).toEqual(['q.2', 'p.1', 'q.1']);
    expect(await redis.pttl(queue)).toBeGreaterThan(5_000);
  });

  it('forgets those who stand before it and listen no more', async () => {
    await vote('acquire', now(), 'holder');
    await claim('dead.1', { waited: SECOND });
    using _p = await listen('p');
    expect(await claim('p.1')).toMatch(/:first$/);
    expect(await redis.zrange(queue, '0', '-1')).toEqual(['p.1']);
  });

  it('takes what is reserved for it, and nothing that is reserved for another', async () => {
    const token = now();
    await redis.set(lock, '0 p.1', 'PX', 200);
    expect(await vote('acquire', token, 'q.1')).toMatch(/^held:0:\d+$/);
    expect(await claim('p.2')).toMatch(/^held:0:\d+:/);
    using p = await listen('p');
    expect(await claim('p.1', { token })).toBe('granted');
    expect(await redis.zrange(queue, '0', '-1')).toEqual(['p.2']);
    await expect.poll(() => p.heard).toEqual(['first:* p.2']);
  });
});

describe('release with a queue', () => {
  it('reserves the lock for the first who listens, calls him alone, and passes over the dead', async () => {
    const token = now();
    await vote('acquire', token, 'holder');
    using p = await listen('p');
    using q = await listen('q');
    await redis.zadd(queue, 1, 'dead.7', 2, 'p.1', 3, 'q.1');
    await release(`${token} holder`);
    expect(await redis.get(lock)).toBe('0 p.1');
    expect(await redis.pttl(lock)).toBeLessThanOrEqual(250);
    await expect.poll(() => p.heard).toEqual(['called p.1']);
    expect(await redis.zrange(queue, '0', '-1')).toEqual(['q.1']);
    await expect.poll(() => q.heard).toEqual(['first:* q.1']);
    await release(`${token} holder`); // again: nothing of his is left
    expect(await redis.get(lock)).toBe('0 p.1');
    expect(q.heard).toHaveLength(1);
  });

  it('leaves a lock that nobody waits for free', async () => {
    const token = now();
    await vote('acquire', token, 'holder');
    await redis.zadd(queue, 1, 'dead.7');
    await release(`${token} holder`);
    expect(await redis.exists(lock, queue)).toBe(0);
  });

  it('by one who gives up, takes him out of the queue, and hands on what is reserved for him', async () => {
    const token = now();
    await vote('acquire', token, 'holder');
    using q = await listen('q');
    await redis.zadd(queue, 1, 'p.1', 2, 'q.1');
    await release('+0 p.1');
    expect(await redis.zrange(queue, '0', '-1')).toEqual(['q.1']);
    expect(await redis.get(lock)).toBe(`${token} holder`);
    await redis.set(lock, '0 p.1');
    await release('+0 p.1');
    expect(await redis.get(lock)).toBe('0 q.1');
    await expect.poll(() => q.heard).toEqual(['first:* q.1', 'called q.1']);
  });
});

describe('withdraw', () => {
  it('takes back what an attempt was granted, and calls nobody', async () => {
    const token = now();
    await vote('acquire', token, 'p.1');
    using q = await listen('q');
    await redis.zadd(queue, 1, 'q.1');
    const withdraw = (value: string) =>
      redis.eval(lockVerbs(parameters).exclusive.withdraw.script.text, 2, lock, fence, value);
    expect(await withdraw(`${token - 1} p.1`)).toBe('released');
    expect(await redis.exists(lock, fence)).toBe(2);
    expect(await withdraw(`${token} p.1`)).toBe('released');
    expect(await redis.exists(lock, fence)).toBe(0);
    await redis.set(fence, token, 'PX', 5_000);
    await vote('acquire', token + 1, 'p.2');
    expect(await redis.get(fence)).toBe(`${token + 1} ${token}`);
    expect(await withdraw(`${token + 1} p.2`)).toBe('released');
    expect(await redis.get(fence)).toBe(String(token));
    expect(await redis.pttl(fence)).toBeGreaterThan(4_000);
    expect(await redis.zrange(queue, '0', '-1')).toEqual(['q.1']);
    expect(q.heard).toEqual([]);
  });
});

describe('extend', () => {
  it('prolongs what it finds, and refreshes the fence', async () => {
    const token = now();
    await vote('acquire', token, 'a');
    await redis.pexpire(lock, 100);
    await redis.pexpire(fence, 100);
    expect(await vote('extend', token, 'a')).toBe('kept');
    expect(await redis.pttl(lock)).toBeGreaterThan(0);
    expect(await redis.pttl(fence)).toBeGreaterThan(30_000);
    expect(await vote('extend', token - 1, 'b')).toBe(`held:${token}@now`);
  });

  it('vouches only where its memory reaches back to the token; and takes nothing', async () => {
    const token = now();
    expect(await vote('extend', token, 'a')).toBe('vouched'); // admitted at the beginning of time
    await redis.set(fence, token - 61 * SECOND);
    expect(await vote('extend', token - 61 * SECOND, 'a')).toBe('vouched'); // its fence has not expired
    await redis.set(fence, token);
    expect(await vote('extend', token, 'a')).toBe('vouched');
    expect(await vote('extend', token - 1, 'a')).toBe(`stale:${token}@now`);
    await redis.del(fence);
    await forget(token - 0.4 * SECOND); // less than a window before the token
    expect(await vote('extend', token, 'a')).toBe('forgotten@now');
    await redis.set(fence, token); // which a restart may have brought back
    expect(await vote('extend', token, 'a')).toBe('forgotten@now');
    await redis.del(fence);
    await forget(token - 0.6 * SECOND);
    expect(await vote('extend', token, 'a')).toBe('vouched');
    expect(await vote('extend', token - 61 * SECOND, 'a')).toBe('forgotten@now'); // older than the retention
    expect(await redis.exists(lock)).toBe(0);
  });
});

describe('share', () => {
  it('lets nobody join a group whose token is ahead of the time, as one on a node with a wrong clock', async () => {
    const { text } = lockVerbs(parameters).shared.acquire.script;
    const join = async (token: number) =>
      votesOf(await redis.eval(text, 5, record, lock, fence, queue, readers, `${token} a`, 1_000, '', '1'));
    expect(await join(now() + SECOND)).toBe('window@now');
    expect(await redis.exists(lock, fence, readers)).toBe(0);
    expect(await join(now() - SECOND)).toBe('granted');
  });
});

describe('rejoin', () => {
  it('resumes only where the node vouches', async () => {
    const token = now();
    await forget(token);
    expect(await vote('rejoin', token, 'a', 0)).toBe('forgotten@now');
    await redis.set(fence, token + 1);
    expect(await vote('rejoin', token, 'a', 0)).toBe(`stale:${token + 1}@now`);
    await redis.set(fence, token); // of before what it forgot, for all that it knows
    expect(await vote('rejoin', token, 'a', 0)).toBe('forgotten@now');
    await forget(token - 0.6 * SECOND);
    expect(await vote('rejoin', token, 'a', 0)).toBe('rejoined');
    expect(await redis.get(lock)).toBe(`${token} a`);
    expect(await vote('rejoin', token, 'a', 0)).toBe('kept');
    expect(await vote('rejoin', token, 'b', 0)).toBe(`held:${token}@now`);
  });

  it('heals a forgetful node behind a kept majority, for as long as that is proof', async () => {
    const token = now();
    await forget(token);
    expect(await vote('rejoin', token, 'a', now() - 1)).toBe('forgotten@now');
    expect(await vote('rejoin', token, 'a', now() + SECOND)).toBe('rejoined');
    expect(await redis.get(fence)).toBe(String(token));
  });
});

describe('inspect', () => {
  it('reads the state of the node and the lock, and writes nothing', async () => {
    const inspect = (): Promise<unknown> =>
      redis.eval(inspectScript.text, 5, record, lock, fence, queue, readers, parameters.parameters);
    const seen = (...rest: unknown[]): unknown[] => [
      'seen',
      expect.any(String),
      expect.any(Number),
      ...rest,
      0,
      '',
      '',
    ];
    expect(await inspect()).toEqual(seen('voting', expect.any(Number), '', -2, ''));
    const token = now();
    await vote('acquire', token, 'a');
    expect(await inspect()).toEqual(
      seen('voting', expect.any(Number), `${token} a`, expect.any(Number), `${token} 0`),
    );
    await redis.hset(record, 'votes_from', now() + 10 * SECOND);
    expect(await inspect()).toEqual(
      seen('quarantined', expect.any(Number), `${token} a`, expect.any(Number), `${token} 0`),
    );
    await redis.hset(record, 'parameters', 'other');
    expect(await inspect()).toMatchObject({ 3: 'misfit', 4: 'other' });
    await redis.flushall();
    expect(await inspect()).toEqual(seen('unadmitted', '', '', -2, ''));
    expect(await redis.dbsize()).toBe(0);
  });
});
