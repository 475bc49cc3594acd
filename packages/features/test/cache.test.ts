/** What a process keeps of what it has read, on a real Redis, by a clock that the tests set forward. */
import { type Clock, MisuseError, systemClock } from '@holdfast/kernel';
import { beforeEach, describe, expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { type CacheOptions, service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { ReadCache } from '../src/read/cache.js';
import { later, url, useRedis } from './setting.js';

useRedis();

let forward = 0;
beforeEach(() => {
  forward = 0;
});
const clock: Clock = { ...systemClock, now: () => systemClock.now() + forward };

const HOUR = 3_600_000;
const user = entity('user');
const TTL = 60_000;
const profile = view('profile', { entity: user, ttl: TTL, fields: { n: t.int() } });
const session = view('session', { entity: user, fields: { n: t.int() } });
const stock = view('stock', { entity: entity('product'), strict: true, fields: { n: t.int() } });
const balance = view('balance', { entity: user, strict: true, fields: { n: t.int() } });

const ids = [{ user: 'u1' }];
const holder = { token: 1, resource: 'r', issuer: 'i' };

async function storeWith(cache: CacheOptions = { maxAge: HOUR }) {
  const direct = service('direct', { views: { profile, session } });
  const cached = service('cached', { views: { profile, session }, cache });
  const mixed = service('mixed', { views: { profile, stock }, cache });
  const strict = service('strict', { views: { session, balance }, cache });
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: 2, clock },
    views: [profile, session, stock, balance],
    services: [direct, cached, mixed, strict],
  });
  later(() => store.close());
  await store.apply();
  const lanes = {
    profile: await store.open(profile, { holder }),
    session: await store.open(session, { holder }),
    stock: await store.open(stock, { holder }),
    balance: await store.open(balance, { holder }),
  };
  const begun = Date.now();
  /** `n` says in which order rows were landed. */
  const land = (name: keyof typeof lanes, id: string, n: number) =>
    lanes[name].land([{ id, time: begun - TTL / 2 + n, values: { n } }]);
  // The first answer with rows brings the definitions.
  await land('profile', 'u1', 1);
  await land('session', 'u1', 1);
  await land('balance', 'u1', 1);
  await land('stock', 'p1', 1);
  await store.get(direct, ids);
  await store.get(strict, ids);
  await store.get(mixed, [{ user: 'u0', product: 'p1' }]);
  return { store, land, services: { direct, cached, mixed, strict } };
}

