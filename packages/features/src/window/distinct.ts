/**
 * About how many different texts there are, in registers of one byte: HyperLogLog (Flajolet and others, 2007) over a
 * hash of 32 bits.
 *
 * Guarantees: the same texts give the same registers in whatever order, however often and in however many parts they
 * are counted. The estimate has a standard error of 1.04 / sqrt(registers), up to some 10 million texts.
 */
import { hashOf } from '../row/checksum.js';

/** Counts a text in the registers `[from, from + count)`; `count` is a power of two. */
export function count(registers: Uint8Array, from: number, size: number, text: string): void {
  const hash = hashOf(Buffer.from(text), 0);
  const at = from + (hash & (size - 1));
  const bits = Math.log2(size);
  // The place of the first 1 in what is left of the hash; the bit above the rest ends it.
  const rank = Math.clz32((hash >>> bits) | 0) - bits + 1;
  if (rank > (registers[at] as number)) registers[at] = rank;
}

/** Counts in `into` all that is counted in `from`. */
export function merge(into: Uint8Array, from: Uint8Array): void {
  for (let at = 0; at < into.length; at += 1) {
    if ((from[at] as number) > (into[at] as number)) into[at] = from[at] as number;
  }
}

/** About how many different texts were counted. */
export function estimate(registers: Uint8Array): number {
  const size = registers.length;
  const alpha = size === 64 ? 0.709 : 0.7213 / (1 + 1.079 / size);
  let sum = 0;
  let empty = 0;
  for (const register of registers) {
    sum += 2 ** -register;
    if (register === 0) empty += 1;
  }
  const raw = (alpha * size * size) / sum;
  const isFew = raw <= 2.5 * size && empty > 0;
  return Math.round(isFew ? size * Math.log(size / empty) : raw);
}
