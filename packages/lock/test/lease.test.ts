/** The public surface on five healthy nodes: acquire, extend, release, using, inspect, close. */
import { once } from 'node:events';
import { AbortedError, BusyError, LeaseLostError, MisuseError, UnavailableError } from '@holdfast/kernel';
import { createLocks, type Lease, type Locks } from '@holdfast/lock';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Deployment, deploy, LONG, NOWHERE } from './deployment.js';

let deployment: Deployment;
let locks: Locks;
let other: Locks;

beforeAll(async () => {
  deployment = await deploy(5);
  locks = deployment.locks();
  other = deployment.locks();
});
afterAll(() => deployment[Symbol.asyncDispose]());

describe('a lease', () => {
  it('has a signal also when it was released: one that has aborted, and costs nothing', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on('warning', hear);
    const lease = await locks.acquire('signal-after-release');
    await lease.release();
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    process.emitWarning('the last');
    await vi.waitFor(() => expect(warnings.at(-1)?.message).toBe('the last'), 20_000);
    expect(warnings).toHaveLength(1);
    process.off('warning', hear);
  });

  it('is resumed where it ran out for its holder while the nodes still have it', async () => {
    const lease = await locks.acquire('shortened', { ttl: 2_000 });
    expect(await lease.extend(400)).toBe('kept');
    const { signal } = lease;
    await vi.waitFor(() => expect(signal.aborted).toBe(true), 20_000);
    expect(await other.tryAcquire('shortened')).toBeNull();
    expect(await lease.extend(2_000)).toBe('resumed');
    expect([signal.aborted, lease.signal.aborted]).toEqual([true, false]);
    await lease.release();
  });

  it('cannot be adopted under a token that nobody can have been granted, which would bar the later ones', async () => {
    const forged = { resource: 'forged', token: Number.MAX_SAFE_INTEGER, owner: 'nobody' };
    await expect(locks.adopt(forged)).rejects.toThrow(LeaseLostError);
    await using lease = await other.acquire('forged');
    expect(lease.token).toBeLessThan(forged.token);
  });

  it('excludes others until it is released, and then hands on a higher token', async () => {
    const first = await locks.acquire('a', { ttl: 2_000 });
    expect(Number.isSafeInteger(first.token)).toBe(true);
    expect(first.resource).toBe('a');
    expect(first.remaining()).toBeGreaterThan(1_000);
    expect(first.remaining()).toBeLessThan(2_000);
    expect(await other.tryAcquire('a')).toBeNull();
    expect(await locks.tryAcquire('a')).toBeNull();
    await first.release();
    expect(first.remaining()).toBe(0);
    await vi.waitFor(async () => expect(await deployment.holding('a')).toBe(0), 20_000);
    const second = await other.acquire('a');
    expect(second.token).toBeGreaterThan(first.token);
    expect(second.owner).not.toBe(first.owner);
    await second.release();
  });

  it('is released at the end of its block', async () => {
    {
      await using lease = await locks.acquire('b');
      expect(lease.remaining()).toBeGreaterThan(0);
      await vi.waitFor(async () => expect(await deployment.holding('b')).toBe(5), 20_000);
    }
    await vi.waitFor(async () => expect(await deployment.holding('b')).toBe(0), 20_000);
  });

  it('can be released twice, and after it was lost, in silence', async () => {
    const lease = await locks.acquire('c', { ttl: 300 });
    await vi.waitFor(() => expect(lease.remaining()).toBe(0), 20_000);
    await Promise.all([lease.release(), lease.release()]);
    await lease.release();
    await expect(lease.extend()).rejects.toThrow(LeaseLostError);
  });

  it('keeps its token when it is extended', async () => {
    await using lease = await locks.acquire('d', { ttl: 500 });
    const { token } = lease;
    expect(await lease.extend(2_000)).toBe('kept');
    expect(lease.token).toBe(token);
    expect(lease.remaining()).toBeGreaterThan(1_500);
    expect((await locks.inspect('d')).remaining).toBeGreaterThan(1_500);
  });

  it('is resumed under its token when it ran out and nobody was granted it', async () => {
    await using lease = await locks.acquire('e', { ttl: 300 });
    const { signal } = lease;
    await vi.waitFor(async () => expect(await deployment.holding('e')).toBe(0), 20_000);
    expect(signal.aborted).toBe(true);
    expect(await lease.extend()).toBe('resumed');
    expect(lease.remaining()).toBeGreaterThan(0);
    expect(signal.aborted).toBe(true);
    expect(lease.signal.aborted).toBe(false);
    expect(await other.tryAcquire('e')).toBeNull();
  });

  it('is lost when it ran out and somebody was granted it, also after that one released', async () => {
    const lease = await locks.acquire('f', { ttl: 300 });
    await vi.waitFor(async () => expect(await deployment.holding('f')).toBe(0), 20_000);
    const thief = await other.acquire('f');
    await thief.release();
    await expect(lease.extend()).rejects.toThrow(LeaseLostError);
    await expect(lease.extend()).rejects.toThrow(LeaseLostError);
    expect(lease.signal.aborted).toBe(true);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    await vi.waitFor(async () => expect(await deployment.holding('f')).toBe(0), 1_000);
  });

  it('has a signal that aborts before its validity ends', async () => {
    const lease = await locks.acquire('g', { ttl: 400 });
    const left = await new Promise<number>((resolve) => {
      lease.signal.addEventListener('abort', () => resolve(lease.remaining()));
    });
    expect(left).toBeGreaterThanOrEqual(0);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(lease.signal.reason.token).toBe(lease.token);
    await lease.release();
  });

  it('aborts its signal when it is released, so that what still works under it learns that it is over', async () => {
    const lease = await locks.acquire('h', { ttl: 2_000 });
    const { signal } = lease;
    const heard: unknown[] = [];
    signal.addEventListener('abort', () => heard.push(signal.reason));
    await lease.release();
    expect(heard).toEqual([signal.reason]);
    expect(signal.reason).toBeInstanceOf(LeaseLostError);
    expect(signal.reason.message).toMatch(/"h" \(token \d+\) was released/);
    await expect(lease.extend()).rejects.toBe(signal.reason);
    await lease.release();
    expect(heard).toHaveLength(1);
  });

  it('is not lost to its routine that has released it itself', async () => {
    const released = await locks.using('routine', { ttl: 2_000 }, async (lease) => {
      await lease.release();
      return lease.signal.aborted;
    });
    expect(released).toBe(true);
    const both = await locks.using(['routine', 'other'], { ttl: 2_000 }, async (leases) => {
      const { signal } = leases;
      await leases.release();
      return [signal.aborted, leases.signal.reason];
    });
    expect(both).toEqual([true, expect.any(LeaseLostError)]);
  });

  it('can be adopted although it was released, as one that ran out can, until somebody else is granted it', async () => {
    const lease = await locks.acquire('given up', { ttl: 2_000 });
    await lease.release();
    const adopted = await other.adopt(lease);
    expect(adopted.token).toBe(lease.token);
    await adopted.release();
    await (await other.acquire('given up')).release();
    await expect(locks.adopt(lease)).rejects.toThrow(LeaseLostError);
  });
});

