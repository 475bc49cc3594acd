/** Generations on a real Redis: filled beside the one that is read, cut to, cut back, ended, and not by everybody. */
import { StaleTokenError } from '@holdfast/fence';
import { BusyError, type Clock, MisuseError, onAbort, systemClock, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { type View, view } from '../src/definition/view.js';
import { DefinitionMismatchError, GenerationEndedError, IncompleteError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import type { CutOptions } from '../src/generation/generation.js';
import { redisStream } from '../src/source/redis-stream.js';
import type { Source } from '../src/source/source.js';
import { client, later, openParts, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, fields: { n: t.int() } });
/** The same feature as another type, which stored rows cannot follow. */
const asText = view('profile', { entity: user, fields: { n: t.string() } });

function storeOf(of: View = profile, clock: Clock = systemClock): Features {
  const store = createFeatures({ redis: url(), name: 'shop', views: [of], partitions: 4, clock });
  later(() => store.close());
  return store;
}

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'profiles', issuer: 'locks', signal: new AbortController().signal },
});

const NOW = Date.now();
const rowsOf = <T>(count: number, makeValue: (n: number) => T) =>
  Array.from({ length: count }, (_, n) => ({ id: `u${n}`, time: NOW, values: { n: makeValue(n) } }));

async function filled(): Promise<Features> {
  const store = storeOf();
  await store.apply();
  const lane = await store.open(profile, { holder: holderOf(7) });
  await lane.land(rowsOf(20, (n) => n));
  await lane.finish();
  return store;
}

/** What each entry of the catalog's history is about. */
async function noted(): Promise<string[]> {
  const entries = await client().xrange('{feat:shop}:history', '-', '+');
  return entries.map(([, fields]) =>
    fields[0] === 'applied' ? `applied ${fields[2]}` : `${fields[3]} is live`,
  );
}

const states = async (store: Features): Promise<string[]> =>
  (await store.generations(profile)).map(({ id, state }) => `${id} ${state}`);

