/** Where the postings of a term are read, piece after piece, forwards. */
import { type Piece, slotOf, type TermPostings } from './postings.js';

export class Cursor {
  readonly #pieces: Iterator<Piece>;
  /** Those of the piece. */
  words: Uint32Array;
  at = 0;
  #to = 0;
  /** That of the posting that comes next; infinite at the end. */
  slot = 0;

  constructor(term: TermPostings) {
    this.#pieces = term.pieces()[Symbol.iterator]();
    this.words = NONE;
    this.#next();
  }

  /** Where the first posting of the piece is that has this slot or a higher one; the end of the piece if there is none. */
  before(slot: number): number {
    const { words } = this;
    let high = this.#to;
    if (slotOf(words[high - 1]!) < slot) return high;
    let low = this.at;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (slotOf(words[middle]!) < slot) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** To a place that `before` told. */
  goTo(at: number): void {
    this.at = at;
    if (at < this.#to) this.slot = slotOf(this.words[at]!);
    else this.#next();
  }

  /** To the first posting that has this slot or a higher one. */
  skipTo(slot: number): void {
    while (this.slot < slot) this.goTo(this.before(slot));
  }

  #next(): void {
    const { done, value } = this.#pieces.next();
    if (done) {
      this.slot = Number.POSITIVE_INFINITY;
      return;
    }
    this.words = value.words;
    this.at = value.from;
    this.#to = value.to;
    this.slot = slotOf(value.words[value.from]!);
  }
}

const NONE = new Uint32Array(0);
