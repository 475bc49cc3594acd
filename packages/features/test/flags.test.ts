/** Flags: written under a token, stored as bits, served, erased, replaced by a generation, on a real Redis. */
import { StaleTokenError } from '@holdfast/fence';
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { flags } from '../src/definition/flags.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { redisStream } from '../src/source/redis-stream.js';
import { losingWay } from './losing.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const promos = flags('promos', { entity: user, flags: ['vip', 'spring'] });
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const ranking = service('ranking', { views: { profile, promos } });
const holderOf = (token: number) => ({ token, resource: 'r', issuer: 'i' });
const CHUNK = 32_768;

async function appliedStore() {
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', partitions: 3 },
    ...{ views: [profile, promos], services: [ranking] },
  });
  later(() => store.close());
  await store.apply();
  const valuesOf = async (...ids: string[]) => (await store.rows(promos, ids)).map(({ values }) => values);
  return { store, valuesOf };
}

describe('flags', () => {
  it('are set and cleared one by one, and served beside rows; those that were never written are not set', async () => {
    const { store, valuesOf } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1) });
    const top = String(Number.MAX_SAFE_INTEGER);
    const ids = ['0', '7', String(CHUNK - 1), String(CHUNK), top];
    const rows = ids.map((id) => ({ id, values: { vip: true } }));
    expect((await lane.land(rows)).outcomes).toEqual(ids.map(() => 'accepted'));
    await lane.land([
      { id: '7', values: { spring: true } },
      { id: '0', values: { vip: false, spring: true } },
    ]);
    expect(await valuesOf(...ids, '8')).toEqual([
      { vip: false, spring: true },
      { vip: true, spring: true },
      ...Array.from({ length: 3 }, () => ({ vip: true, spring: false })),
      { vip: false, spring: false },
    ]);
    const [read] = await store.get(ranking, [{ user: '7' }], undefined, { meta: true, place: true });
    expect(read?.answer).toEqual({ 'profile.n': null, 'promos.vip': true, 'promos.spring': true });
    expect(read?.views.promos).toMatchObject({ reason: undefined, time: null, age: null, generation: '1-0' });
    expect(read?.views.promos).not.toHaveProperty('place');
    const all = await store.rows(promos, ['7', '7']);
    expect(all[0]).toEqual(all[1]);
  });

  it('take a bit for each id and flag, in chunks of 4 KB', async () => {
    const { store } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1) });
    await lane.land(Array.from({ length: 1_000 }, (_, n) => ({ id: String(n * 65), values: { vip: true } })));
    const keys = (await client().keys('*:promos.1-0:*')).sort();
    expect(keys).toEqual(['{feat:shop.0}:promos.1-0:vip.0', '{feat:shop.1}:promos.1-0:vip.1']);
    const sizes = await Promise.all(keys.map((key) => client().strlen(key)));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(CHUNK / 8);
    const counts = await Promise.all(keys.map((key) => client().bitcount(key)));
    expect(counts.reduce((sum, each) => sum + each)).toBe(1_000);
    expect((await store.stats()).views['promos']).toMatchObject({ rows: 2 });
  });

  it('the last to arrive wins, in the order of the calls of a lane', async () => {
    const { store, valuesOf } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1) });
    const landings = Array.from({ length: 41 }, (_, n) => {
      const landing = lane.land([{ id: '5', values: { vip: n % 2 === 0, spring: n % 2 === 1 } }]);
      lane.flush();
      return landing;
    });
    await Promise.all(landings);
    expect(await valuesOf('5')).toEqual([{ vip: true, spring: false }]);
    await lane.land([
      { id: '5', values: { vip: false } },
      { id: '5', values: { vip: true, spring: true } },
      { id: '5', values: { vip: false } },
    ]);
    expect(await valuesOf('5')).toEqual([{ vip: false, spring: true }]);
  });

  it('a holder of a lower token changes none', async () => {
    const { store, valuesOf } = await appliedStore();
    const old = await store.open(promos, { holder: holderOf(1) });
    await old.land([{ id: '5', values: { vip: true } }]);
    await store.open(promos, { holder: holderOf(2) });
    await expect(old.land([{ id: '5', values: { vip: false } }])).rejects.toMatchObject({
      code: 'HOLDFAST_STALE_TOKEN',
    });
    expect(await valuesOf('5')).toEqual([{ vip: true, spring: false }]);
  });

  it('are logged by id, as what was changed', async () => {
    const { store } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1) });
    await lane.land([{ id: String(CHUNK + 2), values: { vip: true, spring: false } }]);
    const entries = await client().xrange('{feat:shop.1}:log', '-', '+');
    expect(entries.at(-1)?.[1]).toEqual([`{feat:shop.1}:promos.1-0:${CHUNK + 2}`, 'vip+ spring-']);
  });

  it('that cannot be stored are refused by themselves, with the path of what is wrong', async () => {
    const { store, valuesOf } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1) });
    const wrong = [
      [{ id: 'u1', values: { vip: true } }, /the id of "user" is a whole number/],
      [{ id: '07', values: { vip: true } }, /whole number/],
      [{ id: '9007199254740992', values: { vip: true } }, /whole number/],
      [{ id: '1', values: { vip: 1 } }, /values.vip is true or false; got 1/],
      [{ id: '1', values: { gone: true } }, /values.gone is no flag of the view/],
      [{ id: '1', values: {} }, /values is an object with at least one flag/],
      [null, /it is an object with id and values/],
    ] as const;
    const good = { id: '1', values: { vip: true } };
    const { outcomes, errors } = await lane.land([...wrong.map(([row]) => row as never), good]);
    expect(outcomes).toEqual([...wrong.map(() => 'refused'), 'accepted']);
    for (const [index, [, message]] of wrong.entries()) expect(errors.get(index)?.message).toMatch(message);
    await expect(store.rows(promos, ['u1'])).rejects.toThrow(/whole number/);
    expect(await valuesOf('1')).toEqual([{ vip: true, spring: false }]);
    const pair = entity('pair', [user, entity('product')]);
    expect(() => flags('pairs', { entity: pair, flags: ['seen'] })).toThrow(MisuseError);
  });

  it('nothing is written where a key is not what the store keeps there', async () => {
    const { store, valuesOf } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1), patience: 0 });
    await client().lpush('{feat:shop.0}:promos.1-0:spring.0', 'x');
    const landing = lane.land([{ id: '1', values: { vip: true, spring: true } }]);
    await expect(landing).rejects.toThrow(/is not what the store keeps there/);
    await client().del('{feat:shop.0}:promos.1-0:spring.0');
    expect(await valuesOf('1')).toEqual([{ vip: false, spring: false }]);
    expect(await client().xlen('{feat:shop.0}:log')).toBe(1); // where the epoch began
  });

  it('follow a source, each record once and in order', async () => {
    const { store, valuesOf } = await appliedStore();
    const add = (id: number, vip: boolean) =>
      client().xadd('clicks', '*', 'id', String(id), 'vip', String(vip));
    for (let n = 0; n < 300; n += 1) await add((n % 10) * CHUNK, n % 3 === 0);
    const parse = (value: unknown) => {
      const { id, vip } = value as { id: string; vip: string };
      return { id, values: { vip: vip === 'true' } };
    };
    const lane = await store.open(promos, { lane: 'stream', holder: holderOf(1) });
    const following = lane.follow(redisStream({ redis: client(), streams: ['clicks'] }), parse);
    await expect.poll(() => lane.stats().accepted, { timeout: 10_000 }).toBe(300);
    await following.stop();
    const expected = Array.from({ length: 10 }, (_, n) => ({ vip: (290 + n) % 3 === 0, spring: false }));
    expect(await valuesOf(...expected.map((_, n) => String(n * CHUNK)))).toEqual(expected);
  });

  it('get a new generation, to which they are cut, and the old one is deleted', async () => {
    const { store, valuesOf } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1) });
    await lane.land([{ id: '1', values: { vip: true } }]);
    const next = await store.begin(promos, { holder: holderOf(2) });
    const filling = await store.open(promos, { holder: holderOf(2), generation: next });
    await filling.land([{ id: '2', values: { vip: true } }]);
    expect(await valuesOf('1', '2')).toEqual([
      { vip: true, spring: false },
      { vip: false, spring: false },
    ]);
    await next.cut({ lanes: { batch: 'ended' } });
    expect(await valuesOf('1', '2')).toEqual([
      { vip: false, spring: false },
      { vip: true, spring: false },
    ]);
    await (await store.generation(promos, '1-0', { holder: holderOf(2) })).retire();
    expect(await client().keys('*:promos.1-0:*')).toEqual([]);
    expect(await client().keys('*:promos.*:*')).toHaveLength(1);
  });

  it('of an entity that was erased are cleared, and none are taken until it is restored', async () => {
    const { store, valuesOf } = await appliedStore();
    const lane = await store.open(promos, { holder: holderOf(1) });
    const [erased, other] = [String(CHUNK + 3), String(CHUNK + 4)];
    const row = (id: string) => ({ id, values: { vip: true, spring: true } });
    await lane.land([row(erased), row(other)]);
    await store.erase(user, erased, { holder: holderOf(9) });
    expect(await valuesOf(erased, other)).toEqual([
      { vip: false, spring: false },
      { vip: true, spring: true },
    ]);
    expect((await lane.land([row(erased), row(other)])).outcomes).toEqual(['erased', 'accepted']);
    expect(await valuesOf(erased)).toEqual([{ vip: false, spring: false }]);
    await store.restore(user, erased, { holder: holderOf(9) });
    expect((await lane.land([row(erased)])).outcomes).toEqual(['accepted']);
    expect(await valuesOf(erased)).toEqual([{ vip: true, spring: true }]);
  });

  it('a read with a signal, and a cache, are as for rows', async () => {
    const cached = service('cached', { views: { promos }, cache: { maxAge: 3_600_000 } });
    const { store } = await appliedStore();
    const reading = createFeatures({
      ...{ redis: url(), name: 'shop', partitions: 3, views: [promos], services: [cached] },
    });
    later(() => reading.close());
    const lane = await store.open(promos, { holder: holderOf(1) });
    const read = async () => (await reading.get(cached, [{ user: '1' }]))[0]?.['promos.vip'];
    await read(); // brings the definition
    expect(await read()).toBe(false);
    await lane.land([{ id: '1', values: { vip: true } }]);
    expect(await read()).toBe(false);
    const aborted = store.get(ranking, [{ user: '1' }], undefined, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow(AbortedError);
  });
});

