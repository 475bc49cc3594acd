/**
 * How the words of a query are scored, once it is known how rare they are: one index counts for itself, several that documents are
 * spread over count together.
 *
 * Guarantees: a plan of the counts of several indexes is that of one index with all their documents, up to 1,000 words of each index
 * that begin as the query ends; a document has the same score by it to the last bit, whichever index it lies in.
 */
import { rarity } from './scoring.js';
import { MOST_FORMS, variantsOf, type Word, type WordCounts } from './variants.js';

/** What an index counts for a query. */
export interface QueryCounts {
  /** All that it has. */
  readonly documents: number;
  /** Of all of them together. */
  readonly length: number;
  /** Of each word of the query, in their order. */
  readonly words: readonly WordCounts[];
}

export interface WordsPlan {
  readonly meanLength: number;
  /** How much each term counts, its rarity included: what counts most first. */
  readonly weights: readonly (readonly [term: string, weight: number])[];
  /** How rare the words of the query and what they stand for are; 1 for what no document has. */
  readonly rarities: readonly (readonly [term: string, rarity: number])[];
}

/** How many terms an index tells of a word: by itself what is looked for, and among others what may be the most frequent of all. */
export const mostToldOf = (indexes: number): number => (indexes === 1 ? MOST_FORMS : 1_000);

/** Counts of one index or more. */
export function planOf(words: readonly Word[], all: readonly QueryCounts[]): WordsPlan {
  const documents = all.reduce((sum, each) => sum + each.documents, 0);
  const length = all.reduce((sum, each) => sum + each.length, 0);
  const weights = new Map<string, number>();
  const rarities = new Map(words.map(({ text }) => [text, 1]));
  for (const [at, word] of words.entries()) {
    const counts = all.flatMap((each) => each.words[at] ?? []);
    const found = variantsOf(word, counts, documents);
    // What nobody had when it was counted may have been put since, in an index that has not been searched yet.
    const variants = found.length > 0 ? found : [[word.text, 1, 0] as const];
    for (const [term, weight, having] of variants) {
      weights.set(term, (weights.get(term) ?? 0) + word.times * weight);
      if (having > 0) rarities.set(term, rarity(documents, having));
    }
  }
  const weighed = [...weights].map(([term, weight]) => [term, weight * (rarities.get(term) ?? 1)] as const);
  return {
    meanLength: documents === 0 ? 1 : length / documents,
    weights: weighed.sort(byWeight),
    rarities: [...rarities],
  };
}

/** An order in which every index adds up, so that sums are rounded alike: what counts most first. */
export const byWeight = (a: readonly [string, number], b: readonly [string, number]): number =>
  b[1] - a[1] || (a[0] < b[0] ? -1 : 1);
