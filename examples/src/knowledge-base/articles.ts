/**
 * The articles of the knowledge base: the corpus with the vectors that the model gives it, and as many more around those as are
 * wanted, each of two subjects, with a vector between theirs and some noise.
 */
import type { Document, Vector } from '@holdfast/vectors';
import { dice } from '../ledger/random.js';
import { CORPUS, type HelpText } from './corpus.js';

export interface Article extends Document {
  readonly vector: Float32Array;
  readonly text: { readonly title: string; readonly body: string };
  readonly attributes: {
    /** Those of its subjects. */
    readonly product: readonly string[];
    /** When it was last changed, in ms since the epoch. */
    readonly updated: number;
  };
}

/** What articles are filtered by. */
export const SCHEMA = { product: 'tag', updated: 'number' } as const;

export const textOf = ({ title, body }: { readonly title: string; readonly body: string }): string =>
  `${title}. ${body}`;

/** What an article is about: one text of the corpus, or two. */
export const subjectsOf = (id: string): readonly string[] => id.split('+').slice(0, 2);

/** The last change is in the three years before this. */
const LATEST = Date.UTC(2026, 10, 1);
const THREE_YEARS = 3 * 365 * 86_400_000;
/** How much the second subject counts, and the noise, beside the first subject. */
const [SECOND, NOISE] = [0.5, 0.4];

/** `vectors` are those of the corpus, of length 1. The same seed gives the same articles. */
export function* articles(vectors: readonly Vector[], count: number, seed: number): Generator<Article> {
  const roll = dice(seed);
  const below = (most: number): number => Math.floor(roll.between(0, most));
  const updated = (): number => LATEST - below(THREE_YEARS);
  const vectorOf = (at: number): Float32Array => Float32Array.from(vectors[at] ?? []);
  for (let n = 0; n < count; n += 1) {
    const at = n < CORPUS.length ? n : below(CORPUS.length);
    const first = CORPUS[at] as HelpText;
    if (n < CORPUS.length) {
      const { id, title, body, product } = first;
      const attributes = { product: [product], updated: updated() };
      yield { id, vector: vectorOf(at), text: { title, body }, attributes };
      continue;
    }
    const other = (at + 1 + below(CORPUS.length - 1)) % CORPUS.length;
    const second = CORPUS[other] as HelpText;
    const vector = between(vectorOf(at), vectorOf(other), () => roll.between(-0.5, 0.5));
    const text = { title: `${first.title} / ${second.title}`, body: `${first.body} ${second.body}` };
    const product = [...new Set([first.product, second.product])];
    yield {
      ...{ id: `${first.id}+${second.id}+${n}`, vector, text },
      attributes: { product, updated: updated() },
    };
  }
}

function between(first: Float32Array, second: Float32Array, even: () => number): Float32Array {
  // The sum of three is near enough to a normal distribution; its variance is 1/4.
  const noise = (): number => 2 * (even() + even() + even());
  const size = NOISE / Math.sqrt(first.length);
  const vector = first.map((value, j) => value + SECOND * (second[j] ?? 0) + size * noise());
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
