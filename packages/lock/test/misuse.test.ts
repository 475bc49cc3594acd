/** What is refused, with a message that names the value and what to do: before anything is sent where that is possible. */
import { MisuseError } from '@holdfast/kernel';
import { createLocks, type LocksOptions } from '@holdfast/lock';
import { describe, expect, it, vi } from 'vitest';
import { type Deployment, deploy } from './deployment.js';

const THREE = ['redis://10.0.0.1', 'redis://10.0.0.2', 'redis://10.0.0.3'];

describe('createLocks refuses', () => {
  it.each<[string, Partial<LocksOptions>, RegExp]>([
    ['no nodes', { nodes: [] }, /at least one Redis node/],
    [
      'an even number of nodes',
      { nodes: THREE.slice(0, 2) },
      /2 nodes tolerate no more failures than 1.*allowEven/,
    ],
    [
      'an address of another scheme',
      { nodes: ['http://user:secret@x'] },
      /"http:\/\/\*\*\*@x".*not a scheme of Redis/,
    ],
    ['an address without a host', { nodes: ['redis://'] }, /not a Redis address/],
    ['words that are no address', { nodes: ['localhost:6379'] }, /not a Redis address/],
    ['a database that is no number', { nodes: ['redis://x/one'] }, /"one" is not the number of a database/],
    ['a thing that is no client', { nodes: [{} as never] }, /ioredis client or a node-redis client/],
    ['a drift of 1', { drift: 1 }, /drift is a fraction from 0 to below 1; got 1/],
    ['a drift that leaves no validity', { drift: 0.999, maxTtl: 100 }, /maxTtl of 100 ms leaves no validity/],
    ['a TTL of words', { maxTtl: '10s' as never }, /maxTtl is a whole number.*"10s"/],
    ['a window of 0', { window: 0 }, /window is a whole number.*got 0/],
    ['a retention below two windows', { window: 5_000, retention: 10_000 }, /above twice the window/],
    ['a name with braces', { deployment: '{a}' }, /no braces; got "{a}"/],
    ['an unknown persistence', { persistence: 'aof' as never }, /"none" or "synchronous"; got "aof"/],
    ['a node timeout of 0', { callTimeout: 0 }, /callTimeout/],
    ['a misspelt option', { nodeTimout: 5 } as never, /no option "nodeTimout"/],
  ])('%s', (_, options, message) => {
    const create = (): unknown => createLocks({ nodes: THREE, ...options });
    expect(create).toThrow(MisuseError);
    expect(create).toThrow(message);
  });

  it('nothing else: an even number that is asked for by name, and any odd one', async () => {
    for (const nodes of [THREE.slice(0, 1), THREE.slice(0, 2), THREE]) {
      await createLocks({ nodes, allowEven: true }).close();
    }
  });

  it('without a secret in the message', () => {
    for (const address of [
      'redis://user:secret@',
      'redis://user:secret@host/x',
      'x://user:secret@host?password=secret',
    ]) {
      const error = (() => {
        try {
          return createLocks({ nodes: [address] });
        } catch (thrown) {
          return thrown as Error;
        }
      })();
      expect(error).toBeInstanceOf(MisuseError);
      expect(String((error as Error).stack)).not.toContain('secret');
    }
  });
});

