/** Drift of what is served, from a baseline that is kept beside the store. */
import { createFeatures, entity, flags, t, view, windows } from '@holdfast/features';
import { driftOf, dropBaseline, keepBaseline } from '@holdfast/features/offline';
import { seededRandom, type TokenHolder } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const pair = entity('pair', [user, entity('shop')]);
const profile = view('profile', {
  entity: user,
  fields: { spent: t.float64().optional(), vip: t.bool(), tier: t.string().optional() },
});
const visits = view('visits', { entity: pair, fields: { n: t.int() } });
const promos = flags('promos', { entity: user, flags: ['sale'] });
const clicks = windows('clicks', {
  entity: user,
  tile: 60_000,
  event: z.object({ user: z.string(), at: z.number() }),
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({ count: on.count({ over: 3_600_000 }) }),
});
const holder: TokenHolder = {
  ...{ token: 7, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
};

async function shop() {
  const views = [profile, visits, promos, clicks];
  const store = createFeatures({ redis: url(), name: 'shop', views, partitions: 2 });
  later(() => store.close());
  await store.apply();
  const lane = await store.open(profile, { holder });
  const random = seededRandom(1);
  let time = Date.now() - 60_000;
  const land = (count: number, spent: () => number | null, vip = 0.5) => {
    time += 1;
    const rows = Array.from({ length: count }, (_, n) => ({
      ...{ id: `u${n}`, time },
      values: { spent: spent(), vip: random.unit() < vip, tier: 'gold' },
    }));
    return lane.land(rows);
  };
  const of = async (name: string) =>
    (await driftOf({ store, view: profile })).features.find(({ feature }) => feature === name);
  return { store, land, of, random };
}

it('is none while the values are spread as they were, and told where they have moved', async () => {
  const { store, land, of, random } = await shop();
  await land(1_000, () => random.unit());
  const kept = await keepBaseline({ store, view: profile });
  expect(kept.features['spent']).toMatchObject({ count: 1_000, nulls: 0 });
  expect(kept.features['spent']?.edges).toHaveLength(9);
  await land(1_000, () => random.unit());
  const drift = await driftOf({ store, view: profile });
  expect(drift).toMatchObject({ since: kept.at, rows: 1_000 });
  expect(drift.features.map(({ feature, verdict }) => [feature, verdict])).toEqual([
    ['spent', 'stable'],
    ['vip', 'stable'],
    ['tier', 'stable'],
  ]);
  await land(1_000, () => random.unit() + 0.5, 0.95);
  expect(await of('spent')).toMatchObject({ verdict: 'changed', before: { count: 1_000 } });
  expect(await of('vip')).toMatchObject({ verdict: 'changed' });
  expect(await of('tier')).toMatchObject({ verdict: 'stable', psi: null, bins: [] });
  const { bins = [] } = (await of('spent')) ?? {};
  expect(bins).toHaveLength(10);
  expect(bins.at(-1)?.upTo).toBeNull();
  expect(bins.reduce((sum, { now }) => sum + now, 0)).toBeCloseTo(1, 9);
});

it('is told where values have become null, of whatever type', async () => {
  const { store, land, of, random } = await shop();
  await land(1_000, () => random.unit());
  await keepBaseline({ store, view: profile });
  await land(1_000, () => (random.unit() < 0.4 ? null : random.unit()));
  const spent = await of('spent');
  expect(spent).toMatchObject({ verdict: 'changed', before: { nulls: 0 } });
  expect(spent?.psi).toBeLessThan(0.1);
  expect(spent?.now.nulls).toBeGreaterThan(300);
});

it('is not known without a baseline, of few rows, and of a feature that came later', async () => {
  const { store, land, of, random } = await shop();
  await expect(keepBaseline({ store, view: profile })).rejects.toThrow('serves no rows');
  expect(await driftOf({ store, view: profile })).toMatchObject({ since: undefined, rows: 0 });
  await land(150, () => random.unit());
  expect(await of('spent')).toMatchObject({ verdict: 'unknown', before: undefined, now: { count: 150 } });
  await keepBaseline({ store, view: profile, values: { vip: [0, 1, null] } });
  expect(await of('vip')).toMatchObject({ verdict: 'unknown', before: { count: 3, nulls: 1, mean: 0.5 } });
  expect(await of('spent')).toMatchObject({ verdict: 'unknown', before: undefined });
  await dropBaseline({ store, view: profile });
  expect((await driftOf({ store, view: profile })).since).toBeUndefined();
  expect(await client().keys('*baselines*')).toEqual([]);
});

it('is of a training set where its values are given, and looks at no more rows than it is told', async () => {
  const { store, land, random } = await shop();
  await land(1_200, () => random.unit());
  const values = { spent: Array.from({ length: 500 }, () => random.unit() * 10) };
  await keepBaseline({ store, view: profile, values });
  const { rows, features } = await driftOf({ store, view: profile, sample: 700 });
  expect(rows).toBe(700);
  expect(features[0]).toMatchObject({ verdict: 'changed', before: { count: 500 } });
  await expect(keepBaseline({ store, view: profile, values: { nope: [1] } })).rejects.toThrow(
    'has no feature "nope"',
  );
});

it('takes numbers as large as there are', async () => {
  const { store, land, of } = await shop();
  let turn = 0;
  await land(400, () => (turn++ % 2 === 0 ? Number.MAX_VALUE : -Number.MAX_VALUE));
  const { features } = await keepBaseline({ store, view: profile });
  expect(features['spent']?.edges.every(Number.isFinite)).toBe(true);
  expect(features['spent']?.mean).toBeLessThan(Number.MAX_VALUE / 100);
  expect(await of('spent')).toMatchObject({ verdict: 'stable', psi: 0 });
});

it('reads composite ids, and refuses flags and what was not applied', async () => {
  const { store } = await shop();
  const lane = await store.open(visits, { holder });
  const ids = Array.from({ length: 300 }, (_, n) => ({ user: `u/${n}`, shop: '50%' }));
  await lane.land(ids.map((id, n) => ({ id, time: Date.now(), values: { n } })));
  await keepBaseline({ store, view: visits });
  expect((await driftOf({ store, view: visits })).features).toMatchObject([
    { feature: 'n', verdict: 'stable', psi: 0, now: { count: 300, nulls: 0 } },
  ]);
  expect((await driftOf({ store, view: clicks })).features).toMatchObject([{ feature: 'count' }]);
  await expect(driftOf({ store, view: promos })).rejects.toThrow('a view of flags');
  const other = createFeatures({ redis: url(), name: 'other', views: [profile] });
  later(() => other.close());
  await expect(driftOf({ store: other, view: profile })).rejects.toThrow('was not applied');
});

it('is refused where a later version kept the baseline', async () => {
  const { store } = await shop();
  await client().hset('{feat:shop}:baselines', 'profile', '{"version":2}');
  await expect(driftOf({ store, view: profile })).rejects.toThrow('is of version 2');
  await client().hset('{feat:shop}:baselines', 'profile', 'nonsense');
  await expect(driftOf({ store, view: profile })).rejects.toThrow('take another baseline');
});
