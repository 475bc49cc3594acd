/** A guard that forgot says above which token it accepts, and a lease can be asked for above it. */

import { StaleTokenError } from '@holdfast/fence';
import { createRedisGuard } from '@holdfast/fence/redis';
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deployment, deploy, SHORT } from './deployment.js';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(1);
});
afterAll(() => deployment[Symbol.asyncDispose]());

it('a lease above what a guard has forgotten is accepted by it', async () => {
  const locks = deployment.locks();
  await using guard = createRedisGuard({ redis: deployment.urls[0] ?? '', window: SHORT.window });
  const first = await locks.acquire('r');
  const error = await guard.seal(first).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StaleTokenError);
  const { reason, seen } = error as StaleTokenError;
  expect(reason).toBe('forgotten');
  await first.release();
  const lease = await locks.acquire('r', { above: seen, wait: 10_000 });
  expect(lease.token).toBeGreaterThan(seen);
  await guard.seal(lease);
  await lease.release();
});

it('is refused at once where it cannot come within the time to wait, and leaves nothing behind', async () => {
  const locks = deployment.locks();
  const { token, release } = await locks.acquire('r').then((lease) => ({
    token: lease.token,
    release: () => lease.release(),
  }));
  await release();
  for (const wait of [0, 1_000]) {
    const acquiring = locks.acquire('r', { above: token + 60_000_000, wait });
    await expect(acquiring).rejects.toThrow(UnavailableError);
    await expect(acquiring).rejects.toThrow(/longer wait/);
  }
  await expect(locks.acquire('r', { above: -1 })).rejects.toThrow(MisuseError);
  expect(await deployment.holding('r')).toBe(0);
});

it('says that readers are in the way, who share their token, where they are', async () => {
  const locks = deployment.locks();
  await using reader = await locks.acquireShared('shared');
  const { token: above } = reader;
  const joining = locks.acquireShared('shared', { above, wait: 50 });
  await expect(joining).rejects.toThrow(UnavailableError);
  await expect(joining).rejects.toThrow(
    `is held by readers under token ${above}, which all who join them share`,
  );
});
