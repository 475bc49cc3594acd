/**
 * Of one number: that of each document.
 *
 * A range reads all of them, in one run through memory. Sorted, a narrow range would be quicker, but keeping 250,000 of them sorted
 * would stop the event loop for longer than all searches between two changes save.
 */
import { type Bits, eachBit } from './bitmap.js';

/** Above `gt` and from `gte` on, up to `lte` and below `lt`; infinite ones do not bound. */
export interface Range {
  readonly gt: number;
  readonly gte: number;
  readonly lt: number;
  readonly lte: number;
}

export class NumberColumn {
  /** NaN for none. */
  #values: Float64Array = new Float64Array(0);

  add(number: number, value: unknown): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) return;
    this.#values = roomFor(this.#values, number);
    this.#values[number] = value;
  }

  remove(number: number): void {
    if (number < this.#values.length) this.#values[number] = Number.NaN;
  }

  within({ gt, gte, lt, lte }: Range, words: number): Bits {
    const bits = new Uint32Array(words);
    const values = this.#values;
    const least = Math.max(gte, above(gt));
    const most = Math.min(lte, -above(-lt));
    for (let from = 0; from < values.length && from < 32 * words; from += 32) {
      let word = 0;
      const end = Math.min(32, values.length - from);
      for (let at = 0; at < end; at++) {
        const value = values[from + at]!;
        // Without a branch: which of them match is not to be guessed.
        word |= (Number(value >= least) & Number(value <= most)) << at;
      }
      bits[from >>> 5] = word;
    }
    return bits;
  }

  /** How many of these have each value. */
  counts(among: Bits): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    eachBit(among, (number) => {
      const value = this.#values[number] ?? Number.NaN;
      if (!Number.isNaN(value)) counts.set(value, (counts.get(value) ?? 0) + 1);
    });
    return counts;
  }

  get bytes(): number {
    return this.#values.byteLength;
  }
}

/** The same values, with room for this number at least; NaN where there was none. */
export function roomFor(values: Float64Array, number: number): Float64Array {
  if (number < values.length) return values;
  const more = new Float64Array(Math.max(64, Math.ceil(1.25 * (number + 1)))).fill(Number.NaN);
  more.set(values);
  return more;
}

const numberOf = new Float64Array(1);
const bitsOf = new BigInt64Array(numberOf.buffer);

/** The least number above this one. */
function above(value: number): number {
  if (value === Number.NEGATIVE_INFINITY) return value; // it does not bound
  if (value === 0) return Number.MIN_VALUE;
  numberOf[0] = value;
  bitsOf[0]! += value > 0 ? 1n : -1n;
  return numberOf[0];
}
