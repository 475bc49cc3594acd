/** The options of an index, checked, with their defaults. */
import { availableParallelism } from 'node:os';
import {
  abortSignal,
  type Clock,
  callback,
  fitting,
  flag,
  MisuseError,
  oneOf,
  optional,
  orSystemClock,
  orSystemRandom,
  type Random,
  type Readers,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { METRICS, type Metric, MOST } from './kernel/layout.js';

export interface LocalIndexOptions {
  /** Of each vector: 1 to 4096. */
  readonly dimensions: number;
  /**
   * What "near" means: `cosine` of the angle, the inner product (`ip`), or the distance (`l2`). Default `cosine`.
   */
  readonly metric?: Metric;
  /** What part of the ten nearest a search is to find, 0.5 to 0.999. Default 0.97. */
  readonly recall?: number;
  /** Most bytes of vectors and lists, up to 4 GiB; a training has as many again, for what takes their place. Default 4 GiB. */
  readonly memory?: number;
  /** Keeps each vector as it was put, too, for `exact`: 4 bytes a dimension, beyond `memory`. Default false. */
  readonly originals?: boolean;
  /**
   * Threads of `searchMany`, 0 to 64; with 0, the event loop searches, in slices. Default as many as there are processors, but
   * for one.
   */
  readonly threads?: number;
  /** Where random numbers come from. Default the system's. */
  readonly random?: Random;
  /** By which long work is cut into slices. Default the system's. */
  readonly clock?: Clock;
  /** Computes without SIMD, as an engine without it does, some hundred times as slowly. Default false. */
  readonly plain?: boolean;
}

export const INDEX = {
  dimensions: whole(1, 4_096),
  metric: withDefault(oneOf(...METRICS), 'cosine'),
  recall: withDefault(
    fitting<number>('a number from 0.5 to 0.999', (value) => Number(value) >= 0.5 && Number(value) <= 0.999),
    0.97,
  ),
  memory: withDefault(whole(2 ** 20, 4 * 2 ** 30), 4 * 2 ** 30),
  originals: withDefault(flag, false),
  threads: withDefault(whole(0, 64), Math.max(1, availableParallelism() - 1)),
  random: orSystemRandom,
  clock: orSystemClock,
  plain: withDefault(flag, false),
} satisfies Readers<LocalIndexOptions>;

export interface SearchOptions {
  /** Most results, 1 to 4096. Default 10. */
  readonly limit?: number;
  /** How many of the nearest to leave out, for the next page; with `limit` 4096 at most. Default 0. */
  readonly offset?: number;
  /** Leaves out what has a lower score; for `l2` a distance with a minus sign. Default all. */
  readonly minScore?: number;
  /**
   * Computes the scores of the nearest from the vectors as they were put, and orders by those. Needs `originals`. Default
   * false.
   */
  readonly exact?: boolean;
  /** How many lists to look at, instead of as many as the recall of the index needs. */
  readonly lists?: number;
  /** Which ids may be found; it is called for each id of the index. */
  readonly filter?: (id: string) => boolean;
}

const SEARCH = {
  limit: withDefault(whole(1, MOST), 10),
  offset: withDefault(whole(0, MOST - 1), 0),
  minScore: optional(fitting<number>('a finite number', Number.isFinite)),
  exact: withDefault(flag, false),
  lists: optional(whole(1)),
  filter: optional(callback<(id: string) => boolean>('an id')),
} satisfies Readers<SearchOptions>;

/** What a search asks for, checked. Throws MisuseError. */
export function readSearch(options: SearchOptions, { originals }: { originals: boolean }) {
  const wishes = readOptions('search', options, SEARCH);
  const { limit, offset, exact } = wishes;
  if (limit + offset > MOST) {
    throw new MisuseError(
      `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}: ask for what is nearest only.`,
    );
  }
  if (exact && !originals) {
    throw new MisuseError(
      '"exact" of search needs an index with "originals: true", which keeps the vectors.',
    );
  }
  return wishes;
}

export type SearchWishes = ReturnType<typeof readSearch>;

export interface TrainOptions {
  /** Ends the training with an AbortedError; the index stays as it was. */
  readonly signal?: AbortSignal;
}

export const TRAIN = { signal: optional(abortSignal) } satisfies Readers<TrainOptions>;
