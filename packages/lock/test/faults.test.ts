/**
 * The faults that published Redlock libraries fail, each on real Redis processes: amnesiac nodes, answers after the
 * TTL, split votes, short TTLs, a paused process, wrong clocks, a client that reconnects by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createRedisGuard } from '@holdfast/fence/redis';
import { BusyError, LeaseLostError, systemClock, UnavailableError } from '@holdfast/kernel';
import { type LocalNode, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { type Deployment, deploy, NOWHERE } from './deployment.js';

// They wait for quarantines to end, on nodes of their own.
describe.concurrent('1. a node of the majority forgets, and another comes back that never knew', () => {
  it.each([
    { count: 5, reached: 3 },
    { count: 3, reached: 2 },
  ])(
    'with $count nodes nobody else gets the lease, and the next token is higher',
    async ({ count, reached }) => {
      await using deployment = await deploy(count);
      const seenByA = deployment.urls.map((url, index) => (index < reached ? url : `${NOWHERE}${index}`));
      const a = await deployment.locks({ nodes: seenByA }).acquire('r', { ttl: 2_000 });
      await deployment.node(reached - 1).restart({ empty: true });
      const b = await deployment.locks().acquire('r', { wait: 30_000 });
      expect(a.remaining()).toBe(0);
      expect(b.token).toBeGreaterThan(a.token);
      await b.release();
    },
  );

  it('no forgetful majority votes before the quarantine is over, and then only above what it forgot', async () => {
    await using deployment = await deploy(3);
    const locks = deployment.locks();
    const a = await locks.acquire('r', { ttl: 2_000 });
    for (const node of deployment.local) await node.restart({ empty: true });
    const early = deployment.locks().acquire('r', { wait: 0 });
    await expect(early).rejects.toThrow(/quarantine/);
    await expect(a.extend()).rejects.toThrow(UnavailableError);
    const b = await deployment.locks().acquire('r', { wait: 30_000 });
    expect(a.remaining()).toBe(0);
    expect(b.token).toBeGreaterThan(a.token);
    expect(deployment.warnings.some((warning) => warning.includes('holdfast init'))).toBe(true);
  });
});

describe('2. the answers of a majority come after the TTL', () => {
  it('the acquire fails, and no lock stays behind', async () => {
    await using deployment = await deploy(5);
    const locks = deployment.locks();
    // Without the functions, a late vote that nobody waits for any more is not repeated.
    await vi.waitFor(async () => {
      await (await locks.acquire('other')).release();
      for (const redis of deployment.raw)
        expect(await redis.info('commandstats')).toMatch(/cmdstat_fcall:calls=/);
    }, 20_000);
    for (const redis of deployment.raw) await redis.config('RESETSTAT');
    for (const index of [0, 1, 2]) deployment.node(index).freeze();
    const began = performance.now();
    await expect(locks.acquire('r', { ttl: 2_000, wait: 0 })).rejects.toThrow(UnavailableError);
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(0), 1_000);
    for (const index of [0, 1, 2]) deployment.node(index).thaw();
    // The frozen nodes carry out the late votes and the releases behind them, long before a TTL has passed.
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(0), {
      timeout: 1_000,
      interval: 5,
    });
    expect(performance.now() - began).toBeLessThan(2_000);
    // Every node had the vote and the release, and nothing is left. One that was frozen for long refuses so late a vote.
    for (const [index, redis] of deployment.raw.entries()) {
      const had = index < 3 ? /cmdstat_fcall:calls=(?!1,)/ : /cmdstat_set:calls=/;
      await vi.waitFor(async () => expect(await redis.info('commandstats')).toMatch(had), 20_000);
    }
    await vi.waitFor(async () => {
      for (const redis of deployment.raw) expect(await redis.exists('{holdfast}:fence:r')).toBe(0);
    }, 20_000);
    expect(await locks.tryAcquire('r')).not.toBeNull();
  });

  it('grants that arrive when the TTL is over are not a lease', async () => {
    await using deployment = await deploy(3);
    // A clock that jumps by ten seconds as soon as a node has answered stands for a process that stood still.
    let ahead = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + ahead };
    const locks = deployment.locks({ clock });
    await (await locks.acquire('warm')).release();
    const attempt = locks.acquire('r', { ttl: 2_000, wait: 0 });
    ahead = 10_000;
    await expect(attempt).rejects.toThrow(/longer than its TTL/);
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(0), 1_000);
  });
});

describe('3. the votes are split evenly', () => {
  it('the call ends, and gives back what it took', async () => {
    await using deployment = await deploy(4, { allowEven: true });
    const locks = deployment.locks({ allowEven: true });
    for (const index of [0, 1])
      await deployment.redis(index).set('{holdfast}:lock:r', '1 somebody', 'PX', 60_000);
    await expect(locks.acquire('r', { wait: 0 })).rejects.toThrow(BusyError);
    expect(await locks.tryAcquire('r')).toBeNull();
    await expect(locks.acquire('r', { wait: 100 })).rejects.toThrow(BusyError);
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(2), 20_000);
  });

  it('among contenders somebody wins', async () => {
    await using deployment = await deploy(5);
    const contenders = Array.from({ length: 5 }, () => deployment.locks());
    const won = await Promise.all(contenders.map((locks) => locks.acquire('r', { ttl: 500, wait: 30_000 })));
    const tokens = won.map(({ token }) => token);
    expect(new Set(tokens).size).toBe(5);
  });
});

describe('4. short TTLs with renewal', () => {
  it.each([50, 300, 1_000])('a TTL of %d ms costs at most six commands per node and TTL', async (ttl) => {
    await using deployment = await deploy(5);
    const locks = deployment.locks();
    await (await locks.acquire('warm')).release();
    const renewals = ttl > 500 ? 6 : 15;
    const hold = (): Promise<void> =>
      locks.using('r', { ttl }, async (lease) => {
        const before = await deployment.scriptCalls(0);
        const began = performance.now();
        await vi.waitFor(
          async () => {
            const calls = await deployment.scriptCalls(0);
            expect(lease.signal.aborted || calls >= before + renewals).toBe(true);
          },
          { timeout: 20_000, interval: 20 },
        );
        const ttls = (performance.now() - began) / ttl;
        lease.signal.throwIfAborted();
        for (const index of deployment.raw.keys()) {
          expect((await deployment.scriptCalls(index)) / Math.max(1, ttls)).toBeLessThanOrEqual(
            6 + before / ttls,
          );
        }
      });
    // A busy machine may stand still for longer than the TTL, which ends the lease. What is counted is one that was kept.
    for (let tries = 1; ; tries += 1) {
      const lost = await hold().catch((error: unknown) => {
        if (error instanceof LeaseLostError && tries < 20) return error;
        throw error;
      });
      if (!(lost instanceof LeaseLostError)) return;
    }
  });
});

// They wait for processes to start and leases to end, on nodes of their own.
describe.concurrent('5. the process is paused for longer than the TTL', () => {
  it('first sees that its signal is aborted; its write is refused if somebody was granted the lease', async () => {
    await using stage = await startHolder('write');
    const token = await stage.fact('token');
    stage.pause();
    const next = await stage.deployment.locks().acquire('account', { wait: 30_000 });
    expect(next.token).toBeGreaterThan(token as number);
    const guard = createRedisGuard({ redis: stage.store.url, window: 500 });
    const account = await guard.seal(next);
    await account.write([['SET', 'balance', 'fresh']]);
    stage.resume();
    expect(await stage.fact('aborted')).toBe(true);
    expect(stage.facts).toMatchObject({ reason: 'HOLDFAST_LEASE_LOST', remaining: 0 });
    expect(await stage.fact('outcome')).toBe('HOLDFAST_STALE_TOKEN');
    expect(stage.facts).toMatchObject({ offered: token, seen: next.token });
    expect(await stage.redis.get('balance')).toBe('fresh');
    await guard.close();
  });

  it('resumes under the same token if nobody was', async () => {
    await using stage = await startHolder('extend');
    const token = await stage.fact('token');
    stage.pause();
    await vi.waitFor(async () => expect(await stage.deployment.holding('account')).toBe(0), 10_000);
    stage.resume();
    expect(await stage.fact('aborted')).toBe(true);
    expect(await stage.fact('outcome')).toBe('resumed');
    expect(stage.facts).toMatchObject({ token, valid: true });
    expect(await stage.redis.get('balance')).toBe('resumed');
  });
});

describe('6. a client whose clock is wrong', () => {
  it.each([
    ['an hour ahead', 3_600_000_000],
    ['an hour behind', -3_600_000_000],
  ])('by %s gets leases, and does not poison later tokens', async (_, offset) => {
    await using deployment = await deploy(5);
    const wrong = deployment.locks({ clock: { ...systemClock, wall: () => systemClock.wall() + offset } });
    const right = deployment.locks();
    const tokens: number[] = [];
    for (const locks of [right, wrong, right, wrong, right]) {
      const lease = await locks.acquire('r', { wait: 0 });
      tokens.push(lease.token);
      await lease.release();
    }
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(5);
    for (const token of tokens) expect(Math.abs(token - systemClock.wall())).toBeLessThan(60_000_000);
  });
});

describe('7. nodes that change behind the clients', () => {
  it('FLUSHALL on a node costs its vote, not the lease; an extend heals it after its quarantine', async () => {
    await using deployment = await deploy(5);
    const locks = deployment.locks();
    const lease = await locks.acquire('r', { ttl: 2_000 });
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(5), 20_000);
    await deployment.redis(2).flushall();
    expect(await deployment.locks().tryAcquire('r')).toBeNull();
    expect(await lease.extend()).toBe('kept');
    const state = await locks.inspect('r');
    expect(state.nodes[2]?.state).toBe('quarantined');
    await vi.waitFor(
      async () => {
        expect(await lease.extend()).toBe('kept');
        expect(await deployment.holding('r')).toBe(5);
      },
      { timeout: 20_000, interval: 100 },
    );
    await lease.release();
  });

  it('a node that was replaced at the same address votes on nothing at first', async () => {
    await using deployment = await deploy(3);
    const locks = deployment.locks();
    const lease = await locks.acquire('r', { ttl: 2_000 });
    await deployment.node(0).restart({ empty: true });
    await vi.waitFor(
      async () => expect((await locks.inspect('r')).nodes[0]?.state).toBe('unadmitted'),
      20_000,
    );
    await vi.waitFor(async () => {
      expect(await lease.extend()).toBe('kept');
      expect((await locks.inspect('r')).nodes[0]?.state).toBe('quarantined');
    }, 20_000);
    await lease.release();
  });

  it('a client that reconnects by itself in the middle of an acquire cannot win the vote of an amnesiac node', async () => {
    await using deployment = await deploy(1, { maxTtl: 30_000 });
    const client = new Redis(deployment.urls[0] ?? '', { retryStrategy: () => 20 });
    client.on('error', () => {});
    const locks = deployment.locks({ nodes: [client], maxTtl: 30_000, callTimeout: 6_000 });
    const held = await locks.acquire('r', { ttl: 30_000 });
    deployment.node(0).freeze();
    const attempt = locks.acquire('other', { ttl: 30_000, wait: 0 }).catch((error: unknown) => error);
    await deployment.node(0).restart({ empty: true }); // ioredis sends the pending command again on its own
    const error = await attempt;
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as UnavailableError).nodes[0]?.reason).toMatch(/quarantine|clos|connect/i);
    expect(await deployment.redis(0).exists('{holdfast}:lock:other')).toBe(0);
    await expect(locks.acquire('r', { wait: 0 })).rejects.toThrow(UnavailableError);
    expect(held.remaining()).toBeGreaterThan(0);
    client.disconnect();
  });

  it('a release is repeated on a node that was away until it has arrived', async () => {
    await using deployment = await deploy(3);
    const client = new Redis(deployment.urls[0] ?? '', { retryStrategy: () => 20 });
    client.on('error', () => {});
    const locks = deployment.locks({ nodes: [client, ...deployment.urls.slice(1)] });
    const lease = await locks.acquire('r', { ttl: 2_000 });
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(3), 20_000);
    client.disconnect(true); // cut, and connected again a moment later
    await lease.release();
    await vi.waitFor(async () => expect(await deployment.holding('r')).toBe(0), {
      timeout: 1_500,
      interval: 10,
    });
    client.disconnect();
  });
});

describe('a dead node', () => {
  it('costs nothing: acquire, extend and release go on, and release does not wait for it', async () => {
    await using deployment = await deploy(5, { maxTtl: 30_000 });
    const locks = deployment.locks({ maxTtl: 30_000 });
    await (await locks.acquire('warm')).release();
    deployment.node(0).freeze();
    await deployment.node(1).kill();
    // How long each of the other nodes may take is a part of the TTL.
    const lease = await locks.acquire('r', { ttl: 20_000 });
    expect(await lease.extend()).toBe('kept');
    await lease.release();
    await using next = await locks.acquire('r', { ttl: 20_000, wait: 0 });
    expect(next.token).toBeGreaterThan(lease.token);
    deployment.node(0).thaw();
  });

  it('does not keep release from ending when a majority is frozen', async () => {
    await using deployment = await deploy(3);
    const locks = deployment.locks({ callTimeout: 200 });
    const lease = await locks.acquire('r', { ttl: 2_000 });
    deployment.node(0).freeze();
    deployment.node(1).freeze();
    await lease.release();
    await expect(locks.acquire('r', { wait: 0 })).rejects.toThrow(UnavailableError);
  });
});

interface Stage extends AsyncDisposable {
  readonly deployment: Deployment;
  readonly store: LocalNode;
  readonly redis: Redis;
  readonly facts: Readonly<Record<string, unknown>>;
  fact(name: string): Promise<unknown>;
  pause(): void;
  resume(): void;
}

/** Starts a holder of a lease as a process of its own, on five nodes and a guarded store. */
async function startHolder(what: 'write' | 'extend'): Promise<Stage> {
  const deployment = await deploy(5);
  const stores = await startNodes(1);
  const [store] = stores.nodes as [LocalNode];
  const guard = createRedisGuard({ redis: store.url, window: 500 });
  await guard.initialize();
  await guard.close();
  const redis = new Redis(store.url);
  const program = fileURLToPath(new URL('holder.ts', import.meta.url));
  const args = [
    '--import',
    'tsx',
    '--conditions=@holdfast/source',
    program,
    what,
    store.url,
    ...deployment.urls,
  ];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const facts: Record<string, unknown> = {};
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  lines.on('line', (line) => Object.assign(facts, JSON.parse(line)));
  const ended = once(child, 'exit');
  return {
    deployment,
    store,
    redis,
    facts,
    fact: (name) =>
      vi.waitFor(
        () => {
          expect(facts).toHaveProperty(name);
          return facts[name];
        },
        { timeout: 20_000, interval: 5 },
      ),
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
      redis.disconnect();
      await stores.stop();
      await deployment[Symbol.asyncDispose]();
    },
  };
}

describe('all nodes are restarted empty, one after another', () => {
  it('a lease that renews itself is kept, also while somebody else asks for it all the time', async () => {
    // The quarantine of a node takes as long as the longest TTL.
    const settings = { maxTtl: 1_000 };
    await using deployment = await deploy(3, settings);
    const [holder, other] = [deployment.locks(settings), deployment.locks(settings)];
    let over = false;
    await holder.using('r', { ttl: 1_000 }, async (lease) => {
      const { token } = lease;
      const asking = (async () => {
        while (!over) expect(await other.tryAcquire('r').catch(() => null)).toBeNull();
      })();
      for (const index of [0, 1, 2, 0]) {
        await deployment.node(index).restart({ empty: true });
        const kept = async () => expect((await other.inspect('r')).nodes[index]).toMatchObject({ token });
        await vi.waitFor(kept, 10_000);
      }
      expect(lease.signal.aborted).toBe(false);
      expect(lease.token).toBe(token);
      over = true;
      await asking;
    });
  });
});
