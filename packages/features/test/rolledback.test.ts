/** A catalog that its server has lost the end of, while partitions on other masters know that the cut came to its end. */
import { StaleTokenError } from '@holdfast/fence';
import { systemClock, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { Generation } from '../src/generation/generation.js';
import { Telemetry } from '../src/telemetry.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();
const profile = view('profile', { entity: entity('user'), fields: { n: t.int() } });
const CATALOG = '{feat:shop}:catalog';
const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

for (const how of ['overdue', 'swap'] as const)
  it(`keeps the generation that is read from being retired, by ${how}`, async () => {
    const store = createFeatures({ redis: url(), name: 'shop', views: [profile], partitions: 2 });
    later(() => store.close());
    await store.apply();
    const generation = await store.begin(profile, { holder: holderOf(8) });
    const lane = await store.open(profile, { holder: holderOf(8), generation });
    await lane.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }]);
    const { catalog } = openParts(2);
    const [word, n = ''] = await catalog.change('cut', ['8', 'locks', '0', 'profile', generation.id]);
    expect(word).toBe('done');
    const before = await client().dumpBuffer(CATALOG);
    expect((await catalog.change('swap', [n, '8', 'locks', 'profile']))[0]).toBe('done');
    await catalog.mirror();
    // Its master fails over to one that lacks the swap.
    await client().restore(CATALOG, 0, before as Buffer, 'REPLACE');
    await client().hset(CATALOG, 'server', 'another');
    const after = openParts(2).catalog;
    expect((await after.pointers(['profile']))?.views.get('profile')?.live).toBe(generation.id);
    const reply =
      how === 'overdue'
        ? await after.change('overdue', ['profile'])
        : await after.change('swap', [n, '8', 'locks', 'profile']);
    expect(reply[0]).toBe(how === 'overdue' ? 'open' : 'changed');
    const again = await store.generation(profile, generation.id, { holder: holderOf(9) });
    await expect(again.retire()).rejects.toThrow(/is live/);
    const fresh = createFeatures({ redis: url(), name: 'shop', views: [profile], partitions: 2 });
    later(() => fresh.close());
    const rows = await fresh.rows(profile, ['u1']);
    expect(rows[0]?.values.n).toBe(1);
  });

it('a cut that is lost before a partition knows of it rejects, and the old generation goes on', async () => {
  const store = createFeatures({ redis: url(), name: 'shop', views: [profile], partitions: 2 });
  later(() => store.close());
  await store.apply();
  const old = await store.open(profile, { holder: holderOf(7) });
  await old.land([{ id: 'u1', time: Date.now(), values: { n: 1 } }]);
  const { id } = await store.begin(profile, { holder: holderOf(8) });
  const { catalog, partitions } = openParts(2);
  const change = catalog.change.bind(catalog);
  catalog.change = async (name, args) => {
    const before = await client().dumpBuffer(CATALOG);
    const reply = await change(name, args);
    if (name !== 'swap') return reply;
    await client().restore(CATALOG, 0, before as Buffer, 'REPLACE');
    await client().hset(CATALOG, 'server', 'another');
    return reply;
  };
  const generation = new Generation(id, {
    ...{ view: 'profile', holder: holderOf(8), catalog, partitions, clock: systemClock },
    ...{ telemetry: new Telemetry('shop', systemClock), onChange: () => {} },
    definitionOf: () => Promise.resolve({ ttl: null }),
  });
  await expect(generation.cut({ lanes: { batch: 'ended' } })).rejects.toThrow(/has lost the cut/);
  expect((await store.generations(profile)).map(({ state }) => state)).toEqual(['live', 'filling']);
  expect((await old.land([{ id: 'u1', time: Date.now() + 1, values: { n: 2 } }])).outcomes).toEqual([
    'accepted',
  ]);
  catalog.change = change;
  await generation.cut({ lanes: { batch: 'ended' } });
  expect((await store.generations(profile)).map(({ state }) => state)).toEqual(['previous', 'live']);
});