describe('a generation that is filled by a job', () => {
  it('takes the place of the one that is read, also with another type; a program that takes it for the old one is told so', async () => {
    const old = await filled();
    const next = storeOf(asText);
    const generation = await next.begin(asText, { holder: holderOf(8) });
    expect(generation.id).toBe('2-8');
    const lane = await next.open(asText, { holder: holderOf(8), generation });
    await lane.land(rowsOf(20, String));
    // It is not read before it is cut to.
    expect((await old.rows(profile, ['u3']))[0]?.values.n).toBe(3);
    await expect(generation.cut({ lanes: { batch: 'finished' } })).rejects.toThrow(
      /"batch" has not finished/,
    );
    await lane.finish();
    await generation.cut({ lanes: { batch: 'finished' } });
    expect((await next.rows(asText, ['u3', 'u19']))?.map(({ values }) => values.n)).toEqual(['3', '19']);
    expect(await states(old)).toEqual(['1-0 previous', '2-8 live']);
    const read = (): Promise<unknown> =>
      old.rows(profile, ['u3']).then(
        () => 'served',
        (error: unknown) => error,
      );
    await vi.waitFor(async () => expect(await read()).toBeInstanceOf(DefinitionMismatchError), 20_000);
  });

  it('is noted in the history once it is live, and nothing else of it, so that only what training sets need is kept', async () => {
    const store = await filled();
    const given = await store.begin(profile, { holder: holderOf(8) });
    await given.abandon();
    const next = await store.begin(profile, { holder: holderOf(9) });
    await (await store.open(profile, { holder: holderOf(9), generation: next })).land(rowsOf(1, (n) => n));
    await expect(next.cut({ lanes: { batch: 'finished' }, patience: 100 })).rejects.toThrow(IncompleteError);
    const ranking = service('ranking', { views: { profile } });
    const serving = createFeatures({
      ...{ redis: url(), name: 'shop', views: [profile], services: [ranking], partitions: 4 },
    });
    later(() => serving.close());
    await serving.apply();
    expect(await noted()).toEqual(['applied profile']);
    await next.cut({ lanes: { batch: 'ended' } });
    expect(await noted()).toEqual(['applied profile', 'profile 3-9 is live']);
  });

  it('that is not read any more is answered whole by whoever holds a pointer to it, of another schema, too', async () => {
    await filled();
    const wide = view('profile', { entity: user, fields: { n: t.int(), twice: t.int() } });
    const store = storeOf(wide);
    const generation = await store.begin(wide, { holder: holderOf(8) });
    const lane = await store.open(wide, { holder: holderOf(8), generation });
    await lane.land([{ id: 'u1', time: NOW, values: { n: 1, twice: 2 } }]);
    await lane.finish();
    await generation.cut({ lanes: { batch: 'finished' } });
    // On its clock, a pointer is held for ever; nothing is known of the definition before a row is read.
    const reading = storeOf(wide, { ...systemClock, now: () => 0 });
    expect((await reading.rows(wide, ['nobody']))[0]?.reason).toBe('missing');
    await store.rollback(wide, { holder: holderOf(9), behind: 'accept' });
    const [row] = await reading.rows(wide, ['u1']);
    expect([row?.values, row?.reason]).toEqual([{ n: 1, twice: 2 }, undefined]);
  });

  it('names every lane of the old one, so that none is forgotten', async () => {
    const store = await filled();
    const generation = await store.begin(profile, { holder: holderOf(8) });
    await expect(generation.cut({ lanes: {} })).rejects.toThrow(/has a lane "batch"; say in "lanes"/);
    await expect(generation.cut({ lanes: { batch: 'same' } })).rejects.toThrow(/follows no source/);
    const misspelt = { batch: 'finnished' } as unknown as { batch: 'finished' };
    await expect(generation.cut({ lanes: misspelt })).rejects.toThrow(/"finnished"/);
    await expect(generation.missing(misspelt)).rejects.toThrow(MisuseError);
    const longer = { lanes: { batch: 'ended' }, patience: '9 s' } as unknown as CutOptions;
    await expect(generation.cut(longer)).rejects.toThrow(/patience.*9 s/);
    expect(await states(store)).toEqual(['1-0 live', '2-8 filling']);
    await generation.cut({ lanes: { batch: 'ended' } });
    expect((await store.rows(profile, ['u3']))[0]?.reason).toBe('missing');
  });

  it('a builder that was replaced changes nothing; the same holder goes on with what it has begun', async () => {
    const store = await filled();
    const first = await store.begin(profile, { holder: holderOf(8) });
    expect((await store.begin(profile, { holder: holderOf(8) })).id).toBe(first.id);
    const second = await store.begin(profile, { holder: holderOf(9) });
    const seen = await store.generation(profile, second.id, { holder: holderOf(8) });
    for (const generation of [first, seen]) {
      await expect(generation.cut({ lanes: { batch: 'ended' } })).rejects.toThrow(StaleTokenError);
      await expect(generation.retire()).rejects.toThrow(StaleTokenError);
    }
    await expect(store.begin(profile, { holder: holderOf(8) })).rejects.toThrow(StaleTokenError);
    expect(await states(store)).toEqual(['1-0 live', '2-8 filling', '3-9 filling']);
    await second.cut({ lanes: { batch: 'ended' } });
    await expect(first.cut({ lanes: { batch: 'ended' } })).rejects.toThrow(StaleTokenError);
    await expect(first.retire()).rejects.toThrow(StaleTokenError);
    await expect(store.begin(profile, { holder: holderOf(8) })).rejects.toThrow(StaleTokenError);
    expect(await states(store)).toEqual(['1-0 previous', '2-8 filling', '3-9 live']);
  });

  it('can be cut back from, and the one that was read before is as it was', async () => {
    const store = await filled();
    const next = await store.begin(profile, { holder: holderOf(8) });
    const lane = await store.open(profile, { holder: holderOf(8), generation: next });
    await lane.land(rowsOf(20, (n) => 100 + n));
    await lane.finish();
    await next.cut({ lanes: { batch: 'finished' } });
    expect((await store.rows(profile, ['u3']))[0]?.values.n).toBe(103);
    const back = await store.generation(profile, '1-0', { holder: holderOf(9) });
    await back.cut({ lanes: { batch: 'finished' } });
    expect((await store.rows(profile, ['u3']))[0]?.values.n).toBe(3);
    expect(await states(store)).toEqual(['1-0 live', '2-8 previous']);
  });

  it('that has ended lands nothing more, its rows are deleted, and its number is not given again', async () => {
    const store = await filled();
    const lane = await store.open(profile, { holder: holderOf(8) });
    const next = await store.begin(profile, { holder: holderOf(9) });
    const live = await store.generation(profile, '1-0', { holder: holderOf(9) });
    await expect(live.retire()).rejects.toThrow(MisuseError);
    await next.cut({ lanes: { batch: 'ended' } });
    expect(await live.retire()).toBe(20);
    expect(await client().keys('*:profile.1-0:*')).toEqual([]);
    await expect(lane.land(rowsOf(1, (n) => n))).rejects.toThrow(GenerationEndedError);
    expect((await store.begin(profile, { holder: holderOf(10) })).id).toBe('3-10');
    await expect(store.generation(profile, '9-9', { holder: holderOf(10) })).rejects.toThrow(
      /no generation "9-9"/,
    );
  });

  it('only one cut is under way; one whose time is over is undone by the next', async () => {
    const store = await filled();
    const first = await store.begin(profile, { holder: holderOf(8) });
    // A builder that died in the middle: it has closed the old generation.
    const begun = ['8', 'locks', '60000', 'profile', first.id];
    const reply = await cutBy(begun);
    const second = await store.begin(profile, { holder: holderOf(9) });
    await client().hset('{feat:shop.0}:record', 'closed:profile.1-0', String(reply));
    await expect(second.cut({ lanes: { batch: 'ended' } })).rejects.toThrow(BusyError);
    await client().hset('{feat:shop}:catalog', 'cutting:profile', `${first.id} ${reply} 5 filling profile`);
    await second.cut({ lanes: { batch: 'ended' } });
    expect(await states(store)).toEqual(['1-0 previous', '2-8 filling', '3-9 live']);
    expect(await client().hget('{feat:shop.0}:record', 'closed:profile.1-0')).toBeNull();
  });
});

