/** Sets of document numbers as bits: of each word of 32 bits, bit i of word w stands for the number 32 w + i. */

export type Bits = Uint32Array;

/** Words that numbers below this one take. */
const wordsFor = (numbers: number): number => Math.ceil(numbers / 32);

export function setBit(bits: Bits, number: number): void {
  bits[number >>> 5]! |= 1 << (number & 31);
}

export function clearBit(bits: Bits, number: number): void {
  bits[number >>> 5]! &= ~(1 << (number & 31));
}

/** A number beyond the bits is not in the set. */
export const hasBit = (bits: Bits, number: number): boolean =>
  ((bits[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;

/** The same bits, with room for numbers below this one at least. */
export function grown(bits: Bits, numbers: number): Bits {
  if (32 * bits.length >= numbers) return bits;
  const more = new Uint32Array(Math.max(wordsFor(numbers), Math.ceil(1.25 * bits.length)));
  more.set(bits);
  return more;
}

export function countBits(bits: Bits): number {
  let count = 0;
  for (let word = 0; word < bits.length; word++) count += ones(bits[word]!);
  return count;
}

/** How many are in both. */
export function countBoth(one: Bits, other: Bits): number {
  const words = Math.min(one.length, other.length);
  let count = 0;
  for (let word = 0; word < words; word++) count += ones(one[word]! & other[word]!);
  return count;
}

/** Calls `visit` with each number, the lowest first. */
export function eachBit(bits: Bits, visit: (number: number) => void): void {
  for (let word = 0; word < bits.length; word++) {
    for (let rest = bits[word]!; rest !== 0; rest &= rest - 1)
      visit(32 * word + 31 - Math.clz32(rest & -rest));
  }
}

function ones(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
