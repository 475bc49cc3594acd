/**
 * The search of the help desk: by meaning and by words at once, in articles of some products or that were changed lately. Each
 * hit says why it was found.
 *
 * Guarantees: what is answered matches the filter. When the question is not embedded in time, words alone answer, and
 * `degraded` says so.
 */
import {
  createEmbedder,
  createIndex,
  type Embed,
  type Facets,
  type FoundDocument,
  type VectorIndex,
} from '@holdfast/vectors';
import { type Article, SCHEMA } from './articles.js';

export interface Question {
  readonly text: string;
  readonly product?: string | undefined;
  /** Articles that were changed after this, in ms since the epoch. */
  readonly since?: number | undefined;
  /** Default 10. */
  readonly limit?: number;
  /** Whether to count the products: that looks at every article. Default false. */
  readonly isCounted?: boolean;
}

export interface Answer {
  readonly hits: readonly Found[];
  /** How many articles each product has, among all that match; empty unless they were to be counted. */
  readonly products: Facets[string];
  /** What was left out. */
  readonly degraded: readonly string[];
  /** What it took, the question embedded and the texts read, in ms. */
  readonly took: number;
}

interface Found extends Pick<FoundDocument, 'id' | 'ranks' | 'scores'> {
  readonly title: string;
  readonly body: string;
  /** The part of the article that says most about the question, and in it the words of the question, as pairs of start and end. */
  readonly snippet: { readonly text: string; readonly marks: readonly (readonly [number, number])[] };
}

/** A model that makes vectors of texts. */
export interface Model {
  readonly name: string;
  readonly dimensions: number;
  readonly embed: Embed;
}

const STOP_WORDS =
  'a about all am an and are as at be by can do does for from get had has have he how i if in into is it its me my no not of on or our so than that the their them then there these they this to up us was we what when where which who why will with you your'.split(
    ' ',
  );
/** How long a question may take to be embedded, in ms. */
const DEADLINE = Number(process.env['DEADLINE'] ?? 400);
/** Customers have other words than authors. */
const FUSION = { weights: { vectors: 2 } } as const;

const vectorsOf = ({ name: model, dimensions, embed }: Model) => ({
  ...{ model, dimensions },
  embedder: createEmbedder({ embed, model }),
});

/** The articles, as every process has them: by the first model, until the second one is live. */
export function openArticles(redis: string, first: Model, second: Model): VectorIndex {
  return createIndex({
    ...{ redis, name: 'articles', schema: SCHEMA },
    vectors: vectorsOf(first),
    next: vectorsOf(second),
    keywords: { fields: { title: 2, body: 1 }, stopWords: STOP_WORDS },
  });
}

/** Ends with an AbortedError when `signal` aborts: then nobody waits for the answer. */
export async function search(
  kb: VectorIndex,
  { text, product, since, limit = 10, isCounted = false }: Question,
  signal?: AbortSignal,
): Promise<Answer> {
  const began = performance.now();
  const isFiltered = Boolean(product || since); // a filter looks at every article
  const { hits, facets, degraded } = await kb.search({
    ...{ text, limit, fuse: FUSION, deadline: DEADLINE },
    ...(isFiltered && { filter: { ...(product && { product }), ...(since && { updated: { gte: since } }) } }),
    ...{ facets: isCounted ? ['product'] : [], texts: true, snippet: { words: 24 } },
    ...(signal && { signal }),
  });
  return {
    hits: hits.flatMap(found),
    products: facets['product'] ?? [],
    degraded: degraded.map(({ part, reason }) => `${part}: ${reason}`),
    took: performance.now() - began,
  };
}

/** Nothing of an article that was changed since it was found: its text is another one. */
function found({ id, ranks, scores, text, snippet }: FoundDocument): Found[] {
  if (text === undefined || snippet === undefined) return [];
  const { title, body } = text as Article['text'];
  const marks = snippet.marks.map(({ start, end }) => [start, end] as const);
  return [{ id, ranks, scores, title, body, snippet: { text: snippet.text, marks } }];
}
