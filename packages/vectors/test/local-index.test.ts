/** An index as its users see it: what it finds of what is put, replaced, deleted, filtered and trained. */
import { AbortedError, BusyError, MisuseError, seededRandom, UnavailableError } from '@holdfast/kernel';
import { createLocalIndex, type LocalIndex, type Metric } from '@holdfast/vectors';
import { describe, expect, it } from 'vitest';
import { exactScore, nearestOf, type VectorMaker, vectorMaker } from './vectors.js';

const SEED = 11;

interface Bench {
  readonly index: LocalIndex;
  readonly vectors: Map<string, Float32Array>;
  readonly maker: VectorMaker;
  put(id: string, vector?: Float32Array): void;
  delete(id: string): void;
  /** What part of the ten nearest of new queries is found, and whether each score is right. */
  recall(filter?: (id: string) => boolean): number;
}

function bench(dimensions: number, metric: Metric, offset = 0.3): Bench {
  const index = createLocalIndex({ dimensions, metric, random: seededRandom(SEED) });
  const vectors = new Map<string, Float32Array>();
  const maker = vectorMaker(SEED, dimensions, offset);
  return {
    ...{ index, vectors, maker },
    put(id, vector = maker.next()) {
      index.put(id, vector);
      vectors.set(id, vector);
    },
    delete(id) {
      index.delete(id);
      vectors.delete(id);
    },
    recall(filter) {
      const kept = filter ? new Map([...vectors].filter(([id]) => filter(id))) : vectors;
      let found = 0;
      const queries = 25;
      for (let i = 0; i < queries; i++) {
        const query = maker.next();
        const wanted = new Set(nearestOf(metric, query, kept));
        const hits = index.search(query, filter ? { filter } : {});
        expect(hits.length).toBe(Math.min(10, kept.size));
        for (const { id, score } of hits) {
          if (wanted.has(id)) found += 1 / wanted.size;
          const stored = kept.get(id) as Float32Array;
          const exact = exactScore(metric, query, stored);
          const scale = { cosine: 1, l2: -exact, ip: Math.hypot(...query) * Math.hypot(...stored) }[metric];
          expect(Math.abs(score - exact)).toBeLessThan(0.03 * scale + 1e-3);
        }
      }
      return found / queries;
    },
  };
}

describe.each(['cosine', 'ip', 'l2'] as const)('an index by %s', (metric) => {
  it('finds the nearest: before it is trained, after, with half replaced and a quarter deleted', async () => {
    const of = bench(32, metric);
    for (let n = 0; n < 4_200; n++) of.put(`d${n}`);
    expect(of.recall()).toBeGreaterThan(0.96);
    expect(of.index.stats()).toMatchObject({ vectors: 4_200, lists: 1, isTrainingDue: true });
    await of.index.train();
    const { lists, isTrainingDue } = of.index.stats();
    expect({ lists, isTrainingDue }).toEqual({ lists: 132, isTrainingDue: false });
    expect(of.recall()).toBeGreaterThan(0.95);
    for (let n = 0; n < 2_100; n++) of.put(`d${2 * n}`);
    for (let n = 0; n < 1_050; n++) of.delete(`d${4 * n + 1}`);
    expect(of.recall()).toBeGreaterThan(0.95);
    expect(of.index.size).toBe(3_150);
    // Filters: a tenth, one in a hundred, a few, all of one region, none.
    for (const part of [10, 100, 1_000]) {
      expect(of.recall((id) => Number(id.slice(1)) % part === 0)).toBeGreaterThan(0.95);
    }
    const far = of.index.search(of.maker.next(), { limit: 4_096 }).slice(-600);
    const region = new Set(far.map(({ id }) => id));
    expect(of.recall((id) => region.has(id))).toBeGreaterThan(0.95);
    expect(of.index.search(of.maker.next(), { filter: () => false })).toEqual([]);
  }, 120_000);
});

