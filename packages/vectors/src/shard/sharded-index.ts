/**
 * An index whose documents lie in several, each in one by the hash of its id: for more documents than one process has memory for, or
 * one Redis. The main path: `createShardedIndex`, `put` documents, `search` all shards at once.
 *
 * Guarantees: those of VectorIndex, for each document. An answer is of all shards, or says in `partial` which it lacks; that is so
 * only for a search with `partialAfter`. Another number of shards is another index, under other keys: two programs that disagree about
 * it do not mix their documents.
 */
import {
  type Clock,
  display,
  MisuseError,
  readOptions,
  requireClaim,
  UnavailableError,
  unlessAborted,
} from '@holdfast/kernel';
import { type NodeSource, partitionOf } from '@holdfast/redis';
import { inTime } from '../hybrid/in-time.js';
import { MOST } from '../kernel/layout.js';
import type { VectorIndexStats } from '../operate/stats.js';
import type { Filter } from '../query/filter.js';
import type { Deleted, Results, Scrolled, StoredDocument } from '../query/results.js';
import type { Attributes } from '../truth/record.js';
import { createIndex, type VectorIndex } from '../vector-index.js';
import type {
  DeleteOptions,
  PatchOptions,
  PutOptions,
  ScrollOptions,
  SeenOptions,
  SelectOptions,
} from '../vector-index-options.js';
import { type Document, requireId } from '../write/document.js';
import type { Patched, Written } from '../write/writer.js';
import { answerText, callText, type Reading, readAnswer, readCall, type Verb } from './calls.js';
import { mergeFacets, mergeHits, mergePages } from './merge.js';
import {
  type Peers,
  SHARDED_FIND,
  SHARDED_INDEX,
  type ShardedFindOptions,
  type ShardedIndexOptions,
} from './options.js';
import { partsOf, placeOf } from './places.js';

export interface ShardedResults extends Omit<Results, 'degraded'> {
  /** Shards whose documents are missing here, because they did not answer in time; empty if none is. */
  readonly partial: readonly number[];
}

type Answer<V extends Verb> = Awaited<ReturnType<Reading[V]>>;
type Ask<A> = (shard: number, signal: AbortSignal) => Promise<A>;

