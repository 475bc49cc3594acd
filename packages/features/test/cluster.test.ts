/** What is special about a Cluster: flags and caches over several masters, and a slot that is about to move. */
import { createFeatures, entity, flags, service, t, view } from '@holdfast/features';
import { expect, it } from 'vitest';
import { useCluster } from './cluster.js';
import { later, useRedis } from './setting.js';

useRedis();
const cluster = useCluster();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const promos = flags('promos', { entity: user, flags: ['vip', 'spring'] });
const direct = service('direct', { views: { profile, promos } });
const kept = service('kept', { views: { profile }, cache: { maxAge: 3_600_000 } });
const holder = { token: 7, resource: 'r', issuer: 'i' };
const CHUNK = 32_768;
/** One in each of eight chunks, which lie in eight partitions. */
const IDS = Array.from({ length: 8 }, (_, n) => String(n * CHUNK + n));

async function storeOf(name: string) {
  const options = { redis: cluster().url, name, views: [profile, promos], services: [direct, kept] };
  const store = createFeatures({ ...options, partitions: 8, callTimeout: 20_000 });
  later(() => store.close());
  await store.apply();
  return store;
}

it('flags and cached rows of many masters are set, read, kept and cleared', async () => {
  const store = await storeOf('many');
  const owners = new Set<number>();
  for (let n = 0; n < 8; n += 1) owners.add(await cluster().ownerOf(`{feat:many.${n}}:record`));
  expect(owners.size).toBeGreaterThan(1);

  const rows = await store.open(profile, { holder });
  const lane = await store.open(promos, { holder });
  const now = Date.now();
  const land = (n: number) => rows.land(IDS.map((id) => ({ id, time: now + n, values: { n } })));
  await land(1);
  await lane.land(IDS.map((id, n) => ({ id, values: { vip: true, spring: n % 2 === 0 } })));
  const ids = IDS.map((id) => ({ user: id }));
  const answerOf = (n: number, spring: boolean) => ({
    ...{ 'profile.n': n, 'promos.vip': true, 'promos.spring': spring },
  });
  expect(await store.get(direct, ids)).toEqual(IDS.map((_, n) => answerOf(1, n % 2 === 0)));
  expect(await store.get(kept, ids)).toEqual(IDS.map(() => ({ 'profile.n': 1 })));
  await land(2);
  await lane.land(IDS.map((id) => ({ id, values: { spring: false } })));
  expect(await store.get(direct, ids)).toEqual(IDS.map(() => answerOf(2, false)));
  expect(await store.get(kept, ids)).toEqual(IDS.map(() => ({ 'profile.n': 1 })));
  expect(await store.get(kept, ids, undefined, { fresh: 0 })).toEqual(IDS.map(() => ({ 'profile.n': 2 })));
});

it('rows that are there are landed again while their slot is about to move', async () => {
  const store = await storeOf('moving');
  const lane = await store.open(profile, { holder, patience: 0 });
  const now = Date.now();
  const land = (n: number) => lane.land(IDS.map((id) => ({ id, time: now + n, values: { n } })));
  await land(1);
  for (let n = 0; n < 8; n += 1) {
    const stop = await cluster().announce(`{feat:moving.${n}}:record`);
    later(stop);
  }
  // Every key that the call names is still there, so no master sends it away.
  expect(new Set((await land(2)).outcomes)).toEqual(new Set(['accepted']));
});