describe('waiting', () => {
  it('gets the lease when the holder lets it go', async () => {
    const holder = await locks.acquire('w1', { ttl: 2_000 });
    const waiting = other.acquire('w1', { wait: 10_000 });
    await holder.release();
    const next = await waiting;
    expect(next.token).toBeGreaterThan(holder.token);
    await next.release();
  });

  it('gets the lease when the holder never lets it go but its TTL ends', async () => {
    const holder = await locks.acquire('w2', { ttl: 300 });
    const next = await other.acquire('w2', { wait: 10_000 });
    expect(holder.remaining()).toBe(0);
    expect(next.token).toBeGreaterThan(holder.token);
    await next.release();
  });

  it('ends after its time with BusyError, which names the holder', async () => {
    await using holder = await locks.acquire('w3', { ttl: 2_000 });
    const error = await other.acquire('w3', { wait: 50 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BusyError);
    expect(error).toMatchObject({ code: 'HOLDFAST_BUSY', resource: 'w3', token: holder.token });
    expect((error as BusyError).remaining).toBeGreaterThan(0);
  });

  it('ends at once when its signal aborts, with the reason as cause', async () => {
    await using _holder = await locks.acquire('w4', { ttl: 2_000 });
    const abort = new AbortController();
    const waiting = other.acquire('w4', { wait: 60_000, signal: abort.signal });
    const reason = new Error('changed my mind');
    queueMicrotask(() => abort.abort(reason));
    const error = await waiting.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AbortedError);
    expect(error).toMatchObject({ name: 'AbortError', cause: reason });
    await expect(other.acquire('w4', { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  });

  it('leaves no lock behind when it is aborted in the middle of an attempt', async () => {
    const abort = new AbortController();
    const attempt = locks.acquire('w5', { ttl: 2_000, signal: abort.signal });
    abort.abort();
    await expect(attempt).rejects.toThrow(AbortedError);
    await vi.waitFor(async () => expect(await deployment.holding('w5')).toBe(0), 1_000);
    const lease = await other.tryAcquire('w5');
    expect(lease).not.toBeNull();
    await lease?.release();
  });

  it('gives one lease at a time to many who want it, each with a higher token', async () => {
    const tokens: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        (index % 2 ? locks : other).using('w6', { wait: 60_000 }, async (lease) => {
          inside += 1;
          expect(inside).toBe(1);
          tokens.push(lease.token);
          await deployment.redis(0).ping();
          inside -= 1;
        }),
      ),
    );
    expect(tokens).toHaveLength(30);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(30);
  });
});

describe('using', () => {
  it('renews until the routine ends, and returns its result', async () => {
    const calls = await deployment.scriptCalls(0);
    const result = await locks.using('u1', { ttl: 300 }, async (lease) => {
      const { token } = lease;
      await vi.waitFor(
        async () => expect(await deployment.scriptCalls(0)).toBeGreaterThan(calls + 6),
        10_000,
      );
      expect(lease.signal.aborted).toBe(false);
      expect(await other.tryAcquire('u1')).toBeNull();
      return token;
    });
    expect(Number.isSafeInteger(result)).toBe(true);
    await vi.waitFor(async () => expect(await deployment.holding('u1')).toBe(0), 20_000);
  });

  it('passes on what the routine throws, and releases', async () => {
    const mistake = new Error('mine');
    await expect(locks.using('u2', {}, () => Promise.reject(mistake))).rejects.toBe(mistake);
    await vi.waitFor(async () => expect(await deployment.holding('u2')).toBe(0), 20_000);
  });

  it('renews in time also where the clocks may drift so far apart that less than a third of the TTL is valid', async () => {
    await using lasting = await deploy(1, LONG);
    await lasting.locks({ ...LONG, drift: 0.9 }).using('u4', { ttl: 30_000 }, async (lease) => {
      let least = lease.remaining();
      const renewed = vi.waitFor(() => {
        least = Math.min(least, lease.remaining());
        expect(lease.remaining()).toBeGreaterThan(least);
      }, 20_000);
      await Promise.race([renewed, once(lease.signal, 'abort')]);
      expect(lease.signal.aborted).toBe(false);
    });
  });

  it('rejects with LeaseLostError when the routine did not notice that its lease was lost', async () => {
    const work = locks.using('u3', { ttl: 300 }, async (lease) => {
      for (const redis of deployment.raw) {
        await redis.set('{holdfast}:lock:u3', '1 thief', 'PX', 2_000);
        await redis.set('{holdfast}:fence:u3', String(lease.token + 1));
      }
      await vi.waitUntil(() => lease.signal.aborted, 20_000);
      return 'done';
    });
    await expect(work).rejects.toThrow(LeaseLostError);
    expect(await deployment.holding('u3')).toBe(5); // the thief's locks are not ours to release
    for (const redis of deployment.raw) await redis.del('{holdfast}:lock:u3');
  });
});

describe('inspect', () => {
  it('tells who holds a resource, and what each node says', async () => {
    await using lease = await locks.acquire('i1', { ttl: 2_000 });
    await vi.waitFor(async () => expect(await deployment.holding('i1')).toBe(5), 20_000);
    const state = await other.inspect('i1');
    expect(state).toMatchObject({
      resource: 'i1',
      held: true,
      owner: lease.owner,
      token: lease.token,
      fence: lease.token,
    });
    expect(state.nodes.map(({ state }) => state)).toEqual(Array(5).fill('voting'));
    expect(state.nodes.map(({ node }) => `redis://${node}`)).toEqual(deployment.urls);
    expect(await other.inspect('i2')).toMatchObject({ held: false, certain: true });
  });

  it('tells which nodes cannot be reached and which are in quarantine', async () => {
    const partly = deployment.locks({ nodes: [...deployment.urls.slice(0, 4), NOWHERE] });
    await deployment.redis(1).flushall();
    await partly.acquire('i3').then((lease) => lease.release());
    const { nodes } = await partly.inspect('i3');
    expect(nodes.map(({ state }) => state)).toEqual([
      'voting',
      'quarantined',
      'voting',
      'voting',
      'unreachable',
    ]);
    expect(nodes[4]?.reason).toMatch(/ECONNREFUSED|connect/i);
    await locks.initialize();
  });
});

describe('close', () => {
  it('ends those who wait, tells those who watch, and is quiet the second time', async () => {
    const closing = deployment.locks();
    const lease = await closing.acquire('x1', { ttl: 2_000 });
    const { signal } = lease;
    await using _held = await other.acquire('x2', { ttl: 2_000 });
    const waiting = closing.acquire('x2', { wait: 60_000 });
    const ended = expect(waiting).rejects.toThrow(AbortedError);
    await closing.close();
    await closing.close();
    await ended;
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(LeaseLostError);
    await expect(closing.acquire('x3')).rejects.toThrow(MisuseError);
    expect(await other.tryAcquire('x1')).toBeNull(); // left to run out
  });
});

describe('too few nodes', () => {
  it('makes UnavailableError, which says what each node answered', async () => {
    const alone = deployment.locks({
      nodes: [
        deployment.urls[0] ?? '',
        deployment.urls[1] ?? '',
        NOWHERE,
        'redis://127.0.0.1:2',
        'redis://127.0.0.1:3',
      ],
    });
    const error = await alone.acquire('y', { wait: 0 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    const { nodes } = error as UnavailableError;
    expect(nodes.map(({ node }) => node)).toContain('127.0.0.1:1');
    expect(nodes.filter(({ reason }) => /ECONNREFUSED/.test(reason))).toHaveLength(3);
    await vi.waitFor(async () => expect(await deployment.holding('y')).toBe(0), 1_000);
    await expect(alone.tryAcquire('y')).rejects.toThrow(UnavailableError);
  });
});

describe('a lone operation', () => {
  it('is sent in the same turn of the event loop', async () => {
    const sent: string[] = [];
    const client = deployment.redis(0);
    const spy = {
      status: 'ready',
      options: client.options,
      on: () => {},
      off: () => {},
      connect: () => Promise.resolve(),
      duplicate: () => client.duplicate(),
      call: (command: string, args: string[]) => {
        sent.push(command);
        return client.call(command, args);
      },
      callBuffer: (command: string, args: (string | Buffer)[]) => client.callBuffer(command, args),
    };
    const single = createLocks({ nodes: [spy], deployment: 'single', maxTtl: 2_000, window: 500 });
    await single.initialize();
    const lease = (await single.acquire('z')) as Lease;
    await vi.waitFor(async () => expect(await client.exists('{single}:lock:z')).toBe(1), 20_000);
    sent.length = 0;
    const releasing = lease.release();
    await Promise.resolve();
    await Promise.resolve();
    expect(sent).toEqual(['FCALL']);
    await releasing;
    await single.close();
  });
});

describe('a lease that is handed over', () => {
  it('is continued in another process under its token', async () => {
    await using deployment = await deploy(3);
    const [scheduler, worker] = [deployment.locks(), deployment.locks()];
    const { resource, token, owner } = await scheduler.acquire('job', { ttl: 500 });
    const lease = await worker.adopt(JSON.parse(JSON.stringify({ resource, token, owner })), { ttl: 2_000 });
    expect(lease).toMatchObject({ resource, token, owner });
    expect(lease.remaining()).toBeGreaterThan(1_500);
    expect(await scheduler.tryAcquire('job')).toBeNull();
    await lease.release();
    expect(await scheduler.tryAcquire('job')).not.toBeNull();
  });

  it('is lost if somebody else was granted it', async () => {
    await using deployment = await deploy(3);
    const [scheduler, worker] = [deployment.locks(), deployment.locks()];
    const early = await scheduler.acquire('job', { ttl: 500 });
    await early.release();
    const later = await scheduler.acquire('job', { ttl: 1_000 });
    await expect(worker.adopt(early)).rejects.toThrow(LeaseLostError);
    const forged = { resource: 'job', token: later.token, owner: 'me' };
    await expect(worker.adopt(forged)).rejects.toThrow(LeaseLostError);
    await expect(worker.adopt({ resource: 'job', token: -1, owner: 'me' })).rejects.toThrow(MisuseError);
    await later.extend();
  });
});
