/** Several indexes that answer as one: the same answers, places, shards that are elsewhere, late, or away. */
import { AbortedError, MisuseError, seededRandom, UnavailableError } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import {
  createShardedIndex,
  type Filter,
  type ShardedIndex,
  type ShardedIndexOptions,
} from '../src/index.js';
import { client, holderOf, idsOf, server, url, useRedis } from './setting.js';

useRedis();
const SCHEMA = { kind: 'tag', price: 'number', place: 'geo' } as const;
const COUNT = 120;

function sharded(options: Partial<ShardedIndexOptions> = {}): ShardedIndex {
  return createShardedIndex({
    ...{ redis: url(), name: 'parts', shards: 4, schema: SCHEMA, vectors: { dimensions: 3, metric: 'ip' } },
    ...options,
  });
}

/** Scores are so far apart that the codes of no index mistake one for another. */
const documents = (seed: number) => {
  const random = seededRandom(seed);
  const order = Array.from({ length: COUNT }, (_, n) => ({ n, at: random.unit() }));
  order.sort((one, other) => one.at - other.at);
  return order.map(({ n }, rank) => ({
    id: `d${n}`,
    vector: [(rank + 1) / 4, random.unit() / 100, 0],
    attributes: {
      kind: ['a', 'b', 'c'][Math.floor(random.unit() * 3)],
      price: Math.floor(random.unit() * 50),
      place: { lat: 10 * random.unit(), lon: 175 + 5 * random.unit() },
    },
  }));
};

