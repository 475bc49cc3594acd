/** The options of a sharded index and of its calls, checked, with their defaults. */
import {
  callback,
  display,
  duration,
  fitting,
  MisuseError,
  optional,
  passedOn,
  type Reader,
  type Readers,
  whole,
} from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { FIND, type FindOptions, VECTOR_INDEX, type VectorIndexOptions } from '../vector-index-options.js';

/**
 * Brings a call to a process that holds a shard, and its answer back, both as they are: there, `answer(call)` of the index of the
 * same options makes the answer. What it throws counts as the shard being away.
 */
export type Peers = (shard: number, call: string, signal: AbortSignal) => Promise<string>;

/** Workers and builders are of one index each, so there are no `tasks`, `cache` and `next`. */
export interface ShardedIndexOptions
  extends Omit<VectorIndexOptions, 'redis' | 'name' | 'next' | 'tasks' | 'cache'> {
  /** The Redis of all shards, or a list with that of each. */
  readonly redis: NodeSource | readonly NodeSource[];
  /** The name of the index: 1 to 48 letters, digits, "_" and "-". */
  readonly name: string;
  /** How many, 1 to 256. Another number is another index: its documents are to be put again. */
  readonly shards: number;
  /** Which of them, from 0, this process has in its memory. Default all. */
  readonly hold?: readonly number[];
  /** Asks other processes for what they hold. Needed unless this one holds all. */
  readonly peers?: Peers;
}

const readHold: Reader<readonly number[]> = (option, value) => {
  const isList = Array.isArray(value) && value.every((each) => Number.isInteger(each) && each >= 0);
  if (isList && new Set(value).size === value.length) return value;
  throw new MisuseError(`${option} is a list of different numbers of shards, from 0; got ${display(value)}.`);
};

const { next: _, tasks: __, cache: ___, ...INDEX } = VECTOR_INDEX;

export const SHARDED_INDEX = {
  ...INDEX,
  redis: passedOn<NodeSource | readonly NodeSource[]>(),
  name: fitting<string>(
    'a name of 1 to 48 letters, digits, "_" and "-"',
    (value) => typeof value === 'string' && /^[A-Za-z0-9_-]{1,48}$/.test(value),
  ),
  shards: whole(1, 256),
  hold: optional(readHold),
  peers: optional(callback<Peers>('a shard, a call and a signal')),
};

export interface ShardedFindOptions extends FindOptions {
  /**
   * For how long to wait for shards, in ms, each time that they are asked: once by vectors or by terms alone; with words, and with several
   * of these, twice; once more for texts, and for `diversify`. What has not answered by then is in `partial` of the results, and is not
   * asked again. Without it, a shard that does not answer makes the search fail.
   */
  readonly partialAfter?: number;
}

export const SHARDED_FIND = {
  ...FIND,
  after: passedOn<string | undefined>(),
  partialAfter: optional(duration({ min: 1 })),
} satisfies Readers<ShardedFindOptions>;
