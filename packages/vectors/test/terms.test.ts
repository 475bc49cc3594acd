/** Documents with weights of terms in Redis, as a sparse model gives them: stored, followed, kept, and searched beside the rest. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MisuseError, seededRandom } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import type { VectorIndex } from '../src/vector-index.js';
import { client, idsOf, later, server, useRedis } from './setting.js';

useRedis();
const SEED = 31;
const [EAST, NORTH] = [
  [1, 0, 0],
  [0, 1, 0],
];
const withTerms = (options = {}) => server({ terms: {}, schema: { kind: 'tag' }, ...options });

it('are found by the inner product, on any server, by themselves and beside words and vectors', async () => {
  const [writer, kb] = [withTerms({ keywords: {} }), withTerms({ keywords: {} })];
  await writer.put({ id: 'a', terms: { apple: 2, fruit: 1 }, vector: EAST, attributes: { kind: 'x' } });
  await writer.put({ id: 'b', terms: new Map([['apple', 1]]), text: 'a red apple' });
  const { place: after } = await writer.put({ id: 'c', terms: { bus: 3 }, vector: NORTH });
  const found = await kb.search({ terms: { apple: 1.5, fruit: 0.5, nothing: 1 }, after });
  expect(idsOf(found)).toEqual(['a', 'b']);
  expect(found.hits[0]).toMatchObject({ score: 3.5, ranks: { terms: 1 }, chunk: undefined });
  expect(idsOf(await kb.search({ terms: { apple: 1 }, filter: { kind: 'x' } }))).toEqual(['a']);
  const all = await kb.search({
    ...{ terms: { apple: 1 }, text: 'red', vector: NORTH, minScore: 0.5 },
    fuse: { weights: { terms: 1, keywords: 1, vectors: 5 } },
  });
  expect(all.hits.map(({ id, ranks }) => [id, ranks])).toEqual([
    ['c', { vectors: 1 }],
    ['b', { keywords: 1, terms: 2 }],
    ['a', { terms: 1 }],
  ]);
  expect(kb.stats().terms).toMatchObject({ documents: 3, terms: 3 });
});

it('stay when a document is patched, and go when it is put without them, deleted, or expired', async () => {
  const kb = withTerms();
  const find = async (after: string) => idsOf(await kb.search({ terms: { apple: 1 }, after }));
  await kb.put({ id: 'a', terms: { apple: 1 }, text: 'text' });
  const patched = await kb.patch('a', { kind: 'x' });
  if (patched.outcome !== 'written') throw new Error(patched.outcome);
  expect(await find(patched.place)).toEqual(['a']);
  expect((await kb.get('a', { text: true }))?.text).toBe('text');
  const exported = (await kb.export().next()).value;
  expect(exported).toMatchObject({ id: 'a', terms: { apple: 1 }, text: 'text' });
  expect(await find((await kb.put({ id: 'a', text: 'text' })).place)).toEqual([]);
  await kb.put({ id: 'a', terms: { apple: 1 } });
  expect(await find((await kb.delete('a')).place)).toEqual([]);
  const { place } = await kb.put({ id: 'a', terms: { apple: 1 } }, { ttl: 30 });
  await expect.poll(() => find(place)).toEqual([]);
  expect(kb.stats().terms).toMatchObject({ documents: 0 });
});

it('are read again beside a snapshot', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-'));
  later(() => rm(dir, { recursive: true, force: true }));
  const one = withTerms({ snapshots: { dir } });
  await one.put({ id: 'a', terms: { apple: 1 } });
  const { place } = await one.put({ id: 'b', terms: { apple: 2 } });
  expect(idsOf(await one.search({ terms: { apple: 1 }, after: place }))).toEqual(['b', 'a']);
  await one.close();
  await withTerms().put({ id: 'a', terms: { apple: 3 } });
  const other = withTerms({ snapshots: { dir } });
  await other.ready();
  expect(other.stats().snapshotFailure).toBeUndefined();
  expect(idsOf(await other.search({ terms: { apple: 1 } }))).toEqual(['a', 'b']);
});

it(`find what adding all products up finds (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const pick = (most: number) => Math.floor(most * random.unit());
  const weights = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, () => [`t${pick(40)}`, pick(64) / 64]));
  const kb = withTerms();
  const all = new Map<string, Readonly<Record<string, number>>>();
  for (let n = 0; n < 150; n += 1) {
    const id = `d${pick(80)}`;
    all.set(id, weights(1 + pick(12)));
    await kb.put({ id, terms: all.get(id)! });
  }
  const { place: after } = await kb.delete('d1');
  all.delete('d1');
  for (let n = 0; n < 20; n += 1) {
    const query = weights(4);
    const product = (terms: Readonly<Record<string, number>>) =>
      Object.entries(query).reduce((sum, [term, weight]) => sum + weight * (terms[term] ?? 0), 0);
    const scores = [...all]
      .map(([id, terms]) => [id, product(terms)] as const)
      .filter(([, score]) => score > 0);
    const wanted = scores.sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)).slice(0, 10);
    const { hits } = await kb.search({ terms: query, after });
    expect(hits.map(({ score }) => score.toFixed(6))).toEqual(wanted.map(([, score]) => score.toFixed(6)));
    for (const { id, score } of hits) expect(product(all.get(id)!)).toBeCloseTo(score, 6);
  }
});

it('are refused where they are none, before anything is done', async () => {
  const kb = withTerms();
  const put = (terms: unknown) => (index: VectorIndex) => index.put({ id: 'a', terms: terms as never });
  const find = (options: object) => (index: VectorIndex) => index.search(options as never);
  const wrong: [(index: VectorIndex) => Promise<unknown>, RegExp][] = [
    [put('apple'), /"terms" of the document "a" are a Map or an object.*got "apple"/],
    [put({ apple: -1 }), /that of "apple" is -1/],
    [put({ apple: Number.NaN }), /that of "apple" is NaN/],
    [put(new Map([[1, 1]])), /that of 1 is 1/],
    [
      put(Object.fromEntries(Array.from({ length: 65_536 }, (_, n) => [n, 1]))),
      /are 65535 at most; got 65536/,
    ],
    [put({ ['x'.repeat(2 ** 20)]: 1 }), /leave out the lowest weights/],
    [find({ terms: { apple: 64 } }), /terms.*from 0 to 63; that of "apple" is 64/],
    [find({ terms: { apple: 1 }, exact: true }), /"exact" of search/],
    [
      find({ terms: { apple: 1 }, fuse: { weights: { keywords: 1 } } }),
      /no ranking; there are vectors, terms/,
    ],
  ];
  for (const [work, message] of wrong) {
    await expect(work(kb)).rejects.toThrow(message);
    await expect(work(kb)).rejects.toThrow(MisuseError);
  }
  await expect(server().search({ terms: { apple: 1 } })).rejects.toThrow(/needs "terms" of createIndex/);
  expect(() => server({ vectors: { terms: { dimensions: 2 } } })).toThrow(/cannot have the name "terms"/);
  expect(await client().keys('*:doc:*')).toEqual([]);
});
