/** A store from end to end on a real Redis: applied, written under a lease, and read with its types. */
import { StaleTokenError } from '@holdfast/fence';
import { MisuseError } from '@holdfast/kernel';
import { createLocks } from '@holdfast/lock';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { entity, global } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { DefinitionMismatchError } from '../src/errors.js';
import { createFeatures, type FeaturesOptions } from '../src/features.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const DAY = 86_400_000;
const user = entity('user');
const product = entity('product');
const PROFILE = {
  entity: user,
  ttl: 30 * DAY,
  fields: { age: t.int().optional(), tier: t.string(), taste: t.vector(3), seen: t.timestamp() },
};
const profile = view('profile', PROFILE);
const stock = view('stock', { entity: product, fields: { left: t.int(), hot: t.bool() } });
const affinity = view('affinity', {
  entity: entity('pair', [user, product]),
  fields: { score: t.float64() },
});
const rates = view('rates', { entity: global, fields: { vat: t.float64() } });
const ranking = service('ranking', {
  views: { profile, stock, affinity },
  request: z.object({ price: z.number() }),
  derive: (row, { price }) => ({ perUnit: row['stock.left'] === null ? null : price / row['stock.left'] }),
});

function storeOf(options: Partial<FeaturesOptions> = {}) {
  const views = [profile, stock, affinity, rates];
  const store = createFeatures({ redis: url(), name: 'shop', views, services: [ranking], ...options });
  later(() => store.close());
  return store;
}

function locksOf() {
  const locks = createLocks({ nodes: [url()], deployment: 'jobs' });
  later(() => locks.close());
  return locks;
}

const NOW = Date.now();
const values = { age: 41, tier: 'gold', taste: [1, 2.5, -3], seen: NOW };