describe.each(['cosine', 'ip', 'l2'] as const)('scores by %s', (metric) => {
  const maker = vectorMaker(SEED, 48);
  const index = createLocalIndex({ dimensions: 48, metric, originals: true, random: seededRandom(SEED) });
  const vectors = new Map<string, Float32Array>();
  for (let n = 0; n < 4_200; n++) {
    const vector = maker.next();
    vectors.set(`d${n}`, vector);
    index.put(`d${n}`, vector);
  }
  const queries = Array.from({ length: 20 }, () => maker.next());
  const exactHits = (query: Float32Array) =>
    [...vectors]
      .map(([id, vector]) => ({ id, score: exactScore(metric, query, vector) }))
      .sort((a, b) => b.score - a.score);

  it.each(['before', 'after'])('that are exact are those of the vectors: %s the training', async (when) => {
    if (when === 'after') await index.train();
    let found = 0;
    for (const query of queries) {
      const hits = index.search(query, { exact: true, limit: 20 });
      for (const { id, score } of hits) {
        expect(score).toBeCloseTo(exactScore(metric, query, vectors.get(id) as Float32Array), 10);
      }
      expect(hits.map(({ score }) => -score)).toEqual(hits.map(({ score }) => -score).sort((a, b) => a - b));
      const wanted = new Set(
        exactHits(query)
          .slice(0, 20)
          .map(({ id }) => id),
      );
      found += hits.filter(({ id }) => wanted.has(id)).length;
    }
    expect(found / (20 * queries.length)).toBeGreaterThan(0.97);
  });

  it.each([false, true])('bound what is found, exact: %s', (exact) => {
    let [found, all] = [0, 0];
    for (const query of queries) {
      const wanted = exactHits(query);
      const minScore = wanted[60]!.score;
      const hits = index.search(query, { minScore, limit: 1_000, exact });
      expect(hits.every(({ score }) => score >= minScore)).toBe(true);
      const near = new Set(wanted.slice(0, 60).map(({ id }) => id));
      found += hits.filter(({ id }) => near.has(id)).length;
      all += near.size;
      // Above the best score there is nothing; below the worst there is everything.
      expect(index.search(query, { minScore: wanted[0]!.score + Math.abs(wanted[0]!.score), exact })).toEqual(
        [],
      );
      expect(index.search(query, { minScore: -1e6, limit: 3_000, exact })).toHaveLength(3_000);
    }
    expect(found / all).toBeGreaterThan(0.93);
  });

  it('come in pages, which together are the whole', () => {
    for (const query of queries) {
      const whole = index.search(query, { limit: 30, exact: true, lists: 1_000 });
      const pages = [0, 10, 20].flatMap((offset) =>
        index.search(query, { offset, limit: 10, exact: true, lists: 1_000 }),
      );
      expect(pages).toEqual(whole);
    }
    expect(index.search(queries[0]!, { offset: 4_000, limit: 96 }).length).toBe(96);
  });

  it('of many nearest: as many as are asked for, and most of the nearest', () => {
    for (const limit of [100, 1_000]) {
      let found = 0;
      for (const query of queries) {
        const hits = index.search(query, { limit });
        expect(hits).toHaveLength(limit);
        const wanted = new Set(
          exactHits(query)
            .slice(0, limit)
            .map(({ id }) => id),
        );
        found += hits.filter(({ id }) => wanted.has(id)).length;
      }
      expect(found / (limit * queries.length)).toBeGreaterThan(0.95);
    }
    expect(index.search(queries[0]!, { limit: 4_000, lists: 1 })).toHaveLength(4_000);
  });
});

it('tells distances apart far from the origin', () => {
  const of = bench(40, 'l2', 30);
  for (let n = 0; n < 500; n++) of.put(`d${n}`);
  expect(of.recall()).toBeGreaterThan(0.95);
});

it('goes on while it is trained, and a training that is aborted changes nothing', async () => {
  const of = bench(32, 'cosine');
  for (let n = 0; n < 4_200; n++) of.put(`d${n}`);
  const abort = new AbortController();
  const aborted = of.index.train({ signal: abort.signal });
  await expect(of.index.train()).rejects.toThrow(BusyError);
  abort.abort(new Error('not now'));
  await expect(aborted).rejects.toThrow(AbortedError);
  expect(of.index.stats().lists).toBe(1);
  let isOver = false;
  const training = of.index.train().then(() => {
    isOver = true;
  });
  for (let n = 0; !isOver; n++) {
    of.put(`d${n % 4_200}`);
    of.put(`e${n}`);
    of.delete(`d${(7 * n + 3) % 4_200}`);
    await new Promise(setImmediate);
  }
  await training;
  expect(of.index.stats().lists).toBeGreaterThan(100);
  expect(of.index.size).toBe(of.vectors.size);
  expect(of.recall()).toBeGreaterThan(0.95);
}, 60_000);

