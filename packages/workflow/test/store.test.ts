/** Both stores keep the contract; and what only Redis does: it restarts, and knows layouts. */
import { MisuseError, systemClock } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { codedStore } from '../src/store/coded-store.js';
import { MemoryPartition } from '../src/store/memory-partition.js';
import { MemoryStore } from '../src/store/memory-store.js';
import { redisStores } from '../src/store/partitions.js';
import { scripts } from '../src/store/scripts.js';
import type { Store } from '../src/store/store.js';
import { childContract } from './child-contract.js';
import { storeContract } from './contract.js';
import { dispatchContract } from './contract-dispatch.js';
import { limitsContract } from './contract-limits.js';
import { runsContract } from './contract-runs.js';
import { schedulesContract } from './contract-schedules.js';
import { eventsContract } from './events-contract.js';
import { client, later, url, useRedis } from './setting.js';
import { streamContract } from './stream-contract.js';

useRedis();

function redisStore(): Store {
  const options = { redis: url(), tls: undefined, prefix: '', callTimeout: 20_000, replicas: undefined };
  const [store] = redisStores({ ...options, app: 'test', clock: systemClock, partitions: 1 });
  if (!store) throw new Error('there is no store');
  later(() => store.shut());
  return store;
}

const memoryStore = () => new MemoryStore(systemClock, new MemoryPartition(systemClock));
/** Turns bytes around, and takes its time. */
const turning = {
  encode: (bytes: Uint8Array) => bytes.map((byte) => byte ^ 255),
  decode: async (bytes: Uint8Array) => bytes.map((byte) => byte ^ 255),
};
for (const contract of [
  storeContract,
  dispatchContract,
  limitsContract,
  runsContract,
  schedulesContract,
  streamContract,
  childContract,
  eventsContract,
]) {
  contract('the store in Redis', redisStore);
  contract('the store in memory', memoryStore);
  contract('the store in memory behind a codec', () => codedStore(memoryStore(), turning, systemClock));
}

it('refuses commits and fresh tokens under a claim of before a restart of the server', async () => {
  const store = redisStore();
  await store.open('me.1', 60_000);
  await store.start({ run: 'a/1', generation: 'g', header: 'H -\n{}', mailbox: '' });
  const request = { session: 'me.1', lease: 60_000, want: 1, number: 1, highest: 0, workflows: ['a'] };
  const worked = await store.work(request);
  const claim = worked?.claims[0];
  if (!worked || !claim) throw new Error('nothing was claimed');
  await client().hset('{wf:test.0}:meta', 'server', 'another');
  const commit = {
    ...claim,
    commits: 0,
    ending: { word: 'go' },
    records: ['S 0\n{}'],
    state: undefined,
  } as const;
  expect(await store.commit(commit)).toMatchObject({ word: 'epoch' });
  expect(await store.retoken(claim, 0)).toEqual({ word: 'stale' });
  const again = await store.work({ ...request, number: 2 });
  expect(Number(again?.epoch)).toBeGreaterThan(Number(worked.epoch));
});

it('has its scripts as functions of a library that Redis takes', async () => {
  const name = String(scripts[0]?.library?.name);
  const listed = async () =>
    ((await client().call('FUNCTION', 'LIST', 'LIBRARYNAME', name)) as unknown[]).length;
  await client().call('FUNCTION', 'FLUSH');
  await redisStore().open('me.1', 60_000);
  expect(await listed()).toBe(1);
});

it('touches nothing of a newer layout', async () => {
  await client().hset('{wf:test.0}:meta', 'layout', 2);
  const store = redisStore();
  await expect(store.start({ run: 'a/1', generation: 'g', header: 'H -\n{}', mailbox: '' })).rejects.toThrow(
    MisuseError,
  );
  expect(await client().keys('*')).toEqual(['{wf:test.0}:meta']);
});