describe('a feature store', () => {
  it('serves, with their types, the rows that a lane landed under a lease', async () => {
    const store = storeOf();
    const locks = locksOf();
    await locks.initialize();
    const applied = await store.apply();
    expect(applied.views.map(({ view: name, effect }) => `${name} ${effect}`)).toEqual([
      ...['profile new', 'stock new', 'affinity new', 'rates new'],
    ]);
    expect(applied.services).toMatchObject([{ service: 'ranking', version: 1, effect: 'new' }]);
    await using lease = await locks.acquire('profiles');
    const lane = await store.open(profile, { holder: lease });
    const { outcomes } = await lane.land([
      { id: 'u1', time: NOW, values },
      { id: 'u2', time: new Date(NOW), values: { ...values, age: null } },
    ]);
    expect(outcomes).toEqual(['accepted', 'accepted']);
    const [first, second, none] = await store.rows(profile, ['u1', 'u2', 'u3']);
    const seen = new Date(NOW);
    expect(first).toEqual({
      values: { age: 41, tier: 'gold', taste: new Float32Array([1, 2.5, -3]), seen },
      ...{ time: seen, reason: undefined },
    });
    expect(second?.values.age).toBeNull();
    expect(none).toEqual({
      values: { age: null, tier: null, taste: null, seen: null },
      ...{ time: null, reason: 'missing' },
    });
    // A program that starts later knows only what is registered.
    const other = storeOf();
    expect((await other.rows(profile, ['u1']))[0]).toEqual(first);
  });

  it('answers for services: several views and entities, derived features, null for what is missing', async () => {
    const store = storeOf();
    await store.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    await (await store.open(profile, { holder })).land([{ id: 'u1', time: NOW, values }]);
    await (await store.open(stock, { holder })).land([
      { id: 'p7', time: NOW, values: { left: 4, hot: true } },
    ]);
    const pairs = await store.open(affinity, { holder });
    await pairs.land([{ id: { user: 'u1', product: 'p7' }, time: NOW, values: { score: 0.25 } }]);
    const rows = await store.get(
      ranking,
      [
        { user: 'u1', product: 'p7' },
        { user: 'u1', product: 'p8' },
      ],
      {
        price: 10,
      },
    );
    expect(rows).toMatchObject([
      { 'profile.tier': 'gold', 'stock.left': 4, 'stock.hot': true, 'affinity.score': 0.25, perUnit: 2.5 },
      {
        'profile.tier': 'gold',
        'stock.left': null,
        'stock.hot': null,
        'affinity.score': null,
        perUnit: null,
      },
    ]);
    const tier: string | null | undefined = rows[0]?.['profile.tier'];
    expect(tier).toBe('gold');
    // @ts-expect-error there is no such feature
    expect(rows[0]?.['profile.colour']).toBeUndefined();
    // @ts-expect-error the request is checked against its schema, also when it is sent
    await expect(store.get(ranking, [{ user: 'u1', product: 'p7' }], { price: 'x' })).rejects.toThrow(
      /do not fit the service "ranking"'s schema/,
    );
    // @ts-expect-error an id is missing
    await expect(store.get(ranking, [{ user: 'u1' }], { price: 1 })).rejects.toThrow(/id of "product"/);
  });

  it('the entity `global` has one row', async () => {
    const store = storeOf();
    await store.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    await (await store.open(rates, { holder })).land([{ id: undefined, time: NOW, values: { vat: 0.19 } }]);
    expect((await store.rows(rates, [undefined]))[0]?.values).toEqual({ vat: 0.19 });
  });

  it('a job that was replaced lands nothing, in no partition', async () => {
    const store = storeOf();
    await store.apply();
    const locks = locksOf();
    await locks.initialize();
    const first = await locks.acquire('profiles');
    const old = await store.open(profile, { holder: first });
    await old.land([{ id: 'u1', time: NOW, values }]);
    await first.release();
    await using second = await locks.acquire('profiles');
    const next = await store.open(profile, { holder: second });
    const late = Array.from({ length: 64 }, (_, n) => ({ id: `u${n}`, time: NOW + 1, values }));
    await expect(old.land(late)).rejects.toThrow();
    // Even if the old job ignores that its lease has ended.
    const zombie = {
      token: first.token,
      resource: 'profiles',
      issuer: first.issuer,
      signal: new AbortController().signal,
    };
    await expect(store.open(profile, { holder: zombie })).rejects.toThrow(StaleTokenError);
    expect((await store.rows(profile, ['u1']))[0]?.time).toEqual(new Date(NOW));
    expect((await next.land([{ id: 'u1', time: NOW - 5, values }])).outcomes).toEqual(['older']);
  });

  it('a bad row is refused by itself, with the path of what is wrong', async () => {
    const store = storeOf();
    await store.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    const lane = await store.open(profile, { holder });
    const wrong = (value: unknown) => value as never;
    const { outcomes, errors } = await lane.land([
      { id: 'u1', time: NOW, values: { ...values, age: wrong('41') } },
      { id: 'u2', time: NOW, values },
      { id: '', time: NOW, values },
      { id: 'u4', time: Number.NaN, values },
      { id: 'u5', time: NOW + 3_600_000, values },
      { id: 'u6', time: NOW, values: wrong({ ...values, colour: 'red' }) },
      wrong(null),
    ]);
    expect(outcomes).toEqual(['refused', 'accepted', 'refused', 'refused', 'refused', 'refused', 'refused']);
    expect([...errors].map(([place, { path }]) => [place, path]).sort()).toEqual([
      [0, 'values.age'],
      [2, 'the id of "user"'],
      [3, 'time'],
      [4, 'time'],
      [5, 'each name in values'],
      [6, 'it'],
    ]);
    expect((await store.rows(profile, ['u1', 'u2'])).map(({ reason }) => reason)).toEqual([
      'missing',
      undefined,
    ]);
    await expect(lane.land(wrong('u1'))).rejects.toThrow(/land\(\) takes a list of rows.*got "u1"/);
  });

  it('a holder needs no signal, but a token, a resource and an issuer', async () => {
    const store = storeOf();
    await store.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i' };
    const lane = await store.open(profile, { holder });
    expect((await lane.land([{ id: 'u1', time: NOW, values }])).outcomes).toEqual(['accepted']);
    for (const wrong of [undefined, {}, { token: 1 }, { ...holder, token: 0.5 }])
      await expect(store.open(profile, { holder: wrong as never })).rejects.toThrow(MisuseError);
    await expect(store.open(profile, undefined as never)).rejects.toThrow(MisuseError);
  });

  it('a program that takes a feature for another type is told so, and is answered nothing', async () => {
    const store = storeOf();
    await store.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i' };
    await (await store.open(profile, { holder })).land([{ id: 'u1', time: NOW, values }]);
    const other = view('profile', { ...PROFILE, fields: { ...PROFILE.fields, age: t.string().optional() } });
    const reading = storeOf({ views: [other], services: [] }).rows(other, ['u1']);
    await expect(reading).rejects.toThrow(DefinitionMismatchError);
    await expect(reading).rejects.toThrow(/fields\.age\.kind: registered "int", declared "string"/);
  });

  it('a row is served until its TTL has passed since its event time, by the TTL that is registered now', async () => {
    const store = storeOf();
    await store.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    const lane = await store.open(profile, { holder });
    await lane.land([
      { id: 'u1', time: NOW - 29 * DAY, values },
      { id: 'u2', time: NOW - 31 * DAY, values },
    ]);
    const reasons = async (of = store) => (await of.rows(profile, ['u1', 'u2'])).map(({ reason }) => reason);
    expect(await reasons()).toEqual([undefined, 'expired']);
    const longer = view('profile', { ...PROFILE, ttl: 40 * DAY });
    const other = storeOf({ views: [longer], services: [] });
    expect((await other.apply()).views).toMatchObject([
      { effect: 'compatible', differences: [{ path: 'ttl' }] },
    ]);
    expect((await other.rows(longer, ['u2']))[0]?.reason).toBeUndefined();
  });

  it('a torn row is null, never a wrong number', async () => {
    const store = storeOf();
    await store.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    await (await store.open(profile, { holder })).land([{ id: 'u1', time: NOW, values }]);
    const [key = ''] = await client().keys('*:profile.1-0:u1');
    await client().setrange(key, 60, 'x');
    expect((await store.rows(profile, ['u1']))[0]).toMatchObject({ reason: 'torn', values: { tier: null } });
  });
});

