/** What programs use of searches by meaning and by words, and of what belongs to them. */
import { Embedder, type EmbedderOptions } from '../embed/embedder.js';
import { type EmbedInThreadsOptions, EmbedThreads } from '../threads/embed-threads.js';
import { HybridSearch, type HybridSearchOptions } from './hybrid-search.js';

export { type Embed, type EmbeddingModelLike, embedWith } from '../embed/embed-with.js';
export type { Embedder, EmbedderOptions } from '../embed/embedder.js';
export type { EmbedInThreadsOptions, EmbedThreads } from '../threads/embed-threads.js';
export { type Chunk, type ChunkOptions, chunksOf } from './chunk.js';
export { type DiversifyOptions, diversify } from './diversify.js';
export { type FusedHit, type FuseOptions, type FusionMethod, fuse } from './fuse.js';
export { type Grouped, groupByDocument } from './group.js';
export type {
  HybridHit,
  HybridPage,
  HybridQuery,
  HybridSearch,
  HybridSearchOptions,
  Searched,
} from './hybrid-search.js';
export type { Degradation } from './in-time.js';
export { type Reranked, type Reranker, type RerankOptions, rerank } from './rerank.js';

/** Searches an index of vectors and one of keywords at once. Throws MisuseError. */
export function createHybridSearch(options: HybridSearchOptions): HybridSearch {
  return new HybridSearch(options);
}

/** Makes vectors of texts, each once. Throws MisuseError. */
export function createEmbedder(options: EmbedderOptions): Embedder {
  return new Embedder(options);
}

/** A model in threads of its own, for createEmbedder(). Throws MisuseError. */
export function embedInThreads(options: EmbedInThreadsOptions): EmbedThreads {
  return new EmbedThreads(options);
}
