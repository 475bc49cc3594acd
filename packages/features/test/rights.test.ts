/** The rights that README.md lists are enough for whoever they are for, and whoever lacks one does nothing half. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createFeatures,
  entity,
  type Features,
  flags,
  redisStream,
  service,
  t,
  view,
  windows,
} from '@holdfast/features';
import { driftOf, dropBaseline, exportedRows, keepBaseline } from '@holdfast/features/offline';
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { beforeEach, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { duckdb, useDuckDb } from './duckdb.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();
useDuckDb();
beforeEach(() => client().call('ACL', 'LOG', 'RESET'));

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** What README.md says after "ACL SETUSER <user> on ><password>". */
function rightsOf(user: string): string[] {
  const line = new RegExp(`^ACL SETUSER ${user} on >\\S+ (.*)$`, 'm').exec(readme)?.[1];
  return (line ?? '').split(' ');
}

/** The address for a user with the rights of some roles, and others. */
async function as(roles: string, ...more: readonly string[]): Promise<string> {
  const user = roles.replaceAll(' ', '-');
  const rights = roles.split(' ').flatMap((role) => rightsOf(role).filter((right) => right !== '-@all'));
  await client().call('ACL', 'SETUSER', user, 'reset', 'on', '>secret', '-@all', ...rights, ...more);
  later(() => client().call('ACL', 'DELUSER', user));
  return url().replace('redis://', `redis://${user}:secret@`);
}

/** What the server has refused, but for the name of the client library (`client|setinfo`). */
async function refusals(): Promise<string[]> {
  const entries = (await client().call('ACL', 'LOG')) as string[][];
  return entries
    .map((entry) => entry[entry.indexOf('object') + 1] ?? '')
    .filter((command) => command !== 'client|setinfo');
}

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const clicks = windows('clicks', {
  entity: user,
  tile: 60_000,
  event: z.object({ user: z.string(), at: z.number(), what: z.string() }),
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({
    count: on.count({ over: 3_600_000 }),
    kinds: on.distinct((e) => e.what, { over: 3_600_000 }),
    recent: on.latest((e) => e.what, { n: 2 }),
  }),
});
const promos = flags('promos', { entity: user, flags: ['vip'] });
const ranking = service('ranking', { views: { profile, clicks } });
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});
const row = (id: string, n: number) => ({ id, time: Date.now(), values: { n } });

function storeOf(redis: string, name = 'shop'): Features {
  const [views, services] = [[profile, clicks, promos], [ranking]];
  const store = createFeatures({ redis, name, views, services, partitions: 2 });
  later(() => store.close());
  return store;
}