describe('a generation that was closed by a builder that has died', () => {
  const closeIn = (partition: number, n: number) =>
    client().hset(`{feat:shop.${partition}}:record`, 'closed:profile.1-0', String(n));

  it('is opened by the lanes that meet it, once the time of the cut is over', async () => {
    const store = await filled();
    const lane = await store.open(profile, { holder: holderOf(7), patience: 60_000 });
    const next = await store.begin(profile, { holder: holderOf(8) });
    const n = await cutBy(['8', 'locks', '60000', 'profile', next.id]);
    for (const partition of [0, 1, 2, 3]) await closeIn(partition, n);
    const landing = lane.land(rowsOf(20, (each) => 500 + each).map((row) => ({ ...row, time: NOW + 1 })));
    let isLanded = false;
    void landing.then(() => {
      isLanded = true;
    });
    // As long as the cut may go on, nothing is done.
    await expect(store.open(profile, { holder: holderOf(9), lane: 'other', rank: 99 })).rejects.toThrow(
      /takes no rows for now/,
    );
    expect(isLanded).toBe(false);
    expect(await states(store)).toEqual(['1-0 live', '2-8 cutting']);
    await client().hset('{feat:shop}:catalog', 'cutting:profile', `${next.id} ${n} 5 filling profile`);
    expect(new Set((await landing).outcomes)).toEqual(new Set(['accepted']));
    expect(await states(store)).toEqual(['1-0 live', '2-8 filling']);
  });

  it('is opened, too, where the cut had come to its end', async () => {
    const store = await filled();
    const next = await store.begin(profile, { holder: holderOf(8) });
    await next.cut({ lanes: { batch: 'ended' } });
    await closeIn(0, 3);
    const previous = await store.generation(profile, '1-0', { holder: holderOf(8) });
    const lane = await store.open(profile, { holder: holderOf(9), generation: previous });
    const rows = rowsOf(20, (each) => 500 + each).map((row) => ({ ...row, time: NOW + 1 }));
    expect(new Set((await lane.land(rows)).outcomes)).toEqual(new Set(['accepted']));
    expect(await client().hget('{feat:shop.0}:record', 'closed:profile.1-0')).toBeNull();
  });
});

/** Begins a cut as a builder does, and goes no further. Returns the number of the change. */
async function cutBy(args: readonly string[]): Promise<number> {
  const [word, n] = await openParts(4).catalog.change('cut', args);
  expect(word).toBe('done');
  return Number(n);
}

