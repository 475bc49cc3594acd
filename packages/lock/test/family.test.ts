/** The kinds of lease beside the exclusive one, on real nodes: several at once, shared, leadership. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AbortedError, BusyError, LeaseLostError, MisuseError, seededRandom } from '@holdfast/kernel';
import type { Lease, Locks } from '@holdfast/lock';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Deployment, deploy } from './deployment.js';

let deployment: Deployment;
let one: Locks;
let two: Locks;
/** Leases that outlast a slow machine. */
const LONG = { maxTtl: 30_000 };
const open = (options = {}): Locks => deployment.locks({ ...LONG, ...options });
beforeAll(async () => {
  deployment = await deploy(5, LONG);
  [one, two] = [open(), open()];
});
afterAll(() => deployment[Symbol.asyncDispose]());

const untilQueued = (line: string, processes = 1): Promise<void> =>
  vi.waitFor(async () => {
    for (const redis of deployment.raw) expect(await redis.zcard(`{holdfast}:queue:${line}`)).toBe(processes);
  }, 20_000);
/** Every key of the deployment that speaks of `resource`, but its fence. */
const untilNothingIsLeftOf = (resource: string): Promise<void> =>
  vi.waitFor(async () => {
    for (const redis of deployment.raw) {
      const keys = await redis.keys(`{holdfast}:*:${resource}*`);
      expect(keys.filter((key) => !key.includes(':fence:'))).toEqual([]);
    }
  }, 20_000);
const seeded = () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
  return { random: seededRandom(seed), repeat: `repeat with SEED=${seed} npm test -- family` };
};

describe('calls that take several leases', () => {
  it('are aborted, and not misused, when the locks are closed meanwhile', async () => {
    await using _held = await one.acquire('closing');
    const closed = open();
    const several = closed.acquire(['closing', 'c2'], { wait: 30_000 });
    const resizing = closed.semaphore('closing', { permits: 2 }).resize(1);
    await closed.close();
    await expect(several).rejects.toThrow(AbortedError);
    await expect(resizing).rejects.toThrow(AbortedError);
    await expect(closed.acquire(['closing', 'c2'])).rejects.toThrow(MisuseError);
  });
});

describe('several resources', () => {
  it('are held together, with a token each, and given back together', async () => {
    await using lease = await one.acquire(['b', 'a', 'c']);
    expect(lease.resources).toEqual(['b', 'a', 'c']);
    expect(Object.keys(lease.tokens).sort()).toEqual(['a', 'b', 'c']);
    expect(lease.of('a')).toMatchObject({ resource: 'a', token: lease.tokens['a'] });
    expect(() => lease.of('z')).toThrow(MisuseError);
    expect(lease.remaining()).toBeGreaterThan(0);
    expect(await lease.extend(1_500)).toBe('kept');
    for (const name of ['a', 'b', 'c']) expect(await two.tryAcquire(name)).toBeNull();
    await lease.release();
    expect(lease.remaining()).toBe(0);
    for (const name of ['a', 'b', 'c']) await untilNothingIsLeftOf(name);
  });

  it('are all given back when one cannot be had', async () => {
    const held = await two.acquire('b');
    expect(await one.tryAcquire(['a', 'b', 'c'])).toBeNull();
    const error = await one.acquire(['a', 'b', 'c'], { wait: 100 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BusyError);
    expect(error).toMatchObject({ resource: 'b' });
    for (const name of ['a', 'c']) await untilNothingIsLeftOf(name);
    await held.release();
  });

  it('cannot deadlock, whatever the order in which they are named', async () => {
    const { random, repeat } = seeded();
    const names = ['d1', 'd2', 'd3', 'd4'];
    const holders = new Set<string>();
    const clients = [one, two, open()];
    await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        const wanted = names
          .map((name) => ({ name, key: random.unit() }))
          .sort((a, b) => a.key - b.key)
          .slice(0, 2 + Math.floor(random.unit() * 3))
          .map(({ name }) => name);
        await (clients[index % 3] as Locks).using(wanted, { wait: 60_000 }, async (lease) => {
          for (const name of wanted) {
            expect(holders.has(name), repeat).toBe(false);
            holders.add(name);
          }
          await lease.extend();
          for (const name of wanted) holders.delete(name);
        });
      }),
    );
  });

  it('are lost together: the signal aborts when one of them is gone', async () => {
    const lease = await one.acquire(['l1', 'l2'], { ttl: 1_000 });
    const { signal } = lease;
    for (const redis of deployment.raw) await redis.set('{holdfast}:lock:l2', '1 somebody', 'PX', 5_000);
    await expect(lease.extend()).rejects.toThrow(LeaseLostError);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ resource: 'l2' });
    expect(lease.remaining()).toBe(0);
    await lease.release();
  });

  it.each([[[]], [['a', 'a']], [['a', '']], [['a', 7]]])('%j is refused', async (names) => {
    await expect(one.acquire(names as string[])).rejects.toThrow(MisuseError);
  });
});

