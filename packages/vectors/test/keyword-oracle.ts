/** BM25 of all documents by adding everything up, and random texts. */
import { type Random, seededRandom } from '@holdfast/kernel';

export interface Scored {
  readonly id: string;
  readonly score: number;
}

/** Weighted occurrences by term; the weights of fields are already in them. */
export type Counts = ReadonlyMap<string, number>;

export function countsOf(text: string, weight = 1, into = new Map<string, number>()): Map<string, number> {
  for (const word of text.split(' ').filter((each) => each !== '')) {
    into.set(word, (into.get(word) ?? 0) + weight);
  }
  return into;
}

const sum = (values: Iterable<number>): number => [...values].reduce((all, each) => all + each, 0);

export function bm25Of(
  query: string,
  documents: ReadonlyMap<string, Counts>,
  { k1 = 1.2, b = 0.75 } = {},
): Scored[] {
  const lengths = new Map([...documents].map(([id, counts]) => [id, sum(counts.values())]));
  const mean = sum(lengths.values()) / documents.size;
  const scores = new Map<string, number>();
  for (const [term, times] of countsOf(query)) {
    const having = [...documents].filter(([, counts]) => counts.has(term));
    const idf = Math.log(1 + (documents.size - having.length + 0.5) / (having.length + 0.5));
    for (const [id, counts] of having) {
      const tf = counts.get(term)!;
      const part = (times * idf * tf * (k1 + 1)) / (tf + k1 * (1 - b + (b * lengths.get(id)!) / mean));
      scores.set(id, (scores.get(id) ?? 0) + part);
    }
  }
  return ordered(scores);
}

export function productsOf(query: Counts, documents: ReadonlyMap<string, Counts>): Scored[] {
  const scores = new Map<string, number>();
  for (const [id, weights] of documents) {
    const score = sum([...query].map(([term, weight]) => weight * (weights.get(term) ?? 0)));
    if (score > 0) scores.set(id, score);
  }
  return ordered(scores);
}

const ordered = (scores: ReadonlyMap<string, number>): Scored[] =>
  [...scores]
    .map(([id, score]) => ({ id, score }))
    // Sums in another order differ in the last digits.
    .sort((a, c) => Number((c.score - a.score).toFixed(9)) || (a.id < c.id ? -1 : 1));

export interface WordMaker {
  readonly random: Random;
  /** Few words are frequent and most are rare, as in languages. */
  word(): string;
  text(words: number): string;
}

export function wordMaker(seed: number, vocabulary = 300): WordMaker {
  const random = seededRandom(seed);
  const word = (): string => `w${Math.floor(vocabulary * random.unit() ** 4)}`;
  return {
    random,
    word,
    text: (words) => Array.from({ length: words }, word).join(' '),
  };
}