describe('a generation that follows the same source', () => {
  const parse = (value: unknown) => {
    const { u, n } = value as { u: string; n: string };
    return { id: u, time: NOW + Number(n), values: { n: Number(n) } };
  };
  const source = () => redisStream({ redis: url(), streams: ['clicks'] });
  const fill = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 1)
      await client().xadd('clicks', `${n + 1}-0`, 'u', `u${n % 9}`, 'n', String(n));
  };

  /** So many records, and then nothing, not even an empty batch. */
  const silent = (count: number): Source => ({
    ...{ name: 'clicks', partitions: [0], nameOf: () => 'clicks', extent: () => Promise.resolve(undefined) },
    async *read(_, after, signal) {
      const begin = after?.[0] ?? 0;
      const records = Array.from({ length: count - begin }, (_, n) => ({
        ...{ offset: [begin + n + 1, 0] as const, value: { u: `u${begin + n}`, n: String(begin + n) } },
      }));
      if (records.length > 0) yield { records, through: [count, 0] };
      await new Promise<void>((resolve) => onAbort(signal, resolve));
    },
  });

  it('takes the place once it has all that was taken in, while both go on, and loses nothing', async () => {
    const store = storeOf();
    await store.apply();
    await fill(0, 100);
    const renew = (): Promise<void> => Promise.resolve();
    const old = await store.open(profile, { holder: holderOf(7), lane: 'stream', renew });
    old.follow(source(), parse);
    const next = await store.begin(profile, { holder: holderOf(8) });
    const lane = await store.open(profile, { holder: holderOf(8), lane: 'stream', generation: next, renew });
    lane.follow(source(), parse);
    await fill(100, 150);
    await next.cut({ lanes: { stream: 'same' } });
    await fill(150, 200);
    const latest = async (): Promise<unknown[]> =>
      (await store.rows(profile, ['u0', 'u1', 'u2'])).map(({ values }) => values.n);
    await vi.waitFor(async () => expect(await latest()).toEqual([198, 199, 191]), 20_000);
    // The old one is not closed any more: it is kept up, so that a cut back is possible.
    await vi.waitFor(() => expect(old.stats().accepted).toBe(200), 20_000);
  }, 40_000);

  it('takes the place, and gives it back, while the source is silent, which no partition of the store hears of otherwise', async () => {
    const store = storeOf();
    await store.apply();
    // On this clock it is never time to tell partitions how far the source has been taken in.
    const clock = { ...systemClock, now: () => 0 };
    const writing = storeOf(profile, clock);
    const renew = (): Promise<void> => Promise.resolve();
    const next = await store.begin(profile, { holder: holderOf(8) });
    for (const options of [{ holder: holderOf(7) }, { holder: holderOf(8), generation: next }]) {
      const lane = await writing.open(profile, { ...options, lane: 'stream', renew });
      lane.follow(silent(2), parse);
      await vi.waitFor(() => expect(lane.stats().accepted).toBe(2), 20_000);
    }
    await next.cut({ lanes: { stream: 'same' } });
    expect((await store.rows(profile, ['u1']))[0]?.values.n).toBe(1);
    await store.rollback(profile, { holder: holderOf(9), lanes: { profile: { stream: 'same' } } });
    expect(await states(store)).toEqual(['1-0 live', '2-8 previous']);
  }, 40_000);

  it('that does not catch up in time changes nothing, and the old one goes on', async () => {
    const store = storeOf();
    await store.apply();
    await fill(0, 50);
    const old = await store.open(profile, { holder: holderOf(7), lane: 'stream' });
    old.follow(source(), parse);
    await vi.waitFor(() => expect(old.stats().accepted).toBe(50), 20_000);
    const next = await store.begin(profile, { holder: holderOf(8) });
    const refused = await next
      .cut({ lanes: { stream: 'same' }, patience: 300 })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(IncompleteError);
    expect(String(refused)).toMatch(
      /"stream" has taken in partition 0 of its source through nothing, not 50-0/,
    );
    await fill(50, 60);
    await vi.waitFor(() => expect(old.stats().accepted).toBe(60), 20_000);
    expect(await states(store)).toEqual(['1-0 live', '2-8 filling']);
  });
});