describe('shared leases', () => {
  it('are held beside each other under one token, and exclude an exclusive one', async () => {
    const before = await one.acquire('s');
    await before.release();
    const readers = [
      await one.acquireShared('s'),
      await two.acquireShared('s'),
      await one.acquireShared('s'),
    ];
    const [first] = readers as [Lease];
    expect(new Set(readers.map(({ token }) => token)).size).toBe(1);
    expect(first.token).toBeGreaterThan(before.token);
    expect(await two.tryAcquire('s')).toBeNull();
    expect(await two.inspect('s')).toMatchObject({
      held: true,
      token: first.token,
      readers: expect.arrayContaining(readers.map(({ owner }) => owner)),
    });
    await first.release();
    expect(await two.tryAcquire('s')).toBeNull();
    for (const reader of readers) await reader.release();
    const after = await two.acquire('s');
    expect(after.token).toBeGreaterThan(first.token);
    expect(await one.tryAcquireShared('s')).toBeNull();
    await after.release();
    await untilNothingIsLeftOf('s');
  });

  it('let a waiting writer through, although more readers come', async () => {
    const readers = [await one.acquireShared('w'), await two.acquireShared('w')];
    const writing = two.acquire('w', { wait: 30_000 });
    await untilQueued('w');
    expect(await one.tryAcquireShared('w')).toBeNull();
    const order: string[] = [];
    const late = one.acquireShared('w', { wait: 30_000 }).then((lease) => {
      order.push('reader');
      return lease;
    });
    await untilQueued('w', 2);
    for (const reader of readers) await reader.release();
    const writer = await writing;
    order.push('writer');
    await writer.release();
    const reader = await late;
    expect(order).toEqual(['writer', 'reader']);
    expect(reader.token).toBeGreaterThan(writer.token);
    await reader.release();
    await untilNothingIsLeftOf('w');
  });

  it('are all granted when the writer goes, if all who wait want to read', async () => {
    const writer = await one.acquire('m');
    const clients = Array.from({ length: 4 }, () => open());
    let reading = 0;
    let most = 0;
    const everybody = clients.map(async (locks) => {
      const lease = await locks.acquireShared('m', { wait: 30_000 });
      reading += 1;
      most = Math.max(most, reading);
      await vi.waitFor(() => expect(most).toBe(4), 10_000);
      await lease.release();
    });
    await untilQueued('m', 4);
    await writer.release();
    await Promise.all(everybody);
    await untilNothingIsLeftOf('m');
  });

  it('of a holder that never gives it back end, and others go on', async () => {
    const dying = await one.acquireShared('e', { ttl: 300 });
    const living = await two.acquireShared('e', { ttl: 20_000 });
    expect(living.token).toBe(dying.token);
    await vi.waitFor(() => expect(dying.remaining()).toBe(0), 20_000);
    expect(await living.extend()).toBe('kept');
    const writing = one.acquire('e', { wait: 30_000 });
    await untilQueued('e');
    await living.release();
    await (await writing).release();
  });

  it('that ran out are resumed, if nobody wrote; and lost, if somebody did', async () => {
    const sleepy = await one.acquireShared('z', { ttl: 200 });
    await vi.waitFor(async () => expect(await deployment.holding('z')).toBe(0), 20_000);
    expect(await sleepy.extend(200)).toBe('resumed');
    await vi.waitFor(async () => expect(await deployment.holding('z')).toBe(0), 20_000);
    await (await two.acquire('z')).release();
    await expect(sleepy.extend()).rejects.toThrow(LeaseLostError);
  });

  it('never stand beside an exclusive one, under random use', async () => {
    const { random, repeat } = seeded();
    const clients = [one, two, open()];
    let readers = 0;
    let writers = 0;
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const locks = clients[index % 3] as Locks;
        if (random.unit() < 0.7) {
          await locks.usingShared('x', { wait: 60_000 }, async (lease) => {
            readers += 1;
            expect(writers, repeat).toBe(0);
            await lease.extend();
            readers -= 1;
          });
        } else {
          await locks.using('x', { wait: 60_000 }, async (lease) => {
            writers += 1;
            expect([readers, writers], repeat).toEqual([0, 1]);
            await lease.extend();
            writers -= 1;
          });
        }
      }),
    );
    await untilNothingIsLeftOf('x');
  });

  it('survive the loss of a node, which is brought in again', async () => {
    await using own = await deploy(3);
    const [reader, other] = [own.locks(), own.locks()];
    const lease = await reader.acquireShared('r', { ttl: 2_000 });
    await own.node(0).restart({ empty: true });
    expect(await lease.extend()).toBe('kept');
    await vi.waitFor(async () => {
      await lease.extend();
      expect(await own.redis(0).exists('{holdfast}:lock:r')).toBe(1);
    }, 10_000);
    expect(await other.tryAcquire('r')).toBeNull();
    await lease.release();
  });
});

