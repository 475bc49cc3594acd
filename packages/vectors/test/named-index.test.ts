/** Documents with several vectors: all are taken or none, and each name is searched by itself. */
import { MisuseError, seededRandom, UnavailableError } from '@holdfast/kernel';
import { createNamedIndex, restoreNamedIndex, SnapshotError } from '@holdfast/vectors';
import { describe, expect, it } from 'vitest';
import { vectorMaker } from './vectors.js';

const OPTIONS = { title: { dimensions: 2 }, body: { dimensions: 3, metric: 'l2' } } as const;

const filled = () => {
  const index = createNamedIndex(OPTIONS);
  index.put('a', { title: [1, 0], body: [1, 1, 1] });
  index.put('b', { title: [0, 1], body: [5, 5, 5] });
  index.put('c', { body: [9, 9, 9] });
  return index;
};
const ids = (hits: readonly { readonly id: string }[]): string[] => hits.map(({ id }) => id);

it('are searched by name, replaced and deleted as a whole', async () => {
  const index = filled();
  expect(ids(index.search('title', [0.2, 1]))).toEqual(['b', 'a']);
  expect(ids(index.search('body', [8, 8, 8], { limit: 2 }))).toEqual(['c', 'b']);
  expect((await index.searchMany('body', [[0, 0, 0]], { limit: 1 })).map(ids)).toEqual([['a']]);
  index.put('a', { body: [2, 2, 2] }); // without a title from now on
  expect(ids(index.search('title', [1, 0]))).toEqual(['b']);
  expect(index.delete('b')).toBe(true);
  expect(index.delete('b')).toBe(false);
  expect([index.has('a'), index.has('b')]).toEqual([true, false]);
  expect(index.search('title', [1, 0])).toEqual([]);
  expect(index.stats()).toMatchObject({ title: { vectors: 0 }, body: { vectors: 2 } });
  const tenant = index.namespace('t');
  tenant.put('a', { title: [1, 1] });
  expect(ids(tenant.search('title', [1, 0]))).toEqual(['a']);
  expect(index.search('title', [1, 0])).toEqual([]);
  await index.close();
});

it('a vector that is refused leaves the document as it was', () => {
  const index = filled();
  const before = [index.search('title', [1, 1]), index.search('body', [1, 1, 1])];
  expect(() => index.put('a', { title: [0, 1], body: [1, 2] })).toThrow(MisuseError);
  expect(() => index.put('d', { title: [0, 1], body: [1, Number.NaN, 3] })).toThrow(MisuseError);
  expect([index.search('title', [1, 1]), index.search('body', [1, 1, 1])]).toEqual(before);
});

it.each([false, true])('a full memory leaves it as it was, too; originals: %s', (originals) => {
  const dimensions = 1_024;
  const random = seededRandom(1);
  const index = createNamedIndex({
    small: { dimensions: 32, originals, random },
    large: { dimensions, memory: 12 * 2 ** 20, originals, random },
  });
  const [small, large] = [vectorMaker(1, 32), vectorMaker(2, dimensions)];
  const old = small.next();
  index.put('old', { small: old });
  const vectors = Array.from({ length: 20 }, () => large.next());
  const put = (id: string, n: number): void =>
    index.put(id, { small: small.next(), large: vectors[n % 20]! });
  expect(() => {
    for (let n = 0; n < 20_000; n++) put(`d${n}`, n);
  }).toThrow(UnavailableError);
  const { small: one, large: other } = index.stats();
  expect(one.vectors).toBe(other.vectors + 1);
  // Of the one that failed there is nothing; one that there was has its vector again.
  expect(index.has(`d${other.vectors}`)).toBe(false);
  expect(() => put('old', 1)).toThrow(UnavailableError);
  expect(index.search('small', old, { limit: 1 })[0]?.id).toBe('old');
  expect(index.search('small', old, { limit: 1 })[0]?.score).toBeCloseTo(1, 2);
  expect(index.stats().small.vectors).toBe(one.vectors);
});

it('snapshots are of all names', async () => {
  const index = filled();
  const snapshots = await index.snapshot();
  const copy = await restoreNamedIndex(snapshots, OPTIONS);
  expect(copy.search('body', [1, 1, 1])).toEqual(index.search('body', [1, 1, 1]));
  expect(copy.search('title', [1, 1])).toEqual(index.search('title', [1, 1]));
  const { title, body } = snapshots;
  await expect(restoreNamedIndex({ title: body, body: title }, OPTIONS)).rejects.toThrow(SnapshotError);
  await expect(restoreNamedIndex({ title } as never, OPTIONS)).rejects.toThrow(MisuseError);
});

describe('what cannot work is named', () => {
  const index = filled();
  const nonsense: [string, () => unknown, RegExp][] = [
    ['no names', () => createNamedIndex({}), /for each name/],
    ['no options', () => createNamedIndex({ a: {} } as never), /dimensions/],
    ['another name', () => index.search('text' as never, [1, 2]), /title, body; got "?text/],
    ['another name to put', () => index.put('d', { text: [1, 2] } as never), /title, body; got "?text/],
    ['nothing to put', () => index.put('d', {}), /one name at least/],
    ['no vectors', () => index.put('d', undefined as never), /one name at least/],
    ['no id', () => index.put('', { title: [1, 2] }), /id/],
  ];
  it.each(nonsense)('%s', (_, act, message) => {
    expect(act).toThrow(MisuseError);
    expect(act).toThrow(message);
  });
});
