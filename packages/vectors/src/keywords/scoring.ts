/**
 * How much a term of the query adds to the score of a document: by BM25, or by the product of two weights.
 *
 * BM25 is that of Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the logarithm
 * of one and the odds, as Lucene has it, so that no term counts against a document. Fields weigh the occurrences of a term,
 * and the length of a document, after Robertson, Zaragoza and Taylor, "Simple BM25 Extension to Multiple Weighted Fields" (2004).
 */
import { UNITS } from './codes.js';
import type { Piece, Postings, TermPostings } from './postings.js';

/** How many slots are gone through at a time: their scores fit into the first level of the cache. */
export const WINDOW = 4_096;

/** A range of slots: scores of its documents that the query has met. */
export class Window {
  /** The first slot. */
  base = 0;
  /** From `base` on; 0 for what was not met. */
  readonly scores = new Float64Array(WINDOW);
  /** What was met, from `base` on. */
  readonly slots = new Uint16Array(WINDOW);
  count = 0;

  get bytes(): number {
    return this.scores.byteLength + this.slots.byteLength;
  }

  /** The window in which a slot lies. */
  open(slot: number): void {
    this.base = slot - (slot % WINDOW);
    this.count = 0;
  }

  /** Forgets those that were met with a lower score. */
  drop(least: number): void {
    const { scores, slots, count } = this;
    let kept = 0;
    for (let at = 0; at < count; at++) {
      const slot = slots[at]!;
      if (scores[slot]! >= least) slots[kept++] = slot;
      else scores[slot] = 0;
    }
    this.count = kept;
  }

  /** Forgets all. */
  close(): void {
    this.drop(Number.POSITIVE_INFINITY);
  }
}

/** A term of the query. */
export interface Scorer {
  readonly postings: TermPostings;
  /** The most that it adds to any score. */
  readonly bound: number;
  /** Of a posting. */
  scoreOf(posting: number): number;
  /** Adds to the scores of all documents that have the term; they are of the window. */
  meet(piece: Piece, window: Window): void;
  /** The same of those that were met. */
  addTo(piece: Piece, window: Window): void;
}

/** `weight` is that of a term in the query, for BM25 its rarity included. */
export type Scoring = (postings: Postings, term: TermPostings, weight: number) => Scorer;

/** Bounds are sums, rounded in another order than scores. */
const ROUNDING = 1 + 1e-9;

/** How much a term says that so many of all documents have. */
export const rarity = (all: number, having: number): number =>
  Math.log(1 + (all - having + 0.5) / (having + 0.5));

export interface Bm25 {
  readonly k1: number;
  readonly b: number;
  /** What weights are counted in. */
  readonly unit: number;
  /** Of all documents that are searched, those of other indexes included. */
  readonly meanLength: number;
}

export function bm25({ k1, b, unit, meanLength }: Bm25): Scoring {
  return (postings, term, weight) => {
    const lengths = postings.lengths;
    // Both sides of the fraction in units.
    const factor = weight * (k1 + 1);
    const fixed = (k1 * (1 - b)) / unit;
    const slope = (k1 * b) / meanLength / unit;
    const scoreOf = (posting: number): number => {
      const units = UNITS[posting & 255]!;
      return (factor * units) / (units + fixed + slope * lengths[posting >>> 8]!);
    };
    const most = UNITS[term.mostCode]!;
    return {
      postings: term,
      bound: ROUNDING * ((factor * most) / (most + fixed + slope * term.leastLength)),
      scoreOf,
      meet({ words, from, to }, window) {
        // Copies that stay in registers.
        const { scores, slots, base } = window;
        const [times, least, more, of] = [factor, fixed, slope, lengths];
        let { count } = window;
        for (let at = from; at < to; at++) {
          const posting = words[at]!;
          const slot = posting >>> 8;
          const units = UNITS[posting & 255]!;
          const place = slot - base;
          const before = scores[place]!;
          if (before === 0) slots[count++] = place;
          scores[place] = before + (times * units) / (units + least + more * of[slot]!);
        }
        window.count = count;
      },
      addTo({ words, from, to }, { scores, base }) {
        const [times, least, more, of] = [factor, fixed, slope, lengths];
        for (let at = from; at < to; at++) {
          const posting = words[at]!;
          const slot = posting >>> 8;
          const before = scores[slot - base]!;
          if (before === 0) continue;
          const units = UNITS[posting & 255]!;
          scores[slot - base] = before + (times * units) / (units + least + more * of[slot]!);
        }
      },
    };
  };
}

/** The weight of the query times that of the document. */
export function products({ unit }: { unit: number }): Scoring {
  return (_, term, weight) => {
    const factor = weight * unit;
    return {
      postings: term,
      bound: ROUNDING * factor * UNITS[term.mostCode]!,
      scoreOf: (posting) => factor * UNITS[posting & 255]!,
      meet({ words, from, to }, window) {
        const { scores, slots, base } = window;
        let { count } = window;
        for (let at = from; at < to; at++) {
          const posting = words[at]!;
          const place = (posting >>> 8) - base;
          const before = scores[place]!;
          if (before === 0) slots[count++] = place;
          scores[place] = before + factor * UNITS[posting & 255]!;
        }
        window.count = count;
      },
      addTo({ words, from, to }, { scores, base }) {
        for (let at = from; at < to; at++) {
          const posting = words[at]!;
          const place = (posting >>> 8) - base;
          const before = scores[place]!;
          if (before !== 0) scores[place] = before + factor * UNITS[posting & 255]!;
        }
      },
    };
  };
}
