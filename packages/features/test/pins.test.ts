/** Generations that are pinned, and those that are given up, on a real Redis. */
import { StaleTokenError } from '@holdfast/fence';
import { BusyError, MisuseError, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { GenerationEndedError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import type { Generation } from '../src/generation/generation.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
const asText = view('profile', { entity: user, fields: { n: t.string() } });
const stock = view('stock', { entity: user, fields: { left: t.int() } });
const ranking = service('ranking', { views: { profile, stock } });
const CATALOG = '{feat:shop}:catalog';
const NOW = Date.now();

function storeOf(): Features {
  const options = { redis: url(), name: 'shop', views: [profile, stock], services: [ranking], partitions: 3 };
  const store = createFeatures(options);
  later(() => store.close());
  return store;
}

function nextStore(): Features {
  const store = createFeatures({ redis: url(), name: 'shop', views: [asText], partitions: 3 });
  later(() => store.close());
  return store;
}

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

async function applied(): Promise<Features> {
  const store = storeOf();
  await store.apply();
  const lane = await store.open(profile, { holder: holderOf(7) });
  await lane.land([{ id: 'u1', time: NOW, values: { n: 4 } }]);
  return store;
}

const states = async (store: Features): Promise<string[]> =>
  (await store.generations(profile)).map(({ id, state }) => `${id} ${state}`);

/** Another generation, with the number as text, takes the place of the first. */
async function replaced(token = 8): Promise<Generation> {
  const next = nextStore();
  const generation = await next.begin(asText, { holder: holderOf(token) });
  const lane = await next.open(asText, { holder: holderOf(token), generation });
  await lane.land([{ id: 'u1', time: NOW, values: { n: 'four' } }]);
  await generation.cut({ lanes: { batch: 'ended' } });
  return generation;
}

describe('a pin', () => {
  it('keeps the generations that are read from being ended, and reads them while others are live', async () => {
    const store = await applied();
    const pin = await store.pin(ranking, { by: 'old-model', for: 60_000 });
    expect([...pin.generations]).toEqual([
      ['profile', '1-0'],
      ['stock', '1-0'],
    ]);
    expect(Math.abs(pin.until.getTime() - Date.now() - 60_000)).toBeLessThan(30_000);
    await replaced();
    // A program that knows the new definition only through the catalog reads both.
    const reader = storeOf();
    const read = () => reader.get(ranking, [{ user: 'u1' }], undefined, { pin, meta: true });
    expect(await read()).toMatchObject([
      { answer: { 'profile.n': 4, 'stock.left': null }, views: { profile: { generation: '1-0' } } },
    ]);
    await expect(reader.get(ranking, [{ user: 'u1' }])).rejects.toThrow(/differs from the registered one/);
    const old = await store.generation(profile, '1-0', { holder: holderOf(9) });
    const refused = await old.retire().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BusyError);
    expect(String(refused)).toMatch(/kept by "old-model" until \d{4}-/);
    expect(await states(store)).toEqual(['1-0 previous', '2-8 live']);
    await pin.release();
    await expect(read()).rejects.toThrow(/are not kept any more/);
    expect(await old.retire()).toBe(1);
    expect(await client().hkeys(CATALOG)).not.toContainEqual(expect.stringMatching(/^pin:profile/));
  });

  it('is waited for, if that is wanted', async () => {
    const store = await applied();
    const pin = await store.pin(profile, { by: 'training', for: 60_000 });
    await replaced();
    const old = await store.generation(profile, '1-0', { holder: holderOf(9) });
    await client().config('RESETSTAT');
    const retiring = old.retire({ patience: 60_000 });
    // It has asked, and was refused.
    await vi.waitFor(async () => expect(await pinsAsked()).toBeGreaterThan(0), 20_000);
    expect(await states(store)).toEqual(['1-0 previous', '2-8 live']);
    await pin.release();
    expect(await retiring).toBe(1);
    expect(await states(store)).toEqual(['1-0 retired', '2-8 live']);
  });

  it('ends at its time, by the clock of the server, and not before the latest extension', async () => {
    const store = await applied();
    const pin = await store.pin(profile, { by: 'training', for: 60_000 });
    const later = await store.pin(profile, { by: 'training', for: 120_000 });
    expect(later.until.getTime() - pin.until.getTime()).toBeGreaterThan(50_000);
    await pin.extend(90_000);
    expect(pin.until.getTime()).toBeGreaterThan(Date.now() + 60_000);
    await replaced();
    const old = await store.generation(profile, '1-0', { holder: holderOf(9) });
    await expect(old.retire()).rejects.toThrow(BusyError);
    await client().hset(CATALOG, 'pin:profile.1-0:training', '5');
    expect(await old.retire()).toBe(1);
    await expect(pin.extend(1_000)).rejects.toThrow(/that "training" wants to keep is retired/);
  });

  it('that cannot be is refused', async () => {
    const store = storeOf();
    await expect(store.pin(profile, { by: 'x', for: 1_000 })).rejects.toThrow(MisuseError);
    await store.apply();
    await expect(store.pin(profile, { by: 'a b', for: 1_000 })).rejects.toThrow(/by/);
    await expect(store.pin(profile, { by: 'x', for: 0 })).rejects.toThrow(MisuseError);
    await expect(store.pin('profile' as never, { by: 'x', for: 1_000 })).rejects.toThrow(
      /takes a view or a service/,
    );
  });
});

/** How often the catalog was asked to retire. */
async function pinsAsked(): Promise<number> {
  const stats = await client().info('commandstats');
  return Number(/cmdstat_hgetall:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

describe('a generation that is given up', () => {
  it('has ended: its lanes land nothing more, its rows are deleted, and what is read stays', async () => {
    const store = await applied();
    const next = await store.begin(profile, { holder: holderOf(8) });
    const lane = await store.open(profile, { holder: holderOf(8), generation: next });
    await lane.land([{ id: 'u1', time: NOW, values: { n: 5 } }]);
    await expect(next.retire()).rejects.toThrow(/is filling.*abandon\(\)/);
    expect(await next.abandon()).toBe(1);
    expect(await states(store)).toEqual(['1-0 live', '2-8 retired']);
    await expect(lane.land([{ id: 'u1', time: NOW, values: { n: 6 } }])).rejects.toThrow(
      GenerationEndedError,
    );
    expect((await store.rows(profile, ['u1']))[0]?.values.n).toBe(4);
    expect(await next.abandon()).toBe(0);
    // Its place among the three that may be filled is free again.
    for (const token of [9, 10, 11]) await store.begin(profile, { holder: holderOf(token) });
    await expect(store.begin(profile, { holder: holderOf(12) })).rejects.toThrow(/abandon one/);
  });

  it('may be in the middle of a cut, which is undone', async () => {
    const store = await applied();
    const next = await store.begin(profile, { holder: holderOf(8) });
    const { catalog, partitions } = openParts(3);
    const [, n = ''] = await catalog.change('cut', ['8', 'locks', '600000', 'profile', next.id]);
    for (const each of partitions)
      await each.call(each.verbs.close, { generation: 'profile.1-0', n: Number(n) });
    const again = await store.generation(profile, next.id, { holder: holderOf(9) });
    await again.abandon();
    expect(await states(store)).toEqual(['1-0 live', '2-8 retired']);
    const lane = await store.open(profile, { holder: holderOf(10) });
    const { outcomes } = await lane.land([{ id: 'u1', time: NOW + 1, values: { n: 6 } }]);
    expect(outcomes).toEqual(['accepted']);
    expect((await catalog.change('swap', [n, '9', 'locks', 'profile']))[0]).toBe('changed');
  });

  it('is not one that is or was read, and not given up under a lower token', async () => {
    const store = await applied();
    const live = await store.generation(profile, '1-0', { holder: holderOf(8) });
    await expect(live.abandon()).rejects.toThrow(/is live/);
    const next = await store.begin(profile, { holder: holderOf(8) });
    await store.begin(profile, { holder: holderOf(9) });
    await expect(next.abandon()).rejects.toThrow(StaleTokenError);
    await replaced(10);
    const old = await store.generation(profile, '1-0', { holder: holderOf(10) });
    await expect(old.abandon()).rejects.toThrow(/is previous.*retire\(\)/);
    expect(await states(store)).toEqual(['1-0 previous', '2-8 filling', '3-9 filling', '4-10 live']);
  });
});
