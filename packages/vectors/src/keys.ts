/**
 * The keys of an index, and what is in each.
 *
 * Guarantees: all keys of an index share one hash tag, so that each verb is one atomic step on one shard of a Cluster.
 */
import type { Keyspace, Script } from '@holdfast/redis';

/** What the scripts call by these names, in upper case. */
export const KEYSPACE = {
  names: [
    // A hash: lua/meta.lua says what is in it.
    'meta',
    // A sorted set: the id of each document by the sequence of its last write. So it is always compacted.
    'log',
    // A stream of a few entries, of which each says that something was written.
    'bell',
    // A hash: how far imports have come, each by the digest of its name.
    'imports',
  ],
} as const satisfies Keyspace;

type KeyName = (typeof KEYSPACE)['names'][number];

/** Vectors that the server searches: of a name, which is empty if they have none. */
export interface VectorSet {
  readonly name: string;
  readonly dimensions: number;
}

export interface IndexKeys {
  readonly of: (name: KeyName) => string;
  /** The keys that a script takes, as KEYS, before those of documents. */
  readonly for: (script: Script) => readonly string[];
  /** A string: the head of a document, and its body. */
  readonly document: (id: string) => string;
  /** A string: the vectors of a document in a generation. */
  readonly vectors: (generation: string, id: string) => string;
  /** A string that is kept for a time: the vector of a text, by a name of both text and model. */
  readonly cached: (name: string) => string;
  /** A vector set of a generation that the server itself searches: of the vectors of a name, which is empty if they have none. */
  readonly set: (generation: string, name: string) => string;
}

export function keysOf({ name, prefix }: { readonly name: string; readonly prefix: string }): IndexKeys {
  const own = `${prefix}{vectors:${name}}:`;
  const of = (key: KeyName): string => own + key;
  return {
    of,
    for: ({ keys }) => (keys as readonly KeyName[]).map(of),
    document: (id) => `${own}doc:${id}`,
    vectors: (generation, id) => `${own}v${generation}:${id}`,
    cached: (name) => `${own}e:${name}`,
    set: (generation, name) => `${own}set${generation}${name && `:${name}`}`,
  };
}
