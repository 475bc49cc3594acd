/**
 * Searches by meaning, by words and by weights of terms at once. The order of what is done: filter, retrieve from each, fuse, group
 * by document, rerank, diversify, page.
 *
 * Guarantees: a hit tells its rank and score in each ranking. If the query could not be embedded in time, the others answer
 * alone, and `degraded` says so; a document has one hit, and there are `limit` documents if what is searched has as many.
 */
import {
  abortSignal,
  type Clock,
  callback,
  display,
  duration,
  having,
  MisuseError,
  optional,
  orSystemClock,
  passedOn,
  type Readers,
  readOptions,
  type Settings,
  throwIfAborted,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { Embedder } from '../embed/embedder.js';
import type { Hit } from '../index/finding.js';
import type { Vector } from '../index/metric.js';
import { QUERY, type QueryOptions } from '../keywords/options.js';
import { readTerms, type TermWeights } from '../keywords/sparse-index.js';
import { type DiversifyOptions, diversify } from './diversify.js';
import { type FusedHit, type FuseOptions, fuse } from './fuse.js';
import { groupByDocument } from './group.js';
import { type Degradation, embedInTime } from './in-time.js';
import { type Reranker, rerank } from './rerank.js';

interface Ask {
  readonly limit: number;
  readonly filter?: (id: string) => boolean;
}

/** What an index of words is told as well, if the query says so. */
type WordsAsk = Ask & QueryOptions;

/** An index that is searched: one of this package, or anything of the same structure. */
export interface Searched<Query, Asked = Ask> {
  /** The best first, with scores that are higher for what is better. */
  search(query: Query, ask: Asked): readonly Hit[] | Promise<readonly Hit[]>;
}

export interface HybridSearchOptions {
  readonly vectors: Searched<Vector>;
  readonly keywords: Searched<string, WordsAsk>;
  /** An index of sparse vectors, for queries with `terms`. Default: there are none. */
  readonly terms?: Searched<TermWeights>;
  /** Makes the vector of a text; without it, a query needs a vector to be searched by meaning. */
  readonly embedder?: Pick<Embedder, 'embed'>;
  /** The document of a chunk, by the id of the chunk. Default: each id is a document. */
  readonly documentOf?: (id: string) => string;
  /** Default the system's. */
  readonly clock?: Clock;
}

const HYBRID = {
  vectors: having<Searched<Vector>>('search'),
  keywords: having<Searched<string, WordsAsk>>('search'),
  terms: optional(having<Searched<TermWeights>>('search')),
  embedder: optional(having<Pick<Embedder, 'embed'>>('embed')),
  documentOf: optional(callback<(id: string) => string>('an id')),
  clock: orSystemClock,
} satisfies Readers<HybridSearchOptions>;

export interface HybridHit extends FusedHit {
  /** The chunk by which the document was found best, if there is `documentOf`. */
  readonly chunk?: string;
}

export interface HybridQuery extends QueryOptions {
  /** Searched by words, and by meaning if there is an embedder and no `vector`. */
  readonly text?: string;
  readonly vector?: Vector;
  /** Weights from 0 to 63 by term, as a sparse model gives them, if there is an index of `terms`. */
  readonly terms?: TermWeights;
  /** Most documents, 1 to 1000. Default 10. */
  readonly limit?: number;
  /** How many to leave out, for the next page; with `limit` 1000 at most. Default 0. */
  readonly offset?: number;
  /** Which ids may be found; of chunks, theirs. Default all. */
  readonly filter?: (id: string) => boolean;
  /** How what they find becomes one ranking; `weights` are of `vectors`, `keywords` and `terms`. Default by ranks, all equal. */
  readonly fuse?: FuseOptions;
  /** How long the text may take to be embedded, in ms. Default 500. */
  readonly deadline?: number;
  /** A model that puts the best 50, or as many as the page needs, in a better order; with `deadline` in ms, default 500. */
  readonly rerank?: { readonly by: Reranker<HybridHit>; readonly deadline?: number };
  /** Avoids documents that say the same. */
  readonly diversify?: Omit<DiversifyOptions, 'limit'>;
  /** Ends the search with an AbortedError. */
  readonly signal?: AbortSignal;
}

const MOST = 1_000;
/** Most that is retrieved from each half. */
const DEEPEST = 4_096;
const LEAST_DEPTH = 50;

const HYBRID_QUERY = {
  ...QUERY,
  text: optional(passedOn<string>()),
  vector: optional(passedOn<Vector>()),
  terms: optional(readTerms),
  limit: withDefault(whole(1, MOST), 10),
  offset: withDefault(whole(0, MOST - 1), 0),
  filter: optional(callback<(id: string) => boolean>('an id')),
  fuse: withDefault(passedOn<FuseOptions>(), {}),
  deadline: withDefault(duration({ min: 1 }), 500),
  rerank: optional(having<NonNullable<HybridQuery['rerank']>>('by')),
  diversify: optional(having<NonNullable<HybridQuery['diversify']>>('vectorOf')),
  signal: optional(abortSignal),
} satisfies Readers<HybridQuery>;

export interface HybridPage {
  readonly hits: readonly HybridHit[];
  /** Empty if nothing was left out. */
  readonly degraded: readonly Degradation[];
}

type Wishes = Settings<typeof HYBRID_QUERY>;

export class HybridSearch {
  readonly #settings: Settings<typeof HYBRID>;

  /** Throws MisuseError. */
  constructor(options: HybridSearchOptions) {
    this.#settings = readOptions('createHybridSearch', options, HYBRID);
  }

  /** Throws MisuseError, AbortedError, and what the indexes throw. */
  async search(query: HybridQuery): Promise<HybridPage> {
    const wishes = readOptions('search', query, HYBRID_QUERY);
    const { limit, offset, signal, vector } = wishes;
    if (limit + offset > MOST) {
      throw new MisuseError(
        `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}.`,
      );
    }
    this.#requireQuestion(wishes);
    throwIfAborted(signal, 'searching');
    const degraded: Degradation[] = [];
    const meaning = vector ?? (await this.#embedded(wishes, degraded));
    const found = await this.#found(wishes, meaning);
    const ranked = await this.#reranked(wishes, found, degraded);
    throwIfAborted(signal, 'searching');
    return { hits: diversified(ranked, wishes).slice(offset, offset + limit), degraded };
  }

  #requireQuestion({ text, vector, terms, prefix, typos }: Wishes): void {
    const isNone = text === undefined && vector === undefined && terms === undefined;
    if (isNone || (text !== undefined && typeof text !== 'string')) {
      throw new MisuseError(
        `A search has a "text", a "vector", "terms", or several of them; got ${display(text)} as text.`,
      );
    }
    if (terms !== undefined && this.#settings.terms === undefined)
      throw new MisuseError('"terms" of search needs "terms" of createHybridSearch(), an index of them.');
    if (text === undefined && (prefix || typos))
      throw new MisuseError(
        '"prefix" and "typos" of search are about the words of "text", which is missing.',
      );
  }

  async #embedded({ text, deadline, signal }: Wishes, degraded: Degradation[]): Promise<Vector | undefined> {
    const { embedder, clock } = this.#settings;
    if (embedder === undefined || text === undefined) return undefined;
    return embedInTime(embedder, text, { clock, deadline, signal, degraded });
  }

  /** All rankings, fused and grouped: deeper if a document has so many chunks that there are too few documents. */
  async #found(
    { text, terms, prefix, typos, filter, limit, offset, fuse: options }: Wishes,
    vector: Vector | undefined,
  ): Promise<HybridHit[]> {
    const { vectors, keywords, terms: weights, documentOf } = this.#settings;
    const wanted = limit + offset;
    const reading = { ...(prefix && { prefix }), ...(typos && { typos }) };
    for (let depth = Math.max(LEAST_DEPTH, 4 * wanted); ; depth *= 2) {
      const ask = { limit: Math.min(depth, DEEPEST), ...(filter && { filter }) };
      const rankings = {
        vectors: vector === undefined ? [] : await vectors.search(vector, ask),
        keywords: text === undefined ? [] : await keywords.search(text, { ...ask, ...reading }),
        ...(weights && { terms: terms === undefined ? [] : await weights.search(terms, ask) }),
      };
      const fused = fuse(rankings, options);
      if (documentOf === undefined) return fused;
      const hits = groupByDocument(fused, documentOf).map(({ document, chunks: [best] }): HybridHit => {
        const { id: chunk, ...rest } = best!;
        return { ...rest, id: document, chunk };
      });
      const isAll = Object.values(rankings).every((hits) => hits.length < ask.limit);
      if (hits.length >= wanted || isAll || ask.limit === DEEPEST) return hits;
    }
  }

  async #reranked(
    { rerank: options, text = '', limit, offset, signal }: Wishes,
    hits: readonly HybridHit[],
    degraded: Degradation[],
  ): Promise<readonly HybridHit[]> {
    if (options === undefined) return hits;
    const { clock } = this.#settings;
    const best = hits.slice(0, Math.max(LEAST_DEPTH, limit + offset));
    const given = { ...options, clock, ...(signal && { signal }) };
    const { hits: ordered, degraded: why } = await rerank(text, best, given);
    if (why !== undefined) degraded.push({ part: 'rerank', ...why });
    return ordered;
  }
}

function diversified(
  hits: readonly HybridHit[],
  { diversify: options, limit, offset }: Wishes,
): readonly HybridHit[] {
  if (options === undefined) return hits;
  return diversify(hits.slice(0, 4 * (limit + offset)), { ...options, limit: limit + offset });
}
