/** Reads from a real replica: what it may answer, and what is asked of the master instead. */
import { MisuseError } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { flags } from '../src/definition/flags.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures, type FeaturesOptions } from '../src/features.js';
import { client, later, node, url, useRedis } from './setting.js';

useRedis();

let nodes: LocalNodes;
let replica: Redis;
const of = (): string => nodes.urls[0] ?? '';
/** Has the replica follow the master, and waits until it does. */
async function follow(): Promise<void> {
  await replica.call('REPLICAOF', '127.0.0.1', String(node().port));
  const isFollowing = async (): Promise<void> =>
    expect(await replica.info('replication')).toMatch(/master_link_status:up/);
  await vi.waitFor(isFollowing, { timeout: 20_000, interval: 20 });
}
beforeAll(async () => {
  nodes = await startNodes(1);
  replica = new Redis(of(), { retryStrategy: () => 20 });
  replica.on('error', () => {});
  await client().config('SET', 'repl-diskless-sync-delay', '0');
}, 60_000);
beforeEach(follow);
afterAll(async () => {
  replica.disconnect();
  await nodes.stop();
});

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const session = view('session', { entity: user, fields: { n: t.int() } });
const promos = flags('promos', { entity: user, flags: ['vip'] });
const balance = view('balance', { entity: user, strict: true, fields: { n: t.int() } });
const views = [profile, session, promos, balance];
const ranking = service('ranking', { views: { profile, session, promos } });
const cached = service('cached', { views: { profile, session }, cache: { maxAge: 3_600_000 } });
const strict = service('strict', { views: { profile, balance } });
const holder = { token: 1, resource: 'r', issuer: 'i' };
const MAX_LAG = 5_000;
const ids = [{ user: '1' }];

async function storeOf(options: Partial<FeaturesOptions> = {}) {
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: 2, views, services: [ranking, cached, strict] },
    ...{ replicas: { redis: of(), maxLag: MAX_LAG }, callTimeout: 20_000 },
    ...options,
  });
  later(() => store.close());
  await store.apply();
  const lane = await store.open(profile, { holder });
  const other = await store.open(session, { holder });
  const begun = Date.now();
  const land = async (n: number, id = '1') => {
    await lane.land([{ id, time: begun + n, values: { n } }]);
    await other.land([{ id, time: begun + n, values: { n } }]);
  };
  await land(1);
  const read = async () => (await store.get(ranking, ids, undefined, { replica: true }))[0]?.['profile.n'];
  /** Commands of reads that the replica has had. */
  const asked = async (): Promise<number> =>
    Number(/cmdstat_mget:calls=(\d+)/.exec(await replica.info('commandstats'))?.[1] ?? 0);
  return { store, land, read, asked };
}

/** Cuts the replica off: it goes on answering with what it has. */
const cutOff = (): Promise<unknown> => replica.call('REPLICAOF', '127.0.0.1', '1');

/** As if the time of the master that it has were of so many ms ago. */
async function age(ms: number): Promise<void> {
  await replica.config('SET', 'replica-read-only', 'no');
  await replica.set('{feat:shop.0}:beat', String((Date.now() - ms) * 1_000));
}

/** Waits until the replica has a time of the master and all that was landed. */
async function caughtUp(): Promise<void> {
  const isThere = async (): Promise<void> => {
    expect(await replica.get('{feat:shop.0}:beat')).not.toBeNull();
    const [master, own] = await Promise.all([client().info('replication'), replica.info('replication')]);
    expect(/slave_repl_offset:(\d+)/.exec(own)?.[1]).toBe(/master_repl_offset:(\d+)/.exec(master)?.[1]);
  };
  await vi.waitFor(isThere, { timeout: 20_000, interval: 5 });
}

it('a replica that follows answers, of all rows of an entity alike, and of a service with a cache', async () => {
  const { store, land, read, asked } = await storeOf();
  await (await store.open(promos, { holder })).land([{ id: '1', values: { vip: true } }]);
  const unasked = await asked();
  expect(await read()).toBe(1); // from the master: the first one connects to the replica, by a command that none waits for
  await vi.waitFor(async () => expect(await asked()).toBe(unasked + 1), { timeout: 20_000, interval: 5 });
  await caughtUp();
  const isAsked = async (): Promise<void> => {
    const was = await asked();
    await read();
    expect(await asked()).toBe(was + 1);
  };
  await vi.waitFor(isAsked, { timeout: 20_000, interval: 5 });
  const before = await asked();
  const answer = { 'profile.n': 1, 'session.n': 1, 'promos.vip': true };
  expect(await store.get(ranking, ids, undefined, { replica: true })).toEqual([answer]);
  expect((await store.rows(profile, ['1'], { replica: true }))[0]?.values.n).toBe(1);
  expect(await asked()).toBe(before + 2);
  expect(await store.get(ranking, ids)).toEqual([answer]);
  expect(await asked()).toBe(before + 2);

  // Behind by less than allowed: what was is answered, and says how old it may be; less than that is wanted of the master.
  await cutOff();
  await land(2);
  await age(1_000);
  expect(await read()).toBe(1);
  const [{ views: meta } = {}] = await store.get(cached, ids, undefined, { replica: true, meta: true });
  expect(meta?.profile.readAge).toBeGreaterThan(900);
  expect((await store.get(ranking, ids, undefined, { replica: true, fresh: 500 }))[0]?.['profile.n']).toBe(2);
  expect((await store.get(cached, ids, undefined, { fresh: 500 }))[0]?.['profile.n']).toBe(2);
  expect((await store.get(ranking, ids))[0]?.['profile.n']).toBe(2);
});

