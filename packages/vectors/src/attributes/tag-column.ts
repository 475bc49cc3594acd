/**
 * Of one tag: which documents have each value.
 *
 * A value that few documents have is a sorted list of their numbers; one that many have is a bit for each document, which takes
 * less then.
 */
import { type Bits, clearBit, countBoth, grown, hasBit, setBit } from './bitmap.js';

/** One number in a list takes as much as so many bits. */
const NUMBER_BITS = 64;

class Holders {
  count = 0;
  #list: number[] | undefined = [];
  #bits: Bits = NO_BITS;

  /** One that is not there. `room` is above all numbers of documents. */
  add(number: number, room: number): void {
    this.count += 1;
    if (this.#list === undefined) {
      this.#bits = grown(this.#bits, number + 1);
      setBit(this.#bits, number);
    } else if (this.count * NUMBER_BITS > room + 4 * NUMBER_BITS) {
      this.#bits = grown(this.#bits, room);
      for (const each of this.#list) setBit(this.#bits, each);
      setBit(this.#bits, number);
      this.#list = undefined;
    } else {
      this.#list.splice(firstFrom(this.#list, number), 0, number);
    }
  }

  /** One that is there. */
  remove(number: number): void {
    this.count -= 1;
    if (this.#list) this.#list.splice(firstFrom(this.#list, number), 1);
    else clearBit(this.#bits, number);
  }

  addTo(bits: Bits): void {
    if (this.#list) for (const number of this.#list) setBit(bits, number);
    const words = Math.min(bits.length, this.#bits.length);
    for (let word = 0; word < words; word++) bits[word]! |= this.#bits[word]!;
  }

  countIn(bits: Bits): number {
    if (this.#list === undefined) return countBoth(this.#bits, bits);
    let count = 0;
    for (const number of this.#list) if (hasBit(bits, number)) count += 1;
    return count;
  }

  get bytes(): number {
    return this.#list ? (NUMBER_BITS / 8) * this.#list.length : this.#bits.byteLength;
  }
}

const NO_BITS = new Uint32Array(0);

export class TagColumn {
  readonly #holders = new Map<string, Holders>();

  add(number: number, value: unknown, room: number): void {
    for (const tag of tagsOf(value)) {
      const holders = this.#holders.get(tag) ?? new Holders();
      this.#holders.set(tag, holders);
      holders.add(number, room);
    }
  }

  /** `value` is what was added. */
  remove(number: number, value: unknown): void {
    for (const tag of tagsOf(value)) {
      const holders = this.#holders.get(tag);
      holders?.remove(number);
      if (holders?.count === 0) this.#holders.delete(tag);
    }
  }

  /** Those that have one of these values. */
  having(values: Iterable<string>, words: number): Bits {
    const bits = new Uint32Array(words);
    for (const value of values) this.#holders.get(value)?.addTo(bits);
    return bits;
  }

  /** How many of these have each value; without those that none has. */
  counts(among: Bits): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [value, holders] of this.#holders) {
      const count = holders.countIn(among);
      if (count > 0) counts.set(value, count);
    }
    return counts;
  }

  get bytes(): number {
    let bytes = 0;
    for (const holders of this.#holders.values()) bytes += holders.bytes;
    return bytes;
  }
}

/** The different values; what is no text is none. */
function tagsOf(value: unknown): Iterable<string> {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return [];
  return new Set(value.filter((each): each is string => typeof each === 'string'));
}

/** Where the first that is not below stands in a sorted list. */
function firstFrom(list: readonly number[], number: number): number {
  let [low, high] = [0, list.length];
  if (high > 0 && list[high - 1]! < number) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
