/**
 * The checksum of a row: MurmurHash3 (x86, 32 bits), which begins with a seed and leaves out its own place.
 *
 * Guarantees: rows that differ in four or fewer bytes that follow each other, from a multiple of four, have different
 * checksums; any other two have the same with a probability of about one in 2^32.
 */
import { viewOf } from './bytes.js';

/** Where a row keeps its checksum, in four bytes. */
export const CHECKSUM_AT = 4;

function mixed(hash: number, word: number): number {
  let mix = Math.imul(word, 0xcc9e2d51);
  mix = Math.imul((mix << 15) | (mix >>> 17), 0x1b873593);
  const next = hash ^ mix;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

/** Bytes within a view: where they begin, and how many they are. */
interface Bytes {
  readonly view: DataView;
  readonly begin: number;
  readonly length: number;
}

/** The checksum of the row that lies in `view` from `begin`, from 0 to below 2^32. */
export function checksumIn(view: DataView, begin: number, length: number, seed: number): number {
  const hash = mixed(seed, view.getInt32(begin, true));
  return finished(hash, { view, begin, length }, CHECKSUM_AT + 4, length - 4);
}

/** The hash of any bytes, from 0 to below 2^32. */
export const hashOf = (bytes: Uint8Array, seed: number): number =>
  finished(seed, { view: viewOf(bytes), begin: bytes.byteOffset, length: bytes.length }, 0, bytes.length);

/** Mixes in the bytes from `from`, and how many are counted. */
function finished(begun: number, { view, begin, length }: Bytes, from: number, counted: number): number {
  const whole = length & ~3;
  let hash = begun;
  for (let at = from; at < whole; at += 4) hash = mixed(hash, view.getInt32(begin + at, true));
  if (whole < length) {
    let tail = 0;
    for (let at = length - 1; at >= whole; at -= 1) tail = (tail << 8) | view.getUint8(begin + at);
    tail = Math.imul(tail, 0xcc9e2d51);
    hash ^= Math.imul((tail << 15) | (tail >>> 17), 0x1b873593);
  }
  hash ^= counted;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
