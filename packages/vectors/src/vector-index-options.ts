/** The options of an index in Redis and of its calls, checked, with their defaults. */
import type { ConnectionOptions } from 'node:tls';
import {
  abortSignal,
  type Clock,
  display,
  duration,
  fitting,
  flag,
  group,
  having,
  list,
  MisuseError,
  oneOf,
  optional,
  orSystemClock,
  orSystemRandom,
  passedOn,
  type Random,
  type Reader,
  type Readers,
  requirePrefix,
  type Settings,
  type TokenClaim,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import type { Aspect } from './aspect.js';
import { KINDS, type Schema } from './attributes/columns.js';
import type { Embedder } from './embed/embedder.js';
import type { EmbeddingQueue } from './embed/tasks.js';
import type { SnapshotOptions } from './follow/snapshots.js';
import { CHUNK, type ChunkOptions } from './hybrid/chunk.js';
import type { FuseOptions } from './hybrid/fuse.js';
import type { Reranker } from './hybrid/rerank.js';
import type { Vector } from './index/metric.js';
import { METRICS, type Metric, MOST } from './kernel/layout.js';
import {
  KEYWORD_INDEX,
  type KeywordIndexOptions,
  QUERY,
  type QueryOptions,
  SPARSE_INDEX,
  type SparseIndexOptions,
} from './keywords/options.js';
import type { SnippetOptions } from './keywords/snippet.js';
import { readTerms, type TermWeights } from './keywords/sparse-index.js';
import { INDEX } from './options.js';
import type { Filter } from './query/filter.js';
import type { FoundDocument } from './query/results.js';
import { readVariety, type VarietyOptions } from './query/variety.js';
import { isObject } from './truth/record.js';

/** The vectors of an index, and the model that makes them. */
export interface VectorsOptions {
  /** The name of the model: 1 to 64 letters, digits, "_" and "-". Default "default". */
  readonly model?: string;
  /** Of each vector: 1 to 4096. */
  readonly dimensions: number;
  /** What "near" means. Default `cosine`. */
  readonly metric?: Metric;
  /** What part of the ten nearest a search is to find, 0.5 to 0.999. Default 0.97. */
  readonly recall?: number;
  /** Most bytes of vectors in this process. Default 4 GiB. */
  readonly memory?: number;
  /** Makes the vector of the text of a search, as `createEmbedder` does. Default: a search needs a vector. */
  readonly embedder?: Pick<Embedder, 'embed'>;
  /**
   * Where they are searched: `memory`, by each process in its own, or `server`, by the vector sets of Redis 8, of `cosine` and without
   * `recall`, `memory` and `snapshots`. Default `memory`.
   */
  readonly engine?: 'memory' | 'server';
  /** How texts are cut when their vectors are made, each chunk of which has one. Default: a text has one vector. */
  readonly chunk?: ChunkOptions;
}

/** How the words of texts are searched. The index of words is in the memory of this process: another one may have others. */
export type KeywordsOptions = Omit<KeywordIndexOptions, 'clock'>;

/** How weights of terms are searched, which is in the memory of this process. */
export type TermsOptions = Omit<SparseIndexOptions, 'clock'>;

export interface EmbeddingCacheOptions {
  /** How long a vector is kept in Redis, in ms, 1000 to a year. Default 604800000, a week. */
  readonly ttl?: number;
}

export interface VectorIndexOptions {
  /** The Redis of the index: a URL, or your own ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** The name of the index: 1 to 64 letters, digits, "_" and "-". */
  readonly name: string;
  /** The vectors of documents; or, if they have several, of the title and of the text say, those of each name. */
  readonly vectors: VectorsOptions | Readonly<Record<string, VectorsOptions>>;
  /**
   * Those of the model that is to be live next, or was before, of the same names: searches by text use it while it is live. Default:
   * none.
   */
  readonly next?: VectorsOptions | Readonly<Record<string, VectorsOptions>>;
  /**
   * A queue, of @holdfast/queue say, to which a task is added when a document is put with a text and without vectors; workers whose
   * handler is `embedder()` make these. Each index has one of its own. Default: such a document has none.
   */
  readonly tasks?: EmbeddingQueue;
  /**
   * Keeps the vectors that workers and builders make, by text and model, so that a text that is written again, or under another id, is
   * not embedded again. Default: they are made again.
   */
  readonly cache?: EmbeddingCacheOptions;
  /** Documents are found by the words of their texts, too; {} for a document of one text. Default: by vectors only. */
  readonly keywords?: KeywordsOptions;
  /** Documents are found by the weights of their `terms`, which a sparse model gives, too. Default: by vectors only. */
  readonly terms?: TermsOptions;
  /**
   * Files from which a process that begins goes on, instead of reading every document. Of `keywords` and
   * `terms`, documents are read all the same. Default: everything is read.
   */
  readonly snapshots?: SnapshotOptions;
  /** The attributes by which documents are filtered. Others are stored and told only. Default: none. */
  readonly schema?: Schema;
  /** Begins every key, so that environments can share a Redis; up to 64 of A-Z a-z 0-9 _ . : / -. Default none. */
  readonly prefix?: string;
  /** For how long a deletion is kept, so that it refuses earlier events that come late, in ms. Default 86400000, a day. */
  readonly tombstones?: number;
  /** How far in the future, by Redis's clock, the time of an event may be, in ms. Default 300000. */
  readonly ahead?: number;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  /** TLS settings for a `rediss://` URL. */
  readonly tls?: ConnectionOptions;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** Where random numbers come from. Default: the system's. */
  readonly random?: Random;
}

const readName: Reader<string> = fitting(
  'a name of 1 to 64 letters, digits, "_" and "-"',
  (value) => typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value),
);

