/** Many searches on threads: equal to those of one after the other, whatever changes meanwhile. */
import { MisuseError, seededRandom } from '@holdfast/kernel';
import { createLocalIndex, type LocalIndexOptions, type SearchOptions } from '@holdfast/vectors';
import { afterAll, describe, expect, it } from 'vitest';
import { exactScore, vectorMaker } from './vectors.js';

const DIMENSIONS = 32;
const opened: { close(): Promise<void> }[] = [];

afterAll(async () => {
  for (const index of opened) await index.close();
});

function open(options: Partial<LocalIndexOptions> = {}) {
  const maker = vectorMaker(1, DIMENSIONS);
  const index = createLocalIndex({
    ...{ dimensions: DIMENSIONS, threads: 2, random: seededRandom(1), ...options },
  });
  opened.push(index);
  return { index, maker };
}

async function filled(options: Partial<LocalIndexOptions> = {}) {
  const parts = open(options);
  for (let n = 0; n < 4_200; n++) parts.index.put(`d${n}`, parts.maker.next());
  await parts.index.train();
  return { ...parts, queries: Array.from({ length: 40 }, () => parts.maker.next()) };
}

const WISHES: [string, SearchOptions][] = [
  ['nothing more', {}],
  ['a filter of many', { filter: (id) => Number(id.slice(1)) % 3 === 0 }],
  ['a filter of few', { filter: (id) => Number(id.slice(1)) % 100 === 0, limit: 50 }],
  ['a filter of none', { filter: () => false }],
  ['exact scores', { exact: true, offset: 5 }],
  ['many nearest', { limit: 300 }],
];

describe.each(['cosine', 'ip', 'l2'] as const)('by %s', (metric) => {
  it('as one after the other, with and without threads', async () => {
    const { index, queries } = await filled({ metric, originals: true });
    const minScore = index.search(queries[0]!, { limit: 40 }).at(-1)!.score;
    for (const [what, wishes] of [...WISHES, ['a least score', { minScore, limit: 500 }] as const]) {
      const wanted = queries.map((query) => index.search(query, wishes));
      expect(await index.searchMany(queries, wishes), what).toEqual(wanted);
    }
    const wanted = queries.map((query) => index.search(query));
    await index.close();
    expect(await index.searchMany(queries), 'closed').toEqual(wanted);
  }, 60_000);
});

it('without a thread, the event loop searches, as it does without SIMD', async () => {
  for (const options of [{ threads: 0 }, { plain: true }]) {
    const { index, maker } = open(options);
    for (let n = 0; n < 30; n++) index.put(`d${n}`, maker.next());
    const queries = Array.from({ length: 20 }, () => maker.next());
    expect(await index.searchMany(queries)).toEqual(queries.map((query) => index.search(query)));
  }
});

it('finds nothing that was deleted or never was, and everything that stays, while the index changes', async () => {
  const { index, maker } = open();
  /** All that an id ever had. */
  const had = new Map<string, Float32Array[]>();
  const put = (id: string): void => {
    const vector = maker.next();
    index.put(id, vector);
    had.set(id, [...(had.get(id) ?? []), vector]);
  };
  for (let n = 0; n < 4_200; n++) put(`d${n}`);
  await index.train();
  const queries = Array.from({ length: 60 }, () => maker.next());
  let isOver = false;
  const stays = Array.from({ length: 4_200 }, (_, n) => `d${n}`).filter((_, n) => n % 2 === 0);
  const filter = (id: string): boolean => /^[df]/.test(id) && Number(id.slice(1)) % 2 === 0;
  const many = Promise.all(
    [{ limit: 20 }, { limit: 20, filter }, { limit: 4_096, filter }].map((wishes) =>
      index.searchMany(queries, wishes),
    ),
  ).finally(() => {
    isOver = true;
  });
  // Ids come into the lanes of others that are not asked for.
  let changes = 0;
  for (let n = 0; !isOver; n++) {
    const odd = 2 * (n % 2_100) + 1;
    const [from, to] = index.has(`d${odd}`) ? ['d', 'x'] : ['x', 'd'];
    index.delete(`${from}${odd}`);
    put(`${to}${odd}`);
    changes += 1;
    // Many in one turn, so that slices are out when their lanes change.
    if (n % 200 === 0) await new Promise(setImmediate);
  }
  const [plain = [], filtered = [], all = []] = await many;
  expect(changes).toBeGreaterThan(5);
  expect(plain.every((hits) => hits.length === 20 && new Set(hits.map(({ id }) => id)).size === 20)).toBe(
    true,
  );
  // A score belongs to the id beside it.
  const wrong = plain.flatMap((hits, i) =>
    hits.filter(({ id, score }) =>
      had.get(id)!.every((vector) => Math.abs(exactScore('cosine', queries[i]!, vector) - score) > 0.02),
    ),
  );
  expect(wrong).toEqual([]);
  expect(filtered.flat().filter(({ id }) => !filter(id))).toEqual([]);
  for (const hits of all) expect(hits.map(({ id }) => id).sort()).toEqual([...stays].sort());
}, 60_000);

it('goes on with the new lists when a training ends, and several wait for each other', async () => {
  const { index, queries } = await filled();
  const training = index.train();
  const many: ReturnType<typeof index.searchMany>[] = [];
  let isOver = false;
  void training.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    many.push(index.searchMany(queries.slice(0, 40)), index.searchMany(queries));
    await many.at(-1);
  }
  await training;
  for (const results of await Promise.all(many)) {
    expect(results.every((hits) => hits.length === 10)).toBe(true);
  }
  expect(await index.searchMany(queries)).toEqual(queries.map((query) => index.search(query)));
}, 60_000);

it('answers an empty index, no queries, and refuses what is none before it searches', async () => {
  const { index } = open();
  expect(await index.searchMany([])).toEqual([]);
  expect(await index.searchMany([new Float32Array(DIMENSIONS).fill(1)])).toEqual([[]]);
  await expect(index.searchMany('abc' as never)).rejects.toThrow(MisuseError);
  await expect(index.searchMany([[1, 2]])).rejects.toThrow(/32 dimensions; got 2/);
  await expect(index.searchMany([], { limit: 0 })).rejects.toThrow(/limit/);
});
