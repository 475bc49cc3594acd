/** Semaphores on real nodes: permits, waiting for them, and changes of their number. */
import { BusyError, MisuseError, seededRandom, UnavailableError } from '@holdfast/kernel';
import { createLocks, type Lease, type Locks } from '@holdfast/lock';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Deployment, deploy, NOWHERE } from './deployment.js';

let deployment: Deployment;
let one: Locks;
let two: Locks;
/** Leases that outlast a slow machine. */
const LONG = { maxTtl: 30_000 };
const open = (options = {}): Locks => deployment.locks({ ...LONG, ...options });
beforeAll(async () => {
  deployment = await deploy(3, LONG);
  [one, two] = [open(), open()];
});
afterAll(() => deployment[Symbol.asyncDispose]());

const untilQueued = (semaphore: string, processes = 1): Promise<void> =>
  vi.waitFor(async () => {
    const key = `{holdfast}:slot-queue:${semaphore}`;
    for (const redis of deployment.raw) expect(await redis.zcard(key)).toBe(processes);
  }, 20_000);
/** Every key of the semaphore, but fences and its number. */
const untilNothingIsLeftOf = (semaphore: string): Promise<void> =>
  vi.waitFor(async () => {
    for (const redis of deployment.raw) {
      const keys = await redis.keys(`{holdfast}:*:${semaphore}`);
      expect(keys.filter((key) => !/fence:|:permits:/.test(key))).toEqual([]);
    }
  }, 20_000);
const seeded = () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
  return { random: seededRandom(seed), repeat: `repeat with SEED=${seed} npm test -- semaphore` };
};
/** What each node knows of the number of permits. */
const numbers = (of: Deployment, semaphore: string): Promise<(string | undefined)[]> =>
  Promise.all(
    of.raw.map(async (redis) => (await redis.get(`{holdfast}:permits:${semaphore}`))?.split(' ')[0]),
  );
/** All permits of a semaphore, by their slots. */
const takeAll = async (locks: Locks, name: string, permits: number): Promise<Map<string, Lease>> => {
  const semaphore = locks.semaphore(name, { permits });
  const leases = Array.from({ length: permits }, () => semaphore.acquire({ ttl: 20_000 }));
  return new Map((await Promise.all(leases)).map((lease) => [lease.resource, lease]));
};

describe('inspect', () => {
  it('tells the permits and all their holders, whatever number the handle was given', async () => {
    const permits = [...(await takeAll(one, 'looked-at', 3)).values()];
    const unaware = two.semaphore('looked-at', { permits: 1 });
    const state = await unaware.inspect();
    expect(state.permits).toBe(3);
    expect(state.holders.map(({ token }) => token).sort()).toEqual(permits.map(({ token }) => token).sort());
    for (const permit of permits) await permit.release();
  });

  it('does not say that nobody holds a permit where too few nodes answer', async () => {
    const nowhere = createLocks({ nodes: [NOWHERE] });
    await expect(nowhere.semaphore('away', { permits: 2 }).inspect()).rejects.toThrow(UnavailableError);
    await nowhere.close();
  });
});

