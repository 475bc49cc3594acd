/** The options of an index, checked, with their defaults. */
import {
  abortSignal,
  type Clock,
  callback,
  fitting,
  flag,
  oneOf,
  optional,
  orSystemClock,
  orSystemRandom,
  type Random,
  type Readers,
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
  random: orSystemRandom,
  clock: orSystemClock,
  plain: withDefault(flag, false),
} satisfies Readers<LocalIndexOptions>;

export interface SearchOptions {
  /** Most results, 1 to 4096. Default 10. */
  readonly limit?: number;
  /** How many lists to look at, instead of as many as the recall of the index needs. */
  readonly lists?: number;
  /** Which ids may be found; it is called for each id of the index. */
  readonly filter?: (id: string) => boolean;
}

export const SEARCH = {
  limit: withDefault(whole(1, MOST), 10),
  lists: optional(whole(1)),
  filter: optional(callback<(id: string) => boolean>('an id')),
} satisfies Readers<SearchOptions>;

export interface TrainOptions {
  /** Ends the training with an AbortedError; the index stays as it was. */
  readonly signal?: AbortSignal;
}

export const TRAIN = { signal: optional(abortSignal) } satisfies Readers<TrainOptions>;
