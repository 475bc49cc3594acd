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
  display,
  duration,
  MisuseError,
  optional,
  passedOn,
  type Readers,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import { type Caller, type NodeSource, parseAddress, replicasOf } from '@holdfast/redis';
import type { Partition } from '../store/partition.js';
import { callerFor, type StorePlace } from '../store/partition.js';
import type { Fetcher } from './fetch.js';
import { mget, placesOf } from './fetch.js';

export interface ReplicaOptions {
  /**
   * Replicas of the Redis of the store, which take turns: URLs, or your own clients. Left out for a Cluster, which knows its
   * replicas.
   */
  readonly redis?: NodeSource | readonly NodeSource[];
  /** How old a row may be that a replica gives, in ms, 50 to 60000. Default 1000. */
  readonly maxLag?: number;
}

export const REPLICAS = {
  redis: optional(passedOn<NonNullable<ReplicaOptions['redis']>>()),
  maxLag: withDefault(duration({ min: 50, max: 60_000 }), 1_000),
} satisfies Readers<ReplicaOptions>;

/** The replicas of a store. */
export interface ReplicaPlace {
  readonly sources: readonly NodeSource[];
  /** In ms. */
  readonly maxLag: number;
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
}

/** The master's time is written so many times in the time that a replica may be behind. */
const BEATS = 4;

export class Replicas {
  /** One for all partitions; in a Cluster, whose partitions are on several servers, one for each. */
  readonly #groups: readonly ReplicaGroup[];

  constructor(
    place: StorePlace,
    { sources, maxLag }: ReplicaPlace,
    partitions: readonly Partition[],
    fetcher: Fetcher,
  ) {
    const group = (partition: Partition): ReplicaGroup =>
      new ReplicaGroup({
        ...{ partition, fetcher, maxLag, clock: place.clock },
        callers: sources.map((redis) =>
          // What comes later would be too old.
          callerFor(
            { ...place, redis, callTimeout: Math.min(place.callTimeout, maxLag) },
            partition.keys.of('beat'),
            [],
          ),
        ),
      });
    this.#groups = partitions.slice(0, isCluster(place.redis) ? partitions.length : 1).map(group);
  }

  /** Throws UnavailableError where the master is away, too; MisuseError for a user who may not write its time. */
  async fetch(read: ReplicaRead): Promise<Lagging> {
    const [first, ...others] = this.#groups;
    if (read.keys.length === 0 || first === undefined) return { rows: [], lags: [] };
    if (others.length === 0) return first.fetch(read);
    const rows: (Buffer | null)[] = new Array(read.keys.length).fill(null);
    const lags: number[] = new Array(read.keys.length).fill(0);
    const reads = [...placesOf(read.partitions)].map(async ([partition, places]) => {
      const found = await this.#groups[partition]?.fetch({
        keys: places.map((place) => read.keys[place] ?? ''),
        partitions: places.map(() => partition),
        most: read.most,
      });
      for (const [index, place] of places.entries()) {
        rows[place] = found?.rows[index] ?? null;
        lags[place] = found?.lags[index] ?? 0;
      }
    });
    await Promise.all(reads);
    return { rows, lags };
  }

  close(): void {
    for (const each of this.#groups) each.close();
  }
}

interface GroupParts {
  /** The one under which the time of the master is written. */
  readonly partition: Partition;
  readonly callers: readonly Caller[];
  readonly maxLag: number;
  readonly fetcher: Fetcher;
  readonly clock: Clock;
}

/** Partitions that are on one server, and its replicas. */
class ReplicaGroup {
  readonly #parts: GroupParts;
  readonly #command = mget();
  #turn = 0;
  #beatAt = Number.NEGATIVE_INFINITY;
  /** The master's time, in microseconds, when it wrote it down, for which this process had sent at `at`. */
  #known: { readonly time: number; readonly at: number } | undefined;
  #failure: unknown;
  readonly #connecting = new Set<Caller>();

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  async fetch({ keys, partitions, most }: ReplicaRead): Promise<Lagging> {
    const { fetcher, maxLag } = this.#parts;
    this.#throwFailure();
    this.#beat();
    const found = await this.#ask(keys);
    const lag = this.#lagOf(found?.time);
    if (found === undefined || !(lag <= Math.min(maxLag, most)))
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

  /** Undefined where no replica is known, it is away, or it has no time of the master. */
  async #ask(keys: readonly string[]) {
    const caller = this.#connected();
    if (this.#known === undefined || caller === undefined) return undefined;
    try {
      const [beat, ...rows] = await caller.call(this.#command, [this.#key, ...keys]);
      return beat ? { time: Number(String(beat)), rows } : undefined;
    } catch (error) {
      if (error instanceof UnavailableError) return undefined;
      throw error;
    }
  }

  /** The next one in turn that is connected. The others are connected meanwhile, for which no read waits. */
  #connected(): Caller | undefined {
    const { callers } = this.#parts;
    this.#turn = (this.#turn + 1) % callers.length;
    const inTurn = [...callers.slice(this.#turn), ...callers.slice(0, this.#turn)];
    for (const caller of inTurn) {
      if (caller.node.unavailable === undefined) return caller;
      if (this.#connecting.has(caller)) continue;
      this.#connecting.add(caller);
      const ended = (): unknown => this.#connecting.delete(caller);
      caller.call(this.#command, [this.#key]).then(ended, ended);
    }
    return undefined;
  }

  get #key(): string {
    return this.#parts.partition.keys.of('beat');
  }

  /** In ms, at the most: the master's time has gone on by no more than this process's has since it sent for it. */
  #lagOf(time = Number.NaN): number {
    if (this.#known === undefined) return Number.POSITIVE_INFINITY;
    return (this.#known.time - time) / 1_000 + this.#parts.clock.now() - this.#known.at;
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
    const { clock, maxLag, partition } = this.#parts;
    const at = clock.now();
    if (at - this.#beatAt < maxLag / BEATS) return;
    this.#beatAt = at;
    partition.call(partition.verbs.beat, undefined).then(
      (time) => {
        this.#known = { time, at };
      },
      (error: unknown) => {
        // Where the master is away, reads notice by the time that it is old. Other errors are told by the next read.
        if (!(error instanceof UnavailableError)) this.#failure = error;
      },
    );
  }
}

const isCluster = (each: NodeSource): boolean =>
  typeof each === 'string' && parseAddress(each).via?.kind === 'cluster';

/** The replicas that are meant. Throws MisuseError where they are not known, and where a Cluster is given those of its own. */
export function requireReplicas(redis: NodeSource, given: ReplicaOptions['redis']): readonly NodeSource[] {
  const all = Array.isArray(given)
    ? (given as readonly NodeSource[])
    : given === undefined
      ? []
      : [given as NodeSource];
  if (typeof redis === 'string' && isCluster(redis)) {
    if (given === undefined) return [replicasOf(redis)];
    throw new MisuseError('A Cluster knows its replicas; leave `replicas.redis` out.');
  }
  const cluster = all.find(isCluster);
  if (cluster !== undefined)
    throw new MisuseError(
      `The replicas of one Redis are not in a Cluster; got ${display(parseAddress(cluster as string).display)} in \`replicas.redis\`.`,
    );
  if (all.length > 0) return all;
  throw new MisuseError('`replicas.redis` names at least one replica of the Redis of the store; got none.');
}
