/** Searches of several shards by words, terms, and vectors of several names: as one index with the same documents answers them. */
import { AbortedError, MisuseError, seededRandom, UnavailableError } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';
import {
  createShardedIndex,
  type Document,
  type FoundDocument,
  type ShardedFindOptions,
  type ShardedIndex,
  type ShardedIndexOptions,
} from '../src/index.js';
import { idsOf, later, server, url, useRedis } from './setting.js';

useRedis();
const COUNT = 120;
/** By which scores of vectors differ, far more than each index rounds them. */
const STEP = 1.04;
/** Texts that were embedded. */
const embedded: string[] = [];
const embedder = {
  embed: async (texts: readonly string[]) => {
    embedded.push(...texts);
    return texts.map((text) => Float32Array.of(text.length % 2 === 0 ? 1 : -1, 0, 0));
  },
};
/** Scores of "title" and "body" are so far apart that the codes of no index mistake one for another; "look" is only compared. */
const OPTIONS = {
  schema: { kind: 'tag', price: 'number' },
  vectors: {
    title: { dimensions: 3, metric: 'ip', embedder },
    body: { dimensions: 3, metric: 'ip' },
    look: { dimensions: 4 },
  },
  keywords: { fields: { title: 2, body: 1 } },
  terms: {},
} as const;

type Random = ReturnType<typeof seededRandom>;
const below = (random: Random, count: number): number => Math.floor(random.unit() * count);
const one = <T>(random: Random, of: readonly T[]): T => of[below(random, of.length)] as T;
/** Some are frequent, some are in few documents; many begin alike. */
const WORDS = Array.from(
  { length: 80 },
  (_, n) => `${['re', 'rea', 'sto', 'wo'][n % 4]}${n.toString(36)}ing`,
);
const wordOf = (random: Random): string => WORDS[Math.floor(80 * random.unit() ** 3)] as string;
const wordsOf = (random: Random, most: number): string =>
  Array.from({ length: 1 + below(random, most) }, () => wordOf(random)).join(' ');
const termsOf = (random: Random): Record<string, number> =>
  Object.fromEntries(
    Array.from({ length: 1 + below(random, 4) }, () => [`t${below(random, 12)}`, 1 + below(random, 9) / 4]),
  );

function documentsOf(random: Random): Document[] {
  const shuffled = (): number[] =>
    Array.from({ length: COUNT }, (_, n) => ({ n, at: random.unit() }))
      .sort((a, b) => a.at - b.at)
      .map(({ n }) => n + 1);
  const [titles, bodies] = [shuffled(), shuffled()];
  return titles.map((title, n) => ({
    id: `d${n}`,
    // Those of some are the same, so that only their ids tell them apart.
    ...(n % 7 !== 0 && {
      text:
        n % 5 === 0 ? { title: 're0ing wo3ing' } : { title: wordsOf(random, 3), body: wordsOf(random, 20) },
    }),
    ...(n % 4 !== 0 && { terms: n % 3 === 0 ? { t1: 2 } : termsOf(random) }),
    vectors: {
      title: [STEP ** title, 0, 0],
      body: [
        [STEP ** (bodies[n] as number), 0, 0],
        [STEP ** ((bodies[n] as number) + 0.5), 0, 0],
      ].slice(n % 2),
      look: Array.from({ length: 4 }, () => random.unit() - 0.5),
    },
    attributes: { kind: one(random, ['a', 'b', 'c']), price: below(random, 50) },
  }));
}

function queryOf(random: Random): ShardedFindOptions {
  const is = (chance = 0.5): boolean => random.unit() < chance;
  const text = is(0.7) ? wordsOf(random, 5) + one(random, ['', '', ' ', 'x', ' wo', ' re']) : undefined;
  const vectors = {
    ...(is(0.3) && { title: [one(random, [1, -1]), 0, 0] }),
    ...(is(0.4) && { body: [one(random, [1, -1]), 0, 0] }),
  };
  const terms = is(0.4) ? termsOf(random) : undefined;
  const isNone = text === undefined && terms === undefined && Object.keys(vectors).length === 0;
  const isPlain = is(0.4);
  const isByWords = text !== undefined;
  return {
    ...(isByWords && { text, prefix: is(), typos: is(), ...(is(0.3) && { snippet: { words: 5 } }) }),
    vectors: isNone ? { body: [1, 0, 0] } : vectors,
    ...(terms && { terms }),
    limit: 1 + below(random, is() ? 5 : 40),
    offset: is() ? below(random, 10) : 0,
    ...(is(0.3) && {
      filter: one(random, [{ kind: 'a' }, { price: { lt: 20 } }, { not: { kind: 'b' } }]) as never,
    }),
    facets: is(0.3) ? ['kind', 'price'] : [],
    texts: is(0.3),
    ...(is(0.3) && { fuse: { weights: { keywords: 2, terms: 0.5 }, k: 10 } }),
    ...(is(0.2) && { minScore: STEP ** 70.25 }),
    ...(!isPlain && is(0.4) && { rerank: { by: reranker } }),
    ...(!isPlain && is(0.4) && { diversify: { by: 'look', lambda: 0.4 } }),
  };
}

