/** Lanes that follow an iterable: to its end, and on from where they were. */
import type { TokenHolder } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import { entity } from '../src/definition/entity.js';
import { t } from '../src/definition/types.js';
import { view } from '../src/definition/view.js';
import { createFeatures, type Features } from '../src/features.js';
import { type IterableOptions, iterable } from '../src/source/iterable.js';
import { later, url, useRedis } from './setting.js';

useRedis();

const last = view('last', { entity: entity('user'), fields: { n: t.int() } });

async function storeOf(): Promise<Features> {
  const store = createFeatures({ redis: url(), name: 'shop', views: [last], partitions: 4 });
  later(() => store.close());
  await store.apply();
  return store;
}

const holderOf = (token: number): TokenHolder => ({
  ...{ token, resource: 'backfill', issuer: 'locks', signal: new AbortController().signal },
});

const open = (store: Features, token: number) =>
  store.open(last, { lane: 'backfill', holder: holderOf(token) });

const NOW = Date.now();
const parse = (n: unknown) => ({ id: `u${n}`, time: NOW, values: { n: Number(n) } });

function* countTo(end: number) {
  for (let n = 0; n < end; n += 1) yield n;
}

describe('an iterable', () => {
  it('is taken in to its end, and a job that died on the way goes on where it was', async () => {
    const store = await storeOf();
    const read = async function* () {
      yield* countTo(1_200);
      throw new Error('the file is broken');
    };
    const first = await open(store, 7);
    const failing = first.follow(iterable({ name: 'users.csv', read }), parse);
    await expect(failing.done()).rejects.toThrow(/users.csv failed: the file is broken/);
    expect(first.stats().accepted).toBe(1_000);
    const second = await open(store, 8);
    await second.follow(iterable({ name: 'users.csv', read: () => countTo(1_500) }), parse).done();
    expect(second.stats()).toMatchObject({ accepted: 500, older: 0, equal: 0, refused: 0 });
    const rows = await store.rows(last, ['u0', 'u1499']);
    expect(rows.map(({ values }) => values.n)).toEqual([0, 1_499]);
    const other = await open(store, 9);
    await expect(
      other.follow(iterable({ name: 'others.csv', read: () => countTo(9) }), parse).done(),
    ).rejects.toThrow(/follows users.csv as partition 0/);
  });

  it('may have offsets of its own, from which on it is read', async () => {
    const store = await storeOf();
    const asked: (number | undefined)[] = [];
    const sourceTo = (end: number): Parameters<Awaited<ReturnType<typeof open>>['follow']>[0] =>
      iterable<number>({
        name: 'query',
        read: ({ after = 0 }) => {
          asked.push(after);
          return Array.from({ length: (end - after) / 10 }, (_, n) => after + 10 * (n + 1));
        },
        offsetOf: (n) => n,
        most: 3,
      });
    const lane = await open(store, 7);
    await lane.follow(sourceTo(100), parse).done();
    await lane.follow(sourceTo(130), parse).done();
    expect(asked).toEqual([0, 100]);
    expect(lane.stats().accepted).toBe(13);
  });

  it('whose offsets do not rise, or that is none, is refused', async () => {
    const store = await storeOf();
    const follow = async (parts: Partial<IterableOptions<number>>) => {
      const lane = await open(store, 7);
      return lane.follow(iterable({ name: 'x', read: () => [5, 3], ...parts }), parse).done();
    };
    await expect(follow({ offsetOf: (n) => n })).rejects.toThrow(/rise with its values; got 3 after 5/);
    await expect(follow({ offsetOf: (n) => n / 2 })).rejects.toThrow(/whole number.*got 2.5/);
    await expect(follow({ name: '' })).rejects.toThrow(/name/);
  });
});
