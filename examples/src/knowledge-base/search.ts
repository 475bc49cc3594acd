/**
 * The search of the help desk: by meaning and by words at once, in articles of some products or that were changed lately. Each
 * hit says why it was found.
 *
 * Guarantees: what is answered matches the filter. When the question is not embedded in time, words alone answer, and
 * `degraded` says so.
 */
import {
  createEmbedder,
  createHybridSearch,
  createKeywordIndex,
  type Embed,
  type Facets,
  type HybridHit,
  type VectorIndex,
} from '@holdfast/vectors';
import type { Article } from './articles.js';

export interface Question {
  readonly text: string;
  readonly product?: string | undefined;
  /** Articles that were changed after this, in ms since the epoch. */
  readonly since?: number | undefined;
  /** Default 10. */
  readonly limit?: number;
}

export interface Answer {
  readonly hits: readonly Found[];
  /** How many articles each product has, among all that match. */
  readonly products: Facets[string];
  /** What was left out. */
  readonly degraded: readonly string[];
  /** What it took, the question embedded, in ms. */
  readonly took: number;
}

export interface Found extends Pick<HybridHit, 'id' | 'ranks' | 'scores'> {
  readonly title: string;
  readonly body: string;
  readonly product: readonly string[];
  /** The part of the body that says most about the question, and in it the words of the question, as pairs of start and end. */
  readonly snippet: { readonly text: string; readonly marks: readonly (readonly [number, number])[] };
}

const STOP_WORDS =
  'a about all am an and are as at be by can do does for from get had has have he how i if in into is it its me my no not of on or our so than that the their them then there these they this to up us was we what when where which who why will with you your'.split(
    ' ',
  );
/** How long a question may take to be embedded, in ms. */
const DEADLINE = 400;
/** Customers have other words than authors. */
const FUSION = { weights: { vectors: 2 } } as const;

export class HelpDesk {
  readonly #kb: VectorIndex;
  readonly #embedder: ReturnType<typeof createEmbedder>;
  readonly #keywords = createKeywordIndex({ fields: { title: 2, body: 1 }, stopWords: STOP_WORDS });
  readonly #articles = new Map<string, Article['attributes']>();

  constructor(kb: VectorIndex, model: { readonly embed: Embed; readonly name: string }) {
    this.#kb = kb;
    this.#embedder = createEmbedder({ embed: model.embed, model: model.name });
  }

  /** Reads the words of all articles: those of later ones are read by the next process. */
  async open(): Promise<void> {
    await this.#kb.ready();
    await this.#embedder.embed(['the model is loaded']);
    for (let from: string | undefined, isFirst = true; isFirst || from !== undefined; isFirst = false) {
      const { documents, next } = await this.#kb.scroll({ limit: 10_000, ...(from && { from }) });
      for (const { id, attributes } of documents) {
        const article = attributes as Article['attributes'];
        this.#articles.set(id, article);
        this.#keywords.put(id, { title: article.title, body: article.body });
      }
      from = next;
    }
  }

  async search({ text, product, since, limit = 10 }: Question): Promise<Answer> {
    const began = performance.now();
    const filter = { ...(product && { product }), ...(since && { updated: { gte: since } }) };
    const matches = (id: string): boolean => {
      const article = this.#articles.get(id);
      if (article === undefined) return false;
      return (!product || article.product.includes(product)) && article.updated >= (since ?? 0);
    };
    let products: Facets[string] = [];
    const kb = createHybridSearch({
      vectors: {
        search: async (vector, ask) => {
          const found = await this.#kb.search({ vector, filter, limit: ask.limit, facets: ['product'] });
          products = found.facets['product'] ?? [];
          return found.hits;
        },
      },
      keywords: {
        search: (words, ask) => this.#keywords.search(words, { limit: ask.limit, filter: matches }),
      },
      embedder: this.#embedder,
    });
    const { hits, degraded } = await kb.search({ text, limit, deadline: DEADLINE, fuse: FUSION });
    return {
      hits: hits.flatMap((hit) => this.#found(hit, text)),
      products,
      degraded: degraded.map(({ part, reason }) => `${part}: ${reason}`),
      took: performance.now() - began,
    };
  }

  #found({ id, ranks, scores }: HybridHit, text: string): Found[] {
    const article = this.#articles.get(id);
    if (article === undefined) return []; // it came after the words were read
    const { title, body, product } = article;
    const snippet = this.#keywords.snippet(body, text, { words: 24 });
    const marks = snippet.marks.map(({ start, end }) => [start, end] as const);
    return [{ id, ranks, scores, title, body, product, snippet: { text: snippet.text, marks } }];
  }
}
