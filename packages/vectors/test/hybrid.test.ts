/** Fusion, groups, variety, reranking, and searches by meaning and by words at once. */
import { AbortedError, MisuseError, seededRandom } from '@holdfast/kernel';
import {
  createEmbedder,
  createHybridSearch,
  createKeywordIndex,
  createLocalIndex,
  createSparseIndex,
  diversify,
  fuse,
  groupByDocument,
  type HybridQuery,
  rerank,
} from '@holdfast/vectors';
import { describe, expect, it } from 'vitest';

const SEED = 7;
const hits = (...ids: string[]) => ids.map((id, at) => ({ id, score: 10 - at }));
const idsOf = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id);

/** Timers fire when they are told to. */
function handClock() {
  const timers = new Set<() => void>();
  return {
    now: () => 0,
    wall: () => 0,
    after: (_: number, callback: () => void) => {
      timers.add(callback);
      return { cancel: () => void timers.delete(callback) };
    },
    afterInput: (callback: () => void) => void queueMicrotask(callback),
    timers,
    fire: () => {
      for (const timer of [...timers]) timer();
    },
  };
}

describe('fusion', () => {
  it('by ranks adds weight / (k + rank), and tells ranks and scores', () => {
    const fused = fuse(
      { vectors: hits('a', 'b', 'c'), keywords: hits('c', 'd') },
      { weights: { vectors: 2 } },
    );
    expect(fused).toEqual([
      {
        id: 'c',
        score: 2 / 63 + 1 / 61,
        ranks: { vectors: 3, keywords: 1 },
        scores: { vectors: 8, keywords: 10 },
      },
      { id: 'a', score: 2 / 61, ranks: { vectors: 1 }, scores: { vectors: 10 } },
      { id: 'b', score: 2 / 62, ranks: { vectors: 2 }, scores: { vectors: 9 } },
      { id: 'd', score: 1 / 62, ranks: { keywords: 2 }, scores: { keywords: 9 } },
    ]);
    expect(fuse({ one: hits('b'), other: hits('a') }).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('by scores brings those of each ranking to 0 to 1', () => {
    const one = [
      { id: 'a', score: -1 },
      { id: 'b', score: -2 },
      { id: 'c', score: -5 },
    ];
    const fused = fuse(
      { one, other: [{ id: 'b', score: 300 }] },
      { method: 'weighted', weights: { other: 0.5 } },
    );
    expect(fused.map(({ id, score }) => [id, score])).toEqual([
      ['b', 0.75 + 0.5],
      ['a', 1],
      ['c', 0],
    ]);
  });

  it(`of random rankings is a permutation of their ids, and never worse for a better rank (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    for (let n = 0; n < 100; n++) {
      const some = () =>
        hits(...new Set(Array.from({ length: 20 }, () => `d${Math.floor(30 * random.unit())}`)));
      const [one, other] = [some(), some()];
      const fused = fuse({ one, other });
      expect(idsOf(fused).sort()).toEqual([...new Set([...idsOf(one), ...idsOf(other)])].sort());
      const score = (id: string) =>
        [one, other].reduce(
          (sum, list) => sum + (idsOf(list).includes(id) ? 1 / (61 + idsOf(list).indexOf(id)) : 0),
          0,
        );
      fused.forEach((hit, at) => {
        expect(hit.score).toBeCloseTo(score(hit.id), 12);
        if (at > 0) expect(fused[at - 1]!.score).toBeGreaterThanOrEqual(hit.score);
      });
    }
  });

  it('refuses a weight of no ranking, and options that it does not know', () => {
    expect(() => fuse({ a: [] }, { weights: { b: 1 } })).toThrow(/"b", which is no ranking; there are a/);
    expect(() => fuse({ a: [] }, { weights: { a: -1 } })).toThrow(MisuseError);
    expect(() => fuse({ a: [] }, { method: 'best' as 'rrf' })).toThrow(/"rrf" or "weighted"; got "best"/);
  });
});

it('chunks are grouped where the best one of their document stands', () => {
  const grouped = groupByDocument(hits('b#2', 'a#1', 'b#0', 'c#9'), (id) => id.split('#')[0]!);
  expect(grouped.map(({ document, chunks }) => [document, ...idsOf(chunks)])).toEqual([
    ['b', 'b#2', 'b#0'],
    ['a', 'a#1'],
    ['c', 'c#9'],
  ]);
});

it('hits that say the same stand apart, the more the lower lambda is', () => {
  const vectors: Record<string, number[]> = { a: [1, 0], a2: [1, 0.01], a3: [1, 0.02], b: [0, 1] };
  const vectorOf = (id: string) => vectors[id];
  const given = [
    { id: 'a', score: 1 },
    { id: 'a2', score: 0.95 },
    { id: 'a3', score: 0.9 },
    { id: 'b', score: 0.5 },
  ];
  expect(idsOf(diversify(given, { vectorOf, lambda: 1 }))).toEqual(['a', 'a2', 'a3', 'b']);
  expect(idsOf(diversify(given, { vectorOf, lambda: 0.5, limit: 3 }))).toEqual(['a', 'b', 'a2']);
  expect(idsOf(diversify(given, { vectorOf: () => undefined, lambda: 0.1 }))).toEqual(['a', 'a2', 'a3', 'b']);
  expect(() => diversify(given, { vectorOf: (id) => (id === 'b' ? [1] : [1, 2]) })).toThrow(MisuseError);
});

describe('reranking', () => {
  const given = hits('a', 'b', 'c');

  it('takes the order of the model', async () => {
    const { hits: found, degraded } = await rerank('q', given, { by: () => [1, 3, 2] });
    expect(found).toEqual([
      { id: 'b', score: 3 },
      { id: 'c', score: 2 },
      { id: 'a', score: 1 },
    ]);
    expect(degraded).toBeUndefined();
  });

  it('keeps the order of before when the model is late, and aborts it', async () => {
    const clock = handClock();
    let told: AbortSignal | undefined;
    const ranked = rerank('q', given, {
      ...{ clock, deadline: 50 },
      by: (_query, _hits, signal) => {
        told = signal;
        return new Promise(() => {});
      },
    });
    clock.fire();
    expect(await ranked).toEqual({ hits: given, degraded: { reason: 'deadline' } });
    expect(told?.aborted).toBe(true);
    expect(clock.timers.size).toBe(0);
  });

  it('keeps it when the model fails, with the error; and throws for scores that are none', async () => {
    const error = new Error('no');
    const failed = await rerank('q', given, { by: () => Promise.reject(error) });
    expect(failed).toEqual({ hits: given, degraded: { reason: 'failure', error } });
    await expect(rerank('q', given, { by: () => [1, 2] })).rejects.toThrow(/each of 3 hits; got 2 of them/);
    await expect(rerank('q', given, { by: () => [1, 2, Number.NaN] })).rejects.toThrow(MisuseError);
  });

  it('ends by the signal of the caller, which the model is told', async () => {
    const abort = new AbortController();
    let told: AbortSignal | undefined;
    const ranked = rerank('q', given, {
      signal: abort.signal,
      by: (_query, _hits, signal) => {
        told = signal;
        return new Promise(() => {});
      },
    });
    abort.abort();
    await expect(ranked).rejects.toThrow(AbortedError);
    expect(told?.aborted).toBe(true);
  });
});

describe('a search by meaning and by words', () => {
  const MEANINGS: Record<string, number[]> = { fruit: [1, 0, 0], vehicle: [0, 1, 0], tool: [0, 0, 1] };
  const embed = async (texts: readonly string[]) =>
    texts.map((text) => MEANINGS[text.split(' ')[0]!] ?? [1, 1, 1]);

  function stored() {
    const vectors = createLocalIndex({ dimensions: 3, random: seededRandom(SEED) });
    const keywords = createKeywordIndex();
    const put = (id: string, text: string, vector: number[]): void => {
      vectors.put(id, vector);
      keywords.put(id, text);
    };
    put('apple', 'a red apple', [0.9, 0.1, 0]);
    put('pear', 'a green pear', [0.8, 0.2, 0.1]);
    put('bus', 'the red bus', [0, 1, 0.1]);
    put('saw', 'a saw', [0, 0.1, 1]);
    return { vectors, keywords };
  }
  const searching = (options: object = {}) => {
    const clock = handClock();
    const embedder = createEmbedder({ embed, model: 'm', clock });
    return createHybridSearch({ ...stored(), embedder, clock, ...options });
  };

  it('finds by both, and tells which half has found it', async () => {
    const { hits: found, degraded } = await searching().search({ text: 'fruit red' });
    expect(idsOf(found).slice(0, 2)).toEqual(['apple', 'bus']);
    expect(found[0]).toMatchObject({ ranks: { vectors: 1, keywords: 1 } });
    expect(found.find(({ id }) => id === 'saw')?.ranks).not.toHaveProperty('keywords');
    expect(degraded).toEqual([]);
    const filtered = await searching().search({
      text: 'fruit red',
      filter: (id) => id !== 'apple',
      limit: 1,
      offset: 1,
    });
    expect(idsOf(filtered.hits)).toEqual(['pear']);
    expect(idsOf((await searching().search({ vector: [0, 0, 1], limit: 1 })).hits)).toEqual(['saw']);
  });

  it('takes weights of terms, and reads words as they are typed', async () => {
    const terms = createSparseIndex();
    terms.put('bus', { transport: 2 });
    terms.put('saw', { transport: 0.5, metal: 1 });
    const kb = searching({ terms });
    const found = await kb.search({ terms: { transport: 1 } });
    expect(found.hits).toMatchObject([
      { id: 'bus', ranks: { terms: 1 }, scores: { terms: 2 } },
      { id: 'saw', ranks: { terms: 2 } },
    ]);
    const both = await kb.search({
      ...{ vector: [1, 0, 0], text: 'app', prefix: true, terms: { metal: 1 } },
      fuse: { weights: { terms: 3, vectors: 0 } },
    });
    expect(idsOf(both.hits).slice(0, 2)).toEqual(['saw', 'apple']);
    expect(both.hits[1]).toMatchObject({ ranks: { keywords: 1 } });
    const plain = searching({ embedder: undefined });
    expect((await plain.search({ text: 'aplle' })).hits).toEqual([]);
    expect(idsOf((await plain.search({ text: 'aplle', typos: true })).hits)).toEqual(['apple']);
    await expect(plain.search({ terms: { metal: 1 } })).rejects.toThrow(
      /needs "terms" of createHybridSearch/,
    );
    await expect(kb.search({ terms: { metal: 64 } })).rejects.toThrow(/that of "metal" is 64/);
    await expect(kb.search({ vector: [1, 0, 0], typos: true })).rejects.toThrow(/"text", which is missing/);
    await expect(kb.search({ text: 'a', prefix: 'yes' as never })).rejects.toThrow(MisuseError);
  });

  it('answers by words alone, and says so, when the text cannot be embedded in time', async () => {
    const clock = handClock();
    const late = createEmbedder({ embed: () => new Promise(() => {}), model: 'm', clock });
    const page = searching({ embedder: late, clock }).search({ text: 'red', deadline: 20 });
    clock.fire();
    expect(await page).toMatchObject({
      hits: [{ ranks: { keywords: 1 } }, { ranks: { keywords: 2 } }],
      degraded: [{ part: 'embedding', reason: 'deadline' }],
    });
    expect(clock.timers.size).toBe(0);
    const error = new Error('quota');
    const failing = createEmbedder({ embed: () => Promise.reject(error), model: 'm' });
    const failed = await searching({ embedder: failing }).search({ text: 'apple' });
    expect(idsOf(failed.hits)).toEqual(['apple']);
    expect(failed.degraded).toEqual([{ part: 'embedding', reason: 'failure', error }]);
  });

  it('has a hit a document, and as many documents as asked for, however many chunks one has', async () => {
    const vectors = createLocalIndex({ dimensions: 2, random: seededRandom(SEED) });
    const keywords = createKeywordIndex();
    for (let n = 0; n < 400; n++) {
      const id = n < 390 ? `long#${n}` : `short${n}#0`;
      vectors.put(id, [1, n / 1_000]);
      keywords.put(id, n < 390 ? 'word' : 'word and more');
    }
    const documentOf = (id: string) => id.split('#')[0]!;
    const search = createHybridSearch({ vectors, keywords, documentOf });
    const { hits: found } = await search.search({ text: 'word', vector: [1, 0], limit: 5 });
    expect(found).toHaveLength(5);
    expect(new Set(idsOf(found)).size).toBe(5);
    expect(found[0]).toMatchObject({ id: 'long', chunk: 'long#0' });
  });

  it('reranks before it diversifies, and pages at the end', async () => {
    const order = ['saw', 'pear', 'apple', 'bus'];
    const vectorOf = (id: string) => ({ apple: [1, 0], pear: [1, 0], bus: [0, 1], saw: [1, 0.1] })[id];
    const query: HybridQuery = {
      text: 'fruit red',
      rerank: { by: (_, found) => found.map(({ id }) => -order.indexOf(id)) },
    };
    expect(idsOf((await searching().search(query)).hits)).toEqual(order);
    const varied = { ...query, diversify: { vectorOf, lambda: 0.3 } };
    expect(idsOf((await searching().search(varied)).hits).slice(0, 2)).toEqual(['saw', 'bus']);
    expect(idsOf((await searching().search({ ...varied, limit: 1, offset: 1 })).hits)).toEqual(['bus']);
  });

  it('refuses a query without text and vector, and ends by a signal', async () => {
    await expect(searching().search({})).rejects.toThrow(/"text", a "vector", "terms", or several/);
    await expect(searching().search({ text: 'a', limit: 600, offset: 600 })).rejects.toThrow(MisuseError);
    await expect(searching().search({ text: 'a', fuse: { weights: { words: 2 } } })).rejects.toThrow(
      /no ranking/,
    );
    const abort = new AbortController();
    const late = createEmbedder({ embed: () => new Promise(() => {}), model: 'm' });
    const page = searching({ embedder: late }).search({ text: 'a', signal: abort.signal });
    abort.abort();
    await expect(page).rejects.toThrow(AbortedError);
  });
});
