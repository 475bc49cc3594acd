/**
 * The terms that a word of a query may stand for: itself, what begins with it, and what is one typing error away.
 *
 * Guarantees: which terms those are follows from the documents alone, whatever order they came in, and however many indexes they are
 * spread over. They count as forms of one word: it is as rare as the most frequent of them, and none counts more because it is a rare
 * form.
 */
import type { Postings } from './postings.js';
import { rarity } from './scoring.js';

/** A word of a query. */
export interface Word {
  readonly text: string;
  /** How often the query has it. */
  readonly times: number;
  /** Whether it may be a beginning. */
  readonly isBeginning: boolean;
  /** Whether it may have a typing error. */
  readonly typos: boolean;
}

/** Terms, and how many documents have each. */
type TermCounts = readonly (readonly [term: string, documents: number])[];

/** The terms of an index that a word may stand for. */
export interface WordCounts {
  /** Itself, and what begins with it if it may be a beginning. */
  readonly forms: TermCounts;
  /** What is one error away, if it may have one and the index has none of its forms. */
  readonly near: TermCounts;
}

/** Most terms that a word stands for: the most frequent ones. */
export const MOST_FORMS = 50;
/** Characters of a word that is looked for as a beginning. */
const LEAST_BEGINNING = 2;
/** Characters of a word that may have an error: shorter ones are near to too many. */
const LEAST_WITH_ERROR = 4;
/** What a term counts that is one error away. */
const BY_ERROR = 0.5;

/** What an index has for a word: of each kind, the `most` most frequent terms, the word itself before all. */
export function countsOf(postings: Postings, word: Word, most: number): WordCounts {
  const { vocabulary } = postings;
  const { text, typos } = word;
  const terms = isOpen(word) ? vocabulary.beginningWith(text) : postings.numbersOf(text);
  const forms = mostUsed(postings, terms, { word: text, most });
  const mayErr = typos && forms.length === 0 && text.length >= LEAST_WITH_ERROR;
  return { forms, near: mayErr ? mostUsed(postings, vocabulary.near(text), { word: text, most }) : [] };
}

/** What a word stands for, by what the indexes have that its documents are spread over: weights of terms; empty if none has any. */
export function variantsOf(
  word: Word,
  counts: readonly WordCounts[],
  all: number,
): readonly (readonly [term: string, weight: number, documents: number])[] {
  const weightOf = (term: string): number => (isOpen(word) ? word.text.length / term.length : 1);
  const forms = summed(counts.map((each) => each.forms));
  const found = forms.length > 0 ? forms : summed(counts.map((each) => each.near));
  const best = found.sort(byUse(word.text)).slice(0, MOST_FORMS);
  const common = rarity(all, Math.max(0, ...best.map(([, documents]) => documents)));
  return best.map(([term, documents]) => {
    const weight = forms.length > 0 ? weightOf(term) : BY_ERROR;
    return [term, (weight * common) / rarity(all, documents), documents];
  });
}

const isOpen = ({ isBeginning, text }: Word): boolean => isBeginning && text.length >= LEAST_BEGINNING;

function summed(all: readonly TermCounts[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const [term, documents] of all.flat()) sums.set(term, (sums.get(term) ?? 0) + documents);
  return [...sums];
}

/** The most frequent ones that some document has, the word itself before all. */
function mostUsed(
  postings: Postings,
  terms: Iterable<number>,
  { word, most }: { readonly word: string; readonly most: number },
): TermCounts {
  let found: (readonly [string, number])[] = [];
  for (const term of terms) {
    const documents = postings.documentsOf(term);
    if (documents === 0) continue;
    found.push([postings.textOf(term), documents]);
    if (found.length === 20 * most) found = found.sort(byUse(word)).slice(0, most);
  }
  return found.sort(byUse(word)).slice(0, most);
}

const byUse =
  (word: string) =>
  (a: readonly [string, number], b: readonly [string, number]): number =>
    Number(b[0] === word) - Number(a[0] === word) || b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