/** Words of filters, which no attribute can have as its name. */
const RESERVED = ['and', 'or', 'not'];

const readAttributeSchema: Reader<Schema> = (option, value) => {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject)
    throw new MisuseError(`${option} is an object of kinds by attribute; got ${display(value)}.`);
  for (const [name, kind] of Object.entries(value)) {
    if (RESERVED.includes(name)) {
      throw new MisuseError(`${option} cannot have an attribute named "${name}": that is a word of filters.`);
    }
    if (!KINDS.includes(kind)) {
      throw new MisuseError(`${option}.${name} is "tag", "number" or "geo"; got ${display(kind)}.`);
    }
  }
  return value as Schema;
};

const OF_VECTORS = group({
  model: withDefault(readName, 'default'),
  dimensions: INDEX.dimensions,
  metric: withDefault(oneOf(...METRICS), 'cosine'),
  recall: INDEX.recall,
  memory: INDEX.memory,
  embedder: optional(having<Pick<Embedder, 'embed'>>('embed')),
  engine: withDefault(oneOf('memory', 'server'), 'memory'),
  chunk: optional(group(CHUNK)),
} satisfies Readers<VectorsOptions>);

const readVectors: typeof OF_VECTORS = (option, value) => {
  const read = OF_VECTORS(option, value);
  if (read.engine !== 'server') return read;
  if (read.metric !== 'cosine') {
    throw new MisuseError(
      `${option} has the engine "server", whose vector sets compare by "cosine" only; got ${display(read.metric)}.`,
    );
  }
  for (const name of ['recall', 'memory'] as const) {
    if (Object(value)[name] === undefined) continue;
    throw new MisuseError(
      `${option} has the engine "server", for which there is no "${name}": the vectors are not in the memory of this process.`,
    );
  }
  return read;
};

/** One aspect without a name, or several with. */
export const readAspects: Reader<readonly Aspect[]> = (option, value) => {
  const named = isObject(value) ? Object.entries(value) : [];
  const isNamed =
    named.length > 0 &&
    named.every(([, each]) => isObject(each)) &&
    !Object.hasOwn(Object(value), 'dimensions');
  if (!isNamed) return [aspect('', readVectors(option, value))];
  const engines = new Set(named.map(([, each]) => Object(each).engine ?? 'memory'));
  if (engines.size > 1)
    throw new MisuseError(`All vectors of ${option} have the same engine; got ${[...engines].join(', ')}.`);
  return named.map(([name, each]) => {
    readName(`The name of ${option}`, name);
    if (name !== KEYWORDS_RANKING && name !== TERMS_RANKING)
      return aspect(name, readVectors(`${option}.${name}`, each));
    throw new MisuseError(
      `${option} cannot have the name "${name}": that is what ${name === TERMS_RANKING ? 'weights of terms' : 'words'} are called in "fuse".`,
    );
  });
};