interface Waiting {
  readonly partialAfter: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export class ShardedIndex {
  readonly name: string;
  readonly #shards: readonly VectorIndex[];
  readonly #held: ReadonlySet<number>;
  readonly #peers: Peers | undefined;
  readonly #clock: Clock;

  /** Use createShardedIndex(). */
  constructor(options: ShardedIndexOptions) {
    const settings = readOptions('createShardedIndex', options, SHARDED_INDEX);
    const { name, shards, hold, peers, clock, redis } = settings;
    const { shards: _, hold: __, peers: ___, ...common } = options;
    this.name = name;
    this.#clock = clock;
    this.#peers = peers;
    this.#held = new Set(hold ?? Array.from({ length: shards }, (_, shard) => shard));
    const beyond = [...this.#held].find((shard) => shard >= shards);
    if (beyond !== undefined) {
      throw new MisuseError(`"hold" names shard ${beyond}, and there are ${shards}: 0 to ${shards - 1}.`);
    }
    if (this.#held.size < shards && peers === undefined) {
      throw new MisuseError(
        `This process holds ${this.#held.size} of ${shards} shards of "${name}", and there is no "peers" that asks for the others.`,
      );
    }
    this.#shards = sourcesOf(redis, shards).map((source, shard) =>
      createIndex({ ...common, redis: source, name: `${name}-${shard}-of-${shards}` }),
    );
  }

  /** Resolves when everything that was written before is applied here, of the shards that this process holds. Throws as `search` does. */
  async ready(): Promise<void> {
    await Promise.all([...this.#held].map((shard) => this.#shards[shard]?.ready()));
  }

  /** Writes a document into its shard. Throws as `put` of an index does. */
  async put(document: Document, options: PutOptions = {}): Promise<Written> {
    const shard = this.#shardOf(Object(document).id);
    return this.#placed(shard, await this.#at(shard).put(document, options));
  }

  /** Throws as `patch` of an index does. */
  async patch(id: string, attributes: Attributes, options: PatchOptions = {}): Promise<Patched> {
    const shard = this.#shardOf(id);
    return this.#placed(shard, await this.#at(shard).patch(id, attributes, options));
  }

  /** Throws as `delete` of an index does. */
  async delete(id: string, options: DeleteOptions = {}): Promise<Written> {
    const shard = this.#shardOf(id);
    return this.#placed(shard, await this.#at(shard).delete(id, options));
  }

  /** Deletes what matches, in all shards. If it throws, some may be deleted: call it again. Throws as that of an index does. */
  async deleteAll(
    select: SelectOptions & { readonly filter: Filter },
    options: DeleteOptions = {},
  ): Promise<Deleted> {
    const { holder, time } = Object(options) as DeleteOptions;
    const plain = {
      ...options,
      ...(holder && { holder: requireClaim(holder) }),
      ...(time instanceof Date && { time: time.getTime() }),
    };
    const all = await this.#askAll('deleteAll', select, plain);
    const places = new Map<number, string>();
    for (const [shard, { place }] of all.entries()) if (place !== undefined) places.set(shard, place);
    return {
      deleted: all.reduce((sum, each) => sum + each.deleted, 0),
      kept: all.reduce((sum, each) => sum + each.kept, 0),
      place: places.size === 0 ? undefined : placeOf(all.length, places),
    };
  }

  /**
   * The documents of all shards that are nearest to a vector. A shard that does not answer throws what its index throws; with
   * `partialAfter` it is in `partial` instead, unless no shard has answered. Throws MisuseError, AbortedError and UnavailableError.
   */
  async search(options: ShardedFindOptions): Promise<ShardedResults> {
    const { partialAfter, limit, offset, facets, after, signal, ...wishes } = readOptions(
      'search',
      options,
      SHARDED_FIND,
    );
    if (limit + offset > MOST) {
      throw new MisuseError(
        `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}.`,
      );
    }
    const parts = partsOf(this.#shards.length, after);
    const find = (shard: number, ended: AbortSignal): Promise<Results> => {
      const asked = { ...wishes, facets, limit: limit + offset, after: parts[shard] };
      return this.#ask(shard, 'search', [asked], ended);
    };
    const found = await this.#all(find, { partialAfter, signal });
    const answers = [...found.values()];
    const hits = answers.map((answer) => answer.hits);
    return {
      hits: mergeHits(hits, { limit, offset }),
      facets: mergeFacets(
        answers.map((answer) => answer.facets),
        facets,
      ),
      place: placeOf(this.#shards.length, new Map([...found].map(([shard, { place }]) => [shard, place]))),
      partial: [...this.#shards.keys()].filter((shard) => !found.has(shard)),
    };
  }

  /** A document, as it is known to the process that holds its shard; undefined if there is none. Throws as `search` does. */
  async get(id: string, options: SeenOptions = {}): Promise<StoredDocument | undefined> {
    const shard = this.#shardOf(id);
    const { signal } = Object(options) as SeenOptions;
    return this.#ask(
      shard,
      'get',
      [id, this.#seenBy(shard, options)],
      signal ?? new AbortController().signal,
    );
  }

  /** How many documents match, in all shards. Throws as `search` does. */
  async count(options: SelectOptions = {}): Promise<number> {
    return (await this.#askAll('count', options)).reduce((sum, count) => sum + count, 0);
  }

  /** A page of the documents that match, of all shards in the order of their ids. Throws as `search` does. */
  async scroll(options: ScrollOptions = {}): Promise<Scrolled> {
    return mergePages(await this.#askAll('scroll', options), options.limit ?? 100);
  }

  /** Of each shard that this process holds. */
  stats(): ReadonlyMap<number, VectorIndexStats> {
    return new Map([...this.#held].map((shard) => [shard, this.#at(shard).stats()]));
  }

  /**
   * Answers a call that "peers" of another process was given, for a shard that this one holds. The answer says what went wrong, if
   * something did, in a way that is thrown there.
   */
  answer(call: string): Promise<string> {
    return answerText(() => {
      const { shard, verb, args } = readCall(call);
      if (!this.#held.has(shard)) {
        throw new UnavailableError(
          `This process does not hold shard ${shard} of "${this.name}"; it holds ${[...this.#held].join(', ')}.`,
          [],
        );
      }
      return this.#own(shard, verb, args);
    });
  }

  /** Stops following. Calls under way reject with AbortedError, later ones with MisuseError. */
  async close(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.close()));
  }

  #shardOf(id: unknown): number {
    return partitionOf(requireId(id), this.#shards.length);
  }

  #at(shard: number): VectorIndex {
    return this.#shards[shard] as VectorIndex;
  }

  #placed<W extends Patched>(shard: number, written: W): W {
    if (written.outcome === 'absent') return written;
    return { ...written, place: placeOf(this.#shards.length, new Map([[shard, written.place]])) };
  }

  /** What of the options one shard is told. */
  #seenBy<O extends SeenOptions>(shard: number, options: O): O {
    const { after, signal: _, ...others } = Object(options) as O;
    const seen = partsOf(this.#shards.length, after)[shard];
    return { ...others, ...(seen && { after: seen }) } as O;
  }

  async #askAll<V extends Verb>(verb: V, options: SelectOptions, ...more: unknown[]): Promise<Answer<V>[]> {
    const { signal } = Object(options) as SelectOptions;
    const ask = (shard: number, ended: AbortSignal): Promise<Answer<V>> =>
      this.#ask(shard, verb, [this.#seenBy(shard, options), ...more], ended);
    return [...(await this.#all(ask, { partialAfter: undefined, signal })).values()];
  }

  /**
   * Asks all shards. With `partialAfter` it leaves out those that do not answer in time, or cannot; without, it throws what one of
   * them throws.
   */
  async #all<A>(ask: Ask<A>, { partialAfter, signal }: Waiting): Promise<ReadonlyMap<number, A>> {
    if (partialAfter !== undefined) return this.#inTime(ask, { partialAfter, signal });
    const ended = new AbortController();
    const all = Promise.all(this.#shards.map((_, shard) => ask(shard, ended.signal)));
    try {
      return new Map((await unlessAborted(signal, 'shards were asked', all)).entries());
    } finally {
      ended.abort();
    }
  }

  /** Throws MisuseError, AbortedError, and UnavailableError if no shard has answered. */
  async #inTime<A>(
    ask: Ask<A>,
    { partialAfter: deadline = 0, signal }: Waiting,
  ): Promise<ReadonlyMap<number, A>> {
    const work = this.#shards.map((_, shard) =>
      inTime(this.#clock, { deadline, signal }, (ended) => ask(shard, ended)),
    );
    const found = new Map<number, A>();
    const reasons: { node: string; reason: string }[] = [];
    for (const [shard, answer] of (await Promise.all(work)).entries()) {
      const node = `shard ${shard}`;
      if (answer.outcome === 'done') found.set(shard, answer.value);
      else if (answer.outcome === 'late') reasons.push({ node, reason: `later than ${deadline} ms` });
      else if (answer.error instanceof UnavailableError) reasons.push({ node, reason: answer.error.message });
      else throw answer.error;
    }
    if (found.size > 0) return found;
    throw new UnavailableError(`No shard of the index "${this.name}" has answered. Try again.`, reasons);
  }

  async #ask<V extends Verb>(
    shard: number,
    verb: V,
    args: readonly unknown[],
    signal: AbortSignal,
  ): Promise<Answer<V>> {
    if (this.#held.has(shard))
      return unlessAborted(signal, 'a shard was asked', this.#own(shard, verb, args));
    const peers = this.#peers as Peers; // whoever does not hold all has it
    let text: string;
    try {
      text = await peers(shard, callText({ shard, verb, args }), signal);
    } catch (cause) {
      throw new UnavailableError(
        `Shard ${shard} of the index "${this.name}" could not be asked. Try again.`,
        [{ node: `shard ${shard}`, reason: String((cause as Error)?.message ?? cause) }],
        { cause },
      );
    }
    return readAnswer(shard, text) as Answer<V>;
  }

  #own<V extends Verb>(shard: number, verb: V, args: readonly unknown[]): Promise<Answer<V>> {
    const index: Reading = this.#at(shard);
    const call = index[verb] as (...args: readonly unknown[]) => Promise<Answer<V>>;
    return call.apply(index, args as unknown[]);
  }
}

/** Throws MisuseError. */
function sourcesOf(redis: NodeSource | readonly NodeSource[], count: number): readonly NodeSource[] {
  if (!Array.isArray(redis)) return new Array<NodeSource>(count).fill(redis as NodeSource);
  if (redis.length === count) return redis;
  throw new MisuseError(
    `"redis" of createShardedIndex is that of all shards, or a list of ${count}; got a list of ${display(redis.length)}.`,
  );
}