describe('definitions', () => {
  const grown = view('profile', { ...PROFILE, fields: { ...PROFILE.fields, city: t.string().optional() } });

  it('nothing is written or read before they are applied', async () => {
    const store = storeOf();
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    await expect(store.rows(profile, ['u1'])).rejects.toThrow(/call apply\(\) once/);
    await expect(store.open(profile, { holder })).rejects.toThrow(MisuseError);
  });

  it('a field that is added is null in old rows; programs of both kinds run side by side', async () => {
    const old = storeOf();
    await old.apply();
    const holder = { token: 1, resource: 'r', issuer: 'i', signal: new AbortController().signal };
    const lane = await old.open(profile, { holder });
    await lane.land([{ id: 'u1', time: NOW, values }]);
    const next = storeOf({ views: [grown], services: [] });
    await expect(next.open(grown, { holder, lane: 'stream' })).rejects.toThrow(
      /call apply\(\) before anything is written/,
    );
    expect((await next.apply()).views).toMatchObject([{ effect: 'compatible' }]);
    expect((await next.apply()).views).toMatchObject([{ effect: 'same' }]);
    const stream = await next.open(grown, { holder, lane: 'stream' });
    await stream.land([{ id: 'u2', time: NOW, values: { ...values, city: 'Bern' } }]);
    await lane.land([{ id: 'u3', time: NOW, values }]);
    const cities = (await next.rows(grown, ['u1', 'u2', 'u3'])).map(({ values: { city, tier } }) => [
      city,
      tier,
    ]);
    expect(cities).toEqual([
      [null, 'gold'],
      ['Bern', 'gold'],
      [null, 'gold'],
    ]);
    // A row of a schema that the old program has never seen.
    expect((await old.rows(profile, ['u2']))[0]?.values.tier).toBe('gold');
  });

  it('a change that stored rows cannot follow is refused, and says what differs', async () => {
    await storeOf().apply();
    const other = view('profile', { ...PROFILE, fields: { ...PROFILE.fields, tier: t.int() } });
    const refused = await storeOf({ views: [other], services: [] })
      .apply()
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DefinitionMismatchError);
    expect(refused).toMatchObject({
      differences: [{ path: 'fields.tier.kind', registered: 'string', declared: 'int' }],
    });
    const shorter = storeOf({ views: [view('profile', { ...PROFILE, ttl: DAY })], services: [] });
    await expect(shorter.apply()).rejects.toThrow(/force/);
    expect((await shorter.apply({ force: true })).views).toMatchObject([{ effect: 'lossy' }]);
  });

  it('a view or a service that is none of the store is refused', async () => {
    const store = storeOf();
    await store.apply();
    await expect(store.rows(grown, ['u1'])).rejects.toThrow(/"profile" is none of this store/);
    const other = service('other', { views: { profile } });
    await expect(store.get(other, [{ user: 'u1' }])).rejects.toThrow(/"other" is none of this store/);
    expect(() => createFeatures({ redis: url(), name: 'a b', views: [] })).toThrow(MisuseError);
    await store.close();
    await expect(store.rows(profile, ['u1'])).rejects.toThrow(/closed/);
  });
});
