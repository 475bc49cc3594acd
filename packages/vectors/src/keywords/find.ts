/**
 * The best documents for a query, without looking at all that have one of its terms.
 *
 * Slots are gone through in windows, whose scores lie in the nearest cache. The terms are taken in the order of their weights, whatever
 * an index has of them, so that all indexes that documents are spread over round their sums alike. Once the rest of them together cannot
 * lift a document that the first ones have not met above the k-th best so far, only these are read; the rest add to documents that
 * were met and can still be among the best: MaxScore, after Turtle and Flood, "Query evaluation: strategies and optimizations" (1995).
 * The k-th best rises from window to window, so that fewer terms are read.
 *
 * Guarantees: the same documents, scores and order as adding everything up; of equal scores the lower id comes first. A filter is
 * asked once for a document at most.
 */
import { Best } from './best.js';
import { Cursor } from './cursor.js';
import type { Postings, TermPostings } from './postings.js';
import { type Scorer, type Scoring, WINDOW, Window } from './scoring.js';

export interface Ask {
  /** Weights above 0, by term, in the order in which they are added up: the highest first. */
  readonly terms: readonly (readonly [term: string, weight: number])[];
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

export class Finder {
  /** Those that no search uses: a filter may search, too. */
  readonly #windows = [new Window()];

  get bytes(): number {
    return this.#windows.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  find(postings: Postings, ask: Ask): Found[] {
    const window = this.#windows.pop() ?? new Window();
    try {
      const best = bestIn(postings, ask, window);
      return best.sorted().map(({ score, thing }) => ({ id: postings.idOf(thing), score }));
    } finally {
      window.close();
      this.#windows.push(window);
    }
  }
}

function bestIn(
  postings: Postings,
  { terms: weights, scoring, k, minScore, filter }: Ask,
  window: Window,
): Best {
  const terms = termsOf(postings, weights, scoring);
  /** What the terms from each on can add together. */
  const rest = terms.map((_, from) => terms.slice(from).reduce((sum, { scorer }) => sum + scorer.bound, 0));
  rest.push(0);
  const best = new Best(k, (a, b) => postings.idOf(a) < postings.idOf(b));
  let least = minScore ?? 0;
  /** How many terms a document needs one of. */
  let needed = terms.length;
  while (rest[0]! >= least) {
    // One with as much as the k-th best may stand before it by its id.
    while (needed > 1 && rest[needed - 1]! < least) needed -= 1;
    const first = firstOf(terms, needed);
    if (first === Number.POSITIVE_INFINITY) break;
    window.open(first);
    for (let at = 0; at < needed; at++) {
      meetAll(terms[at]!, window);
      // The first window says by itself what is needed, before all of its terms are read.
      const isFirst = !best.isFull && filter === undefined && window.count >= k;
      if (isFirst && rest[at + 1]! < rest[0]! - rest[at + 1]!)
        least = bestSoFar(window, postings, { k, least });
      if (rest[at + 1]! < least) needed = at + 1;
    }
    for (let at = needed; at < terms.length; at++) {
      window.drop(least - rest[at]!);
      addTo(terms[at]!, window);
    }
    offerAll(window, best, { postings, least, filter });
    window.close();
    least = Math.max(least, best.least);
  }
  return best;
}

/** A term of the query, and how far its postings were read. */
interface Term {
  readonly scorer: Scorer;
  readonly cursor: Cursor;
}

function termsOf(postings: Postings, weights: Ask['terms'], scoring: Scoring): Term[] {
  const known: [TermPostings, number][] = [];
  for (const [text, weight] of weights) {
    const term = postings.term(text);
    if (term !== undefined) known.push([term, weight]);
  }
  return known.map(([term, weight]) => ({
    scorer: scoring(postings, term, weight),
    cursor: new Cursor(term),
  }));
}

/** The first slot that one of the first terms has and that was not read. */
function firstOf(terms: readonly Term[], count: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (let at = 0; at < count; at++) first = Math.min(first, terms[at]!.cursor.slot);
  return first;
}

/** Adds a term to the scores of all documents of the window that have it. */
function meetAll({ scorer, cursor }: Term, window: Window): void {
  const end = window.base + WINDOW;
  while (cursor.slot < end) {
    const from = cursor.at;
    const { words } = cursor;
    const to = cursor.before(end);
    scorer.meet({ words, from, to }, window);
    cursor.goTo(to);
  }
}

/** Adds a term to the scores of documents that were met. */
function addTo({ scorer, cursor }: Term, window: Window): void {
  if (window.count === 0) return;
  const end = window.base + WINDOW;
  let isSorted = false;
  let next = 0;
  cursor.skipTo(window.base);
  while (cursor.slot < end) {
    const from = cursor.at;
    const { words } = cursor;
    const to = cursor.before(end);
    if (window.count * SPARSE > to - from) scorer.addTo({ words, from, to }, window);
    else {
      if (!isSorted) window.slots.subarray(0, window.count).sort();
      isSorted = true;
      next = lookUp(scorer, { words, from, to }, { window, next });
    }
    cursor.goTo(to);
  }
}

/** Adds to those that a piece has, from one of them on. Returns the first that lies behind it. */
function lookUp(
  scorer: Scorer,
  { words, from, to }: { readonly words: Uint32Array; readonly from: number; readonly to: number },
  { window, next }: { readonly window: Window; readonly next: number },
): number {
  const { scores, slots, base, count } = window;
  const last = words[to - 1]! >>> 8;
  let low = from;
  let at = next;
  for (; at < count && base + slots[at]! <= last; at++) {
    const slot = base + slots[at]!;
    let high = to - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (words[middle]! >>> 8 < slot) low = middle + 1;
      else high = middle;
    }
    const posting = words[low]!;
    if (posting >>> 8 === slot) scores[slots[at]!]! += scorer.scoreOf(posting);
  }
  return at;
}

/** The k-th score of a window, which is not final, if it is above `least`. */
function bestSoFar(
  { scores, slots, base, count }: Window,
  postings: Postings,
  { k, least }: { readonly k: number; readonly least: number },
): number {
  const best = new Best(k);
  let bar = least;
  for (let at = 0; at < count; at++) {
    const score = scores[slots[at]!]!;
    if (score < bar || !best.takes(score, at) || !postings.isThere(base + slots[at]!)) continue;
    best.offer(score, at);
    bar = Math.max(bar, best.least);
  }
  return bar;
}

/** Offers those of a window that are there and are wanted. */
function offerAll(
  { scores, slots, base, count }: Window,
  best: Best,
  { postings, least, filter }: { postings: Postings; least: number; filter: Ask['filter'] },
): void {
  let bar = Math.max(least, best.least);
  for (let at = 0; at < count; at++) {
    const score = scores[slots[at]!]!;
    if (score < bar) continue;
    const slot = base + slots[at]!;
    if (!best.takes(score, slot) || !postings.isThere(slot)) continue;
    if (filter !== undefined && !filter(postings.idOf(slot))) continue;
    best.offer(score, slot);
    bar = Math.max(bar, best.least);
  }
}
