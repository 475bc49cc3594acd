/**
 * Rows read from replicas. A time of the master, which is written there now and then, comes with the rows of each read: it
 * says up to when the replica has what was acknowledged.
 *
 * Guarantees: a row that comes from a replica is no older than `maxLag`, by the clocks of the servers that were master. Where a
 * replica is further behind, is away or does not know, all is read from the master; where it lacks a row, the rows of that
 * partition are. So a read fails only where one from the master does, and no row is missing that was acknowledged before.
 */
import {
  type Clock,
  duration,
  MisuseError,
  passedOn,
  type Readers,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import { type Caller, type NodeSource, parseAddress } from '@holdfast/redis';
import type { Catalog } from '../store/catalog.js';
import type { Fetcher } from './fetch.js';
import { mget } from './fetch.js';

export interface ReplicaOptions {
  /** Replicas of the Redis of the store, which take turns: URLs, or your own clients. Not of a Cluster. */
  readonly redis: NodeSource | readonly NodeSource[];
  /** How old a row may be that a replica gives, in ms, 50 to 60000. Default 1000. */
  readonly maxLag?: number;
}

export const REPLICAS = {
  redis: passedOn<ReplicaOptions['redis']>(),
  maxLag: withDefault(duration({ min: 50, max: 60_000 }), 1_000),
} satisfies Readers<ReplicaOptions>;

export interface ReplicasParts {
  readonly callers: readonly Caller[];
  readonly maxLag: number;
  readonly catalog: Catalog;
  readonly fetcher: Fetcher;
  readonly clock: Clock;
}

/** What lies under keys, and how old it is at most, in ms: 0 for what the master gave. */
export interface Lagging {
  readonly rows: readonly (Buffer | null)[];
  readonly lags: readonly number[];
}

interface ReplicaRead {
  readonly keys: readonly string[];
  /** Of each key. */
  readonly partitions: readonly number[];
  /** How old a row may be, in ms, if that is less than `maxLag`. */
  readonly most: number;
  /** The master's time, in microseconds. */
  readonly now: () => number;
}

/** The master's time is written so many times in the time that a replica may be behind. */
const BEATS = 4;

export class Replicas {
  readonly #parts: ReplicasParts;
  readonly #command = mget();
  #turn = 0;
  #beatAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;

  constructor(parts: ReplicasParts) {
    this.#parts = parts;
  }

  /** Throws UnavailableError where the master is away, too; MisuseError for a user who may not write its time. */
  async fetch(read: ReplicaRead): Promise<Lagging> {
    const { fetcher, maxLag } = this.#parts;
    const { keys, partitions } = read;
    if (keys.length === 0) return { rows: [], lags: [] };
    this.#throwFailure();
    this.#beat();
    const found = await this.#ask(keys);
    const lag = found === undefined ? Number.POSITIVE_INFINITY : (read.now() - found.time) / 1_000;
    if (found === undefined || !(lag <= Math.min(maxLag, read.most)))
      return { rows: await fetcher.fetch(keys, partitions), lags: keys.map(() => 0) };
    const lags = keys.map(() => Math.max(0, lag));
    const lacking = new Set(partitions.filter((_, place) => found.rows[place] === null));
    if (lacking.size === 0) return { rows: found.rows, lags };
    // All of a partition, so that the rows of an entity, and the place in the log, are of one instant.
    const rows = [...found.rows];
    const places = [...keys.keys()].filter((place) => lacking.has(partitions[place] ?? -1));
    const again = await fetcher.fetch(
      places.map((place) => keys[place] ?? ''),
      places.map((place) => partitions[place] ?? 0),
    );
    for (const [index, place] of places.entries()) [rows[place], lags[place]] = [again[index] ?? null, 0];
    return { rows, lags };
  }

  close(): void {
    for (const each of this.#parts.callers) each.close();
  }

  /** Undefined where the replica is away, or has no time of the master. */
  async #ask(keys: readonly string[]) {
    const { callers, catalog } = this.#parts;
    this.#turn = (this.#turn + 1) % callers.length;
    try {
      const [beat, ...rows] =
        (await callers[this.#turn]?.call(this.#command, [catalog.beatKey, ...keys])) ?? [];
      return beat ? { time: Number(String(beat)), rows } : undefined;
    } catch (error) {
      if (error instanceof UnavailableError) return undefined;
      throw error;
    }
  }

  /** To one read; the next one tries again, since the right may have been granted meanwhile. */
  #throwFailure(): void {
    const failure = this.#failure;
    if (failure === undefined) return;
    this.#failure = undefined;
    this.#beatAt = Number.NEGATIVE_INFINITY;
    throw failure;
  }

  /** Reads do not wait for it: until it has come to the replica, they go to the master. */
  #beat(): void {
    const { clock, maxLag, catalog } = this.#parts;
    if (clock.now() - this.#beatAt < maxLag / BEATS) return;
    this.#beatAt = clock.now();
    catalog.change('beat', []).catch((error: unknown) => {
      // Where the master is away, reads notice by the time that it is old. Other errors are told by the next read.
      if (!(error instanceof UnavailableError)) this.#failure = error;
    });
  }
}

/** The replicas that are named. Throws MisuseError for those of a Cluster. */
export function requireReplicas(redis: NodeSource, given: ReplicaOptions['redis']): readonly NodeSource[] {
  const all = Array.isArray(given) ? (given as readonly NodeSource[]) : [given as NodeSource];
  const isCluster = (each: NodeSource): boolean =>
    typeof each === 'string' && parseAddress(each).via?.kind === 'cluster';
  if (all.length > 0 && ![redis, ...all].some(isCluster)) return all;
  throw new MisuseError(
    all.length === 0
      ? '`replicas.redis` names at least one replica of the Redis of the store; got none.'
      : 'Replicas are read of one Redis, not of a Cluster; leave `replicas` out.',
  );
}
