/**
 * The best documents for a query, without looking at all that have one of its terms.
 *
 * The terms are taken in the order of how much they can add. Once the rest of them together cannot lift a document that was not
 * met above the k-th best so far, they only add to documents that were met and can still be among the best: MaxScore, after
 * Turtle and Flood, "Query evaluation: strategies and optimizations" (1995), a term at a time.
 *
 * Guarantees: the same documents, scores and order as adding everything up; of equal scores the lower id comes first.
 */
import { Best } from './best.js';
import type { Postings, TermPostings } from './postings.js';
import type { Met, Scorer, Scoring } from './scoring.js';

export interface Ask {
  /** Weights above 0, by term. */
  readonly terms: ReadonlyMap<string, number>;
  readonly scoring: Scoring;
  readonly k: number;
  readonly minScore: number | undefined;
  readonly filter: ((id: string) => boolean) | undefined;
}

export interface Found {
  readonly id: string;
  readonly score: number;
}

/** Up to one candidate for so many postings, each is looked up; else all postings are read. */
const SPARSE = 16;
const [UNKNOWN, WANTED, UNWANTED] = [0, 1, 2];

export class Finder {
  #scores = new Float64Array(0);
  #slots = new Uint32Array(0);
  /** By slot: whether the filter lets it pass, once that was asked. */
  #wanted = new Uint8Array(0);

  get bytes(): number {
    return this.#scores.byteLength + this.#slots.byteLength + this.#wanted.byteLength;
  }

  find(postings: Postings, ask: Ask): Found[] {
    this.#reserve(postings.slots);
    const met: Met = { scores: this.#scores, slots: this.#slots, count: 0 };
    try {
      const scorers = scorersOf(postings, ask);
      const best = this.#search(postings, { ...ask, scorers, met });
      return best.sorted().map(({ score, thing }) => ({ id: postings.idOf(thing), score }));
    } finally {
      for (let at = 0; at < met.count; at++) {
        const slot = met.slots[at]!;
        met.scores[slot] = 0;
        this.#wanted[slot] = UNKNOWN;
      }
    }
  }

  #search(postings: Postings, { scorers, met, k, minScore, filter }: Ask & Work): Best {
    /** What the terms from each on can add together. */
    const rest = scorers.map((_, from) => scorers.slice(from).reduce((sum, { bound }) => sum + bound, 0));
    rest.push(0);
    const passes = (slot: number): boolean => this.#passes(postings, slot, filter);
    const isBefore = (a: number, b: number): boolean => postings.idOf(a) < postings.idOf(b);
    let least = minScore ?? 0;
    let next = 0;
    // A document that was not met gets `rest` at most; one with as much as the k-th best may stand before it by its id.
    while (next < scorers.length && (next === 0 || rest[next]! >= least)) {
      for (const piece of scorers[next]!.postings.pieces()) scorers[next]!.meet(piece, met);
      next += 1;
      if (met.count >= k && rest[next]! < rest[0]! - rest[next]!) {
        least = Math.max(least, bestOf(met.scores, metBy(met), { k, least, passes }).least);
      }
    }
    let candidates = metBy(met);
    for (; next < scorers.length; next++) {
      const needed = least - rest[next]!;
      candidates = candidates.filter((slot) => met.scores[slot]! >= needed);
      addTo(candidates, scorers[next]!, met.scores);
      least = Math.max(least, bestOf(met.scores, candidates, { k, least, passes }).least);
    }
    return bestOf(met.scores, candidates, { k, least, passes, isBefore });
  }

  #passes(postings: Postings, slot: number, filter: Ask['filter']): boolean {
    if (!postings.isThere(slot)) return false;
    if (filter === undefined) return true;
    if (this.#wanted[slot] === UNKNOWN) {
      this.#wanted[slot] = filter(postings.idOf(slot)) ? WANTED : UNWANTED;
    }
    return this.#wanted[slot] === WANTED;
  }

  #reserve(slots: number): void {
    if (slots <= this.#scores.length) return;
    const room = Math.ceil(slots * 1.25);
    this.#scores = new Float64Array(room);
    this.#slots = new Uint32Array(room);
    this.#wanted = new Uint8Array(room);
  }
}

interface Work {
  readonly scorers: readonly Scorer[];
  readonly met: Met;
}

const metBy = ({ slots, count }: Met): Uint32Array => slots.subarray(0, count);

/** The term that can add most first. */
function scorersOf(postings: Postings, { terms, scoring }: Ask): Scorer[] {
  const known: [TermPostings, number][] = [];
  for (const [text, weight] of terms) {
    const term = postings.term(text);
    if (term !== undefined) known.push([term, weight]);
  }
  return known.map(([term, weight]) => scoring(postings, term, weight)).sort((a, b) => b.bound - a.bound);
}

interface Choice {
  readonly k: number;
  /** A score that is needed. */
  readonly least: number;
  readonly passes: (slot: number) => boolean;
  /** Which of equal scores stands first; undefined if that does not matter. */
  readonly isBefore?: (a: number, b: number) => boolean;
}

/** The best so far of these slots; their scores only grow. */
function bestOf(scores: Float64Array, slots: Uint32Array, { k, least, passes, isBefore }: Choice): Best {
  const best = new Best(k, isBefore);
  let bar = least;
  for (let at = 0; at < slots.length; at++) {
    const slot = slots[at]!;
    const score = scores[slot]!;
    if (score < bar || !best.takes(score, slot) || !passes(slot)) continue;
    best.offer(score, slot);
    bar = Math.max(bar, best.least);
  }
  return best;
}

/** Adds a term to the scores of candidates, and maybe to those of other documents that were met. */
function addTo(candidates: Uint32Array, { postings, scoreOf }: Scorer, scores: Float64Array): void {
  if (candidates.length * SPARSE > postings.postings) {
    for (const { words, from, to } of postings.pieces()) {
      for (let at = from; at < to; at++) {
        const posting = words[at]!;
        if (scores[posting >>> 8] !== 0) scores[posting >>> 8]! += scoreOf(posting);
      }
    }
    return;
  }
  candidates.sort();
  let at = 0;
  for (const { words, from, to } of postings.pieces()) {
    if (at === candidates.length) return;
    const last = words[to - 1]! >>> 8;
    let low = from;
    for (; at < candidates.length && candidates[at]! <= last; at++) {
      const slot = candidates[at]!;
      low = firstFrom(words, { low, to, slot });
      const posting = words[low]!;
      if (posting >>> 8 === slot) scores[slot]! += scoreOf(posting);
    }
  }
}

/** Of postings by slot, the first with at least this one; there is one before `to`. */
function firstFrom(words: Uint32Array, { low, to, slot }: { low: number; to: number; slot: number }): number {
  let high = to - 1;
  let from = low;
  while (from < high) {
    const middle = (from + high) >> 1;
    if (words[middle]! >>> 8 < slot) from = middle + 1;
    else high = middle;
  }
  return from;
}