it('the master answers where the replica is further behind, is away, or has forgotten', async () => {
  const { land, read } = await storeOf();
  await read();
  await caughtUp();
  await cutOff();
  await land(2);
  await age(MAX_LAG + 1);
  expect(await read()).toBe(2);
  await replica.call('REPLICAOF', 'NO', 'ONE');
  await replica.flushall();
  expect(await read()).toBe(2);
  const [first] = [...nodes];
  await first?.kill();
  expect(await read()).toBe(2);
  await first?.start();
});

it('the master is asked for what the replica lacks, with all rows of the same partition', async () => {
  const { store, land } = await storeOf();
  await store.get(ranking, ids, undefined, { replica: true });
  await caughtUp();
  await cutOff();
  await land(2);
  await (await store.open(profile, { holder })).land([{ id: '7', time: Date.now(), values: { n: 7 } }]);
  const of = async (id: string) =>
    (await store.get(ranking, [{ user: id }], undefined, { replica: true }))[0];
  expect(await of('1')).toMatchObject({ 'profile.n': 1, 'session.n': 1 });
  expect(await of('7')).toMatchObject({ 'profile.n': 7, 'session.n': null });
});

it('says that a right is missing for as long as it is', async () => {
  await storeOf();
  const grant = (...keys: readonly string[]): Promise<unknown> =>
    client().call('ACL', 'SETUSER', 'reader', 'reset', 'on', '>secret', '+@all', '&*', ...keys);
  later(() => client().call('ACL', 'DELUSER', 'reader'));
  await grant('~{feat:shop.*}:[!b]*', '~{feat:shop}:*', '%R~{feat:shop.0}:beat');
  const store = createFeatures({
    ...{ redis: url().replace('//', '//reader:secret@'), name: 'shop', partitions: 2 },
    ...{ views, services: [ranking], replicas: { redis: of() }, callTimeout: 20_000 },
  });
  later(() => store.close());
  const read = () => store.get(ranking, ids, undefined, { replica: true });
  await vi.waitFor(() => expect(read()).rejects.toThrow(MisuseError), 20_000);
  await grant('allkeys');
  await vi.waitFor(async () => expect((await read())[0]?.['profile.n']).toBe(1), 20_000);
});

it('is refused for views that are strict, without replicas, and where what they are of is not clear', async () => {
  const { store } = await storeOf();
  await expect(store.get(strict, ids, undefined, { replica: true })).rejects.toThrow(/"balance" is strict/);
  await expect(store.rows(balance, ['1'], { replica: true })).rejects.toThrow(/"balance" is strict/);
  const registered = view('balance', { entity: user, fields: { n: t.int() } });
  const other = createFeatures({ ...{ redis: url(), name: 'shop', partitions: 2 }, views: [registered] });
  later(() => other.close());
  await expect(other.rows(registered, ['1'], { replica: true })).rejects.toThrow(
    /give createFeatures\(\) `replicas`/,
  );
  const late = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: 2, views: [registered], replicas: { redis: [of()] } },
  });
  later(() => late.close());
  await expect(late.rows(registered, ['1'], { replica: true })).rejects.toThrow(/"balance" is strict/);
  const cluster = 'redis-cluster://127.0.0.1:1';
  const made = (options: object) => () =>
    createFeatures({ redis: url(), name: 'shop', views, ...options } as FeaturesOptions);
  expect(made({ redis: cluster, replicas: { redis: of() } })).toThrow(/A Cluster knows its replicas/);
  expect(made({ replicas: {} })).toThrow(/at least one replica/);
  expect(made({ replicas: { redis: cluster } })).toThrow(/"cluster 127.0.0.1:1"/);
  expect(made({ replicas: { redis: [] } })).toThrow(/at least one replica/);
  expect(made({ replicas: { redis: of(), maxLag: 1 } })).toThrow(/maxLag/);
});
