/** Waiting without polling, on real nodes: order, cost, and waiters and calls that are lost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AbortedError, BusyError, seededRandom } from '@holdfast/kernel';
import { isOwnerFor, type Lease, type Locks } from '@holdfast/lock';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Deployment, deploy, LONG } from './deployment.js';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(5, LONG);
});
afterAll(() => deployment[Symbol.asyncDispose]());

/** Of its own for each test: what one leaves behind would stand in the queues that the next one counts. */
let resource = '';
let tests = 0;
beforeEach(() => {
  resource = `r${++tests}`;
});

const queueOf = (resource: string, node = 0): Promise<string[]> =>
  deployment.redis(node).zrange(`{holdfast}:queue:${resource}`, '0', '-1');
const untilQueued = (resource: string, processes: number): Promise<void> =>
  vi.waitFor(async () => {
    for (const node of deployment.raw.keys()) expect(await queueOf(resource, node)).toHaveLength(processes);
  }, 20_000);
const untilFree = (resource: string): Promise<void> =>
  vi.waitFor(async () => expect(await deployment.holding(resource)).toBe(0), 20_000);
/** A process of its own, as far as the nodes can tell. */
const newProcess = (): Locks => deployment.locks(LONG);
/** Holds `resource` on every node: a waiter that reached one before the holder did would not stand in its queue. */
const hold = async (locks: Locks, resource: string): Promise<Lease> => {
  const lease = await locks.acquire(resource, { ttl: LONG.maxTtl });
  await vi.waitFor(async () => {
    await lease.extend(LONG.maxTtl); // heals a node whose vote came too late
    expect(await deployment.holding(resource)).toBe(5);
  }, 20_000);
  return lease;
};
/** Connections that listen, on one node. */
const listeners = async (node = 0): Promise<number> => {
  const list = String(await deployment.redis(node).call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return list.split('\n').filter(Boolean).length;
};
const scriptCalls = async (): Promise<number> => {
  const calls = await Promise.all(deployment.raw.map((_, node) => deployment.scriptCalls(node)));
  return calls.reduce((sum, one) => sum + one, 0);
};

describe('waiters', () => {
  it('keep the place of an earlier call by the time waited, also in their own process', async () => {
    const [locks, other] = [newProcess(), newProcess()];
    const holder = await hold(locks, resource);
    const order: string[] = [];
    const wait = (of: Locks, who: string, waited: number) =>
      of.acquire(resource, { wait: 30_000, waited, request: who }).then(async (lease) => {
        order.push(who);
        expect(['a', 'b', 'c'].filter((one) => isOwnerFor(lease.owner, one))).toEqual([who]);
        await lease.release();
      });
    const waiting = [wait(locks, 'c', 0)];
    await untilQueued(resource, 1);
    waiting.push(wait(locks, 'b', 10_000));
    await untilQueued(resource, 2);
    waiting.push(wait(other, 'a', 20_000));
    await untilQueued(resource, 3);
    await holder.release();
    await Promise.all(waiting);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('get the lease in the order in which they came, whatever process they are in', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
    const random = seededRandom(seed);
    const processes = Array.from({ length: 4 }, newProcess);
    const holder = await hold(processes[0] as Locks, 'order');
    const order: number[] = [];
    const first = new Set<Locks>();
    const waiting: Promise<void>[] = [];
    for (let arrival = 0; arrival < 40; arrival++) {
      const locks = processes[Math.floor(random.unit() * processes.length)] as Locks;
      first.add(locks);
      waiting.push(
        locks.acquire('order', { wait: 30_000 }).then(async (lease) => {
          order.push(arrival);
          await lease.release();
        }),
      );
      await untilQueued('order', first.size);
    }
    await holder.release();
    await Promise.all(waiting);
    // On a busy machine somebody answers too late now and then and is overtaken; without an order, half of them are.
    const inversions = order.flatMap((one, index) =>
      order.slice(0, index).filter((other) => other > one),
    ).length;
    const pairs = (order.length * (order.length - 1)) / 2;
    expect(inversions / pairs, `repeat with SEED=${seed}`).toBeLessThan(0.1);
    await untilFree('order');
  });

  it('cost the nodes the same, however many there are, and one subscription a process', async () => {
    const locks = newProcess();
    const before = await listeners();
    const costs: number[] = [];
    for (const count of [20, 200]) {
      resource = `cost-${count}`;
      const holder = await hold(locks, resource);
      let granted = 0;
      const waiting = Array.from({ length: count }, async () => {
        await using _lease = await locks.acquire(resource, { wait: 60_000 });
        granted += 1;
      });
      await untilQueued(resource, 1);
      expect(await listeners()).toBe(before + 1);
      const calls = await scriptCalls();
      await holder.release();
      await Promise.all(waiting);
      expect(granted).toBe(count);
      costs.push(((await scriptCalls()) - calls) / count);
    }
    for (const cost of costs) expect(cost).toBeLessThanOrEqual(20);
  });

  it('under one signal, many of them, cause no warning', async () => {
    const locks = newProcess();
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const holder = await hold(locks, resource);
    const abort = new AbortController();
    const waits = Array.from({ length: 30 }, () =>
      expect(locks.acquire(resource, { wait: 60_000, signal: abort.signal })).rejects.toThrow(AbortedError),
    );
    await untilQueued(resource, 1);
    abort.abort();
    await Promise.all(waits);
    await holder.release();
    await untilFree(resource);
    process.off('warning', warned);
    expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
  });

  it('who give up leave no trace, and those behind them move up', async () => {
    const [one, two] = [newProcess(), newProcess()];
    const holder = await hold(one, resource);
    const abort = new AbortController();
    const aborted = one.acquire(resource, { wait: 60_000, signal: abort.signal });
    await untilQueued(resource, 1);
    const late = expect(two.acquire(resource, { wait: 300 })).rejects.toThrow(BusyError);
    const patient = two.acquire(resource, { wait: 60_000 });
    await untilQueued(resource, 2);
    abort.abort();
    await expect(aborted).rejects.toThrow(AbortedError);
    await untilQueued(resource, 1);
    await late;
    await untilQueued(resource, 1);
    await holder.release();
    await (await patient).release();
    await untilFree(resource);
    await untilQueued(resource, 0);
  });

  it('are not overtaken by those who only try', async () => {
    const [patient, hasty] = [newProcess(), newProcess()];
    const holder = await hold(hasty, resource);
    const waiting = patient.acquire(resource, { wait: 30_000 });
    await untilQueued(resource, 1);
    let won = false;
    let stolen = 0;
    const done = waiting.then((lease) => {
      won = true;
      return lease.release();
    });
    await holder.release();
    while (!won) {
      const lease = await hasty.tryAcquire(resource);
      if (lease && !won) stolen += 1;
      await lease?.release();
    }
    await done;
    expect(stolen).toBe(0);
  });

  it('see the end of a lease that nobody releases', async () => {
    const [dying, ...others] = [newProcess(), newProcess(), newProcess()];
    await (dying as Locks).acquire(resource, { ttl: 300 });
    const tokens = await Promise.all(
      others.map(async (locks) => (await locks.acquire(resource, { ttl: 300, wait: 30_000 })).token),
    );
    expect(new Set(tokens).size).toBe(2);
    await untilFree(resource);
  });

  it('are shown by inspect, as a number of processes', async () => {
    const locks = newProcess();
    const holder = await hold(locks, resource);
    const waiting = newProcess().acquire(resource, { wait: 30_000 });
    await untilQueued(resource, 1);
    expect(await locks.inspect(resource)).toMatchObject({ held: true, token: holder.token, waiting: 1 });
    await holder.release();
    await (await waiting).release();
  });

  it('may use a node-redis client of the user', async () => {
    const clients = await Promise.all(
      deployment.urls.map(async (url) => {
        const client = createClient({ url });
        client.on('error', () => {});
        await client.connect();
        return client;
      }),
    );
    const locks = deployment.locks({ ...LONG, nodes: clients });
    const holder = await hold(newProcess(), resource);
    const waiting = locks.acquire(resource, { wait: 30_000 });
    await untilQueued(resource, 1);
    await holder.release();
    await (await waiting).release();
    await locks.close();
    for (const client of clients) client.destroy();
  });
});

describe('what is lost', () => {
  it.each(['SIGKILL', 'SIGSTOP'] as const)('a waiter by %s is passed over', async (signal) => {
    const holder = await hold(newProcess(), resource);
    const program = new URL('waiter.ts', import.meta.url).pathname;
    const options = ['--conditions=@holdfast/source', '--import', 'tsx'];
    const child = spawn(process.execPath, [...options, program, resource, ...deployment.urls], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await untilQueued(resource, 1);
    const [first] = await queueOf(resource);
    const next = newProcess().acquire(resource, { wait: 60_000 });
    await untilQueued(resource, 2);
    child.kill(signal);
    await holder.release();
    const lease = await next;
    expect(lease.owner).not.toBe(first);
    expect(said).toBe('waiting\n');
    await lease.release();
    child.kill('SIGKILL');
    await ended;
    await untilFree(resource);
  });

  it('a call, because nobody is subscribed at that moment, costs time and not the lease', async () => {
    const holder = await hold(newProcess(), resource);
    const waiting = newProcess().acquire(resource, { wait: 60_000 });
    await untilQueued(resource, 1);
    for (const redis of deployment.raw) await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await holder.release();
    await (await waiting).release();
    await untilFree(resource);
  });

  it('a minority of nodes costs nothing', async () => {
    await using small = await deploy(3, LONG);
    const [one, two] = [small.locks(LONG), small.locks(LONG)];
    await (await one.acquire('warm')).release();
    const holder = await one.acquire(resource, { ttl: LONG.maxTtl });
    small.node(0).freeze();
    const waiting = two.acquire(resource, { wait: 30_000 });
    await vi.waitFor(
      async () => expect(await small.redis(1).zcard(`{holdfast}:queue:${resource}`)).toBe(1),
      20_000,
    );
    await holder.release();
    const lease = await waiting;
    expect(lease.token).toBeGreaterThan(holder.token);
    await lease.release();
  });
});