describe('a service with a cache', () => {
  it('answers what it has read, until it is too old; one without reads anew', async () => {
    const { store, land, services } = await storeWith({ maxAge: 60_000 });
    const { cached, direct } = services;
    const before = await store.get(cached, ids);
    expect(before).toEqual([{ 'profile.n': 1, 'session.n': 1 }]);
    await land('profile', 'u1', 2);
    const [kept] = await store.get(cached, ids, undefined, { meta: true });
    expect(kept?.answer).toEqual(before[0]);
    expect(kept?.views.profile.readAge).toBeGreaterThan(0);
    expect((await store.get(direct, ids))[0]?.['profile.n']).toBe(2);
    forward = 59_000;
    const [old] = await store.get(cached, ids, undefined, { meta: true });
    expect(old?.views.profile.readAge).toBeGreaterThan(59_000);
    forward = 60_001;
    expect((await store.get(cached, ids))[0]?.['profile.n']).toBe(2);
  });

  it('keeps that a row is missing, and rows of each id by themselves', async () => {
    const { store, land, services } = await storeWith();
    const both = [{ user: 'u1' }, { user: 'u2' }];
    const nothing = { 'profile.n': null, 'session.n': null };
    const read = () => store.get(services.cached, both);
    expect(await read()).toEqual([{ 'profile.n': 1, 'session.n': 1 }, nothing]);
    await land('profile', 'u2', 2);
    expect((await read())[1]).toEqual(nothing);
    expect(await store.get(services.cached, [{ user: 'u3' }, { user: 'u2' }])).toEqual([nothing, nothing]);
  });

  it('does not outlive a TTL: a row is judged anew at each answer', async () => {
    const { store, services } = await storeWith();
    const read = () => store.get(services.cached, ids, undefined, { meta: true });
    expect((await read())[0]?.answer).toEqual({ 'profile.n': 1, 'session.n': 1 });
    const short = view('profile', { entity: user, ttl: 1, fields: { n: t.int() } });
    const other = createFeatures({ redis: url(), name: 'shop', partitions: 2, views: [short] });
    later(() => other.close());
    await other.apply({ force: true });
    forward = 2_000; // beyond the lease of what was registered before
    expect((await read())[0]?.views.profile.reason).toBe('expired'); // from Redis, and brings what is registered now
    const [late] = await read();
    expect(late?.answer).toEqual({ 'profile.n': null, 'session.n': 1 });
    expect(late?.views.profile.reason).toBe('expired');
    expect(late?.views.profile.readAge).toBeGreaterThan(2_000);
  });

  it('does not outlive a cut: the generation that took the place is read at once', async () => {
    const { store, services } = await storeWith();
    const read = async () => (await store.get(services.cached, ids))[0];
    expect(await read()).toEqual({ 'profile.n': 1, 'session.n': 1 });
    const next = await store.begin(profile, { holder: { ...holder, token: 2 } });
    const lane = await store.open(profile, { holder: { ...holder, token: 2 }, generation: next });
    await lane.land([{ id: 'u1', time: Date.now(), values: { n: 7 } }]);
    expect(await read()).toEqual({ 'profile.n': 1, 'session.n': 1 });
    await next.cut({ lanes: { batch: 'ended' } });
    for (let reads = 0; reads < 3; reads += 1)
      expect(await read()).toEqual({ 'profile.n': 7, 'session.n': 1 });
  });

  it('answers all rows of an entity as of one instant, also where only one of them has changed', async () => {
    const { store, land, services } = await storeWith();
    // Kept for `mixed`, which has a cache of its own, and reads the profile alone.
    await store.get(services.mixed, [{ user: 'u1', product: 'p1' }]);
    await land('profile', 'u1', 2);
    await land('session', 'u1', 2);
    expect((await store.get(services.cached, ids))[0]).toEqual({ 'profile.n': 2, 'session.n': 2 });
  });

  it('keeps the place in the log with the rows', async () => {
    const { store, land, services } = await storeWith();
    const placeOf = async (which: 'cached' | 'direct') => {
      const options = { meta: true, place: true } as const;
      return (await store.get(services[which], ids, undefined, options))[0]?.views.profile.place;
    };
    await store.get(services.cached, ids);
    const before = (await placeOf('direct'))?.at;
    await land('profile', 'u1', 2);
    expect((await placeOf('direct'))?.at).not.toBe(before);
    expect(await placeOf('cached')).toMatchObject({ id: 'u1', at: before });
    expect(before).not.toBe('');
  });
});

describe('a strict view', () => {
  it('is read from Redis each time, with all else of its entity; other entities are kept', async () => {
    const { store, land, services } = await storeWith();
    const both = [{ user: 'u1', product: 'p1' }];
    const readMixed = async () => (await store.get(services.mixed, both))[0];
    const readStrict = async () => (await store.get(services.strict, ids))[0];
    expect(await readMixed()).toEqual({ 'profile.n': 1, 'stock.n': 1 });
    expect(await readStrict()).toEqual({ 'session.n': 1, 'balance.n': 1 });
    for (const name of ['profile', 'session', 'balance'] as const) await land(name, 'u1', 2);
    await land('stock', 'p1', 2);
    expect(await readMixed()).toEqual({ 'profile.n': 1, 'stock.n': 2 });
    expect(await readStrict()).toEqual({ 'session.n': 2, 'balance.n': 2 });
  });

  it('is strict by what is registered, also in a program that does not say so', async () => {
    const { store: _, land } = await storeWith();
    const loose = view('balance', { entity: user, fields: { n: t.int() } });
    const old = service('old', { views: { loose }, cache: { maxAge: HOUR } });
    const store = createFeatures({
      ...{ redis: url(), name: 'shop', partitions: 2, clock },
      ...{ views: [loose], services: [old] },
    });
    later(() => store.close());
    const read = async () => (await store.get(old, ids))[0]?.['loose.n'];
    await read();
    expect(await read()).toBe(1);
    await land('balance', 'u1', 2);
    expect(await read()).toBe(2);
  });
});