describe('an index of four shards', () => {
  it('answers as one index with the same documents', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    const one = server({ name: 'one', schema: SCHEMA, vectors: { dimensions: 3, metric: 'ip' } });
    await using many = closing(sharded());
    const all = documents(seed);
    await Promise.all(all.flatMap((each) => [one.put(each), many.index.put(each)]));
    await Promise.all([one.ready(), many.index.ready()]);
    expect(many.index.stats().size).toBe(4);
    for (const { documents: held } of many.index.stats().values()) expect(held).toBeGreaterThan(COUNT / 8);

    const vector = [1, 0, 0];
    const filters: Filter[] = [
      {},
      { kind: 'a' },
      { price: { lt: 10 } },
      { place: { near: { lat: 5, lon: -180, radius: 400_000 } } },
      { not: { kind: 'b' }, price: { gte: 25 } },
    ];
    for (const filter of filters) {
      for (const [limit, offset] of [
        [10, 0],
        [7, 20],
        [200, 0],
      ] as const) {
        const asked = { vector, filter, limit, offset, facets: ['kind', 'price'] };
        const [left, right] = [await one.search(asked), await many.index.search(asked)];
        const told = (hits: typeof left.hits) =>
          hits.map(({ id, ranks, attributes }) => [id, ranks, attributes]);
        expect(told(right.hits)).toEqual(told(left.hits));
        expect(right.facets).toEqual(left.facets);
        expect(right.partial).toEqual([]);
      }
      expect(await many.index.count({ filter })).toBe(await one.count({ filter }));
      expect(await pagesOf(many.index, filter)).toEqual(await pagesOf(one, filter));
    }
    const gone = await many.index.deleteAll({ filter: { kind: 'a' } });
    expect(gone.deleted).toBe(all.filter(({ attributes }) => attributes.kind === 'a').length);
    expect(await many.index.count({ filter: { kind: 'a' }, after: gone.place as string })).toBe(0);
  });

  it('sees a write after its place, on another process', async () => {
    await using one = closing(sharded());
    await using other = closing(sharded());
    await other.index.ready();
    for (let n = 0; n < 20; n += 1) {
      const written = await one.index.put({ id: `d${n}`, vector: [1, 0, 0] });
      if (written.outcome !== 'written') throw new Error('it was not written');
      const found = await other.index.search({ vector: [1, 0, 0], limit: 50, after: written.place });
      expect(idsOf(found)).toContain(`d${n}`);
      expect(await other.index.get(`d${n}`, { after: found.place })).toMatchObject({ id: `d${n}` });
    }
    await one.index.patch('d3', { kind: 'c' });
    const { place } = await one.index.delete('d4');
    expect(await other.index.count({ after: place })).toBe(19);
  });

  it('asks the processes that hold what this one does not', async () => {
    await using there = closing(
      sharded({ hold: [2, 3], peers: () => Promise.reject(new Error('not asked')) }),
    );
    const asked: number[] = [];
    await using here = closing(
      sharded({
        hold: [0, 1],
        peers: (shard, call) => {
          asked.push(shard);
          return there.index.answer(call);
        },
      }),
    );
    await using whole = closing(sharded());
    const all = documents(1);
    const written = await Promise.all(all.map((each) => here.index.put(each, { time: 1_000_000 })));
    await Promise.all([whole.index.ready(), there.index.ready(), here.index.ready()]);
    const vector = Float32Array.of(1, 0, 0);
    const [own, same] = [await here.index.search({ vector }), await whole.index.search({ vector })];
    expect(own.hits.map(({ id, time }) => [id, time])).toEqual(same.hits.map(({ id, time }) => [id, time]));
    expect(new Set(asked)).toEqual(new Set([2, 3]));
    for (const { id } of all) {
      expect(await here.index.get(id)).toEqual(await whole.index.get(id));
    }
    expect(await pagesOf(here.index, {})).toEqual(await pagesOf(whole.index, {}));
    expect(written.every(({ outcome }) => outcome === 'written')).toBe(true);
    const deleted = await here.index.deleteAll(
      { filter: {} },
      { time: new Date(2_000_000), holder: holderOf(7) },
    );
    expect(deleted).toMatchObject({ deleted: COUNT, kept: 0 });
    await expect(here.index.search({ vector, facets: ['colour'] })).rejects.toThrow(MisuseError);
  });

  it('says which shards an answer lacks, and only if it was asked to', async () => {
    await using full = closing(sharded());
    for (const each of documents(2)) await full.index.put(each);
    let fail: (signal: AbortSignal) => Promise<string> = () =>
      Promise.reject(new Error('connect ECONNREFUSED'));
    await using index = closing(
      sharded({
        hold: [0, 1, 2],
        peers: (_, __, signal) => fail(signal),
      }),
    );
    await index.index.ready();
    const asked = { vector: [1, 0, 0], limit: COUNT, facets: ['kind'] };
    const lacking = await index.index.search({ ...asked, partialAfter: 5_000 });
    const away = new Set(idsOf(await full.index.search(asked)).filter((id) => !idsOf(lacking).includes(id)));
    expect(lacking.partial).toEqual([3]);
    expect(away.size).toBeGreaterThan(0);
    expect(lacking.place.split(',')[3]).toBe('');
    await expect(index.index.search(asked)).rejects.toThrow(UnavailableError);
    await expect(index.index.search(asked)).rejects.toThrow(/Shard 3 .*\n.*ECONNREFUSED/);
    await expect(index.index.count()).rejects.toThrow(UnavailableError);

    // One that never answers is waited for until the deadline, and its call is aborted then.
    let aborted: AbortSignal | undefined;
    fail = (signal) => {
      aborted = signal;
      return new Promise(() => {});
    };
    expect((await index.index.search({ ...asked, partialAfter: 50 })).partial).toEqual([3]);
    expect(aborted?.aborted).toBe(true);
    const ending = AbortSignal.abort();
    await expect(index.index.search({ ...asked, signal: ending })).rejects.toThrow(AbortedError);
    const ended = new AbortController();
    const waiting = index.index.search({ ...asked, signal: ended.signal });
    ended.abort();
    await expect(waiting).rejects.toThrow(AbortedError);
    fail = async () => '<html>';
    await expect(index.index.search(asked)).rejects.toThrow(/answered what cannot be read/);
  });

  it('keeps the documents of another number of shards apart', async () => {
    await using four = closing(sharded());
    await using two = closing(sharded({ shards: 2 }));
    const { place } = await four.index.put({ id: 'a', vector: [1, 0, 0] });
    expect(await two.index.count()).toBe(0);
    await expect(two.index.search({ vector: [1, 0, 0], after: place })).rejects.toThrow(/index of 2 shards/);
    const keys = await client().keys('{vectors:parts-*-of-4}:doc:*');
    expect(keys).toHaveLength(1);
  });

  it.each([
    [{ shards: 0 }, /"shards"|shards/],
    [{ hold: [4], peers: async () => '' }, /"hold" names shard 4/],
    [{ hold: [0, 0] }, /different numbers/],
    [{ hold: [0] }, /no "peers"/],
    [{ redis: ['redis://localhost:1'] }, /a list of 4/],
    [{ next: { dimensions: 3 } } as never, /no option "next"/],
    [{ tasks: { add: () => {} } } as never, /no option "tasks"/],
    [{ name: 'a'.repeat(49) }, /1 to 48 letters/],
  ] as [Partial<ShardedIndexOptions>, RegExp][])('refuses %o', (options, message) => {
    expect(() => sharded(options)).toThrow(MisuseError);
    expect(() => sharded(options)).toThrow(message);
  });

  it('answers what is no call with a refusal', async () => {
    await using index = closing(sharded());
    for (const text of ['', '{}', '{"shard":0,"verb":"close","args":[]}', '[]']) {
      expect(await index.index.answer(text)).toMatch(/HOLDFAST_MISUSE/);
    }
  });
});

const closing = (index: ShardedIndex) => ({ index, [Symbol.asyncDispose]: () => index.close() });

async function pagesOf(index: Pick<ShardedIndex, 'scroll'>, filter: Filter): Promise<(readonly string[])[]> {
  const pages: string[][] = [];
  for (let from: string | undefined, isFirst = true; isFirst || from !== undefined; isFirst = false) {
    const { documents: page, next } = await index.scroll({ filter, limit: 17, ...(from && { from }) });
    pages.push(page.map(({ id }) => id));
    from = next;
  }
  return pages;
}
