/** Where ids belong: by vectors of MurmurHash3, made with another implementation of it, and spread evenly. */
import { partitionOf } from '@holdfast/redis';
import { expect, it } from 'vitest';

it.each([
  ['', 0],
  ['test', 0xba6bd213],
  ['hello', 0x248bfa47],
  ['hello, world', 0x149bbb7f],
  ['Hello, world!', 0xc0363e43],
  ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  // Of its UTF-8.
  ['ππππππππ', 0xec72b6e8],
  ['πé€', 0x8c41ba8d],
])('%j hashes to %d', (id, hash) => {
  expect(partitionOf(id, 2 ** 32)).toBe(hash);
});

it.each([2, 7, 16])('spreads ids that differ little over %d partitions', (partitions) => {
  const sizes = new Array<number>(partitions).fill(0);
  for (let n = 0; n < 10_000; n += 1) {
    const partition = partitionOf(`user-${n}`, partitions);
    sizes[partition] = (sizes[partition] ?? 0) + 1;
  }
  const even = 10_000 / partitions;
  for (const size of sizes) expect(Math.abs(size - even)).toBeLessThan(even / 5);
});
