/**
 * The partition that an id belongs to: the same everywhere, as long as the number of partitions does not change.
 *
 * Guarantees: MurmurHash3 (x86, 32 bits, seed 0) of the id's UTF-8, modulo the number of partitions: ids that differ
 * little are spread evenly. It is not cryptographic, and does not resist somebody who chooses the ids; it is fast
 * enough for each row of a stream.
 */
const [C1, C2] = [0xcc9e2d51, 0x1b873593];

/** From 0 to `partitions` - 1. */
export function partitionOf(id: string, partitions: number): number {
  return hashOf(Buffer.from(id)) % partitions;
}

function hashOf(bytes: Buffer): number {
  const { length } = bytes;
  const whole = length - (length % 4);
  let hash = 0;
  for (let index = 0; index < whole; index += 4) {
    hash ^= scramble(bytes.readInt32LE(index));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let index = length - 1; index >= whole; index -= 1) rest = (rest << 8) | (bytes[index] ?? 0);
  hash ^= scramble(rest) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(word: number): number {
  const mixed = Math.imul(word, C1);
  return Math.imul((mixed << 15) | (mixed >>> 17), C2);
}
