/** What a service answers as numbers for a model, on a real Redis. */
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { entity } from '../src/definition/entity.js';
import { flags } from '../src/definition/flags.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { windows } from '../src/definition/windows.js';
import { createFeatures, type Features } from '../src/features.js';
import { later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const SINCE = Date.parse('2026-01-02T03:04:05.678Z');
const profile = view('profile', {
  entity: user,
  fields: {
    tier: t.string(),
    ...{ since: t.timestamp(), age: t.int().optional(), taste: t.vector(2), score: t.float64() },
    ...{ half: t.float32(), adult: t.bool(), seen: t.list() },
  },
});
const promos = flags('promos', { entity: user, flags: ['vip'] });
const clicks = windows('clicks', {
  entity: user,
  tile: 60_000,
  event: z.object({ user: z.string(), at: z.number() }),
  key: (e) => e.user,
  time: (e) => e.at,
  fields: (on) => ({ count: on.count({ over: 3_600_000 }), recent: on.latest((e) => e.user, { n: 2 }) }),
});
const ranking = service('ranking', {
  views: { p: profile, promos, clicks },
  request: z.object({ price: z.number() }),
  derive: (row, request) => ({
    relative: row['p.score'] === null ? null : request.price / row['p.score'],
    label: 'x',
  }),
});
const plain = service('plain', { views: { profile } });
const texts = view('texts', { entity: user, fields: { text: t.string() } });
const onlyTexts = service('onlyTexts', { views: { texts } });

let store: Features;
beforeEach(async () => {
  store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: 2, views: [profile, promos, clicks, texts] },
    services: [ranking, plain, onlyTexts],
  });
  later(() => store.close());
  await store.apply();
  const holder = { token: 1, resource: 'r', issuer: 'i' };
  const values = { tier: 'gold', since: SINCE, age: 41, taste: [0.5, -1], score: 8, half: 0.25 };
  const lane = await store.open(profile, { holder });
  const row = { id: '1', time: Date.now(), values: { ...values, adult: true, seen: [1, 2] } };
  await lane.land([row, { ...row, id: '2', values: { ...row.values, age: null, adult: false } }]);
  await (await store.open(promos, { holder })).land([{ id: '2', values: { vip: true } }]);
});

const ids = [{ user: '1' }, { user: '2' }, { user: '3' }];

describe('vector()', () => {
  it('has the features that are numbers in the order of the definitions, and NaN for null', async () => {
    const { values, columns } = await store.vector(ranking, ids, { price: 4 });
    expect(columns).toEqual([
      ...['p.since', 'p.age', 'p.taste[0]', 'p.taste[1]', 'p.score', 'p.half', 'p.adult'],
      ...['promos.vip', 'clicks.count'],
    ]);
    const none = Array.from({ length: 7 }, () => Number.NaN);
    expect(values).toBeInstanceOf(Float64Array);
    expect([...values]).toEqual([
      ...[SINCE, 41, 0.5, -1, 8, 0.25, 1, 0, Number.NaN],
      ...[SINCE, Number.NaN, 0.5, -1, 8, 0.25, 0, 1, Number.NaN],
      ...[...none, 0, Number.NaN],
    ]);
  });

  it('has the features that are named, in that order, and those that are derived', async () => {
    const options = { features: ['relative', 'p.taste', 'p.age'], as: 'float32', missing: -1 } as const;
    const { values, columns } = await store.vector(ranking, ids, { price: 4 }, options);
    expect(columns).toEqual(['relative', 'p.taste[0]', 'p.taste[1]', 'p.age']);
    expect(values).toBeInstanceOf(Float32Array);
    expect([...values]).toEqual([...[0.5, 0.5, -1, 41], ...[0.5, 0.5, -1, -1], ...[-1, -1, -1, -1]]);
  });

  it('has no rows for no ids', async () => {
    const { values, columns } = await store.vector(plain, []);
    expect(values).toHaveLength(0);
    expect(columns).toHaveLength(7);
  });

  it('refuses what is no number, with its name', async () => {
    const vector = (features: unknown) =>
      store.vector(ranking, ids, { price: 4 }, { features: features as string[] });
    await expect(vector(['p.tier'])).rejects.toThrow(MisuseError);
    await expect(vector(['p.tier'])).rejects.toThrow(/"p.tier" of the service "ranking" is a string/);
    await expect(vector(['p.seen'])).rejects.toThrow(/is a list/);
    await expect(vector(['p.gone'])).rejects.toThrow(/no feature "p.gone"/);
    await expect(vector(['gone'])).rejects.toThrow(/derive\(\) gives no feature "gone"/);
    await expect(vector(['label'])).rejects.toThrow(/derive\(\) gives a string for "label"/);
    await expect(vector(['p.age', 'p.age'])).rejects.toThrow(/each once/);
    await expect(store.vector(plain, ids, undefined, { features: ['age'] })).rejects.toThrow(
      /no feature "age"/,
    );
    await expect(store.vector(onlyTexts, ids)).rejects.toThrow(/no features that are numbers/);
    const wrong = (options: object) => store.vector(plain, ids, undefined, options);
    await expect(wrong({ as: 'int8' })).rejects.toThrow(/as.*"float64" or "float32"/);
    await expect(wrong({ missing: null })).rejects.toThrow(/missing/);
    await expect(wrong({ place: true })).rejects.toThrow(/place/);
    await expect(store.vector(plain, [null as never])).rejects.toThrow(/ids\[0\] of vector\(\)/);
  });

  it('ends with its signal', async () => {
    const signal = AbortSignal.abort();
    await expect(store.vector(plain, ids, undefined, { signal })).rejects.toThrow(AbortedError);
  });
});