/** What the ranking by words is called. */
export const KEYWORDS_RANKING = 'keywords';
/** What the ranking by weights of terms is called. */
export const TERMS_RANKING = 'terms';

const aspect = (name: string, read: ReturnType<typeof readVectors>): Aspect => ({
  ...{ name, ...read },
  metric: read.metric as Metric,
  engine: read.engine === 'server' ? 'server' : undefined,
  chunk: read.chunk && chunkOptions(read.chunk),
});

const chunkOptions = ({ size, overlap }: Settings<typeof CHUNK>): ChunkOptions => ({
  size,
  ...(overlap !== undefined && { overlap }),
});

const { clock: _, ...KEYWORDS } = KEYWORD_INDEX;
const TERMS = { memory: SPARSE_INDEX.memory } satisfies Readers<TermsOptions>;

const CACHE = {
  ttl: withDefault(whole(1_000, 31_536_000_000), 604_800_000),
} satisfies Readers<EmbeddingCacheOptions>;

const SNAPSHOTS = {
  dir: text('a folder'),
  every: withDefault(duration({ min: 1_000 }), 60_000),
} satisfies Readers<SnapshotOptions>;

export const VECTOR_INDEX = {
  redis: passedOn<NodeSource>(),
  name: readName,
  vectors: readAspects,
  next: optional(readAspects),
  tasks: optional(having<EmbeddingQueue>('add')),
  cache: optional(group(CACHE)),
  keywords: optional(group(KEYWORDS)),
  terms: optional(group(TERMS)),
  snapshots: optional(group(SNAPSHOTS)),
  schema: withDefault(readAttributeSchema, {}),
  prefix: (option, prefix = '') => requirePrefix(option, prefix),
  tombstones: withDefault(duration({ min: 1_000 }), 86_400_000),
  ahead: withDefault(duration(), 300_000),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  tls: optional(having<ConnectionOptions>()),
  clock: orSystemClock,
  random: orSystemRandom,
} satisfies Readers<Omit<VectorIndexOptions, 'vectors' | 'next'>> & {
  readonly vectors: Reader<readonly Aspect[]>;
  readonly next: Reader<readonly Aspect[] | undefined>;
};

export interface DeleteOptions {
  /** When it was true; the latest wins, whatever order writes come in. Default: now, and later than what is there. */
  readonly time?: Date | number;
  /** The holder of a token of the document: a lease, a task. Writes under lower tokens of its issuer are refused from then on. */
  readonly holder?: TokenClaim;
}

export interface PatchOptions extends DeleteOptions {
  /** For how long the document is there, in ms, from when Redis stores it. Default: until it is deleted. */
  readonly ttl?: number;
}

export interface PutOptions extends PatchOptions {
  /** `vectors`: until a worker has made those of the text, and this process knows them. Default: until Redis has the document. */
  readonly wait?: 'vectors';
  /** Ends `wait` with an AbortedError; the document is written. */
  readonly signal?: AbortSignal;
}

const time: Reader<number> = (option, value) => {
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw new MisuseError(`${option} is a Date, or whole milliseconds since 1970; got ${display(value)}.`);
};

export const DELETE = {
  time: optional(time),
  holder: passedOn<TokenClaim | undefined>(),
} satisfies Readers<DeleteOptions>;

export const PATCH = { ...DELETE, ttl: optional(duration({ min: 1 })) } satisfies Readers<PatchOptions>;

export interface SeenOptions {
  /** The place of a write that is to be seen. */
  readonly after?: string;
  /** How long to wait for `after`, in ms. Default 1000. */
  readonly wait?: number;
  /** Ends the call with an AbortedError. */
  readonly signal?: AbortSignal;
}

export const SEEN = {
  after: optional(fitting<string>('the place that a put or a delete has answered', isPlace)),
  wait: withDefault(duration(), 1_000),
  signal: optional(abortSignal),
} satisfies Readers<SeenOptions>;

export const WAITING = {
  wait: optional(oneOf('vectors')),
  signal: optional(abortSignal),
} satisfies Readers<Pick<PutOptions, 'wait' | 'signal'>>;

export interface GetOptions extends SeenOptions {
  /** Whether to read the text as well, which is in Redis only. Default false. */
  readonly text?: boolean;
}

export const GET = { ...SEEN, text: withDefault(flag, false) } satisfies Readers<GetOptions>;

