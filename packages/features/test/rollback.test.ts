/** Going back to what was read before, and what a generation lacks of the one that is read, on a real Redis. */
import { MisuseError, type TokenHolder } from '@holdfast/kernel';
import { describe, expect, it, vi } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { service } from '../src/definition/service.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { IncompleteError } from '../src/errors.js';
import { createFeatures, type Features } from '../src/features.js';
import { redisStream } from '../src/source/redis-stream.js';
import { client, later, url, useRedis } from './setting.js';

useRedis();

const user = entity('user');
const TTL = 3_600_000;
const profile = view('profile', { entity: user, ttl: TTL, fields: { n: t.int() } });
const clicks = view('clicks', { entity: user, fields: { n: t.int() } });
const stock = view('stock', { entity: user, fields: { n: t.int() } });
const VIEWS = [profile, clicks, stock];
const ranking = service('ranking', { views: { profile, clicks, stock } });
const NOW = Date.now();

function storeOf(): Features {
  const store = createFeatures({
    ...{ redis: url(), name: 'shop', views: VIEWS, services: [ranking], partitions: 3 },
  });
  later(() => store.close());
  return store;
}

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'views', issuer: 'locks', signal: new AbortController().signal },
});

async function applied(): Promise<Features> {
  const store = storeOf();
  await store.apply();
  return store;
}

const live = async (store: Features): Promise<string> => {
  const all = await Promise.all(VIEWS.map((of) => store.generations(of)));
  return all.map((each) => each.find(({ state }) => state === 'live')?.id).join(' ');
};

describe('rolling back', () => {
  it('a service goes back by the last cut that took its views together, in one step, and forth again', async () => {
    const store = await applied();
    await expect(store.rollback(ranking, { holder: holderOf(8) })).rejects.toThrow(/nothing to go back to/);
    await (await store.begin(stock, { holder: holderOf(8) })).cut({ lanes: {} });
    const next = await Promise.all([profile, clicks].map((of) => store.begin(of, { holder: holderOf(9) })));
    await store.cut(next, { lanes: {} });
    expect(await live(store)).toBe('2-9 2-9 2-8');
    expect(await store.rollback(ranking, { holder: holderOf(10) })).toEqual({
      ...{ generations: { profile: '1-0', clicks: '1-0' }, missing: [] },
    });
    expect(await live(store)).toBe('1-0 1-0 2-8');
    await store.rollback(ranking, { holder: holderOf(10) });
    expect(await live(store)).toBe('2-9 2-9 2-8');
    await store.rollback(stock, { holder: holderOf(10) });
    expect(await live(store)).toBe('2-9 2-9 1-0');
  });

  it('one that is behind is refused, or accepted with what it lacks', async () => {
    const store = await applied();
    const source = () => redisStream({ redis: url(), streams: ['events'] });
    const parse = (value: unknown) => {
      const { u, n } = value as { u: string; n: string };
      return { id: u, time: NOW + Number(n), values: { n: Number(n) } };
    };
    const old = await store.open(clicks, { holder: holderOf(7), lane: 'stream' });
    const follower = old.follow(source(), parse);
    for (const n of [1, 2, 3]) await client().xadd('events', `${n}-0`, 'u', 'u1', 'n', String(n));
    await vi.waitFor(() => expect(old.stats().accepted).toBe(3), 20_000);
    const next = await store.begin(clicks, { holder: holderOf(8) });
    const lane = await store.open(clicks, { holder: holderOf(8), lane: 'stream', generation: next });
    lane.follow(source(), parse);
    await next.cut({ lanes: { stream: 'same' } });
    // Nobody keeps the previous one up any more.
    await follower.stop();
    await client().xadd('events', '4-0', 'u', 'u1', 'n', '4');
    await vi.waitFor(() => expect(lane.stats().accepted).toBe(4), 20_000);
    const pushed = await store.open(clicks, { holder: holderOf(8) });
    await pushed.land([{ id: 'u2', time: NOW, values: { n: 9 } }]);
    const lanes = { clicks: { stream: 'same', batch: 'ended' } } as const;
    const waiting = store.rollback(clicks, { holder: holderOf(9), lanes, patience: 200 });
    await expect(waiting).rejects.toThrow(IncompleteError);
    expect(await live(store)).toBe('1-0 2-8 1-0');
    const done = await store.rollback(clicks, { holder: holderOf(9), behind: 'accept' });
    expect(done.generations).toEqual({ clicks: '1-0' });
    expect([...done.missing].sort()).toEqual([
      'it may lack rows that were landed in the lane "batch" without a source',
      'the lane "stream" has taken in partition 0 of its source through 3-0, not 4-0',
    ]);
    expect(await live(store)).toBe('1-0 1-0 1-0');
    expect((await store.rows(clicks, ['u1', 'u2'])).map(({ values }) => values.n)).toEqual([3, null]);
    // What was replaced takes rows again.
    expect((await pushed.land([{ id: 'u3', time: NOW, values: { n: 9 } }])).outcomes).toEqual(['accepted']);
  });

  it('takes no other answer for what is behind', async () => {
    const store = await applied();
    const behind = 'ignore' as 'accept';
    await expect(store.rollback(clicks, { holder: holderOf(9), behind })).rejects.toThrow(/behind.*ignore/);
    await expect(store.rollback('clicks' as never, { holder: holderOf(9) })).rejects.toThrow(MisuseError);
  });
});

describe('a generation that is compared with the one that is read', () => {
  it('may lack as many rows as are allowed, and those that are served no longer', async () => {
    const store = await applied();
    const lane = await store.open(profile, { holder: holderOf(7) });
    const rows = Array.from({ length: 20 }, (_, n) => ({ id: `u${n}`, time: NOW, values: { n } }));
    await lane.land([...rows, { id: 'past', time: NOW - 2 * TTL, values: { n: 1 } }]);
    await lane.finish();
    const next = await store.begin(profile, { holder: holderOf(8) });
    const filling = await store.open(profile, { holder: holderOf(8), generation: next });
    await filling.land([...rows.slice(3), { id: 'more', time: NOW, values: { n: 1 } }]);
    const lanes = { batch: 'finished' } as const;
    const refused = await next.ready({ lanes, allowMissing: 2 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(IncompleteError);
    expect(refused).toMatchObject({
      missing: ['the lane "batch" has not finished', 'it lacks 3 rows, and 2 are allowed'],
    });
    await filling.finish();
    await expect(next.ready({ lanes })).rejects.toThrow(/lacks 3 rows, and 0 are allowed/);
    expect(await next.ready({ lanes, allowMissing: 3 })).toEqual({
      ...{ rows: 18, liveRows: 21, missing: 3, behind: [] },
    });
    const again = await store.open(profile, { holder: holderOf(9), generation: next });
    await again.land(rows);
    await again.finish();
    expect(await next.ready({ lanes })).toMatchObject({ rows: 21, missing: 0 });
    await expect(next.ready({ lanes, allowMissing: -1 })).rejects.toThrow(/allowMissing/);
  });
});