it('a builder builds, a writer writes, a reader reads, an exporter exports, an operator operates', async () => {
  const builder = storeOf(await as('builder'));
  await builder.apply();
  const writer = storeOf(await as('writer', '~events', '+xread', '+xinfo|stream'));
  const lane = await writer.open(profile, { holder: holderOf(7) });
  const { outcomes } = await lane.land([row('a', 1), row('b', 2), row('a', 3), { ...row('b', 4), time: 1 }]);
  expect(outcomes).toEqual(['accepted', 'accepted', 'accepted', 'older']);
  const setting = await writer.open(promos, { holder: holderOf(7) });
  await setting.land([{ id: '1', values: { vip: true } }]);
  for (const what of ['x', 'y', 'z'])
    await client().xadd('events', '*', 'user', 'a', 'what', what, 'at', String(Date.now()));
  await client().xadd('events', '*', 'user', 'a');
  const stream = await writer.open(clicks, { lane: 'stream', holder: holderOf(7) });
  const redis = url().replace('redis://', 'redis://writer:secret@');
  stream.follow(redisStream({ redis, streams: ['events'] }), (value) => {
    const { at, ...others } = value as Record<string, string>;
    return { ...others, at: Number(at) };
  });
  await vi.waitFor(() => expect(stream.stats()).toMatchObject({ refused: 1 }), 20_000);
  await lane.finish();

  const reader = storeOf(await as('reader'));
  const wanted = [{ 'profile.n': 3, 'clicks.count': 3, 'clicks.recent': ['z', 'y'] }];
  await vi.waitFor(
    async () => expect(await reader.get(ranking, [{ user: 'a' }])).toMatchObject(wanted),
    20_000,
  );

  // A server that says itself how far it is behind is as good as a replica.
  const fromReplica = createFeatures({
    ...{ redis: await as('reader'), name: 'shop', views: [profile], services: [], partitions: 2 },
    replicas: { redis: await as('reader') },
  });
  later(() => fromReplica.close());
  expect((await fromReplica.rows(profile, ['a'], { replica: true }))[0]?.values.n).toBe(3);
  await vi.waitFor(async () => expect(await client().exists('{feat:shop.0}:beat')).toBe(1), 20_000);
  expect((await fromReplica.rows(profile, ['a'], { replica: true }))[0]?.values.n).toBe(3);

  const isVip = async () => (await reader.rows(promos, ['1']))[0]?.values.vip;
  expect(await isVip()).toBe(true);

  const next = await builder.begin(profile, { holder: holderOf(8) });
  const filling = storeOf(await as('builder writer'));
  const filled = await filling.open(profile, { holder: holderOf(8), generation: next });
  await filled.land([row('a', 5)]);
  await filled.finish();
  const copying = storeOf(await as('builder writer exporter'));
  const copy = await copying.copy(profile, { generation: next, lane: 'batch', map: () => null });
  await copy.caughtUp();
  await copy.close();
  await next.cut({ lanes: { batch: 'finished' } });
  await vi.waitFor(async () => expect((await reader.rows(profile, ['a']))[0]?.values.n).toBe(5), 20_000);

  const dir = await mkdtemp(join(tmpdir(), 'holdfast-'));
  later(() => rm(dir, { recursive: true }));
  const exporter = storeOf(await as('exporter')).exporter({ duckdb: duckdb(), dir, holder: holderOf(7) });
  expect(await exporter.run()).toMatchObject({ lost: 0, undecoded: 0 });
  expect((await exportedRows(dir, 'profile')).files.length).toBeGreaterThan(0);

  const operator = storeOf(await as('operator'));
  await keepBaseline({ store: operator, view: profile });
  expect(await driftOf({ store: operator, view: profile })).toMatchObject({ rows: 1 });
  await dropBaseline({ store: operator, view: profile });
  expect((await operator.stats()).views['profile']).toMatchObject({ live: next.id, rows: 1 });
  expect(await operator.deadLetters(clicks)).toMatchObject([{ lane: 'stream' }]);
  const previous = await operator.generation(profile, '1-0', { holder: holderOf(9) });
  await previous.cut({ lanes: { batch: 'finished' } });
  const last = await operator.generation(profile, next.id, { holder: holderOf(9) });
  expect(await last.retire()).toBe(1);
  expect((await operator.erase(user, 'a', { holder: holderOf(9), dir })).rows).toBe(2);
  expect((await operator.erase(user, '1', { holder: holderOf(9), dir })).rows).toBe(1);
  expect(await isVip()).toBe(false);
  const again = await writer.open(profile, { holder: holderOf(9) });
  expect((await again.land([row('a', 6)])).outcomes).toEqual(['erased']);
  expect(await exporter.compact()).toMatchObject({ deleted: 0 });
  for (const partition of [0, 1]) await client().hset(`{feat:shop.${partition}}:record`, 'server', 'another');
  expect(await exporter.run()).toMatchObject({ rows: 0 });
  expect(await refusals()).toEqual([]);
}, 40_000);

it('a reader takes up what a server has forgotten', async () => {
  await storeOf(url()).apply();
  const lane = await storeOf(url()).open(profile, { holder: holderOf(7) });
  await lane.land([row('a', 1)]);
  const redis = await as('reader');
  await client().del('{feat:shop}:catalog');
  const reader = storeOf(redis);
  expect((await reader.rows(profile, ['a']))[0]?.values.n).toBe(1);
  expect(await client().hget('{feat:shop}:catalog', 'live:profile')).toBe('1-0');
  expect(await refusals()).toEqual([]);
});

it('whoever lacks a right is told so by a MisuseError, and nothing is done', async () => {
  await storeOf(url()).apply();
  const lane = await storeOf(url()).open(profile, { holder: holderOf(7) });
  await lane.land([row('a', 1)]);
  const dump = async (): Promise<string> => {
    const keys = (await client().keys('*')).sort();
    const all = keys.map(async (key) => {
      // The order of a hash's fields may change while it is only read.
      if ((await client().type(key)) !== 'hash') return (await client().dumpBuffer(key))?.toString('base64');
      return JSON.stringify(Object.entries(await client().hgetall(key)).sort());
    });
    return (await Promise.all(all)).map((each, place) => `${keys[place]} ${each}`).join('\n');
  };
  const before = await dump();
  const refused = async (act: () => Promise<unknown>): Promise<void> => {
    const error = await act().then(
      () => 'done',
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(MisuseError);
    expect(String(error)).toMatch(/does not let this user do that.*README/s);
  };
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-'));
  later(() => rm(dir, { recursive: true }));
  const [reader, writer, exporter] = [await as('reader'), await as('writer'), await as('exporter')];
  for (const redis of [reader, exporter]) {
    await refused(() => storeOf(redis).open(profile, { holder: holderOf(9) }));
    await refused(() => storeOf(redis).open(clicks, { holder: holderOf(9) }));
  }
  for (const redis of [reader, writer]) {
    const holder = holderOf(9);
    await refused(() => storeOf(redis).exporter({ duckdb: duckdb(), dir, holder }).run());
    await refused(() => storeOf(redis).stats());
    const next = view('profile', { entity: user, fields: { n: t.int(), m: t.int() } });
    const other = createFeatures({ redis, name: 'shop', views: [next], partitions: 2 });
    later(() => other.close());
    await refused(() => other.apply());
  }
  await refused(() => storeOf(reader, 'other').apply());
  await refused(() => storeOf(writer, 'shop2').open(profile, { holder: holderOf(9) }));
  expect(await dump()).toBe(before);
});
