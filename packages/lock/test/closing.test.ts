/** Closing locks while calls are under way, and what is left of their leases: every error says that they were closed. */
import { AbortedError, LeaseLostError, MisuseError } from '@holdfast/kernel';
import type { Locks } from '@holdfast/lock';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy, LONG } from './deployment.js';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(3, LONG);
});
const thaw = (): void => {
  for (const node of deployment.local) node.thaw();
};
afterEach(thaw);
afterAll(async () => {
  thaw();
  await deployment[Symbol.asyncDispose]();
});

const LASTING = { ttl: 60_000 };
const patient = (): Locks => deployment.locks({ ...LONG, callTimeout: 60_000 });

describe('a call that is under way when the locks are closed is aborted', () => {
  it.each<[string, (locks: Locks) => Promise<unknown>]>([
    ['inspect', (locks) => locks.inspect('r')],
    ['nodes', (locks) => locks.nodes()],
    ['initialize', (locks) => locks.initialize()],
    ['commitNodes', (locks) => locks.commitNodes()],
    ['removeNode', (locks) => locks.removeNode(new URL(deployment.urls[0] ?? '').host)],
    ['addNode', (locks) => locks.addNode(deployment.urls[0] ?? '')],
    ['adopt', (locks) => locks.adopt({ resource: 'r', token: 1, owner: 'o' }, LASTING)],
    ['adoptShared', (locks) => locks.adoptShared({ resource: 'r', token: 1, owner: 'o' }, LASTING)],
    ['retire', (locks) => locks.retire({ resource: 'r', token: 1, owner: 'o' })],
    ['election.leader', (locks) => locks.election('e').leader()],
    [
      'semaphore.retire',
      (locks) => locks.semaphore('s', { permits: 2 }).retire({ resource: 's#1', token: 1, owner: 'o' }),
    ],
    [
      'semaphore.adopt',
      (locks) =>
        locks.semaphore('s', { permits: 2 }).adopt({ resource: 's#1', token: 1, owner: 'o' }, LASTING),
    ],
    ['semaphore.inspect', (locks) => locks.semaphore('s', { permits: 2 }).inspect()],
  ])('%s', async (_, call) => {
    const locks = patient();
    await locks.inspect('r');
    for (const node of deployment.local) node.freeze();
    const calling = call(locks);
    await locks.close();
    await expect(calling).rejects.toThrow(AbortedError);
    await expect(calling).rejects.toThrow(/The locks were closed while/);
    await expect(call(locks)).rejects.toThrow(MisuseError);
  });
});

describe('a lease whose locks are closed', () => {
  it.each([true, false])('cannot be extended, and says why (watched: %s)', async (watched) => {
    const locks = patient();
    const lease = await locks.acquire(`watched ${watched}`, { ttl: 60_000 });
    if (watched) expect(lease.signal.aborted).toBe(false);
    await locks.close();
    await expect(lease.extend()).rejects.toThrow(LeaseLostError);
    await expect(lease.extend()).rejects.toThrow(/was given up: its locks were closed/);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(lease.remaining()).toBe(0);
  });

  it('cannot be extended by a call that was under way either', async () => {
    const locks = patient();
    const lease = await locks.acquire('extending', { ttl: 60_000 });
    for (const node of deployment.local) node.freeze();
    const extending = lease.extend();
    await locks.close();
    await expect(extending).rejects.toThrow(/was given up: its locks were closed/);
  });
});
