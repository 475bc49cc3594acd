/**
 * What a server keeps: keys with their values and the times at which they expire.
 *
 * Guarantees: a key that has expired is not there, by the time that the server has fixed for the command it carries out.
 * A value that has become empty is removed, as Redis does, unless it is a stream.
 */

import { ServerError } from './reply.js';
import { copyStream, type Stream } from './stream.js';

export type Stored =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'hash'; readonly value: Map<string, string> }
  | { readonly type: 'list'; readonly value: string[] }
  | { readonly type: 'set'; readonly value: Set<string> }
  | { readonly type: 'zset'; readonly value: Map<string, number> }
  | { readonly type: 'stream'; readonly value: Stream }
  | { readonly type: 'vectorset'; readonly value: Map<string, Float32Array> };

export type StoredValue = Stored['value'];

/** The value of each type. */
interface Values {
  readonly string: string;
  readonly hash: Map<string, string>;
  readonly list: string[];
  readonly set: Set<string>;
  readonly zset: Map<string, number>;
  readonly stream: Stream;
  readonly vectorset: Map<string, Float32Array>;
}

interface Entry {
  stored: Stored;
  /** In ms since 1970. */
  expires: number | undefined;
}

export class Keyspace {
  /** The time, in ms since 1970. */
  now = 0;
  readonly #entries = new Map<string, Entry>();

  get(key: string): Stored | undefined {
    return this.#entry(key)?.stored;
  }

  /** Throws a ServerError if the key has another type. */
  read<K extends keyof Values>(key: string, type: K): Values[K] | undefined {
    const stored = this.get(key);
    if (stored === undefined) return undefined;
    if (stored.type !== type) {
      throw new ServerError('WRONGTYPE Operation against a key holding the wrong kind of value');
    }
    return stored.value as Values[K];
  }

  set(key: string, stored: Stored, expires?: number): void {
    this.#entries.set(key, { stored, expires });
  }

  /** True if it was there. */
  delete(key: string): boolean {
    const wasThere = this.#entry(key) !== undefined;
    this.#entries.delete(key);
    return wasThere;
  }

  /** When the key expires; undefined if never, or if there is none. */
  expiry(key: string): number | undefined {
    return this.#entry(key)?.expires;
  }

  expire(key: string, time: number | undefined): void {
    const entry = this.#entry(key);
    if (entry) entry.expires = time;
  }

  clear(): void {
    this.#entries.clear();
  }

  copy(): Keyspace {
    const copy = new Keyspace();
    for (const [key, { stored, expires }] of this.#entries) copy.set(key, copyOf(stored), expires);
    return copy;
  }

  /** The keys that have not expired, in their order. */
  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.get(key) !== undefined).sort();
  }

  #entry(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry?.expires === undefined || this.now <= entry.expires) return entry;
    this.#entries.delete(key);
    return undefined;
  }
}

export function copyOf(stored: Stored): Stored {
  if (stored.type === 'hash') return { type: 'hash', value: new Map(stored.value) };
  if (stored.type === 'stream') return { type: 'stream', value: copyStream(stored.value) };
  if (stored.type === 'list') return { type: 'list', value: [...stored.value] };
  if (stored.type === 'set') return { type: 'set', value: new Set(stored.value) };
  if (stored.type === 'vectorset') return { type: 'vectorset', value: new Map(stored.value) };
  if (stored.type === 'zset') return { type: 'zset', value: new Map(stored.value) };
  return stored;
}