describe('a catalog that its server has lost changes of', () => {
  const stock = view('stock', { entity: entity('user'), fields: { n: t.int() } });
  const storeOf = () => {
    const store = createFeatures({ redis: url(), name: 'shop', views: [profile, stock], partitions: 2 });
    later(() => store.close());
    return store;
  };
  const lineups = async (store: ReturnType<typeof storeOf>): Promise<string[]> =>
    (await Promise.all([store.generations(profile), store.generations(stock)])).map((all) =>
      all.map(({ id, state }) => `${id} ${state}`).join(', '),
    );

  /** Goes back to the catalog of an earlier time, or to none. */
  async function loseTo(before: Buffer | null): Promise<void> {
    await client().del(CATALOG);
    if (before === null) return;
    await client().restore(CATALOG, 0, before);
    await client().hset(CATALOG, 'server', 'another');
  }

  for (const [what, hasCopy] of [
    ['of the time after apply', true],
    ['of nothing', false],
  ] as const)
    it(`has again what is filled, previous and ended, of all views, and their definitions: a copy ${what}`, async () => {
      const store = storeOf();
      await store.apply();
      const before = await client().dumpBuffer(CATALOG);
      const [first, second] = [
        await store.begin(profile, { holder: holderOf(8) }),
        await store.begin(stock, { holder: holderOf(8) }),
      ];
      await first.cut({ lanes: {} });
      await (await store.begin(stock, { holder: holderOf(9) })).abandon();
      const third = await store.begin(profile, { holder: holderOf(9) });
      const wanted = ['1-0 previous, 2-8 live, 3-9 filling', '1-0 live, 2-8 filling, 3-9 retired'];
      expect(await lineups(store)).toEqual(wanted);
      const known = await client().hgetall(CATALOG);
      await loseTo(hasCopy ? before : null);
      const again = storeOf();
      const lane = await again.open(profile, { holder: holderOf(9), generation: third });
      await lane.land([{ id: 'u1', time: Date.now(), values: { n: 3 } }]);
      expect(await lineups(again)).toEqual(wanted);
      const { server: _, n: __, ...others } = await client().hgetall(CATALOG);
      const { server: ___, n: ____, ...before2 } = known;
      expect(others).toEqual({ ...before2, 'rank:profile:batch': '20', 'lane:profile:20': 'batch' });
      // It goes on from there: a number is not given twice, and what was filled takes its place.
      expect((await again.begin(stock, { holder: holderOf(10) })).id).toBe('4-10');
      await (await again.generation(profile, third.id, { holder: holderOf(10) })).cut({ lanes: {} });
      expect((await again.rows(profile, ['u1']))[0]?.values.n).toBe(3);
      expect(second.id).toBe('2-8');
    });

  it('still knows under which token a view was changed', async () => {
    const store = storeOf();
    await store.apply();
    const before = await client().dumpBuffer(CATALOG);
    const first = await store.begin(profile, { holder: holderOf(8) });
    await store.begin(profile, { holder: holderOf(9) });
    await loseTo(before);
    await expect(first.cut({ lanes: {} })).rejects.toThrow(StaleTokenError);
    await expect(storeOf().begin(profile, { holder: holderOf(8) })).rejects.toThrow(StaleTokenError);
  });
});

const editionOf = (fields: Readonly<Record<string, ReturnType<typeof t.int>>>) => {
  const each = view('profile', { entity: entity('user'), fields });
  const store = createFeatures({ redis: url(), name: 'shop', views: [each], partitions: 2 });
  later(() => store.close());
  return { store, view: each };
};

it('a definition that a program has kept is not taken for one that was applied after the server forgot', async () => {
  const land = async ({ store, view: each }: ReturnType<typeof editionOf>, token: number) => {
    const lane = await store.open(each, { holder: holderOf(token) });
    await lane.land([{ id: 'u1', time: Date.now(), values: { n: 5, m: 6 } }]);
  };
  const [first, second, third] = [
    editionOf({ n: t.int() }),
    editionOf({ m: t.int(), n: t.int() }),
    editionOf({ m: t.int(), n: t.int(), p: t.int() }),
  ];
  await first.store.apply();
  await second.store.apply();
  await land(second, 7);
  await client().flushall();
  // The second edition's fields are the first schema now, and those of the third are the second one.
  await editionOf({ m: t.int(), n: t.int() }).store.apply();
  await third.store.apply();
  await land(second, 8);
  const [row] = await third.store.rows(third.view, ['u1']);
  expect(row?.values).toEqual({ m: 6, n: 5, p: null });
});

it('a lane that stays open goes on after the server has forgotten everything only by a definition that is read', async () => {
  const [first, second] = [editionOf({ n: t.int() }), editionOf({ m: t.int(), n: t.int() })];
  await first.store.apply();
  const options = { holder: holderOf(7), renew: () => Promise.resolve() };
  const lane = await first.store.open(first.view, options);
  const rows = [{ id: 'u1', time: Date.now(), values: { n: 5 } }];
  await lane.land(rows);
  await client().flushall();
  await first.store.apply();
  expect((await lane.land(rows)).outcomes).toEqual(['accepted']);
  await client().flushall();
  await second.store.apply();
  await expect(lane.land(rows)).rejects.toThrow(/"profile" is defined otherwise here than it was applied/);
  expect(lane.signal.aborted).toBe(true);
  await client().flushall();
  await first.store.apply();
  const other = await first.store.open(first.view, options);
  await client().flushall();
  await expect(other.land(rows)).rejects.toThrow(/"profile" was never applied to this store; call apply\(\)/);
});
