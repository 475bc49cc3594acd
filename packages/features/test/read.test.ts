/** What reads answer and promise, on a real Redis. */
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { entity, global } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures } from '../src/features.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const profile = view('profile', { entity: user, ttl: 60_000, fields: { score: t.int() } });
const session = view('session', { entity: user, fields: { score: t.int() } });
const rates = view('rates', { entity: global, fields: { vat: t.float64() } });
const ranking = service('ranking', {
  views: { profile, session },
  derive: (row) => ({ both: row['profile.score'] !== null && row['session.score'] !== null }),
});
const taxes = service('taxes', { views: { rates } });

async function appliedStore() {
  const options = { redis: url(), name: 'shop', partitions: 2 };
  const store = createFeatures({
    ...options,
    views: [profile, session, rates],
    services: [ranking, taxes],
  });
  later(() => store.close());
  await store.apply();
  return store;
}

const holder = { token: 1, resource: 'r', issuer: 'i' };
const wrong = (value: unknown) => value as never;

describe('ids', () => {
  it('that are no objects are refused with their path, before anything is read', async () => {
    const store = await appliedStore();
    for (const bad of [null, undefined, 'u1', 7, ['u1'], () => 'u1']) {
      const reading = store.get(ranking, [{ user: 'u1' }, wrong(bad)]);
      await expect(reading).rejects.toThrow(MisuseError);
      await expect(reading).rejects.toThrow(/ids\[1\] .*"user"/);
    }
    await expect(store.get(taxes, [wrong(null)])).rejects.toThrow(/ids\[0\] .*\{\}; got null/);
    await expect(store.get(ranking, wrong(null))).rejects.toThrow(/takes a list of ids.*got null/);
    // A hole in the list is no id either.
    await expect(store.get(ranking, wrong(new Array(1)))).rejects.toThrow(/ids\[0\] /);
  });
});

describe('what a read says of its rows', () => {
  it('with `meta`: age, generation, and why values are null', async () => {
    const store = await appliedStore();
    const time = Date.now() - 30_000;
    const lane = await store.open(profile, { holder });
    await lane.land([
      { id: 'u1', time, values: { score: 1 } },
      { id: 'u2', time: time - 60_000, values: { score: 2 } },
    ]);
    const ids = [{ user: 'u1' }, { user: 'u2' }];
    const [first, second] = await store.get(ranking, ids, undefined, { meta: true });
    expect(first?.answer).toEqual((await store.get(ranking, ids))[0]);
    expect(first?.views.profile).toMatchObject({
      reason: undefined,
      time: new Date(time),
      generation: '1-0',
    });
    expect(first?.views.profile.age).toBeGreaterThan(29_000);
    expect(first?.views.profile).not.toHaveProperty('place');
    expect(first?.views.session).toMatchObject({ reason: 'missing', time: null, age: null });
    expect(second?.views.profile).toMatchObject({ reason: 'expired', time: new Date(time - 60_000) });
    // @ts-expect-error the views are those of the service
    expect(first?.views.rates).toBeUndefined();
  });

  it('with `place`: the place in the log up to which it has seen', async () => {
    const store = await appliedStore();
    const placeOf = async () => {
      const options = { meta: true, place: true } as const;
      const [read] = await store.get(ranking, [{ user: 'u1' }], undefined, options);
      return read?.views.profile.place;
    };
    const before = await placeOf();
    expect(before).toMatchObject({ id: 'u1' });
    const lane = await store.open(profile, { holder });
    await lane.land([{ id: 'u1', time: Date.now(), values: { score: 1 } }]);
    const place = await placeOf();
    const key = `{feat:shop.${place?.partition}}:at`;
    expect(place?.at).toBe(await client().get(key));
    expect(place?.at).toMatch(/^\S+ \d+$/);
    expect(place?.at).not.toBe(before?.at);
    expect(Math.abs((place?.now ?? 0) / 1_000 - Date.now())).toBeLessThan(60_000);
    await lane.land([{ id: 'u1', time: Date.now(), values: { score: 2 } }]);
    expect((await placeOf())?.at).not.toBe(place?.at);
    const alone = store.get(ranking, [{ user: 'u1' }], undefined, { place: true });
    await expect(alone).rejects.toThrow(/add meta: true/);
  });

  it('the views of an entity are of one instant', async () => {
    const store = await appliedStore();
    const [one, other] = [await store.open(profile, { holder }), await store.open(session, { holder })];
    const begin = Date.now();
    const land = async (score: number) => {
      for (const lane of [one, other])
        await lane.land([{ id: 'u1', time: begin + score, values: { score } }]);
      const keys = await client().keys('*:u1');
      return (await Promise.all(keys.map(async (key) => [key, await client().getBuffer(key)]))).flat();
    };
    // Both rows of each state, which are exchanged in one step, much faster than lanes would.
    const states = [await land(1), await land(2)] as (string | Buffer)[][];
    expect(states.map((state) => state.length)).toEqual([4, 4]);
    let isWriting = true;
    const writing = (async () => {
      for (let n = 0; isWriting; n += 1) await client().mset(...(states[n % 2] as [string, Buffer]));
    })();
    const seen = new Set<string>();
    for (let reads = 0; reads < 300; reads += 1) {
      const [row] = await store.get(ranking, [{ user: 'u1' }]);
      seen.add(`${row?.['profile.score']} ${row?.['session.score']}`);
    }
    isWriting = false;
    await writing;
    expect([...seen].sort()).toEqual(['1 1', '2 2']);
  });
});

describe('rows() with a signal', () => {
  it('that has aborted reads nothing; one that aborts meanwhile ends it', async () => {
    const store = await appliedStore();
    const before = store.rows(profile, ['u1'], { signal: AbortSignal.abort('enough') });
    await expect(before).rejects.toThrow(AbortedError);
    await expect(before).rejects.toThrow(/reading the view "profile"/);
    const aborting = new AbortController();
    const reading = store.rows(profile, ['u1'], { signal: aborting.signal });
    aborting.abort(); // in the same turn, so that no answer can have come
    await expect(reading).rejects.toThrow(AbortedError);
    expect(await store.rows(profile, ['u1'], { signal: new AbortController().signal })).toHaveLength(1);
    await expect(store.rows(profile, ['u1'], wrong({ signal: 1 }))).rejects.toThrow(/signal.*AbortSignal/);
    await expect(store.rows(profile, ['u1'], wrong({ meta: true }))).rejects.toThrow(/meta/);
  });
});

describe('a read with a signal', () => {
  it('that has aborted reads nothing; one that aborts meanwhile ends it', async () => {
    const store = await appliedStore();
    const ids = [{ user: 'u1' }];
    const before = store.get(ranking, ids, undefined, { signal: AbortSignal.abort('enough') });
    await expect(before).rejects.toThrow(AbortedError);
    await expect(before).rejects.toThrow(/reading the service "ranking"/);
    const aborting = new AbortController();
    const reading = store.get(ranking, ids, undefined, { signal: aborting.signal });
    aborting.abort(); // in the same turn, so that no answer can have come
    await expect(reading).rejects.toThrow(AbortedError);
    expect(await store.get(ranking, ids, undefined, { signal: new AbortController().signal })).toHaveLength(
      1,
    );
    const bad = store.get(ranking, ids, undefined, wrong({ signal: 'now' }));
    await expect(bad).rejects.toThrow(/signal.*AbortSignal/);
    await expect(store.get(ranking, ids, undefined, wrong({ fresh: true }))).rejects.toThrow(/fresh/);
  });
});
