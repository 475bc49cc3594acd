/** Leases that are ended for good: no majority keeps them or vouches for them again. */
import { LeaseLostError, MisuseError, UnavailableError } from '@holdfast/kernel';
import type { Lease, Locks } from '@holdfast/lock';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deployment, deploy, LONG } from './deployment.js';

let deployment: Deployment;
let locks: Locks;
let other: Locks;
beforeAll(async () => {
  deployment = await deploy(3, LONG);
  locks = deployment.locks(LONG);
  other = deployment.locks(LONG);
});
afterAll(() => deployment[Symbol.asyncDispose]());

const lockOf = (resource: string): string => `{holdfast}:lock:${resource}`;
const fenceOf = (resource: string): string => `{holdfast}:fence:${resource}`;
const handleOf = ({ resource, token, owner }: Lease) => ({ resource, token, owner });

it('a retired lease is free at once, and nobody extends or adopts it again', async () => {
  const lease = await locks.acquire('a');
  await other.retire(handleOf(lease));
  await expect(lease.extend()).rejects.toThrow(LeaseLostError);
  await expect(other.adopt(handleOf(lease))).rejects.toThrow(LeaseLostError);
  await other.retire(handleOf(lease));
  await using next = await locks.acquire('a', { wait: 0 });
  expect(next.token).toBeGreaterThan(lease.token);
  await other.retire(handleOf(lease));
  expect(await next.extend()).toBe('kept');
});

it('a lease that was released is retired, too', async () => {
  const lease = await locks.acquire('b');
  await lease.release();
  await other.retire(handleOf(lease));
  await expect(other.adopt(handleOf(lease))).rejects.toThrow(LeaseLostError);
});

it('a lease is continued elsewhere also if it is shared, or one of several', async () => {
  const ttl = 60_000;
  const reader = await locks.acquireShared('read', { ttl });
  const beside = await locks.acquireShared('read', { ttl });
  const adopted = await other.adoptShared(reader.handOver(), { ttl });
  expect(adopted.token).toBe(beside.token);
  await beside.release();
  expect(await locks.tryAcquire('read')).toBeNull();
  await adopted.release();
  const writer = await other.acquire('read');
  await expect(other.adoptShared(handleOf(reader))).rejects.toThrow(LeaseLostError);
  await expect(other.adoptShared(writer)).rejects.toThrow(MisuseError);
  await writer.release();

  const handles = (await locks.acquire(['several 1', 'several 2'], { ttl })).handOver();
  for (const handle of handles) await (await other.adopt(handle)).release();
  await using several = await locks.acquire(['several 1', 'several 2'], { ttl, wait: 0 });
  expect(several.resources).toHaveLength(2);
});

it('who waits is called', async () => {
  const lease = await locks.acquire('c', { ttl: 60_000 });
  const waiting = other.acquire('c', { wait: 20_000 });
  await expect.poll(() => deployment.redis(0).zcard('{holdfast}:queue:c')).toBe(1);
  await locks.retire(lease);
  await (await waiting).release();
});

it('a node that never granted the lease does not vouch for it to one that missed its end', async () => {
  const lease = await locks.acquire('d', { ttl: 60_000 });
  await expect.poll(() => deployment.holding('d')).toBe(3);
  await deployment.redis(2).del(lockOf('d'), fenceOf('d'));
  await locks.retire(lease);
  await expect.poll(() => deployment.redis(2).get(fenceOf('d'))).toBe(`${lease.token + 1}`);
  await expect.poll(() => deployment.holding('d')).toBe(0);
  await deployment.redis(1).set(lockOf('d'), `${lease.token} ${lease.owner}`, 'PX', 60_000);
  await deployment.redis(1).set(fenceOf('d'), `${lease.token} 0`, 'PX', 60_000);
  await expect(other.adopt(handleOf(lease))).rejects.toThrow(LeaseLostError);
});

it('an attempt that fails afterwards does not bring a fence back below the retired token', async () => {
  const lease = await locks.acquire('e', { ttl: 60_000 });
  await expect.poll(() => deployment.holding('e')).toBe(3);
  const node = deployment.redis(2);
  const higher = lease.token + 5;
  await node.set(lockOf('e'), `${higher} other`, 'PX', 60_000);
  await node.set(fenceOf('e'), `${higher} ${lease.token}`, 'PX', 60_000);
  await locks.retire(lease);
  await expect.poll(() => node.get(fenceOf('e'))).toBe(`${higher} ${lease.token + 1}`);
  expect(await node.get(lockOf('e'))).toBe(`${higher} other`);
  expect(await node.pttl(fenceOf('e'))).toBeLessThanOrEqual(60_000);
});

