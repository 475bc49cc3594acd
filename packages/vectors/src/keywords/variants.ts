/**
 * The terms that a word of a query may stand for: itself, what begins with it, and what is one typing error away.
 *
 * Guarantees: which terms those are follows from the documents alone, whatever order they came in. They count as forms of one word: it is
 * as rare as the most frequent of them, and none counts more because it is a rare form.
 */
import type { Postings } from './postings.js';
import { rarity } from './scoring.js';

export interface VariantOptions {
  /** Whether the word is a beginning. */
  readonly isBeginning: boolean;
  /** Whether it may have a typing error. */
  readonly typos: boolean;
}

/** Most terms that a word stands for: the most frequent ones. */
const MOST = 50;
/** Characters of a word that is looked for as a beginning. */
const LEAST_BEGINNING = 2;
/** Characters of a word that may have an error: shorter ones are near to too many. */
const LEAST_WITH_ERROR = 4;
/** What a term counts that is one error away. */
const BY_ERROR = 0.5;

/** Weights of terms; empty if no document has any. */
export function variantsOf(
  postings: Postings,
  word: string,
  { isBeginning, typos }: VariantOptions,
): readonly (readonly [term: string, weight: number])[] {
  const { vocabulary } = postings;
  let found: readonly Variant[] = [];
  if (isBeginning && word.length >= LEAST_BEGINNING)
    found = mostUsed(postings, vocabulary.beginningWith(word), (text) => word.length / text.length);
  else found = mostUsed(postings, postings.numbersOf(word), () => 1);
  if (found.length === 0 && typos && word.length >= LEAST_WITH_ERROR)
    found = mostUsed(postings, vocabulary.near(word), () => BY_ERROR);
  const most = Math.max(0, ...found.map(({ documents }) => documents));
  const common = rarity(postings.documents, most);
  return found.map(({ text, weight, documents }) => [
    text,
    (weight * common) / rarity(postings.documents, documents),
  ]);
}

interface Variant {
  readonly text: string;
  readonly weight: number;
  readonly documents: number;
}

/** The most frequent ones that some document has, the word itself before all. */
function mostUsed(
  postings: Postings,
  terms: Iterable<number>,
  weightOf: (text: string) => number,
): readonly Variant[] {
  let found: Variant[] = [];
  for (const term of terms) {
    const documents = postings.documentsOf(term);
    if (documents === 0) continue;
    const text = postings.textOf(term);
    found.push({ text, weight: weightOf(text), documents });
    if (found.length === 20 * MOST) found = found.sort(byUse).slice(0, MOST);
  }
  return found.sort(byUse).slice(0, MOST);
}

const byUse = (a: Variant, b: Variant): number =>
  Number(b.weight === 1) - Number(a.weight === 1) || b.documents - a.documents || (a.text < b.text ? -1 : 1);
