/**
 * Clocks of servers and of clients that are wrong, on real servers whose wall clocks are shifted by native/clock.c: what
 * one node says of the time, or a client's clock believes, neither stops anybody nor revives a lease that is over.
 */
import { type Clock, LeaseLostError, systemClock } from '@holdfast/kernel';
import { type LocalNode, type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks, type LocksOptions } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { expect, it, vi } from 'vitest';
import { through, wrapServer } from '../src/deployment/wrapper.js';
import { Link } from '../src/proxy/link.js';

const HOUR = 3_600_000;

/** An address at which nobody listens: TCP port 1. */
const NOWHERE = 'redis://127.0.0.1:1';

/** A client's clock that shows the wrong time of day by `ahead()` ms. */
const wrongClock = (ahead: () => number): Clock => ({
  ...systemClock,
  wall: () => systemClock.wall() + ahead() * 1_000,
});

interface Stage extends AsyncDisposable {
  readonly local: LocalNodes;
  node(index: number): LocalNode;
  locks(options?: Partial<LocksOptions>): Locks;
}

/** Three nodes that vote, and whose clocks are wrong by `shifts` ms. */
async function stage(parameters: Partial<LocksOptions>, shifts: readonly number[]): Promise<Stage> {
  const wrapper = wrapServer(3, true);
  const { clocks } = wrapper;
  if (!clocks) throw new Error('these tests need a C compiler');
  const local = await through(wrapper, () => startNodes(3));
  const opened: Locks[] = [];
  const locks = (options: Partial<LocksOptions> = {}): Locks => {
    const made = createLocks({ nodes: local.urls, ...parameters, onWarning: () => {}, ...options });
    opened.push(made);
    return made;
  };
  for (const [index, by] of shifts.entries()) clocks.shift(index, by);
  await locks({ callTimeout: 5_000 }).initialize();
  return {
    local,
    node: (index) => local.nodes[index] as LocalNode,
    locks,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((one) => one.close()));
      await local.stop();
      wrapper.remove();
    },
  };
}

/** Takes a node's memory, but not its connections. */
async function forget(node: LocalNode): Promise<void> {
  const redis = new Redis(node.url);
  await redis.flushall();
  redis.disconnect();
}

it('a node an hour ahead stops nobody, also when another was away for a while', async () => {
  await using nodes = await stage({}, [0, 0, HOUR]);
  const clients = Array.from({ length: 6 }, () => nodes.locks());
  const takeAll = async (round: string): Promise<void> => {
    for (const [index, locks] of clients.entries()) {
      const lease = await locks.acquire('shared by all', { wait: 5_000 });
      expect(Math.abs(lease.token - systemClock.wall())).toBeLessThan(10_000_000);
      await lease.release();
      await (await locks.acquire(`${round}:${index}`, { wait: 5_000 })).release();
    }
  };
  await takeAll('before');
  nodes.node(1).freeze();
  // Nobody can be granted it, but whoever asked before the signal took effect.
  const told = clients.map((locks) => locks.acquire('shared by all', { wait: 300 }));
  for (const outcome of await Promise.allSettled(told)) {
    if (outcome.status === 'fulfilled') await outcome.value.release();
  }
  nodes.node(1).thaw();
  await takeAll('after');
});

it('a client that shares the wrong clock of a node stops nobody', async () => {
  await using nodes = await stage({}, [0, 0, HOUR]);
  const right = [nodes.locks(), nodes.locks()];
  for (let round = 0; round < 5; round += 1) {
    const wrong = nodes.locks({ clock: wrongClock(() => HOUR) });
    const taking = [wrong, ...right].map(async (locks) => {
      const lease = await locks.acquire('r', { wait: 5_000 });
      expect(Math.abs(lease.token - systemClock.wall())).toBeLessThan(10_000_000);
      await lease.release();
    });
    await Promise.all(taking);
  }
});

it.each([
  {
    whose: 'whose time of day has jumped ahead by an hour',
    parameters: { window: 500, margin: 500, maxTtl: 500 },
    jump: HOUR,
    behind: 0,
  },
  {
    whose: 'under the shortest quarantine that parameters allow, with clocks almost a window apart',
    parameters: { window: 1_500, margin: 0, maxTtl: 500 },
    jump: 1_425,
    behind: 1_425,
  },
])('a holder $whose heals no node on an old proof', async ({ parameters, jump, behind }) => {
  await using nodes = await stage(parameters, [-behind]);
  const link = await Link.open(nodes.node(0).port);
  try {
    const [first = '', second = '', third = ''] = nodes.local.urls;
    let ahead = 0;
    const clock = wrongClock(() => ahead);
    const holder = nodes.locks({ nodes: [`redis://127.0.0.1:${link.port}`, second, third], clock });
    const other = nodes.locks({ nodes: [first, second, NOWHERE] });
    const lease = await holder.acquire('r', { ttl: 250 });
    ahead = jump;
    // The extend reaches the first node long after the lease has ended.
    link.set({ toServer: { blocked: 'held' } });
    expect(await lease.extend()).toBe('kept');
    const later = await vi.waitFor(async () => {
      const won = await other.tryAcquire('r', { ttl: 250 });
      return won ?? expect.fail('the lease has not ended');
    }, 20_000);
    expect(later.token).toBeGreaterThan(lease.token);
    await later.release();
    // Those that granted the later lease forget it.
    for (const index of [0, 1]) await forget(nodes.node(index));
    await expect(other.tryAcquire('elsewhere')).rejects.toThrow(/quarantine/);
    const voting = async () => expect((await other.inspect('r')).nodes[0]?.state).toBe('voting');
    await vi.waitFor(voting, { timeout: 20_000, interval: 10 });
    link.heal();
    // Behind these there are the late vote, and what came of it.
    for (let round = 0; round < 2; round += 1) await holder.inspect('r');
    await vi.waitFor(() => expect(lease.extend()).rejects.toThrow(LeaseLostError), 20_000);
  } finally {
    link.close();
  }
});

it('two extensions at the same time each get what they ask for', async () => {
  const ones = await startNodes(1);
  const locks = createLocks({ nodes: ones.urls, onWarning: () => {} });
  try {
    await locks.initialize();
    const lease = await locks.acquire('r', { ttl: 1_000 });
    const [short, long] = [lease.extend(1_000), lease.extend(20_000)];
    expect(await Promise.all([short, long])).toEqual(['kept', 'kept']);
    expect(lease.remaining()).toBeGreaterThan(10_000);
  } finally {
    await locks.close();
    await ones.stop();
  }
});