export interface SelectOptions extends SeenOptions {
  /** Which documents, by their attributes. Default: all. */
  readonly filter?: Filter;
}

export const SELECT = { ...SEEN, filter: optional(passedOn<Filter>()) } satisfies Readers<SelectOptions>;

export interface ExportOptions extends SelectOptions {
  /** Only these, whatever `filter` says. Default: all that match. */
  readonly ids?: readonly string[];
}

export const EXPORT_IDS = optional(list<string>('a list of ids'));

export interface ScrollOptions extends SelectOptions {
  /** Most documents of the page, 1 to 10000. Default 100. */
  readonly limit?: number;
  /** The `next` of the page before. Default: from the beginning. */
  readonly from?: string;
}

export const SCROLL = {
  ...SELECT,
  limit: withDefault(whole(1, 10_000), 100),
  from: optional(text('the "next" of the page before')),
} satisfies Readers<ScrollOptions>;

export interface FindOptions extends SelectOptions, QueryOptions {
  /** Searched by its words, if the index has `keywords`, and by its meaning, if its vectors have an `embedder`. */
  readonly text?: string;
  /** What is near to it is found; the text is not embedded then. */
  readonly vector?: Vector;
  /** In an index with named vectors, instead of `vector`: by name. */
  readonly vectors?: Readonly<Record<string, Vector>>;
  /** Weights from 0 to 63 by term, if the index has `terms`: what has the highest inner product with them is found. */
  readonly terms?: TermWeights;
  /** Most results, 1 to 4096. Default 10. */
  readonly limit?: number;
  /** How many of the best to leave out, for the next page; with `limit` 4096 at most. Default 0. */
  readonly offset?: number;
  /** Leaves out of what vectors find what has a lower score there; for `l2` a distance with a minus sign. Default: nothing. */
  readonly minScore?: number;
  /**
   * Computes the scores of the best twice `limit` and `offset` hits from the vectors as they were put, and orders by those: one more
   * round trip. For a search by one kind of vectors alone. Default false: scores are wrong by some thousandths.
   */
  readonly exact?: boolean;
  /** The attributes whose values are counted, over all documents that match `filter`. Default: none. */
  readonly facets?: readonly string[];
  /**
   * How what vectors and words find becomes one ranking; `weights` are of `keywords`, of `terms`, and of `vectors` or the names of the vectors.
   * Default by ranks, all equal.
   */
  readonly fuse?: FuseOptions;
  /** How long the text may take to be embedded, in ms; then words answer alone, and `degraded` says so. Default 500. */
  readonly deadline?: number;
  /** A model that puts the best 50, or as many as the page needs, in a better order; with `deadline` in ms, default 500. */
  readonly rerank?: { readonly by: Reranker<FoundDocument>; readonly deadline?: number };
  /**
   * Chooses by maximal marginal relevance, of the best 100 hits, those that do not all say the same; the first one stays the
   * first, and scores are told as they were. `limit` and `offset` are 50 together at most. Default: the order of scores.
   */
  readonly diversify?: VarietyOptions;
  /** Whether each hit has its text as well, which is in Redis only. Default false. */
  readonly texts?: boolean;
  /** Gives each hit the part of its text that says most about `text`. Default: none. */
  readonly snippet?: SnippetOptions;
}

export const FIND = {
  ...SELECT,
  ...QUERY,
  text: optional(fitting<string>('a text', (value) => typeof value === 'string')),
  vector: passedOn<Vector | undefined>(),
  vectors: optional(having<Readonly<Record<string, Vector>>>()),
  terms: optional(readTerms),
  limit: withDefault(whole(1, MOST), 10),
  offset: withDefault(whole(0, MOST - 1), 0),
  minScore: optional(fitting<number>('a finite number', Number.isFinite)),
  exact: withDefault(flag, false),
  facets: withDefault(list<string>('a list of names of attributes'), []),
  fuse: withDefault(passedOn<FuseOptions>(), {}),
  deadline: withDefault(duration({ min: 1 }), 500),
  rerank: optional(having<NonNullable<FindOptions['rerank']>>('by')),
  diversify: readVariety,
  texts: withDefault(flag, false),
  snippet: optional(having<SnippetOptions>()),
} satisfies Readers<FindOptions>;

function isPlace(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-]+@\d{1,16}$/.test(value);
}
