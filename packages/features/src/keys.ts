/**
 * The keys of a feature store, and what is in each.
 *
 * Guarantees: all keys of a partition share one hash tag, so that each verb is one atomic step on one shard of a Cluster;
 * the catalog has a tag of its own. All views of an entity lie in one partition.
 */
import type { Keyspace, Script } from '@holdfast/redis';

/** What the scripts call by these names, in upper case. The first ones are the store's, the others a partition's. */
export const KEYSPACE = {
  names: [
    // A hash: lua/catalog.lua says what is in it.
    'catalog',
    // A stream of what training sets need of the catalog's changes: definitions that were applied, and generations that became live.
    'history',
    // A hash of the entities that were erased: lua/catalog.lua says what is in it.
    'erasures',
    // A hash of what the values of views were like: by view, JSON (src/offline/live-drift.ts).
    'baselines',
    // A hash: lua/record.lua says what is in it.
    'record',
    // A stream of the rows that were accepted, in order: "<key> <row>", and "reset <epoch> <from>" where an epoch begins.
    'log',
    // "<epoch> <place>" of the last entry of the log: a place is a time in microseconds.
    'at',
    // A set of the entities that were erased: "<entity>:<id>"; and of '', so that it is there.
    'forgotten',
    // A string: a time of the master in microseconds, by which replicas show how far they are behind.
    'beat',
  ],
} as const satisfies Keyspace;

type KeyName = (typeof KEYSPACE)['names'][number];

const OF_STORE: readonly string[] = ['catalog', 'history', 'erasures', 'baselines'] satisfies KeyName[];

/** One partition of a store. */
export interface PartitionName {
  readonly store: string;
  readonly partition: number;
  readonly prefix: string;
}

export interface PartitionKeys {
  readonly of: (name: KeyName) => string;
  /** The keys that a script takes, as KEYS, before those of rows. */
  readonly for: (script: Script) => readonly string[];
  /** A string: a row of an entity. `generation` is "<view>.<generation>". */
  readonly row: (generation: string, id: string) => string;
  /** A stream: records for a view that could not be read. */
  readonly dead: (view: string) => string;
}

export function keysOf({ store, partition, prefix }: PartitionName): PartitionKeys {
  const own = `${prefix}{feat:${store}.${partition}}`;
  const of = (name: KeyName): string =>
    OF_STORE.includes(name) ? `${prefix}{feat:${store}}:${name}` : `${own}:${name}`;
  return {
    of,
    for: ({ keys }) => (keys as readonly KeyName[]).map(of),
    row: (generation, id) => `${own}:${generation}:${id}`,
    dead: (view) => `${own}:dead:${view}`,
  };
}