describe('a call of flags whose answer is lost', () => {
  async function losing(patience: number) {
    const { store, valuesOf } = await appliedStore();
    const way = await losingWay(url());
    const away = createFeatures({
      ...{ redis: way.url, name: 'shop', partitions: 3, callTimeout: 20_000 },
      ...{ views: [profile, promos], services: [ranking] },
    });
    later(() => away.close());
    const lane = await away.open(promos, { holder: holderOf(1), patience });
    return { store, valuesOf, way, lane };
  }

  it('is repeated before the next one of its lane, which stays the last', async () => {
    const { valuesOf, way, lane } = await losing(20_000);
    const lost = way.lose('vip+');
    const calls = [lane.land([{ id: '7', values: { vip: true } }])];
    lane.flush();
    calls.push(lane.land([{ id: '7', values: { vip: false, spring: true } }]));
    lane.flush();
    await lost;
    expect(await valuesOf('7')).toEqual([{ vip: true, spring: false }]);
    way.restore();
    for (const { outcomes } of await Promise.all(calls)) expect(outcomes).toEqual(['accepted']);
    expect(await valuesOf('7')).toEqual([{ vip: false, spring: true }]);
  });

  it('does not arrive once another holder has the lane', async () => {
    const { store, valuesOf, way, lane } = await losing(20_000);
    const lost = way.lose('vip+');
    const landing = lane.land([{ id: '7', values: { vip: true } }]).catch((error: unknown) => error);
    lane.flush();
    await lost;
    const next = await store.open(promos, { holder: holderOf(2) });
    await next.land([{ id: '7', values: { vip: false } }]);
    way.restore();
    expect(await landing).toBeInstanceOf(StaleTokenError);
    expect(await valuesOf('7')).toEqual([{ vip: false, spring: false }]);
  });
});