it('a permit is retired by its semaphore, and by nothing else', async () => {
  const semaphore = locks.semaphore('permits', { permits: 1 });
  const permit = await semaphore.acquire({ ttl: 60_000 });
  await expect(locks.retire(permit)).rejects.toThrow(/permit/);
  await expect(locks.adopt(permit)).rejects.toThrow(MisuseError);
  for (const resource of ['permits#0', 'permits#1.5', 'permits#01', 'other#1']) {
    await expect(semaphore.retire({ ...handleOf(permit), resource })).rejects.toThrow(MisuseError);
  }
  await expect(semaphore.tryAcquire()).resolves.toBeNull();
  const waiting = other.semaphore('permits', { permits: 1 }).acquire({ wait: 20_000 });
  await expect.poll(() => deployment.redis(0).zcard('{holdfast}:slot-queue:permits')).toBe(1);
  await other.semaphore('permits', { permits: 1 }).retire(handleOf(permit));
  const next = await waiting;
  expect(next.token).toBeGreaterThan(permit.token);
  await expect(permit.extend()).rejects.toThrow(LeaseLostError);
  await next.release();
});

it('a permit is continued by another process, until it is retired', async () => {
  const [mine, theirs] = [locks, other].map((each) => each.semaphore('handed', { permits: 1 }));
  const permit = await mine?.acquire({ ttl: 20_000 });
  const handle = handleOf(permit as Lease);
  await expect(theirs?.adopt({ ...handle, resource: 'handed#1001' })).rejects.toThrow(MisuseError);
  await expect(theirs?.adopt({ ...handle, owner: 'me' })).rejects.toThrow(LeaseLostError);
  const adopted = await theirs?.adopt(handle, { ttl: 60_000 });
  expect(adopted).toMatchObject(handle);
  expect(await deployment.redis(0).pttl('{holdfast}:slot-lock:1:handed')).toBeGreaterThan(30_000);
  await expect(mine?.tryAcquire()).resolves.toBeNull();
  await adopted?.release();
  await mine?.retire(handle);
  await expect(theirs?.adopt(handle)).rejects.toThrow(LeaseLostError);
});

it('leaves leases alone that it cannot end: of readers, and of tokens that nobody can have been granted', async () => {
  await using reader = await locks.acquireShared('f');
  await expect(locks.retire(handleOf(reader))).rejects.toThrow(/readers/);
  await expect(locks.retire(reader)).rejects.toThrow(MisuseError);
  expect(await reader.extend()).toBe('kept');
  await using lease = await locks.acquire('g');
  await expect(locks.retire({ ...handleOf(lease), owner: 'me' })).rejects.toThrow(MisuseError);
  await expect(locks.retire({ ...handleOf(lease), token: Number.MAX_SAFE_INTEGER })).rejects.toThrow(/ahead/);
  expect(await lease.extend()).toBe('kept');
});

it('is confirmed by a majority, or says that the lease may go on', async () => {
  const lease = await locks.acquire('h', { ttl: 60_000 });
  await using hasty = deployment.locks({ ...LONG, callTimeout: 100 });
  await hasty.inspect('h');
  for (const index of [0, 1]) deployment.node(index).freeze();
  try {
    await expect(hasty.retire(lease)).rejects.toThrow(UnavailableError);
  } finally {
    for (const index of [0, 1]) deployment.node(index).thaw();
  }
  await locks.retire(lease);
  await expect(other.adopt(handleOf(lease))).rejects.toThrow(LeaseLostError);
});

it('works on nodes whose memory is full', async () => {
  const lease = await locks.acquire('i', { ttl: 60_000 });
  await Promise.all(deployment.raw.map((redis) => redis.config('SET', 'maxmemory', '1mb')));
  try {
    await other.retire(handleOf(lease));
    expect(await deployment.holding('i')).toBeLessThan(2);
  } finally {
    await Promise.all(deployment.raw.map((redis) => redis.config('SET', 'maxmemory', '0')));
  }
});