describe('an election', () => {
  it('ends its campaign by resigning, and may campaign again', async () => {
    const leader = one.election('resigned');
    await leader.campaign();
    const election = two.election('resigned');
    const campaigning = election.campaign();
    const ended = expect(campaigning).rejects.toThrow(/resign\(\) ended the campaign in "resigned"/);
    await election.resign();
    await ended;
    await expect(campaigning).rejects.toThrow(AbortedError);
    await leader.resign();
    const lease = await election.campaign();
    expect(election.isLeader).toBe(true);
    await election.resign();
    expect(lease.signal.aborted).toBe(true);
  });

  it('campaigns under one signal with many others, without a warning, and all end with it', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const leader = one.election('many');
    await leader.campaign();
    const abort = new AbortController();
    const elections = Array.from({ length: 12 }, () => two.election('many'));
    const campaigns = elections.map((election) => election.campaign({ signal: abort.signal }));
    abort.abort();
    for (const { reason } of (await Promise.allSettled(campaigns)) as PromiseRejectedResult[])
      expect(reason).toBeInstanceOf(AbortedError);
    process.emitWarning('the last');
    await vi.waitFor(() => expect(warnings.map(({ message }) => message)).toEqual(['the last']), 20_000);
    process.off('warning', warned);
    await leader.resign();
  });

  it('has one leader; the next takes over when it resigns', async () => {
    const [a, b] = [one.election('lead', { ttl: 1_000 }), two.election('lead', { ttl: 1_000 })];
    const first = await a.campaign();
    expect(a.isLeader).toBe(true);
    expect(await b.leader()).toMatchObject({ owner: first.owner, token: first.token });
    await expect(a.campaign()).rejects.toThrow(/already leads/);
    const campaigning = b.campaign();
    await expect(b.campaign()).rejects.toThrow(/already campaigns/);
    await untilQueued('lead');
    await vi.waitFor(async () => expect((await b.leader())?.token).toBe(first.token), 20_000);
    await a.resign();
    const second = await campaigning;
    expect(second.token).toBeGreaterThan(first.token);
    expect([a.isLeader, b.isLeader]).toEqual([false, true]);
    await b.resign();
    await a.resign(); // quiet
    expect(await a.leader()).toBeNull();
  });

  it('renews leadership for as long as it lasts, and tells the leader when it is lost', async () => {
    const election = one.election('long', { ttl: 300 });
    const lease = await election.campaign();
    const [redis] = deployment.raw;
    const fence = await redis?.pttl('{holdfast}:fence:long');
    await vi.waitFor(
      async () => expect(await redis?.pttl('{holdfast}:lock:long')).toBeGreaterThan(250),
      20_000,
    );
    await vi.waitFor(async () => expect(await two.election('long').leader()).not.toBeNull(), 20_000);
    expect(fence).toBeGreaterThan(0);
    expect(lease.remaining()).toBeGreaterThan(0);
    for (const node of deployment.raw) await node.set('{holdfast}:lock:long', '1 usurper/x.1', 'PX', 400);
    await vi.waitFor(() => expect(lease.signal.aborted).toBe(true), 20_000);
    expect(election.isLeader).toBe(false);
    const again = await election.campaign();
    expect(again.token).toBeGreaterThan(lease.token);
    await election.resign();
  });

  it('shows its leaders, one after the other', async () => {
    const stop = new AbortController();
    const seen: (string | undefined)[] = [];
    const watching = (async () => {
      for await (const leader of two.election('watch').observe({ interval: 20, signal: stop.signal })) {
        seen.push(leader?.identity);
      }
    })();
    await vi.waitFor(() => expect(seen).toEqual([undefined]), 20_000);
    const [a, b] = ['a:1', 'b:2'].map((identity) => open({ identity }).election('watch'));
    await a?.campaign();
    await vi.waitFor(() => expect(seen).toEqual([undefined, 'a:1']), 20_000);
    const next = b?.campaign();
    await a?.resign();
    await next;
    // Whether nobody is seen to lead in between is a matter of chance.
    await vi.waitFor(() => expect(seen.filter(Boolean)).toEqual(['a:1', 'b:2']), 20_000);
    await b?.resign();
    await vi.waitFor(() => expect(seen.at(-1)).toBeUndefined(), 20_000);
    stop.abort();
    await watching;
  });

  it('can be left before it is won', async () => {
    const leader = one.election('left');
    await leader.campaign();
    const stop = new AbortController();
    const campaigning = two.election('left').campaign({ signal: stop.signal });
    await untilQueued('left');
    stop.abort();
    await expect(campaigning).rejects.toThrow(AbortedError);
    await untilQueued('left', 0);
    await leader.resign();
  });

  it('elects another when the leader is killed', async () => {
    const program = new URL('leader.ts', import.meta.url).pathname;
    const options = ['--conditions=@holdfast/source', '--import', 'tsx'];
    const child = spawn(process.execPath, [...options, program, ...deployment.urls], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    const standby = one.election('killed', { ttl: 1_000 });
    const campaigning = standby.campaign();
    await untilQueued('killed');
    child.kill('SIGKILL');
    await ended;
    await campaigning;
    expect(standby.isLeader).toBe(true);
    await standby.resign();
  });
});