describe('a semaphore', () => {
  it('grants as many permits as it has, each a lease with a token, and no more', async () => {
    const semaphore = one.semaphore('p', { permits: 3 });
    const other = two.semaphore('p', { permits: 3 });
    const permits = [await semaphore.acquire(), await other.acquire(), await semaphore.acquire()];
    expect(permits.map(({ resource }) => resource).sort()).toEqual(['p#1', 'p#2', 'p#3']);
    expect(await other.tryAcquire()).toBeNull();
    await expect(semaphore.acquire({ wait: 100 })).rejects.toThrow(BusyError);
    const state = await other.inspect();
    expect(state).toMatchObject({ name: 'p', permits: 3 });
    expect(state.holders.map(({ token }) => token).sort()).toEqual(permits.map(({ token }) => token).sort());
    const waiting = other.acquire({ wait: 30_000 });
    await untilQueued('p');
    await permits[1]?.release();
    const next = await waiting;
    expect(next.resource).toBe(permits[1]?.resource);
    expect(next.token).toBeGreaterThan(permits[1]?.token ?? 0);
    for (const lease of [...permits, next]) await lease.release();
    await untilNothingIsLeftOf('p');
  });

  it('is never above its permits, under random use', async () => {
    const { random, repeat } = seeded();
    const semaphores = [one, two, open()].map((locks) => locks.semaphore('busy', { permits: 4 }));
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 80 }, async (_, index) => {
        await semaphores[index % 3]?.using({ wait: 60_000 }, async (lease) => {
          inside += 1;
          most = Math.max(most, inside);
          expect(inside, repeat).toBeLessThanOrEqual(4);
          if (random.unit() < 0.5) await lease.extend();
          inside -= 1;
        });
      }),
    );
    expect(most).toBeGreaterThan(1);
    await untilNothingIsLeftOf('busy');
  });

  it('gets the permit of a holder that died, and keeps to its number when nodes die', async () => {
    await using own = await deploy(3);
    const [a, b] = [own.locks(), own.locks()].map((locks) => locks.semaphore('p', { permits: 2 }));
    await a?.acquire({ ttl: 400 });
    const kept = await a?.acquire({ ttl: 2_000 });
    await own.node(0).kill();
    expect(await b?.tryAcquire({ ttl: 1_000 })).toBeNull();
    const third = await b?.acquire({ ttl: 2_000, wait: 30_000 });
    expect(third?.resource).not.toBe(kept?.resource);
    expect(kept?.remaining()).toBeGreaterThan(0);
    expect(await b?.tryAcquire({ ttl: 1_000 })).toBeNull();
  });

  it('refuses a client that gives another number, and all nodes learn the first one', async () => {
    const first = await one.semaphore('n', { permits: 2 }).acquire();
    const error = await two
      .semaphore('n', { permits: 3 })
      .acquire()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MisuseError);
    expect((error as Error).message).toMatch(/"n".*another number.*resize.*2 permits/s);
    expect(await numbers(deployment, 'n')).toEqual(['2', '2', '2']);
    await first.release();
  });

  it('changes its number: up at once, down when the permits that go are free', async () => {
    const semaphore = one.semaphore('c', { permits: 1 });
    const first = await semaphore.acquire();
    await semaphore.resize(3);
    expect(semaphore.permits).toBe(3);
    const others = [await semaphore.acquire(), await semaphore.acquire()];
    await expect(two.semaphore('c', { permits: 1 }).acquire()).rejects.toThrow(MisuseError);
    await expect(semaphore.resize(1, { wait: 100 })).rejects.toThrow(BusyError);
    expect(semaphore.permits).toBe(3);
    for (const lease of [first, ...others]) await lease.release();
    await semaphore.resize(1);
    const last = await semaphore.acquire();
    expect(last.resource).toBe('c#1');
    expect(await semaphore.tryAcquire()).toBeNull();
    await last.release();
  });

  it.each([0, 1.5, -1, '3', 1_001])('with %j permits is refused', (permits) => {
    expect(() => one.semaphore('p', { permits: permits as number })).toThrow(MisuseError);
  });
});

