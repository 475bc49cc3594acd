/**
 * The lock API of Dapr, as its client speaks it: requests as the client of version 3.18 sends them. That client itself, unchanged,
 * is a test of `npm run test:full`, as it brings 120 packages.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keysOf, later, ownLocks, serve, useRedis } from './setting.js';

useRedis();

/** A resource of its own for each test: the locks outlive a test. */
let count = 0;
async function setting() {
  count += 1;
  const { file, keys } = keysOf({
    app: ['locks:write=store:*'],
    other: ['locks:write=*'],
    stranger: ['locks:write=elsewhere:*'],
  });
  const { ask } = await serve({ keys: file });
  const resourceId = `thing-${count}`;
  const call = (verb: 'lock' | 'unlock', lockOwner: string, key: keyof typeof keys, more = {}) =>
    ask('POST', `/v1.0-alpha1/${verb}/store`, {
      body: { resourceId, lockOwner, ...(verb === 'lock' && { expiryInSeconds: 20 }), ...more },
      headers: { 'dapr-api-token': keys[key] },
    });
  later(async () => {
    const { owner, token } = await ownLocks().inspect(`store:${resourceId}`);
    if (owner && token) await ownLocks().retire({ resource: `store:${resourceId}`, owner, token });
  });
  return { ask, call, keys, name: `store:${resourceId}` };
}

test('a lock is taken once, ended by its owner alone, and its token rises', async () => {
  const { call, name } = await setting();
  const taken = await call('lock', 'a', 'app');
  expect(taken).toMatchObject({ status: 200, body: { success: true, resource: name } });
  expect((await call('lock', 'b', 'app')).body).toEqual({ success: false, resource: name });
  expect((await call('lock', 'a', 'app')).body.success).toBe(false); // as Dapr's components do
  expect((await call('unlock', 'b', 'app')).body).toEqual({ status: 2 });
  expect((await call('unlock', 'a', 'other')).body).toEqual({ status: 2 }); // the same owner of another subject
  expect((await call('unlock', 'a', 'app')).body).toEqual({ status: 0 });
  expect((await call('unlock', 'a', 'app')).body).toEqual({ status: 1 });
  const again = await call('lock', 'b', 'app');
  expect(again.body.token).toBeGreaterThan(taken.body.token);
});

test('it excludes those who take the lease otherwise, and is not extended', async () => {
  const { call, name } = await setting();
  const lease = await ownLocks().acquire(name, { ttl: 20_000 });
  expect((await call('lock', 'a', 'app')).body.success).toBe(false);
  expect((await call('unlock', 'a', 'app')).body).toEqual({ status: 2 });
  await lease.release();
  expect((await call('lock', 'a', 'app', { expiryInSeconds: 1 })).body.success).toBe(true);
  const next = await ownLocks().acquire(name, { ttl: 1_000, wait: 20_000 });
  await next.release();
});

if (process.env['HOLDFAST_TESTS'] === 'clients') {
  test('the unchanged client of Dapr takes a lock and ends it', { timeout: 300_000 }, async () => {
    const { npmPackages } = await import('../../../scripts/others.mjs');
    const require = createRequire(join(npmPackages('dapr', ['@dapr/dapr@3.18.0']), 'x.js'));
    const { DaprClient } = require('@dapr/dapr');
    const { LockStatus } = require('@dapr/dapr/types/lock/UnlockResponse');
    const { file, keys } = keysOf({ app: ['locks:write=store:*'] });
    const { url } = await serve({ keys: file });
    const { hostname: daprHost, port: daprPort } = new URL(url);
    const client = new DaprClient({ daprHost, daprPort, daprApiToken: keys.app });
    later(() => client.stop());
    expect(await client.lock.lock('store', 'dapr', 'a', 20)).toEqual({ success: true });
    expect(await client.lock.lock('store', 'dapr', 'b', 20)).toEqual({ success: false });
    expect(await client.lock.unlock('store', 'dapr', 'b')).toEqual({
      status: LockStatus.LockBelongsToOthers,
    });
    expect(await client.lock.unlock('store', 'dapr', 'a')).toEqual({ status: LockStatus.Success });
    expect(await client.lock.unlock('store', 'dapr', 'a')).toEqual({ status: LockStatus.LockDoesNotExist });
    await expect(client.lock.lock('store', 'dapr', 'a', 3_600)).rejects.toThrow(/HOLDFAST_MISUSE/);
  });
}

test('a key is for its names, and what does not fit is named', async () => {
  const { ask, call, keys } = await setting();
  expect((await call('lock', 'a', 'stranger')).status).toBe(403);
  expect((await call('unlock', 'a', 'stranger')).status).toBe(403);
  const fields = async (more: object) =>
    (await call('lock', 'a', 'app', more)).body.errors?.map(({ field }: { field: string }) => field);
  expect(await fields({ resourceId: 'a#1' })).toEqual(['body.resourceId']);
  expect(await fields({ expiryInSeconds: 0 })).toEqual(['body.expiryInSeconds']);
  expect((await call('lock', 'a', 'app', { expiryInSeconds: 3_600 })).status).toBe(400); // above the deployment's
  const dapr = { headers: { 'dapr-api-token': keys.app } };
  expect((await ask('GET', '/v1.0/metadata', dapr)).body).toEqual({ id: 'holdfast' });
  expect((await ask('GET', '/v1/session', dapr)).status).toBe(401); // Dapr's header is for Dapr's routes
});
