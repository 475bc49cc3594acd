/** Listing the leases that are held, on real nodes. */
import { expect, it } from 'vitest';
import { deploy } from './deployment.js';

it('lists what is held, by its kind, in order, and nothing that is not', async () => {
  const parameters = { prefix: 'env:', maxTtl: 30_000 };
  await using deployment = await deploy(3, parameters);
  const locks = deployment.locks(parameters);
  const held = await locks.acquire('b[1]:x', { ttl: 20_000 });
  await locks.acquireShared('a', { ttl: 20_000 });
  const permit = await locks.semaphore('s', { permits: 3 }).acquire({ ttl: 20_000 });
  await (await locks.acquire('gone', { ttl: 20_000 })).release();
  const { locks: listed, more } = await locks.list();
  expect(listed.map(({ resource, kind }) => [resource, kind])).toEqual([
    ['a', 'shared'],
    ['b[1]:x', 'exclusive'],
    [permit.resource, 'permit'],
  ]);
  expect(listed[1]).toMatchObject({ held: true, certain: true, token: held.token });
  expect(more).toBe(false);
  const some = await locks.list({ prefix: 'b[', limit: 1 });
  expect(some.locks.map(({ resource }) => resource)).toEqual(['b[1]:x']);
  const first = await locks.list({ limit: 1 });
  expect([first.locks.length, first.more]).toEqual([1, true]);
  await expect(locks.list({ limit: 0 })).rejects.toThrow(/limit/);
});

it('lists a lease that only a majority has, and refuses where it could miss one', async () => {
  const parameters = { maxTtl: 30_000 };
  await using deployment = await deploy(3, parameters);
  const locks = deployment.locks(parameters);
  await deployment.node(0).kill();
  const { token } = await locks.acquire('r', { ttl: 30_000 });
  expect((await locks.list()).locks).toMatchObject([{ resource: 'r', token, held: true, certain: true }]);
  await deployment.node(1).kill();
  await expect(locks.list()).rejects.toMatchObject({ code: 'HOLDFAST_UNAVAILABLE' });
});

it('says which right a user lacks', async () => {
  await using deployment = await deploy(3);
  for (const redis of deployment.raw) await redis.call('ACL', 'SETUSER', 'default', '-scan');
  await expect(deployment.locks().list()).rejects.toThrow(/do not let this user.*scan/s);
});