it('gives ids and memory that are deleted to what comes later, and never finds what is gone', () => {
  const index = createLocalIndex({ dimensions: 32, random: seededRandom(1) });
  const maker = vectorMaker(2, 32);
  const fill = (): void => {
    for (let n = 0; n < 1_000; n++) index.put(`d${n}`, maker.next());
  };
  fill();
  const { bytes, parts } = index.stats();
  expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(bytes);
  expect(parts).toMatchObject({ rows: 32 * 1_000, codes: 24 * 1_000, originals: 0 });
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 1_000; n++) expect(index.delete(`d${n}`)).toBe(true);
    expect(index.delete('d0')).toBe(false);
    expect(index.search(maker.next())).toEqual([]);
    fill();
  }
  expect(index.stats().bytes).toBe(bytes);
  const vector = maker.next();
  index.put('d5', vector);
  expect(index.search(vector, { limit: 1 })[0]).toMatchObject({ id: 'd5' });
  expect(index.search(vector, { limit: 2_000 }).filter(({ id }) => id === 'd5')).toHaveLength(1);
});

it('of equal vectors the ids decide, and thousands of them are no trouble', async () => {
  const index = createLocalIndex({ dimensions: 32, random: seededRandom(1) });
  const one = vectorMaker(3, 32).next();
  for (let n = 0; n < 5_000; n++) index.put(String(n), one);
  await index.train();
  const hits = index.search(one, { limit: 3 });
  expect(hits.map(({ score }) => Math.round(100 * score))).toEqual([100, 100, 100]);
  expect([...hits].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(hits);
});

describe('what cannot work is named', () => {
  const index = createLocalIndex({ dimensions: 3 });
  const nonsense: [string, () => unknown, RegExp][] = [
    ['no dimensions', () => createLocalIndex({} as never), /dimensions/],
    ['another option', () => createLocalIndex({ dimensions: 3, size: 4 } as never), /no option "size"/],
    ['another metric', () => createLocalIndex({ dimensions: 3, metric: 'manhattan' as never }), /manhattan/],
    ['too short', () => index.put('a', [1, 2]), /3 dimensions; got 2/],
    ['no vector', () => index.put('a', undefined as never), /undefined/],
    ['NaN', () => index.put('a', [1, Number.NaN, 2]), /dimension 1 is NaN/],
    ['beyond 32 bits', () => index.put('a', [1, 1e39, 2]), /dimension 1/],
    ['zeros', () => index.put('a', [0, 0, 0]), /zeros/],
    ['a number as id', () => index.put(7 as never, [1, 2, 3]), /got 7/],
    ['a page too far', () => index.search([1, 2, 3], { limit: 100, offset: 4_000 }), /100 and 4000/],
    ['exact without originals', () => index.search([1, 2, 3], { exact: true }), /originals/],
    ['a score that is none', () => index.search([1, 2, 3], { minScore: Number.NaN }), /minScore/],
    ['no limit', () => index.search([1, 2, 3], { limit: 0 }), /limit/],
    ['a filter that is none', () => index.search([1, 2, 3], { filter: 'a' as never }), /filter/],
  ];
  it.each(nonsense)('%s', (_, act, message) => {
    expect(act).toThrow(MisuseError);
    expect(act).toThrow(message);
    expect(index.size).toBe(0);
  });
});

it('a full memory refuses a put, and keeps what it has', () => {
  const index = createLocalIndex({ dimensions: 1_024, memory: 12 * 2 ** 20, random: seededRandom(1) });
  const maker = vectorMaker(2, 1_024);
  const vectors = Array.from({ length: 50 }, () => maker.next());
  let size = 0;
  expect(() => {
    for (; size < 20_000; size++) index.put(String(size), vectors[size % 50] as Float32Array);
  }).toThrow(UnavailableError);
  expect(index.size).toBe(size);
  expect(index.search(maker.next())).toHaveLength(10);
  expect(index.delete('0')).toBe(true);
  index.put('again', maker.next());
  expect(index.size).toBe(size);
});

it('a training that a full memory ends changes nothing', async () => {
  const index = createLocalIndex({ dimensions: 1_024, memory: 10 * 2 ** 20, random: seededRandom(1) });
  const maker = vectorMaker(2, 1_024);
  const vectors = Array.from({ length: 50 }, () => maker.next());
  for (let n = 0; n < 4_200; n++) index.put(String(n), vectors[n % 50] as Float32Array);
  const training = index.train();
  for (let n = 0; n < 50; n++) index.put(`e${n}`, vectors[n] as Float32Array);
  await expect(training).rejects.toThrow(UnavailableError);
  expect(index.stats().lists).toBe(1);
  const found = index.search(vectors[7] as Float32Array, { limit: 200 });
  expect(found.filter(({ id }) => id === 'e7' || Number(id) % 50 === 7).length).toBeGreaterThan(80);
}, 60_000);
