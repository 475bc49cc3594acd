/**
 * An index whose documents lie in several, each in one by the hash of its id: for more documents than one process has memory for, or
 * one Redis. The main path: `createShardedIndex`, `put` documents, `search` all shards at once.
 *
 * Guarantees: those of VectorIndex, for each document. An answer is of all shards, or says in `partial` which it lacks; that is so
 * only for a search with `partialAfter`. Another number of shards is another index, under other keys: two programs that disagree about
 * it do not mix their documents.
 */
import {
  display,
  MisuseError,
  readOptions,
  requireClaim,
  throwIfAborted,
  UnavailableError,
} from '@holdfast/kernel';
import { type NodeSource, partitionOf } from '@holdfast/redis';
import { KeywordIndex, type Text } from '../keywords/keyword-index.js';
import type { VectorIndexStats } from '../operate/stats.js';
import type { Filter } from '../query/filter.js';
import { checkWishes } from '../query/question.js';
import type { Deleted, Results, Scrolled, StoredDocument } from '../query/results.js';
import type { Attributes } from '../truth/record.js';
import { createIndex, type VectorIndex } from '../vector-index.js';
import type {
  DeleteOptions,
  GetOptions,
  PatchOptions,
  PutOptions,
  ScrollOptions,
  SeenOptions,
  SelectOptions,
} from '../vector-index-options.js';
import { type Document, requireId } from '../write/document.js';
import type { Patched, Written } from '../write/writer.js';
import { type Answer, answerText, readCall, type Verb } from './calls.js';
import { type GatherParts, gather } from './gather.js';
import { mergePages } from './merge.js';
import { SHARDED_FIND, SHARDED_INDEX, type ShardedFindOptions, type ShardedIndexOptions } from './options.js';
import { partsOf, placeOf } from './places.js';
import { Shards } from './shards.js';

export interface ShardedResults extends Results {
  /** Shards whose documents, or texts and vectors of these, are missing here, because they did not answer in time; empty if none is. */
  readonly partial: readonly number[];
}

export class ShardedIndex {
  readonly name: string;
  readonly #indexes: readonly VectorIndex[];
  readonly #held: ReadonlySet<number>;
  readonly #shards: Shards;
  readonly #gather: GatherParts;

  /** Use createShardedIndex(). */
  constructor(options: ShardedIndexOptions) {
    const settings = readOptions('createShardedIndex', options, SHARDED_INDEX);
    const { name, shards, hold, peers, clock, redis } = settings;
    const { shards: _, hold: __, peers: ___, ...common } = options;
    this.name = name;
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
    this.#indexes = sourcesOf(redis, shards).map((source, shard) =>
      createIndex({ ...common, redis: source, name: `${name}-${shard}-of-${shards}` }),
    );
    this.#shards = new Shards({ name, indexes: this.#indexes, held: this.#held, peers, clock });
    const { schema, vectors: aspects, terms } = settings;
    const keywords = settings.keywords && new KeywordIndex({ ...options.keywords, clock });
    this.#gather = { shards: this.#shards, clock, of: { schema, aspects, keywords, terms } };
  }

  /** Resolves when everything that was written before is applied here, of the shards that this process holds. Throws as `search` does. */
  async ready(): Promise<void> {
    await Promise.all([...this.#held].map((shard) => this.#indexes[shard]?.ready()));
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
   * The best documents of all shards, as `search` of an index tells them. A shard that does not answer throws what its index throws; with
   * `partialAfter` it is in `partial` instead, unless no shard has answered. Throws MisuseError, AbortedError, PlaceLostError and
   * UnavailableError.
   */
  async search(options: ShardedFindOptions): Promise<ShardedResults> {
    const { after, ...wishes } = readOptions('search', options, SHARDED_FIND);
    checkWishes({ ...wishes, after }, this.#gather.of);
    const places = partsOf(this.#indexes.length, after);
    throwIfAborted(wishes.signal, 'searching');
    return gather({ ...wishes, after, places }, this.#gather);
  }

  /** A document, as it is known to the process that holds its shard; undefined if there is none. Throws as `search` does. */
  async get(
    id: string,
    options: GetOptions = {},
  ): Promise<(StoredDocument & { readonly text?: Text | undefined }) | undefined> {
    const shard = this.#shardOf(id);
    const { signal } = Object(options) as GetOptions;
    const call = { shard, verb: 'get', args: [id, this.#seenBy(shard, options)] } as const;
    return this.#shards.ask(call, signal ?? new AbortController().signal);
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
      const read = readCall(call);
      const { shard } = read;
      if (!this.#held.has(shard)) {
        throw new UnavailableError(
          `This process does not hold shard ${shard} of "${this.name}"; it holds ${[...this.#held].join(', ')}.`,
          [],
        );
      }
      return this.#shards.own(read);
    });
  }

  /** Stops following. Calls under way reject with AbortedError, later ones with MisuseError. */
  async close(): Promise<void> {
    await Promise.all(this.#indexes.map((index) => index.close()));
  }

  #shardOf(id: unknown): number {
    return partitionOf(requireId(id), this.#indexes.length);
  }

  #at(shard: number): VectorIndex {
    return this.#indexes[shard] as VectorIndex;
  }

  #placed<W extends Patched>(shard: number, written: W): W {
    if (written.outcome === 'absent') return written;
    return { ...written, place: placeOf(this.#indexes.length, new Map([[shard, written.place]])) };
  }

  /** What of the options one shard is told. */
  #seenBy<O extends SeenOptions>(shard: number, options: O): O {
    const { after, signal: _, ...others } = Object(options) as O;
    const seen = partsOf(this.#indexes.length, after)[shard];
    return { ...others, ...(seen && { after: seen }) } as O;
  }

  async #askAll<V extends Verb>(verb: V, options: SelectOptions, ...more: unknown[]): Promise<Answer<V>[]> {
    const { signal } = Object(options) as SelectOptions;
    const found = await this.#shards.all(
      (shard, ended) => {
        const args = [this.#seenBy(shard, options), ...more];
        return this.#shards.ask({ shard, verb, args }, ended);
      },
      { partialAfter: undefined, signal },
    );
    return [...found.values()];
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
