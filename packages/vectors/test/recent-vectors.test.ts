/** What is kept of vectors while somebody searches. */
import { expect, it } from 'vitest';
import { RecentVectors, type Watch } from '../src/follow/recent-vectors.js';

const vector = (n: number) => [[Float32Array.of(n)]];

function idsOf(recent: RecentVectors, watch: Watch): string[] | undefined {
  const known = recent.since(watch);
  return known && [...known.keys()];
}

it('keeps what is applied while somebody watches, and for each watch what came after it', () => {
  const recent = new RecentVectors();
  recent.note('before', vector(0));
  const first = recent.watch();
  recent.note('a', vector(1));
  recent.note('b', vector(2));
  const second = recent.watch();
  recent.note('a', vector(3));
  expect(idsOf(recent, first)).toEqual(['b', 'a']);
  expect(recent.since(second)).toEqual(new Map([['a', vector(3)]]));
  recent.end(second);
  expect(idsOf(recent, first)).toEqual(['b', 'a']);
  recent.end(first);
  expect(idsOf(recent, { from: 0 })).toEqual([]);
  expect(recent.isWatched).toBe(false);
});

it('says that it does not know what was not read, to whoever watched before', () => {
  const recent = new RecentVectors();
  const first = recent.watch();
  recent.note('a', vector(1));
  recent.note('b', undefined);
  const second = recent.watch();
  recent.note('c', vector(2));
  expect(recent.since(first)).toBeUndefined();
  expect(idsOf(recent, second)).toEqual(['c']);
});

it('keeps so many at most, and does not claim to know the others', () => {
  const recent = new RecentVectors();
  const first = recent.watch();
  for (let n = 0; n < 10_000; n += 1) recent.note(String(n), []);
  const second = recent.watch();
  expect(recent.since(first)?.size).toBe(10_000);
  recent.note('more', []);
  expect(recent.since(first)).toBeUndefined();
  expect(idsOf(recent, second)).toEqual(['more']);
});
