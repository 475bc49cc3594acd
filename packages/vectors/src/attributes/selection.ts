/** The documents that a filter selects, at one moment: nothing has changed since, or another one is made. */
import { type Bits, countBits, eachBit, hasBit, setBit } from './bitmap.js';

export interface FacetValue {
  readonly value: string | number;
  /** How many documents have it. */
  readonly count: number;
}

export class Selection {
  readonly bits: Bits;
  readonly count: number;
  /** What was counted of it, by attribute. */
  readonly facets = new Map<string, readonly FacetValue[]>();

  constructor(bits: Bits) {
    this.bits = bits;
    this.count = countBits(bits);
  }

  has(number: number): boolean {
    return hasBit(this.bits, number);
  }

  each(visit: (number: number) => void): void {
    eachBit(this.bits, visit);
  }

  /** All of it but these. */
  without(numbers: Iterable<number>): Selection {
    const gone = new Uint32Array(this.bits.length);
    for (const number of numbers) setBit(gone, number);
    return new Selection(this.bits.map((word, at) => word & ~gone[at]!));
  }
}