describe('resize', () => {
  it('says what is in its way: a permit, or another resize', async () => {
    const semaphore = one.semaphore('ways', { permits: 1 });
    await using _held = await semaphore.acquire();
    await semaphore.resize(2);
    await using _second = await semaphore.acquire();
    const waiting = two.semaphore('ways', { permits: 2 }).resize(1, { wait: 30_000 });
    const taken = (redis: (typeof deployment.raw)[number]) => redis.keys('{holdfast}:*resize*ways*');
    await vi.waitFor(
      async () => expect((await taken(deployment.redis(0))).length).toBeGreaterThan(0),
      20_000,
    );
    const second = semaphore.resize(1, { wait: 100 });
    await expect(second).rejects.toThrow(BusyError);
    await expect(second).rejects.toThrow(
      'The semaphore "ways" is being resized by somebody else after waiting',
    );
    await _second.release();
    await _held.release();
    await waiting;
  });

  it('by a handle with an older number waits for the permits that the nodes know of', async () => {
    const held = await takeAll(one, 'older', 5);
    const script = two.semaphore('older', { permits: 2 });
    await expect(script.resize(2, { wait: 100 })).rejects.toThrow(BusyError);
    expect(await numbers(deployment, 'older')).toEqual(['5', '5', '5']);
    for (const [slot, lease] of held) if (Number(slot.split('#')[1]) > 2) await lease.release();
    await script.resize(2);
    expect(await numbers(deployment, 'older')).toEqual(['2', '2', '2']);
    expect(await script.tryAcquire()).toBeNull();
    for (const lease of held.values()) await lease.release();
  });

  it('downwards renews what it has taken for as long as it waits for the rest', async () => {
    const held = await takeAll(one, 'renewed', 3);
    await held.get('renewed#2')?.release();
    const resizing = two.semaphore('renewed', { permits: 3 }).resize(1, { ttl: 1_000, wait: 30_000 });
    const ttl = (): Promise<number> => deployment.redis(0).pttl('{holdfast}:slot-lock:2:renewed');
    let least = Number.POSITIVE_INFINITY;
    await vi.waitFor(async () => {
      const now = await ttl();
      if (now > 0) least = Math.min(least, now);
      expect(now).toBeGreaterThan(least + 100);
    }, 10_000);
    expect(await one.semaphore('renewed', { permits: 3 }).tryAcquire()).toBeNull();
    await held.get('renewed#3')?.release();
    await resizing;
    expect(await numbers(deployment, 'renewed')).toEqual(['1', '1', '1']);
    expect(await two.semaphore('renewed', { permits: 1 }).tryAcquire()).toBeNull();
    await held.get('renewed#1')?.release();
    await untilNothingIsLeftOf('renewed');
  });

  it('does not lower the number when it has lost a permit that goes, but takes it again', async () => {
    const held = await takeAll(one, 'verified', 3);
    await held.get('verified#2')?.release();
    const resizing = two.semaphore('verified', { permits: 3 }).resize(1, { ttl: 300, wait: 30_000 });
    const slot = '{holdfast}:slot-lock:2:verified';
    await vi.waitFor(async () => expect(await deployment.redis(0).exists(slot)).toBe(1), 20_000);
    // Taken from under it, as by somebody who was granted it after a long pause.
    for (const redis of deployment.raw) await redis.set(slot, '1 usurper/x.1', 'PX', 1_500);
    await held.get('verified#3')?.release();
    await vi.waitFor(async () => {
      const others = await Promise.all(deployment.raw.map((redis) => redis.get(slot)));
      if (others.some((other) => other?.includes('usurper')))
        expect(await numbers(deployment, 'verified')).toEqual(['3', '3', '3']);
      expect(await numbers(deployment, 'verified')).toEqual(['1', '1', '1']);
    }, 20_000);
    await resizing;
    await held.get('verified#1')?.release();
  });

  it('is done by one after the other', async () => {
    const locks = [one, two, open()];
    await one.semaphore('turns', { permits: 5 }).resize(5);
    const wanted = [3, 4, 2, 6, 1, 3];
    await Promise.all(
      wanted.map((permits, index) =>
        locks[index % 3]?.semaphore('turns', { permits: 5 }).resize(permits, { wait: 30_000 }),
      ),
    );
    const known = await numbers(deployment, 'turns');
    expect(new Set(known).size).toBe(1);
    expect(wanted).toContain(Number(known[0]));
  });

  it('lets who waits on the same handle go on with the new number', async () => {
    const semaphore = one.semaphore('up', { permits: 1 });
    const first = await semaphore.acquire({ ttl: 20_000 });
    const waiting = semaphore.acquire({ wait: 30_000 });
    await untilQueued('up');
    await semaphore.resize(2);
    const second = await waiting;
    expect([first.resource, second.resource]).toEqual(['up#1', 'up#2']);
    for (const lease of [first, second]) await lease.release();
  });
});