describe('the bound', () => {
  it('is of rows: what was read first leaves first, and a later read is not replaced by an earlier one', () => {
    const cache = new ReadCache({ rows: 4, maxAge: HOUR });
    const generations = ['1-0', '1-0'];
    const entry = (asked: number, text: string) => ({
      ...{ asked, generations, at: '' },
      rows: [Buffer.from(text), null],
    });
    for (const [asked, key] of ['a', 'b', 'c'].entries()) cache.keep(key, entry(asked, key));
    expect(cache.rows).toBe(4);
    expect(cache.find('a', generations, 0)).toBeUndefined();
    expect(String(cache.find('c', generations, 0)?.rows[0])).toBe('c');
    cache.keep('c', entry(1, 'earlier'));
    expect(String(cache.find('c', generations, 0)?.rows[0])).toBe('c');
    expect(cache.rows).toBe(4);
    expect(cache.find('c', ['1-0', '2-0'], 0)).toBeUndefined();
    expect(cache.find('c', generations, 3)).toBeUndefined();
    cache.clear();
    expect(cache.rows).toBe(0);
  });

  it('does not keep what its row came in', async () => {
    const cache = new ReadCache({ rows: 4, maxAge: HOUR });
    const chunk = Buffer.alloc(65_536, 1);
    const read = { asked: 0, generations: ['1-0'], at: '', rows: [chunk.subarray(0, 100)] };
    cache.keep('a', read);
    const kept = cache.find('a', ['1-0'], 0)?.rows[0];
    expect(kept?.equals(chunk.subarray(0, 100))).toBe(true);
    expect(kept?.buffer).not.toBe(chunk.buffer);
  });

  it('cannot be nonsense', () => {
    const wrong = (cache: unknown) => () => service('s', { views: { profile }, cache: cache as never });
    expect(wrong({ rows: 0 })).toThrow(MisuseError);
    expect(wrong({ rows: 0 })).toThrow(/rows.*from 1/);
    expect(wrong({ maxAge: -1 })).toThrow(/maxAge/);
    expect(wrong({ ttl: 5 })).toThrow(/no option "ttl"/);
    expect(wrong(true)).toThrow(/cache/);
  });
});

describe('fresh', () => {
  it('says how old an answer may be at most; with 0, it comes from Redis', async () => {
    const { store, land, services } = await storeWith();
    const read = async (fresh?: number) =>
      (await store.get(services.cached, ids, undefined, { ...(fresh !== undefined && { fresh }) }))[0]?.[
        'profile.n'
      ];
    expect(await read()).toBe(1);
    await land('profile', 'u1', 2);
    forward = 30_000;
    expect(await read()).toBe(1);
    expect(await read(60_000)).toBe(1);
    expect(await read(29_000)).toBe(2); // and is kept
    await land('profile', 'u1', 3);
    expect(await read(29_000)).toBe(2);
    expect(await read(0)).toBe(3);
    expect(await read()).toBe(3);
    expect([...(await store.vector(services.cached, ids, undefined, { fresh: 0 })).values]).toEqual([3, 1]);
  });

  it('cannot allow more than the cache does, nor be nonsense', async () => {
    const { store, land, services } = await storeWith({ maxAge: 1_000 });
    const read = async (fresh: number) =>
      (await store.get(services.cached, ids, undefined, { ...(fresh !== undefined && { fresh }) }))[0]?.[
        'profile.n'
      ];
    expect(await read(60_000)).toBe(1);
    await land('profile', 'u1', 2);
    forward = 1_001;
    expect(await read(60_000)).toBe(2);
    await expect(read(-1)).rejects.toThrow(/fresh/);
    await expect(read(Number.NaN)).rejects.toThrow(MisuseError);
  });
});

describe('warm()', () => {
  it('reads into the cache of a service, at once after the start of a program', async () => {
    const { land, services } = await storeWith();
    const store = createFeatures({
      ...{ redis: url(), name: 'shop', partitions: 2, clock },
      ...{ views: [profile, session], services: [services.direct, services.cached] },
    });
    later(() => store.close());
    await store.warm(services.cached, [{ user: 'u1' }, { user: 'u2' }]);
    await land('profile', 'u1', 2);
    await land('profile', 'u2', 2);
    const answers = await store.get(services.cached, [{ user: 'u1' }, { user: 'u2' }, { user: 'u3' }]);
    expect(answers.map((answer) => answer['profile.n'])).toEqual([1, null, null]);
    const wrong = (ids: unknown) => store.warm(services.cached, ids as { user: string }[]);
    await expect(wrong([{ user: 7 }])).rejects.toThrow(/the id of "user"/);
    await expect(wrong(7)).rejects.toThrow(/warm\(\) takes a list of ids/);
    await expect(store.warm(services.direct, ids)).rejects.toThrow(/"direct" has no cache/);
  });
});
