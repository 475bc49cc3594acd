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
  const hash = hashOfAscii(id);
  return (hash < 0 ? hashOf(Buffer.from(id)) : hash) % partitions;
}

/** The same without a copy of the text, whose characters are its bytes; -1 for one with others than ASCII. */
function hashOfAscii(id: string): number {
  const { length } = id;
  const whole = length & ~3;
  let hash = 0;
  let all = 0;
  for (let at = 0; at < whole; at += 4) {
    const [one, two] = [id.charCodeAt(at), id.charCodeAt(at + 1)];
    const [three, four] = [id.charCodeAt(at + 2), id.charCodeAt(at + 3)];
    all |= one | two | three | four;
    hash ^= scramble(one | (two << 8) | (three << 16) | (four << 24));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = length - 1; at >= whole; at -= 1) {
    const code = id.charCodeAt(at);
    all |= code;
    rest = (rest << 8) | code;
  }
  return all > 0x7f ? -1 : finished(hash ^ scramble(rest) ^ length);
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
  return finished(hash ^ scramble(rest) ^ length);
}

function finished(begun: number): number {
  let hash = begun;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(word: number): number {
  const mixed = Math.imul(word, C1);
  return Math.imul((mixed << 15) | (mixed >>> 17), C2);
}