describe('a number of permits', () => {
  it('survives a restart of every node in turn, while somebody holds a permit', async () => {
    await using own = await deploy(3, { maxTtl: 1_500, window: 100, margin: 100 });
    const options = { maxTtl: 1_500, window: 100, margin: 100 };
    const holder = await own.locks(options).semaphore('w', { permits: 3 }).acquire({ ttl: 1_500 });
    for (const node of own.local) {
      const index = own.local.nodes.indexOf(node);
      await node.restart({ empty: true });
      await vi.waitFor(async () => {
        await holder.extend();
        expect((await numbers(own, 'w'))[index]).toBe('3');
      }, 20_000);
    }
    const wrong = own.locks(options).semaphore('w', { permits: 5 });
    await expect(wrong.acquire()).rejects.toThrow(MisuseError);
    const right = await own.locks(options).semaphore('w', { permits: 3 }).acquire();
    expect(right.resource).not.toBe(holder.resource);
  });

  it('that a holder was granted its permit under is not brought back once it was lowered', async () => {
    await using own = await deploy(3, { maxTtl: 1_500, window: 100, margin: 100 });
    const options = { maxTtl: 1_500, window: 100, margin: 100 };
    const handle = own.locks(options).semaphore('w', { permits: 2 });
    const held = [await handle.acquire({ ttl: 1_500 }), await handle.acquire({ ttl: 1_500 })];
    const holder = held.find(({ resource }) => resource === 'w#1') as Lease;
    await held.find((lease) => lease !== holder)?.release();
    await own.locks(options).semaphore('w', { permits: 2 }).resize(1);
    await own.node(0).restart({ empty: true });
    await vi.waitFor(async () => {
      await holder.extend();
      expect(await numbers(own, 'w')).toEqual(['1', '1', '1']);
    }, 20_000);
  });
});

describe('kinds of locks', () => {
  it('do not share names: a lock "a#" beside a semaphore "a", a lock "w#2" beside a semaphore "w"', async () => {
    const held = await one.semaphore('a', { permits: 1 }).acquire({ ttl: 20_000 });
    const waiting = one.semaphore('a', { permits: 1 }).acquire({ wait: 30_000 });
    await untilQueued('a');
    const lock = await one.acquire('a#', { wait: 1_000 });
    await held.release();
    await (await waiting).release();
    const slot = await two.acquire('w#2');
    const permits = await takeAll(one, 'w', 2);
    expect([...permits.keys()].sort()).toEqual(['w#1', 'w#2']);
    for (const lease of [lock, slot, ...permits.values()]) await lease.release();
  });

  it('do not share a key, whatever their names and prefixes', async () => {
    const names = ['x', '1:x', 'slot-lock:1:x', 'x#1', 'x#resize', '{holdfast}:lock:x'];
    const prefixes = ['', 'test:', 'lock:'];
    const everyone = prefixes.map((prefix) => deployment.locks({ ...LONG, prefix }));
    for (const locks of everyone.slice(1)) await locks.initialize();
    const leases = await Promise.all(
      everyone.flatMap((locks) =>
        names.flatMap((name) => [
          locks.acquire(name, { wait: 0 }),
          locks.semaphore(name, { permits: 1 }).acquire({ wait: 0 }),
        ]),
      ),
    );
    for (const lease of leases) await lease.release();
    const lock = await one.acquire('x#resize', { wait: 0 });
    await one.semaphore('x', { permits: 1 }).resize(2, { wait: 0 });
    await lock.release();
    const keys = await deployment.redis(0).keys('test:*');
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.every((key) => key.startsWith('test:{holdfast}:'))).toBe(true);
  });
});
