/** A store that is opened by its name alone reads what programs with definitions have written, and operates it. */
import {
  createFeatures,
  entity,
  openFeatures,
  redisStream,
  service,
  t,
  view,
  windows,
} from '@holdfast/features';
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const pair = entity('pair', [user, entity('product')]);
const profile = view('profile', {
  entity: user,
  ttl: 3_600_000,
  owner: 'growth',
  fields: { n: t.int(), born: t.timestamp(), name: t.string().optional(), taste: t.vector(2) },
});
const seen = view('seen', { entity: pair, fields: { often: t.int() } });
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
const plain = service('plain', { views: { profile, clicks } });
const derived = service('derived', { views: { profile }, derive: () => ({ one: 1 }) });
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

async function setting() {
  const views = [profile, seen, clicks];
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', views, services: [plain, derived], partitions: 3 },
  });
  later(() => store.close());
  await store.apply();
  const opened = await openFeatures({ redis: url(), name: 'shop' });
  later(() => opened.close());
  const of = (name: string) => {
    const found = opened.views.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no view ${name}`);
    return found;
  };
  return { store, opened, of };
}

it('reads rows, windows, and a service that derives nothing, with the types that were applied', async () => {
  const { store, opened, of } = await setting();
  const lane = await store.open(profile, { holder: holderOf(7) });
  const values = { n: 3, born: new Date(1_000), taste: [1, 2] };
  await lane.land([{ id: 'a', time: Date.now(), values }]);
  await (await store.open(seen, { holder: holderOf(7) })).land([
    { id: { user: 'a', product: 'p' }, time: Date.now(), values: { often: 4 } },
  ]);
  await client().xadd('events', '*', 'user', 'a', 'what', 'x', 'at', String(Date.now()));
  const stream = await store.open(clicks, { lane: 'stream', holder: holderOf(7) });
  stream.follow(redisStream({ redis: url(), streams: ['events'] }), (value) => {
    const { at, ...others } = value as Record<string, string>;
    return { ...others, at: Number(at) };
  });
  await vi.waitFor(() => expect(stream.stats()).toMatchObject({ added: 1 }), 20_000);
  expect(await opened.rows(of('profile'), ['a'])).toEqual(await store.rows(profile, ['a']));
  expect((await opened.rows(of('profile'), ['a']))[0]?.values).toMatchObject({ n: 3, born: new Date(1_000) });
  expect((await opened.rows(of('seen'), [{ user: 'a', product: 'p' } as never]))[0]?.values).toEqual({
    often: 4,
  });
  expect((await opened.rows(of('clicks'), ['a']))[0]?.values).toEqual({ count: 1, kinds: 1, recent: ['x'] });
  expect(opened.served.map(({ name }) => name)).toEqual(['plain']);
  const [answer] = await opened.get(
    opened.served[0] as never,
    [{ user: 'a' }] as never[],
    undefined as never,
  );
  expect(answer).toMatchObject({ 'profile.n': 3, 'clicks.count': 1 });
  // It means the same: nothing differs from what is applied.
  const applied = await opened.apply();
  expect(applied.views.map(({ effect }) => effect)).toEqual(['same', 'same', 'same']);

  expect(await opened.lanes(of('profile'))).toEqual([
    { lane: 'batch', rank: 20, token: 7, issuer: 'locks', isFinished: false, source: [] },
  ]);
  expect(await opened.lanes(of('clicks'))).toMatchObject([
    { lane: 'stream', token: 7, source: [{ partition: 0, name: 'events' }] },
  ]);
  await lane.finish();
  expect(await opened.lanes(of('profile'))).toMatchObject([{ isFinished: true }]);
  expect(await opened.lanes(of('profile'), { generation: '9-9' })).toEqual([]);
});

it('lands rows, builds generations, and sweeps what a retirement has left', async () => {
  const { store, opened, of } = await setting();
  const next = await opened.begin(of('profile'), { holder: holderOf(8) });
  const lane = await opened.open(of('profile') as typeof profile, { holder: holderOf(8), generation: next });
  await lane.land([{ id: 'a', time: Date.now(), values: { n: 5, born: 0, taste: [0, 0] } }]);
  await lane.finish();
  await next.cut({ lanes: {} });
  await vi.waitFor(async () => expect((await store.rows(profile, ['a']))[0]?.values.n).toBe(5), 20_000);
  const first = await opened.generation(of('profile'), '1-0', { holder: holderOf(8) });
  await first.retire();
  await client().set('{feat:shop.1}:profile.1-0:left', 'x');
  expect(await opened.sweep(of('profile'))).toBe(1);
  expect(await client().keys('*:profile.1-0:*')).toEqual([]);
  expect((await store.rows(profile, ['a']))[0]?.values.n).toBe(5);
  await expect(opened.open(of('clicks') as typeof clicks, { holder: holderOf(8) })).resolves.toBeDefined();
});

it('is refused where there is none, and says so', async () => {
  await expect(openFeatures({ redis: url(), name: 'none' })).rejects.toThrow(MisuseError);
  await expect(openFeatures({ redis: url(), name: 'none' })).rejects.toThrow(/no feature store "none"/);
  await client().hset('{feat:late}:catalog', 'layout', '9', 'partitions', '1');
  await expect(openFeatures({ redis: url(), name: 'late' })).rejects.toThrow(/key layout 9/);
});
