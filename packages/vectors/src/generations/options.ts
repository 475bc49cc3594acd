/** The options of what builds generations, checked, with their defaults. */
import {
  abortSignal,
  callback,
  optional,
  type Reader,
  type Readers,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { Aspect } from '../aspect.js';
import type { EmbedDocuments } from '../embed/contents.js';
import { readAspects, type VectorIndexOptions } from '../vector-index-options.js';

export interface BeginOptions {
  /** The vectors of the model that is to be live, as in `createIndex`. Default: `next` of `createIndex`. */
  readonly vectors?: VectorIndexOptions['vectors'];
  /**
   * The name of a model that the index has: of the one that is being built, or of one of before. Then none is begun anew, and what the
   * vectors are is known to Redis; without `embed` and an `embedder`, `fill` throws when a document lacks its vectors. Default: the
   * model of `vectors`, which the index may have or not.
   */
  readonly model?: string;
  /** Makes the vectors of documents. Default: the `embedder` of the vectors, of the texts. */
  readonly embed?: EmbedDocuments;
  /** Most documents of a call of the model, 1 to 512. Default 64. */
  readonly batch?: number;
  /** The issuer of a builder that has ended for good, if its tokens and those of the holder have two. Default: none. */
  readonly replaces?: string;
}

export const BEGIN = {
  vectors: optional(readAspects),
  model: optional(text('the name of a model')),
  embed: optional(callback<EmbedDocuments>('documents and a signal')),
  batch: withDefault(whole(1, 512), 64),
  replaces: withDefault(text('the name of an issuer'), ''),
} satisfies Readers<Omit<BeginOptions, 'vectors'>> & {
  readonly vectors: Reader<readonly Aspect[] | undefined>;
};

export interface FillOptions {
  /** Ends it with an AbortedError; what is done by then counts. */
  readonly signal?: AbortSignal;
  /** Called after each page, with how many documents are left. */
  readonly progress?: (progress: {
    readonly embedded: number;
    readonly seen: number;
    readonly left: number;
  }) => void;
}

export const FILL = {
  signal: optional(abortSignal),
  progress: optional(callback<NonNullable<FillOptions['progress']>>('the progress')),
} satisfies Readers<FillOptions>;

export interface CutOptions {
  /** How many documents may lack vectors of what was written to them since they were looked at, 0 to 1000000. Default 0. */
  readonly pending?: number;
}

export const CUT = { pending: withDefault(whole(0, 1_000_000), 0) } satisfies Readers<CutOptions>;
