/**
 * An index in Redis: calls of its scripts.
 *
 * Guarantees: those of a Caller. Nothing connects before the first call. A key layout that is newer than what this version
 * knows is a MisuseError, and nothing of it is touched.
 */
import { createHash } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { type Clock, MisuseError, UnavailableError } from '@holdfast/kernel';
import { type BinaryCallVerb, Caller, connect, follow, isForbidden, type NodeSource } from '@holdfast/redis';
import { setsOf } from '../aspect.js';
import { type IndexKeys, keysOf } from '../keys.js';
import type { Model } from './builder-verbs.js';
import { scripts } from './scripts.js';
import {
  type Bounds,
  type ChangesRequest,
  type GlanceRequest,
  HGET,
  HSET,
  type Judged,
  type Lineup,
  MGET,
  type NearElement,
  type OtherEpoch,
  type Page,
  type PurgeRequest,
  SET,
  VCARD,
  type VectorVerdict,
  type VectorWrite,
  VSIM,
  verbsOf,
  type Write,
} from './verbs.js';

/** Where an index is. */
export interface IndexPlace extends Bounds {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly name: string;
  readonly prefix: string;
  /** How long Redis may take to answer, in ms. */
  readonly callTimeout: number;
  readonly clock: Clock;
}

type Verbs = ReturnType<typeof verbsOf>;
type Called<V> =
  V extends BinaryCallVerb<infer Request, infer Result> ? (request: Request) => Promise<Result> : never;

export type Builder = {
  readonly [Name in 'begin' | 'advance' | 'cut' | 'retire' | 'drop']: Called<Verbs[Name]>;
};

export class Truth {
  readonly #place: IndexPlace;
  readonly #keys: IndexKeys;
  readonly #verbs: Verbs;
  readonly #caller: Caller;

