/**
 * How much a term of the query adds to the score of a document: by BM25, or by the product of two weights.
 *
 * BM25 is that of Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the logarithm
 * of one and the odds, as Lucene has it, so that no term counts against a document. Fields weigh the occurrences of a term,
 * and the length of a document, after Robertson, Zaragoza and Taylor, "Simple BM25 Extension to Multiple Weighted Fields" (2004).
 */
import { UNITS } from './codes.js';
import type { Piece, Postings, TermPostings } from './postings.js';

/** Scores by slot of the documents that a query has met, and the slots in the order in which it has met them. */
export interface Met {
  readonly scores: Float64Array;
  readonly slots: Uint32Array;
  count: number;
}

/** A term of the query. */
export interface Scorer {
  readonly postings: TermPostings;
  /** The most that it adds to any score. */
  readonly bound: number;
  /** Of a posting. */
  scoreOf(posting: number): number;
  /** Adds to the scores of all documents that have the term. */
  meet(piece: Piece, met: Met): void;
}

export type Scoring = (postings: Postings, term: TermPostings, weight: number) => Scorer;

/** Bounds are sums, rounded in another order than scores. */
const ROUNDING = 1 + 1e-9;

/** How much a term says that so many of all documents have. */
export const rarity = (all: number, having: number): number =>
  Math.log(1 + (all - having + 0.5) / (having + 0.5));

/** `unit` is what weights are counted in. */
export function bm25({ k1, b, unit }: { k1: number; b: number; unit: number }): Scoring {
  return (postings, term, weight) => {
    const lengths = postings.lengths;
    // Both sides of the fraction in units.
    const factor = weight * rarity(postings.documents, term.documents) * (k1 + 1);
    const fixed = (k1 * (1 - b)) / unit;
    const slope = (k1 * b) / postings.meanLength / unit;
    const scoreOf = (posting: number): number => {
      const units = UNITS[posting & 255]!;
      return (factor * units) / (units + fixed + slope * lengths[posting >>> 8]!);
    };
    const most = UNITS[term.mostCode]!;
    return {
      postings: term,
      bound: ROUNDING * ((factor * most) / (most + fixed + slope * term.leastLength)),
      scoreOf,
      meet({ words, from, to }, met) {
        const { scores, slots } = met;
        // Copies that stay in registers.
        const [times, least, more, of] = [factor, fixed, slope, lengths];
        let { count } = met;
        for (let at = from; at < to; at++) {
          const posting = words[at]!;
          const slot = posting >>> 8;
          const units = UNITS[posting & 255]!;
          const before = scores[slot]!;
          if (before === 0) slots[count++] = slot;
          scores[slot] = before + (times * units) / (units + least + more * of[slot]!);
        }
        met.count = count;
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
      meet({ words, from, to }, met) {
        const { scores, slots } = met;
        let { count } = met;
        for (let at = from; at < to; at++) {
          const posting = words[at]!;
          const slot = posting >>> 8;
          const before = scores[slot]!;
          if (before === 0) slots[count++] = slot;
          scores[slot] = before + factor * UNITS[posting & 255]!;
        }
        met.count = count;
      },
    };
  };
}