const reranker = (_: string, hits: readonly FoundDocument[]): number[] =>
  hits.map(({ id, attributes }) => Number(attributes['price']) + id.length / 8);

/** All but the scores of vectors, which each index rounds for itself. */
function toldOf({ scores, score, ...hit }: FoundDocument): unknown {
  const { title: _, body: __, look: ___, ...words } = scores;
  return { ...hit, words };
}

function sharded(shards: number, options: Partial<ShardedIndexOptions> = {}): ShardedIndex {
  const index = createShardedIndex({ redis: url(), name: 'parts', shards, ...OPTIONS, ...options });
  later(() => index.close());
  return index;
}

/** Four shards of which this process holds two, and asks another one for the others, as text. */
function spread(options: Partial<ShardedIndexOptions> = {}): ShardedIndex {
  const there = sharded(4, { hold: [1, 3], peers: async () => '' });
  return sharded(4, { hold: [0, 2], peers: (_, call) => there.answer(call), ...options });
}

async function put(documents: readonly Document[], indexes: readonly Pick<ShardedIndex, 'put' | 'ready'>[]) {
  for (const index of indexes) {
    await Promise.all(documents.map((each) => index.put(each, { time: 1_000 })));
    await index.ready();
  }
}

describe('searches of shards', () => {
  it('answer as one index with the same documents', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    const random = seededRandom(seed);
    const whole = server({ name: 'whole', ...OPTIONS });
    const parts = [sharded(1), sharded(2), spread()];
    await put(documentsOf(random), [whole, ...parts]);
    for (let n = 0; n < 60; n += 1) {
      const query = queryOf(random);
      const expected = await whole.search(query);
      for (const index of parts) {
        const found = await index.search(query);
        const about = `query ${n}: ${JSON.stringify(query)}`;
        expect(found.hits.map(toldOf), about).toEqual(expected.hits.map(toldOf));
        found.hits.forEach(({ score }, at) => {
          const wanted = expected.hits[at]?.score ?? Number.NaN;
          expect(Math.abs(score - wanted), about).toBeLessThan(0.01 * Math.max(1, Math.abs(wanted)));
        });
        expect(found.facets, about).toEqual(expected.facets);
        expect(found).toMatchObject({ partial: [], degraded: [] });
      }
    }
  });

  it('embed a text once, and end where they are aborted', async () => {
    const index = spread();
    await put(documentsOf(seededRandom(1)), [index]);
    embedded.length = 0;
    const { hits } = await index.search({ text: 're0ing', limit: 3 });
    expect(hits).toHaveLength(3);
    expect(embedded).toEqual(['re0ing']);
    await expect(index.search({ text: 're0ing', signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    const ended = new AbortController();
    const waiting = index.search({
      ...{ text: 're0ing', signal: ended.signal },
      rerank: { by: () => new Promise(() => {}), deadline: 60_000 },
    });
    ended.abort();
    await expect(waiting).rejects.toThrow(AbortedError);
    const late = { rerank: { by: () => new Promise<number[]>(() => {}), deadline: 1 } };
    const { degraded } = await index.search({ text: 're0ing', ...late });
    expect(degraded).toMatchObject([{ part: 'rerank', reason: 'deadline' }]);
  });

  it('say which shards are missing, whichever question they did not answer', async () => {
    const there = sharded(4, { hold: [1, 3], peers: async () => '' });
    let asked: string[] = [];
    let refused: string | undefined;
    const index = sharded(4, {
      hold: [0, 2],
      peers: (shard, call) => {
        const { verb } = JSON.parse(call);
        if (shard === 3) asked.push(verb);
        if (shard === 3 && verb === refused) return Promise.reject(new Error('connect ECONNREFUSED'));
        return there.answer(call);
      },
    });
    await put(documentsOf(seededRandom(2)), [index]);
    await there.ready();
    const query = { text: 're0ing', limit: COUNT, texts: true, partialAfter: 5_000 };
    const all = await index.search(query);
    expect(asked).toEqual(['counts', 'rank', 'texts']);
    expect(all.partial).toEqual([]);
    for (const verb of ['counts', 'rank', 'texts'] as const) {
      [asked, refused] = [[], verb];
      const found = await index.search(query);
      expect(found.partial).toEqual([3]);
      // It is not asked again.
      expect(asked.at(-1)).toBe(verb);
      const isFound = verb === 'texts';
      expect(found.hits.length === all.hits.length).toBe(isFound);
      expect(found.place.split(',')[3] !== '').toBe(isFound);
      if (isFound) {
        expect(idsOf(found)).toEqual(idsOf(all));
        expect(found.hits.filter(({ text }) => text === undefined).length).toBeGreaterThan(0);
      }
      const { partialAfter: _, ...whole } = query;
      await expect(index.search(whole)).rejects.toThrow(/Shard 3 .*could not be asked/);
    }
    refused = 'vectors';
    const varied = await index.search({ ...query, limit: 5, diversify: { by: 'look' } });
    expect(varied.partial).toEqual([3]);
  });

  it('take a shard of an earlier version for one that does not answer', async () => {
    const refusal = 'answer takes what "peers" of a sharded index was given; got a call.';
    const old = JSON.stringify({ error: { code: 'HOLDFAST_MISUSE', message: refusal } });
    const there = sharded(4, { hold: [3], peers: async () => '' });
    const index = sharded(4, {
      hold: [0, 1, 2],
      peers: async (_, call) => (JSON.parse(call).verb === 'search' ? there.answer(call) : old),
    });
    await put(documentsOf(seededRandom(3)), [index, there].slice(0, 1));
    await expect(index.search({ text: 're0ing' })).rejects.toThrow(UnavailableError);
    await expect(index.search({ text: 're0ing' })).rejects.toThrow(/shard 3 .*an earlier version.*Update it/);
    expect((await index.search({ text: 're0ing', partialAfter: 5_000 })).partial).toEqual([3]);
    expect((await index.search({ vectors: { body: [1, 0, 0] } })).hits).toHaveLength(10);
  });

  it('answer as the documents are, if they are written between the questions', async () => {
    const there: ShardedIndex = sharded(4, { hold: [1, 2, 3], peers: (_, call) => index.answer(call) });
    let before = async (_: string): Promise<void> => {};
    const index: ShardedIndex = sharded(4, {
      hold: [0],
      peers: async (_, call) => {
        await before(JSON.parse(call).verb);
        return there.answer(call);
      },
    });
    await put(documentsOf(seededRandom(4)), [index]);
    await there.ready();
    let done: Promise<unknown> | undefined;
    before = async (verb) => {
      if (verb !== 'rank') return;
      // Words that no shard had counted, and one that was counted and is gone.
      done ??= (async () => {
        await there.deleteAll({ filter: { kind: 'a' } });
        await there.put({ id: 'new', text: { title: 'unheard wo3ing' }, attributes: { kind: 'b' } });
        await there.ready();
      })();
      await done;
    };
    const { hits } = await index.search({ text: 'unheard wo3ing', limit: COUNT, texts: true, prefix: true });
    expect(hits.length).toBeGreaterThan(10);
    for (const { score } of hits) expect(score).toBeGreaterThan(0);
  });

  it('refuse what does not fit, before a shard is asked or by the shard', async () => {
    const asked: string[] = [];
    const plain = { schema: {}, keywords: undefined, terms: undefined, vectors: { dimensions: 3 } } as const;
    const { keywords: _, terms: __, ...bare } = { ...plain };
    const there = createShardedIndex({ redis: url(), name: 'parts', shards: 2, ...bare });
    later(() => there.close());
    const index = sharded(2, {
      hold: [0],
      peers: (_, call) => {
        asked.push(call);
        return there.answer(call);
      },
    });
    for (const query of [
      {},
      { text: 're', exact: true },
      { vector: [1, 0, 0] },
      { text: 're', facets: ['colour'] },
      { vectors: { nose: [1] } },
      { text: 're', limit: 4_000, offset: 97 },
      { text: 're', diversify: { by: 'nose' } },
    ] as ShardedFindOptions[])
      await expect(index.search(query)).rejects.toThrow(MisuseError);
    expect(asked).toEqual([]);
    await expect(there.search({ text: 'word' })).rejects.toThrow(/neither "keywords" nor an "embedder"/);
    await expect(index.search({ text: 're0ing' })).rejects.toThrow(MisuseError);
    for (const args of [
      [],
      [{}],
      [null],
      [{ words: [1], shards: 2 }],
      [{ meanings: [3], facets: [], most: 1 }],
      [{ meanings: [], facets: [1], most: 1 }],
      [{ hits: [{}] }],
    ])
      for (const verb of ['counts', 'rank', 'vectors', 'texts'])
        expect(await index.answer(JSON.stringify({ shard: 0, verb, args }))).toMatch(/HOLDFAST_MISUSE/);
  });
});
