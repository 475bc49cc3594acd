/** The options of indexes of keywords and of sparse vectors, and of their calls, checked, with their defaults. */
import {
  abortSignal,
  type Clock,
  callback,
  display,
  fitting,
  flag,
  MisuseError,
  optional,
  orSystemClock,
  type Reader,
  type Readers,
  readOptions,
  type Settings,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { TOKENIZER, type TokenizerOptions } from './tokenizer.js';

/** Most results of a search, with those that are left out. */
const MOST = 4_096;

export interface SparseIndexOptions {
  /** Most bytes, of which ids and terms are estimated; a compaction has as many again. Default 1 GiB. */
  readonly memory?: number;
  /** By which a compaction is cut into slices. Default the system's. */
  readonly clock?: Clock;
}

export interface KeywordIndexOptions extends SparseIndexOptions, TokenizerOptions {
  /**
   * The fields of a document, and how much a word in each counts: 0.125 to 64, in steps of 0.125. Default: a document is one
   * text.
   */
  readonly fields?: Readonly<Record<string, number>>;
  /** How soon more occurrences of a term stop to add to the score, 0 to 10. Default 1.2. */
  readonly k1?: number;
  /** How much the length of a document counts, 0 to 1. Default 0.75. */
  readonly b?: number;
}

/** In which field weights, and so occurrences and lengths, are counted. */
export const FIELD_UNIT = 1 / 8;

const within = (low: number, high: number): Reader<number> =>
  fitting(`a number from ${low} to ${high}`, (value) => Number(value) >= low && Number(value) <= high);

const fieldWeight = fitting<number>('a weight of 0.125 to 64 in steps of 0.125', (value) => {
  const units = Number(value) / FIELD_UNIT;
  return typeof value === 'number' && Number.isInteger(units) && units >= 1 && value <= 64;
});

const fields: Reader<Readonly<Record<string, number>>> = (option, value) => {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isObject ? Object.entries(value) : [];
  if (entries.length === 0) {
    throw new MisuseError(`${option} is an object of weights by field; got ${display(value)}.`);
  }
  return Object.fromEntries(
    entries.map(([name, weight]) => [name, fieldWeight(`${option}.${name}`, weight)]),
  );
};

export const SPARSE_INDEX = {
  memory: withDefault(whole(2 ** 20, 2 ** 34), 2 ** 30),
  clock: orSystemClock,
} satisfies Readers<SparseIndexOptions>;

export const KEYWORD_INDEX = {
  ...SPARSE_INDEX,
  ...TOKENIZER,
  fields: optional(fields),
  k1: withDefault(within(0, 10), 1.2),
  b: withDefault(within(0, 1), 0.75),
} satisfies Readers<KeywordIndexOptions>;

export interface KeywordSearchOptions {
  /** Most results, 1 to 4096. Default 10. */
  readonly limit?: number;
  /** How many of the best to leave out, for the next page; with `limit` 4096 at most. Default 0. */
  readonly offset?: number;
  /** Leaves out what has a lower score. Default all. */
  readonly minScore?: number;
  /** Which ids may be found; it is called for those that could be among the results, at most once each. */
  readonly filter?: (id: string) => boolean;
}

/** How the words of a query are read. */
export interface QueryOptions {
  /**
   * Whether the last word may be a beginning, if the query ends with it: of 2 characters or more, it stands for the 50 most frequent words
   * that begin so, which count the less the longer they are. Default false.
   */
  readonly prefix?: boolean;
  /**
   * Whether a word of 4 characters or more that no document has stands for the 50 most frequent ones that are one typing error away: a
   * character more, less, or another one, or two that have changed places. They count half. Default false.
   */
  readonly typos?: boolean;
}

export interface WordSearchOptions extends KeywordSearchOptions, QueryOptions {}

export const QUERY = {
  prefix: withDefault(flag, false),
  typos: withDefault(flag, false),
} satisfies Readers<QueryOptions>;

const SEARCH = {
  limit: withDefault(whole(1, MOST), 10),
  offset: withDefault(whole(0, MOST - 1), 0),
  minScore: optional(fitting<number>('a finite number', Number.isFinite)),
  filter: optional(callback<(id: string) => boolean>('an id')),
} satisfies Readers<KeywordSearchOptions>;

/** Throws MisuseError. */
export const readKeywordSearch = (options: KeywordSearchOptions) =>
  withinMost(readOptions('search', options, SEARCH));

/** Throws MisuseError. */
export const readWordSearch = (options: WordSearchOptions) =>
  withinMost(readOptions('search', options, { ...SEARCH, ...QUERY }));

function withinMost<W extends Settings<typeof SEARCH>>(wishes: W): W {
  const { limit, offset } = wishes;
  if (limit + offset <= MOST) return wishes;
  throw new MisuseError(
    `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}: ask for the best only.`,
  );
}

export interface CompactOptions {
  /** Ends the compaction with an AbortedError; the index stays as it was. */
  readonly signal?: AbortSignal;
}

export const COMPACT = { signal: optional(abortSignal) } satisfies Readers<CompactOptions>;

export function requireDocumentId(id: unknown): void {
  if (typeof id === 'string' && id.length > 0 && id.length <= 512) return;
  throw new MisuseError(`An id is a string of 1 to 512 characters; got ${display(id)}.`);
}
