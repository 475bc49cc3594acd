/** Copies on a real Redis: a generation filled with the rows of the one that is read, while they are landed. */
import { StaleTokenError } from '@holdfast/fence';
import { MisuseError, systemClock, systemRandom, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { entity } from '../src/definition/entity.js';
import { flags } from '../src/definition/flags.js';
import { t } from '../src/definition/types.js';
import { type View, view } from '../src/definition/view.js';
import { windows } from '../src/definition/windows.js';
import { IncompleteError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import { type CopiedBytes, copiedRows, copyOf } from '../src/generation/copied.js';
import { Partition } from '../src/store/partition.js';
import { SharedScan } from '../src/store/shared-scan.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
/** The same feature as another type, and a new one. */
const asText = view('profile', { entity: user, fields: { n: t.string(), big: t.bool() } });
const withMore = view('profile', { entity: user, fields: { n: t.int(), more: t.int().optional() } });

function storeOf(...views: readonly View[]): Features {
  const store = createFeatures({ redis: url(), name: 'shop', views, partitions: 3 });
  later(() => store.close());
  return store;
}

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

const NOW = Date.now();
const rowsOf = (count: number, { time = NOW, more = 0 } = {}) =>
  Array.from({ length: count }, (_, n) => ({ id: `u${n}`, time, values: { n: n + more } }));

function partitionOf(number: number): Partition {
  const place = { redis: url(), tls: undefined, name: 'shop', prefix: '', callTimeout: 5_000 };
  const partition = new Partition({ ...place, clock: systemClock, random: systemRandom }, number);
  later(async () => partition.close());
  return partition;
}

async function pushed(): Promise<Features> {
  const store = storeOf(profile);
  await store.apply();
  const lane = await store.open(profile, { holder: holderOf(7) });
  await lane.land(rowsOf(300));
  await lane.close();
  return store;
}

describe('a copy', () => {
  it('has what was landed before and what is landed meanwhile, as what map makes of it, and a cut loses nothing', async () => {
    const old = await pushed();
    const next = storeOf(asText);
    const generation = await next.begin(asText, { holder: holderOf(8) });
    const refused = await generation.cut({ lanes: { batch: 'copy' } }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(IncompleteError);
    expect(String(refused)).toMatch(/the copy of the lane "batch" has not finished/);

    const lane = await old.open(profile, { holder: holderOf(7) });
    const copy = await next.copy(asText, {
      ...{ generation, lane: 'batch' },
      map: ({ id, values }) => {
        const n = Number(values['n']);
        return id === 'u7' ? null : { n: String(n), big: n >= 1_000 };
      },
    });
    let isCut = false;
    const landing = (async () => {
      for (let turn = 1; !isCut; turn += 1)
        await lane.land(rowsOf(100, { time: NOW + turn, more: 1_000 * turn }));
    })();
    await copy.caughtUp();
    expect(copy.stats()).toMatchObject({ refused: 0 });
    await generation.cut({ lanes: { batch: 'copy' } });
    isCut = true;
    // What is landed in the old one from now on is copied, too, as long as the copy is not closed.
    await landing;
    await lane.land(rowsOf(2, { time: NOW + 1e5, more: 77_000 }));
    await copy.caughtUp();
    const ids = Array.from({ length: 300 }, (_, n) => `u${n}`);
    // Readers go over within the lease of their pointers.
    const words = (): Promise<unknown> => old.rows(profile, ids).then(String, String);
    await expect.poll(words, { timeout: 5_000 }).toMatch(/differs from the registered one/);
    const after = await next.rows(asText, ids);
    expect(after[0]?.values).toEqual({ n: '77000', big: true });
    expect(after[7]?.reason).toBe('missing');
    expect(after[299]?.values).toEqual({ n: '299', big: false });
    await copy.close();
    await copy.done();

    // And back, as what another map makes of it.
    const back = await next.open(asText, { holder: holderOf(9) });
    await back.land([{ id: 'u299', time: NOW + 2e5, values: { n: '5', big: false } }]);
    const previous = await old.generation(profile, '1-0', { holder: holderOf(9) });
    const return_ = await old.copy(profile, {
      ...{ generation: previous, lane: 'batch' },
      map: ({ values }) => ({ n: Number(values['n']) }),
    });
    await return_.caughtUp();
    expect((await next.health()).views['profile']?.behind).toEqual({ '1-0': [] });
    await next.rollback(asText, { holder: holderOf(9), lanes: { profile: { batch: 'copy' } } });
    const again = await vi.waitFor(() => old.rows(profile, ['u0', 'u7', 'u299']), 5_000);
    expect(again.map(({ values }) => values.n)).toEqual([77_000, again[1]?.values.n, 5]);
    expect(again[1]?.values.n).toBeGreaterThan(1_000);
  }, 40_000);

  it('keeps of several rows with one event time the one that was accepted last, under another holder, too', async () => {
    const store = storeOf(withMore);
    await store.apply();
    const lane = await store.open(withMore, { holder: holderOf(7) });
    const land = (n: number) => lane.land([{ id: 'u1', time: NOW, values: { n } }]);
    await land(1);
    const first = await store.begin(withMore, { holder: holderOf(8) });
    await (await store.copy(withMore, { generation: first, lane: 'batch' })).caughtUp();
    for (const n of [2, 3, 4]) await land(n);
    const taking = await store.generation(withMore, first.id, { holder: holderOf(9) });
    const second = await store.copy(withMore, { generation: taking, lane: 'batch' });
    await second.caughtUp();
    await expect(store.copy(withMore, { generation: first, lane: 'batch' })).rejects.toThrow(StaleTokenError);
    await taking.cut({ lanes: { batch: 'copy' } });
    expect((await store.rows(withMore, ['u1']))[0]?.values).toEqual({ n: 4, more: null });
  });

  it('looks through the rows again where the log was trimmed further than it was read', async () => {
    const store = await pushed();
    const generation = await store.begin(profile, { holder: holderOf(8) });
    const copy = await store.copy(profile, { generation, lane: 'batch' });
    await copy.caughtUp();
    await copy.close();
    const lane = await store.open(profile, { holder: holderOf(7) });
    await lane.land(rowsOf(50, { time: NOW + 1, more: 500 }));
    const early = generation.cut({ lanes: { batch: 'copy' }, patience: 200 });
    await expect(early).rejects.toThrow(/copy of the lane "batch" has taken in the log of partition \d/);
    for (const partition of [0, 1, 2]) {
      const own = `{feat:shop.${partition}}`;
      const [epoch = '', place = ''] = String(await client().get(`${own}:at`)).split(' ');
      await client().xtrim(`${own}:log`, 'MAXLEN', 0);
      await client().hset(`${own}:record`, 'trimmed', `${epoch} ${place}`);
    }
    await lane.land(rowsOf(10, { time: NOW + 2, more: 900 }));
    const again = await store.copy(profile, { generation, lane: 'batch' });
    await again.caughtUp();
    await generation.cut({ lanes: { batch: 'copy' } });
    const found = await store.rows(profile, ['u9', 'u49', 'u50']);
    expect(found.map(({ values }) => values.n)).toEqual([909, 549, 50]);
  });

  it('looks through the keys of a server once for all of its partitions', async () => {
    const store = await pushed();
    const generation = await store.begin(profile, { holder: holderOf(8) });
    await client().config('RESETSTAT');
    const copy = await store.copy(profile, { generation, lane: 'batch' });
    await copy.caughtUp();
    expect(copy.stats().accepted).toBe(300);
    expect(await client().info('commandstats')).toMatch(/^cmdstat_scan:calls=1,/m);
  });

  it('looks through the keys again where the partition was on another server meanwhile', async () => {
    await pushed();
    const partition = partitionOf(0);
    const reading = new AbortController();
    later(async () => reading.abort());
    const rank = Number(await client().hget('{feat:shop}:catalog', 'rank:profile:batch'));
    const scan = new SharedScan('profile.1-0', systemClock);
    const source = copiedRows(partition, { view: 'profile', id: '1-0', rank, scan, clock: systemClock });
    const seen: string[] = [];
    const batches = source.read(0, undefined, reading.signal);
    for await (const { records, through } of batches) {
      if (seen.length === 0) await client().hset('{feat:shop.0}:record', 'server', 'of before');
      seen.push(...records.map(({ value }) => (value as CopiedBytes).id));
      if (through[1] === 2 ** 32 - 1) break;
    }
    expect(new Set(seen).size).toBeGreaterThan(50);
    expect(seen).toHaveLength(2 * new Set(seen).size);
  });

  it('a partition that takes no more keys, and one that has left, hold up no other', async () => {
    const names = (partition: number) =>
      Array.from({ length: 1_500 }, (_, n) => `{feat:shop.${partition}}:profile.1-0:u${n}`);
    await client().mset(Object.fromEntries([0, 1].flatMap(names).map((name) => [name, 'row'])));
    const scan = new SharedScan('profile.1-0', systemClock);
    const leaving = new AbortController();
    const idle = scan.keys(partitionOf(0), leaving.signal);
    const gone = new AbortController();
    const early = scan.keys(partitionOf(0), gone.signal);
    gone.abort();
    const seen: string[] = [];
    const all = (async () => {
      for await (const { keys } of scan.keys(partitionOf(1), new AbortController().signal))
        seen.push(...keys);
    })();
    expect((await idle.next()).value).toMatchObject({ beginning: '{feat:shop.0}:profile.1-0:' });
    expect((await early.next()).done).toBe(true);
    leaving.abort();
    await all;
    expect(new Set(seen)).toEqual(new Set(names(1)));
    expect((await idle.next()).done).toBe(true);
  });

  it('leaves a row out that map refuses, as a dead letter', async () => {
    const store = await pushed();
    const generation = await store.begin(profile, { holder: holderOf(8) });
    const copy = await store.copy(profile, {
      ...{ generation, lane: 'batch' },
      map: ({ id, values }) => ({ n: id === 'u3' ? 0.5 : Number(values['n']) }),
    });
    await copy.caughtUp();
    expect(copy.stats()).toMatchObject({ accepted: 299, refused: 1 });
    const [letter] = await store.deadLetters(profile);
    expect(letter).toMatchObject({ lane: copyOf('batch'), error: expect.stringMatching(/values\.n is/) });
    await expect(generation.ready({ lanes: { batch: 'copy' } })).rejects.toThrow(/lacks 1 rows/);
  });

  it('is refused for what cannot be copied, and changes nothing', async () => {
    const hidden = view('hidden', { entity: user, history: false, fields: { n: t.int() } });
    const promos = flags('promos', { entity: entity('number'), flags: ['vip'] });
    const seen = windows('seen', {
      ...{ entity: user, tile: 60_000, event: z.object({ u: z.string(), at: z.number() }) },
      ...{ key: ({ u }: { u: string }) => u, time: ({ at }: { at: number }) => at },
      fields: (on) => ({ count: on.count({ over: 600_000 }) }),
    });
    await pushed();
    const store = storeOf(asText, hidden, promos, seen);
    await storeOf(profile, hidden, promos, seen).apply();
    const generation = await store.begin(asText, { holder: holderOf(8) });
    const copied = (options: object, of: View = asText): Promise<unknown> =>
      store.copy(of as typeof asText, { generation, lane: 'batch', ...options });
    await expect(copied({})).rejects.toThrow(/say nothing of big, n; give copy\(\) a "map"/);
    const map = () => null;
    await expect(copied({ map, lane: 'nightly' })).rejects.toThrow(/no lane "nightly" to copy; it has batch/);
    await expect(copied({ map: 'no' })).rejects.toThrow(MisuseError);
    await expect(copied({ map, generation: {} })).rejects.toThrow(MisuseError);
    await expect(copied({ map }, hidden)).rejects.toThrow(/given a generation of "profile"/);
    const others = { map, generation: await store.begin(hidden, { holder: holderOf(8) }) };
    await expect(copied(others, hidden)).rejects.toThrow(/`history: false`/);
    await expect(copied({ map }, promos)).rejects.toThrow(/"promos" is a view of "flags"/);
    await expect(copied({ map }, seen)).rejects.toThrow(/"seen" is a view of "windows"/);
    const live = await store.generation(asText, '1-0', { holder: holderOf(8) });
    await expect(copied({ map, generation: live })).rejects.toThrow(/is the one that is read/);
    expect(await client().keys(`*:profile.${generation.id}:*`)).toEqual([]);
  });
});
