/**
 * From what a search asks for to what is asked of the store, and from what that finds to hits.
 *
 * Guarantees: hits are ordered by score, of equal ones by id; none has a score below `minScore`, whatever the error of rows.
 */
import type { Metric } from '../kernel/layout.js';
import type { SearchWishes } from '../options.js';
import type { Entries } from './entries.js';
import type { Found } from './memory.js';
import { exactScore, innerScore, toldScore, type Vector } from './metric.js';
import type { Originals } from './originals.js';
import type { SlotSet } from './slot-set.js';
import type { Ask, VectorStore } from './store.js';

export interface Hit {
  readonly id: string;
  /** Higher is nearer: the cosine, the inner product, or the distance with a minus sign. */
  readonly score: number;
}

/** What is looked for: as it was given, and as the store knows it. */
export interface Question {
  readonly given: Vector;
  readonly turned: Float32Array;
  readonly length: number;
}

/** Up to this part of all vectors, those that a filter leaves are all scored. */
const FEW = 0.02;
/** Up to so many vectors, those of a namespace are all scored. */
const FEW_OF_NAMESPACE = 20_000;
/** Most results of a search of a store. */
const MOST = 4_096;
/** Nearest for which the lists of an index are measured. */
const MEASURED = 10;
/** Of scores of rows, in parts of how large they can be: an error that next to none has. */
const ERROR = 0.02;

interface Sought {
  readonly store: VectorStore;
  readonly metric: Metric;
  /** How many lists the recall needs. */
  readonly lists: number;
  /** What may be found; all, if undefined. */
  readonly among: SlotSet | undefined;
  /** Whether a filter has chosen it, rather than a namespace. */
  readonly isFiltered: boolean;
}

export function askFor(question: Question, wishes: SearchWishes, sought: Sought): Ask {
  const { limit, offset, exact, minScore } = wishes;
  const { store, metric, among, isFiltered } = sought;
  const wanted = limit + offset;
  const k = Math.min(exact ? 2 * wanted : wanted, MOST, store.size);
  const isBound = minScore !== undefined && !(metric === 'ip' && question.length === 0);
  const least = isBound ? innerScore(minScore, metric, question.length) : undefined;
  const slack = exact ? ERROR : 1e-5;
  // More of the nearest lie in more lists, and so do those of a part of all.
  const lists = wishes.lists ?? sought.lists * Math.max(1, Math.sqrt(wanted / MEASURED));
  if (among === undefined) return { k, lists: Math.ceil(lists), least, slack };
  const part = among.count / store.size;
  const isAll = part <= FEW || (!isFiltered && among.count <= FEW_OF_NAMESPACE);
  const more = wishes.lists === undefined ? Math.min(8, part ** -0.5) : 1;
  return { k, lists: Math.ceil(lists * more), least, slack, among, isAll };
}

export interface Resolving {
  readonly metric: Metric;
  readonly entries: Entries;
  /** If the scores are to be those of the vectors as they were put. */
  readonly originals: Originals | undefined;
}

export function hitsOf(
  found: readonly (Found & { readonly entry: number })[],
  question: Question,
  { limit, offset, minScore }: SearchWishes,
  { metric, entries, originals }: Resolving,
): Hit[] {
  const hits = found.map(({ score, entry }) => ({
    id: entries.idOf(entry),
    score: originals
      ? exactScore(metric, question.given, originals.at(entry))
      : toldScore(score, metric, question.length),
  }));
  return hits
    .filter(({ score }) => minScore === undefined || score >= minScore)
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .slice(offset, offset + limit);
}