  constructor(place: IndexPlace) {
    const { redis, tls, name, callTimeout, clock } = place;
    this.#place = place;
    this.#keys = keysOf(place);
    this.#verbs = verbsOf(this.#keys, place);
    this.#caller = new Caller({
      ...{ redis, tls, clock, scripts, key: this.#keys.of('meta'), timeout: callTimeout },
      refusal: (reason) => refusalOf(name, reason),
      words: {
        subject: `The index "${name}"`,
        unknown: 'A put or delete with a time may be repeated',
        closed: 'create another with createIndex()',
      },
    });
  }

  get address(): string {
    return this.#caller.address;
  }

  /** All of these throw UnavailableError, and MisuseError once it is closed. */
  async put(write: Write): Promise<Judged> {
    try {
      return await this.#caller.call(this.#verbs.put, write);
    } catch (error) {
      // It goes with the others of its moment, in their order; only where these do not fit into the memory, by itself.
      if (write.word !== 'delete' || !isFull(error)) throw error;
      return this.#caller.call(this.#verbs.delete, write);
    }
  }

  vector(write: VectorWrite): Promise<VectorVerdict> {
    return this.#caller.call(this.#verbs.vector, write);
  }

  /** What builders of generations call. */
  get builder(): Builder {
    const caller = this.#caller;
    const { begin, advance, cut, retire, drop } = this.#verbs;
    return {
      begin: (request) => caller.call(begin, request),
      advance: (request) => caller.call(advance, request),
      cut: (request) => caller.call(cut, request),
      retire: (request) => caller.call(retire, request),
      drop: (request) => caller.call(drop, request),
    };
  }

  async open(model: Model): Promise<Lineup> {
    await this.requireSets(model);
    return this.#caller.call(this.#verbs.open, model);
  }

  /** Throws MisuseError if the server is to search the vectors of a model, and cannot. */
  async requireSets(model: Model): Promise<void> {
    for (const { name } of setsOf(model)) await this.#caller.call(VCARD, this.#keys.set('0', name));
  }

  /** The vectors of a set that are nearest to one, as the server knows them; fewer than `count` if it has no more. */
  near(
    generation: string,
    name: string,
    vector: Float32Array,
    count: number,
  ): Promise<readonly NearElement[]> {
    return this.#caller.call(VSIM, { key: this.#keys.set(generation, name), vector, count });
  }

  changes(request: ChangesRequest): Promise<Page | OtherEpoch> {
    return this.#caller.call(this.#verbs.changes, request);
  }

  /** For each id its document, and its vectors in each of the generations. */
  async fetch(
    ids: readonly string[],
    generations: readonly string[],
  ): Promise<{ document: Buffer | null; vectors: (Buffer | null)[] }[]> {
    const keys = ids.flatMap((id) => [
      this.#keys.document(id),
      ...generations.map((each) => this.#keys.vectors(each, id)),
    ]);
    const found = keys.length === 0 ? [] : await this.#caller.call(MGET, keys);
    return inRows(found, ids.length);
  }

  /** The same, with no more of the vectors than is asked for. */
  async glance(request: GlanceRequest): Promise<{ document: Buffer | null; vectors: (Buffer | null)[] }[]> {
    if (request.ids.length === 0) return [];
    return inRows(await this.#caller.call(this.#verbs.glance, request), request.ids.length);
  }

  /** Vectors of texts that are kept, by their names. */
  cached(names: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.#caller.call(MGET, names.map(this.#keys.cached));
  }

  /** Keeps one, for `ttl` ms. */
  async cache(name: string, bytes: Buffer, ttl: number): Promise<void> {
    await this.#caller.call(SET, { key: this.#keys.cached(name), bytes, ttl });
  }

  /** How far the import of this name has come; undefined if nothing was noted. */
  async progress(name: string): Promise<number | undefined> {
    const noted = await this.#caller.call(HGET, [this.#keys.of('imports'), fieldOf(name)] as const);
    return noted === undefined ? undefined : Number(noted);
  }

  async noteProgress(name: string, count: number): Promise<void> {
    await this.#caller.call(HSET, [this.#keys.of('imports'), fieldOf(name), String(count)] as const);
  }

  /** Forgets those of which Redis keeps nothing any more, and takes what has expired out of the sets. */
  purge(request: PurgeRequest): Promise<number> {
    return this.#caller.call(this.#verbs.purge, request);
  }

  /** Yields when something was written, until `signal` aborts. Some rings may be lost. */
  async *rings(signal: AbortSignal): AsyncGenerator<void, void> {
    const { redis, tls, clock } = this.#place;
    const key = this.#keys.of('bell');
    const connection = connect(redis, { tls, key, alone: true });
    for await (const _ of follow({ connection, clock, streams: [key], from: ['0-0'], signal })) yield;
  }

  /** Throws MisuseError once it is closed. */
  requireOpen(): void {
    this.#caller.requireOpen();
  }

  close(): void {
    this.#caller.close();
  }
}

/** For each document, what it is, and what was read of its vectors. */
function inRows(
  found: readonly (Buffer | null)[],
  count: number,
): { document: Buffer | null; vectors: (Buffer | null)[] }[] {
  const width = found.length / count;
  return Array.from({ length: count }, (_, index) => {
    const [document = null, ...vectors] = found.slice(index * width, (index + 1) * width);
    return { document, vectors };
  });
}

/** As long for every name. */
const fieldOf = (name: string): string => createHash('sha256').update(name).digest('base64url').slice(0, 16);

/** Whether the server has refused something because its memory is full. */
const isFull = (error: unknown): boolean =>
  error instanceof UnavailableError && error.nodes.some(({ reason }) => reason.startsWith('OOM'));

/** What no repetition helps. */
function refusalOf(index: string, reason: string): MisuseError | undefined {
  const [, layout] = /HOLDFASTLAYOUT (\d+)/.exec(reason) ?? [];
  if (layout !== undefined) {
    return new MisuseError(
      `The index "${index}" has key layout ${layout}, which this version does not know; nothing was done. Update @holdfast/vectors here.`,
    );
  }
  if (/unknown (?:redis )?command/i.test(reason)) {
    return new MisuseError(
      `The server of the index "${index}" has no vector sets, by which the "engine" of its vectors would search; nothing was done. Use Redis 8 or later, or leave "engine" out.\n  ${reason}`,
    );
  }
  if (isForbidden(reason) || !/^(?:-?WRONGTYPE|ERR .*user_)/.test(reason)) return undefined;
  return new MisuseError(
    `A key of the index "${index}" is not what the index keeps there; nothing was done. See what else writes keys that begin with "{vectors:", or give the index a prefix.\n  ${reason}`,
  );
}
