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

/** The checksum of a row, from 0 to below 2^32. */
export function checksumOf(row: Uint8Array, seed: number): number {
  const hash = mixed(seed, viewOf(row).getInt32(row.byteOffset, true));
  return finished(hash, row, CHECKSUM_AT + 4, row.length - 4);
}

/** The hash of any bytes, from 0 to below 2^32. */
export const hashOf = (bytes: Uint8Array, seed: number): number => finished(seed, bytes, 0, bytes.length);

/** Mixes in the bytes from `from`, and the length. */
function finished(begun: number, bytes: Uint8Array, from: number, length: number): number {
  const view = viewOf(bytes);
  const whole = bytes.length & ~3;
  let hash = begun;
  for (let at = from; at < whole; at += 4) hash = mixed(hash, view.getInt32(bytes.byteOffset + at, true));
  if (whole < bytes.length) {
    let tail = 0;
    for (let at = bytes.length - 1; at >= whole; at -= 1) tail = (tail << 8) | (bytes[at] as number);
    tail = Math.imul(tail, 0xcc9e2d51);
    hash ^= Math.imul((tail << 15) | (tail >>> 17), 0x1b873593);
  }
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
