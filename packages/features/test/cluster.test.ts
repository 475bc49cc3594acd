/** What is special about a Cluster: flags and caches over several masters, replicas of some, and a slot that is about to move. */
import { createFeatures, entity, flags, service, t, view } from '@holdfast/features';
import { startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { expect, it, vi } from 'vitest';
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

async function storeOf(name: string, more: object = {}) {
  const options = { redis: cluster().url, name, views: [profile, promos], services: [direct, kept] };
  const store = createFeatures({ ...options, partitions: 8, callTimeout: 20_000, ...more });
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

it('rows are read from the replicas of those masters that have some, and from the others themselves', async () => {
  await using nodes = await startNodes(1, { args: ['--cluster-enabled', 'yes'] });
  const [{ port } = { port: 0 }] = nodes.nodes;
  const replica = new Redis(port);
  later(() => replica.disconnect());
  const [master, ...others] = cluster().masters;
  const id = String(await master?.call('CLUSTER', 'MYID'));
  await master?.config('SET', 'repl-diskless-sync-delay', '0');
  await master?.call('CLUSTER', 'MEET', '127.0.0.1', String(port));
  const follows = async () => {
    await replica.call('CLUSTER', 'REPLICATE', id);
    expect(await replica.info('replication')).toMatch(/master_link_status:up/);
    for (const each of [master, ...others])
      expect(JSON.stringify(await each?.call('CLUSTER', 'SLOTS'))).toContain(String(port));
  };
  await vi.waitFor(follows, { timeout: 20_000, interval: 50 });

  const store = await storeOf('read', { replicas: { maxLag: 60_000 } });
  const lane = await store.open(profile, { holder });
  await lane.land(IDS.map((id) => ({ id, time: Date.now(), values: { n: Number(id) % 8 } })));
  const mgets = async (redis: Redis | undefined): Promise<number> =>
    Number(/cmdstat_mget:calls=(\d+)/.exec((await redis?.info('commandstats')) ?? '')?.[1] ?? 0);
  const read = async () => {
    const rows = await store.rows(profile, IDS, { replica: true });
    expect(rows.map((row) => row?.values.n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  };
  await vi.waitFor(
    async () => {
      await read();
      const [before, had] = [await mgets(master), await mgets(replica)];
      await read();
      expect(await mgets(master)).toBe(before);
      expect(await mgets(replica)).toBeGreaterThan(had);
    },
    { timeout: 20_000, interval: 20 },
  );
  const had = await mgets(others[0]);
  await read();
  expect(await mgets(others[0])).toBeGreaterThan(had);

  // It goes over to another master, and answers for what it has then.
  await replica.call('CLUSTER', 'REPLICATE', String(await others[0]?.call('CLUSTER', 'MYID')));
  await read();
});