describe('nonsense throws a MisuseError that says what is wrong', () => {
  it.each([
    ['no options', undefined, /takes an object/],
    ['null', null, /takes an object.*null/],
    ['a list', [], /takes an object/],
    ['an undefined node', { nodes: [undefined] }, /A node is a URL.*undefined/],
    ['a null TTL', { nodes: THREE, maxTtl: null }, /maxTtl.*null/],
    ['a clock without hands', { nodes: THREE, clock: {} }, /clock.*now/],
    ['a warning nobody can call', { nodes: THREE, onWarning: 'console' }, /onWarning is a function/],
    ['a name of half a character', { nodes: THREE, deployment: '\ud800' }, /deployment.*well-formed/],
    ['a prefix with braces', { nodes: THREE, prefix: '{a}' }, /prefix/],
  ])('given to createLocks: %s', (_, options, message) => {
    const error = thrownBy(() => createLocks(options as unknown as LocksOptions));
    expect(error).toBeInstanceOf(MisuseError);
    expect(error.message).toMatch(message);
  });

  it.each<[string, (locks: Any) => unknown, RegExp]>([
    ['acquire null', (locks) => locks.acquire('o', null), /acquire takes an object/],
    ['acquire without a name', (locks) => locks.acquire(), /resource is/],
    ['half a character', (locks) => locks.acquire('\ud800'), /well-formed/],
    ['several of them', (locks) => locks.acquire(['a', 'b\udfff']), /well-formed/],
    ['a TTL of null', (locks) => locks.acquire('o', { ttl: null }), /ttl.*null/],
    ['a wait of null', (locks) => locks.acquire('o', { wait: null }), /wait.*null/],
    ['no signal', (locks) => locks.acquire('o', { signal: {} }), /signal is an AbortSignal/],
    ['tryAcquire that waits', (locks) => locks.tryAcquire('o', { wait: 1 }), /no option "wait"/],
    ['using nothing', (locks) => locks.using('o', {}), /routine is a function/],
    ['using without options', (locks) => locks.using('o', () => {}), /using takes an object/],
    ['usingShared nothing', (locks) => locks.usingShared('o', {}, 1), /routine is a function/],
    ['adopt null', (locks) => locks.adopt(null), /adopt takes/],
    ['retire null', (locks) => locks.retire(null), /retire takes/],
    ['retire without an owner', (locks) => locks.retire({ resource: 'r', token: 1 }), /owner/],
    ['a semaphore of nothing', (locks) => locks.semaphore('s'), /semaphore takes an object/],
    ['permits of null', (locks) => locks.semaphore('s', { permits: null }), /permits.*null/],
    ['resize to null', (locks) => locks.semaphore('s', { permits: 1 }).resize(null), /permits.*null/],
    ['an election for null', (locks) => locks.election('e', { ttl: null }), /ttl.*null/],
    ['a campaign with no signal', (locks) => locks.election('e').campaign({ signal: 1 }), /AbortSignal/],
    ['initialize null', (locks) => locks.initialize(null), /initialize takes/],
  ])('given to a verb: %s', async (_, call, message) => {
    await using locks = createLocks({ nodes: THREE });
    const error = await (async () => call(locks))().catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(MisuseError);
    expect((error as Error).message).toMatch(message);
  });

  it('and hides the password of an address that is none of the nodes', async () => {
    await using locks = createLocks({ nodes: THREE, callTimeout: 1 });
    const removing = locks.removeNode('redis://:s3cret@127.0.0.1:9');
    await expect(removing).rejects.toThrow(/127\.0\.0\.1:9" is none of the nodes/);
    await expect(removing).rejects.not.toThrow(/s3cret/);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: what a program without types may say.
type Any = any;

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('on real nodes', () => {
  const withNodes = async (use: (deployment: Deployment) => Promise<void>, count = 3): Promise<void> => {
    await using deployment = await deploy(count);
    await use(deployment);
  };

  it.each<[string, object, RegExp]>([
    [
      'a TTL above the longest',
      { ttl: 2_001 },
      /ttl is a whole number of milliseconds from 10 to 2000; got 2001/,
    ],
    ['a TTL that is too short', { ttl: 5 }, /got 5/],
    ['a TTL with a fraction', { ttl: 10.5 }, /got 10.5/],
    ['a negative wait', { wait: -1 }, /wait.*got -1/],
    ['a misspelt option', { tll: 5 }, /no option "tll"/],
  ])('acquire refuses %s', async (_, options, message) => {
    await withNodes(async (deployment) => {
      const locks = deployment.locks();
      await expect(locks.acquire('r', options)).rejects.toThrow(MisuseError);
      await expect(locks.acquire('r', options)).rejects.toThrow(message);
      await expect(locks.tryAcquire('r', { wait: 5 } as never)).rejects.toThrow(/no option "wait"/);
      await expect(locks.acquire('')).rejects.toThrow(/1 to 512 characters/);
      await expect(locks.acquire('a\nb')).rejects.toThrow(MisuseError);
    }, 1);
  });

  it('two addresses of one server are refused, also when they become one while running', async () => {
    await withNodes(async (deployment) => {
      const [first = '', second = '', third = ''] = deployment.urls;
      const twice = deployment.locks({ nodes: [first, first.replace('127.0.0.1', 'localhost'), third] });
      await expect(twice.acquire('r')).rejects.toThrow(MisuseError);
      await expect(twice.acquire('r')).rejects.toThrow(
        /the same Redis server \(run_id [0-9a-f]{40}\).*list each server once/,
      );
      expect(await deployment.holding('r')).toBe(0);
      const locks = deployment.locks({ nodes: [first, second, third] });
      await (await locks.acquire('r')).release();
    });
  });

  it('a client with other parameters is refused with both, and changes nothing', async () => {
    await withNodes(async (deployment) => {
      const odd = deployment.locks({ window: 400 });
      const refused = odd.acquire('r');
      await expect(refused).rejects.toThrow(MisuseError);
      await expect(refused).rejects.toThrow(/says ".*window=500.*", this client says ".*window=400/);
      await expect(odd.initialize()).rejects.toThrow(/window=500.*window=400/s);
      await (await deployment.locks().acquire('r', { wait: 0 })).release();
    });
  });

  it('a client that knows only an earlier layout is refused before it writes', async () => {
    await withNodes(async (deployment) => {
      const record = '{holdfast}:record';
      for (const redis of deployment.raw) {
        const parameters = (await redis.hget(record, 'parameters')) ?? '';
        await redis.hset(record, 'parameters', parameters.replace(/layout=(\d+)/, 'layout=1000'));
      }
      const contents = () =>
        Promise.all(
          deployment.raw.map(async (redis) => [await redis.keys('*'), await redis.hgetall(record)]),
        );
      const before = await contents();
      const locks = deployment.locks();
      const semaphore = locks.semaphore('s', { permits: 2 });
      const told = [
        locks.acquire('r'),
        locks.acquireShared('r'),
        locks.adopt({ resource: 'r', token: 1, owner: 'o' }),
        locks.retire({ resource: 'r', token: 1, owner: 'o' }),
        semaphore.acquire(),
        locks.initialize(),
        locks.initialize({ replace: true }),
      ];
      for (const { status, reason } of (await Promise.allSettled(told)) as PromiseRejectedResult[]) {
        expect(status).toBe('rejected');
        expect(reason).toBeInstanceOf(MisuseError);
        expect(reason.message).toMatch(/layout=1000.*update this client/s);
      }
      expect(await contents()).toEqual(before);
    });
  });

  it('a client that knows fewer nodes is refused: its majority might not meet the others', async () => {
    await withNodes(async (deployment) => {
      const few = deployment.locks({ nodes: deployment.urls.slice(0, 1) });
      await expect(few.acquire('r')).rejects.toThrow(/nodes=3.*nodes=1/s);
    });
  });

  it('parameters can be replaced on the word of somebody who knows that no lease exists', async () => {
    await withNodes(async (deployment) => {
      const next = deployment.locks({ window: 400 });
      await next.initialize({ replace: true });
      await (await next.acquire('r', { wait: 0 })).release();
      await expect(deployment.locks().acquire('r')).rejects.toThrow(MisuseError);
    });
  });

  it('initialize says what it did, once, and which nodes it did not reach', async () => {
    await using deployment = await deploy(3, { initialize: false });
    const locks = deployment.locks();
    expect((await locks.initialize()).map(({ outcome }) => outcome)).toEqual(Array(3).fill('initialized'));
    expect((await locks.initialize()).map(({ outcome }) => outcome)).toEqual(Array(3).fill('voting'));
    const [first = '', second = ''] = deployment.urls;
    const partly = deployment.locks({ nodes: [first, second, 'redis://127.0.0.1:1'] });
    expect((await partly.initialize())[2]).toMatchObject({ node: '127.0.0.1:1', outcome: 'unreachable' });
  });

  it('a node that may evict keys is reported', async () => {
    await withNodes(async (deployment) => {
      await deployment.redis(1).config('SET', 'maxmemory-policy', 'allkeys-lru');
      await (await deployment.locks().acquire('r')).release();
      await vi.waitFor(() => expect(deployment.warnings).toHaveLength(1), 20_000);
      expect(deployment.warnings[0]).toContain(
        `127.0.0.1:${deployment.node(1).port} has maxmemory-policy allkeys-lru`,
      );
    });
  });
});
