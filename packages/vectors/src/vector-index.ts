/**
 * An index in Redis, which every process searches in its own memory. The main path: `createIndex`, `put` documents, and
 * `search` after the place of a write that is to be seen.
 *
 * Guarantees: of two writes of a document the later event wins, whatever order they come in; a document is written as a whole or
 * not at all. A search after a place sees what was written there, or throws. Nothing connects before the first call.
 */
import {
  AbortedError,
  type Clock,
  display,
  MisuseError,
  readOptions,
  UnavailableError,
  within,
} from '@holdfast/kernel';
import { PlaceLostError } from './errors.js';
import type { KnownDocument } from './follow/documents.js';
import { Follower } from './follow/follower.js';
import { GenerationIndex } from './follow/generation-index.js';
import { Watch } from './follow/watch.js';
import type { IndexStats } from './index/local-index.js';
import { type Metric, MOST } from './kernel/layout.js';
import { type Facets, facetsOf, matching, pageOf, requireFacets } from './query/browse.js';
import { type Filter, type Matches, matcherOf, type Schema } from './query/filter.js';
import type { Attributes } from './truth/record.js';
import { Truth } from './truth/truth.js';
import type { Model } from './truth/verbs.js';
import {
  DELETE,
  type DeleteOptions,
  FIND,
  type FindOptions,
  type PutOptions,
  SCROLL,
  type ScrollOptions,
  SEEN,
  SELECT,
  type SeenOptions,
  type SelectOptions,
  VECTOR_INDEX,
  type VectorIndexOptions,
} from './vector-index-options.js';
import type { Document } from './write/document.js';
import { otherModel, type Patched, requireSameModel, Writer, type Written } from './write/writer.js';

/** A document, as this process knows it. */
export interface StoredDocument {
  readonly id: string;
  readonly attributes: Attributes;
  /** When it was true. */
  readonly time: Date;
}

export interface FoundDocument extends StoredDocument {
  /** Higher is nearer: the cosine, the inner product, or the distance with a minus sign. */
  readonly score: number;
  /** Which of its vectors is the nearest, from 0. */
  readonly chunk: number;
}

export interface Results {
  /** The best first; of equal scores the lower id first. */
  readonly hits: readonly FoundDocument[];
  /** Of all documents that match the filter. */
  readonly facets: Facets;
  /** What this search has seen: another one, on any server, sees no less `after` it. */
  readonly place: string;
}

export interface Scrolled {
  readonly documents: readonly StoredDocument[];
  /** Give it as `from` for the next page; undefined after the last. */
  readonly next: string | undefined;
}

/** What became of the documents that matched. */
export interface Deleted {
  readonly deleted: number;
  /** Those that were written meanwhile, or are later than the deletion: they are as they were. */
  readonly kept: number;
  /** Searches `after` it see the deletions; undefined if there are none. */
  readonly place: string | undefined;
}

export interface VectorIndexStats {
  readonly documents: number;
  /** How many documents were written that this process has not applied yet, as far as it knows. */
  readonly behind: number;
  /** Documents that are not searched here because their vectors do not fit into the memory. */
  readonly unapplied: number;
  /** Documents that another program has written in a way that cannot be read. */
  readonly unreadable: number;
  /** Why the last try to read what was written failed; undefined if it did not. */
  readonly failure: string | undefined;
  /** Of the vectors; undefined before everything was read once. */
  readonly vectors: IndexStats | undefined;
}

/** Deletions that are under way at a time. */
const AT_ONCE = 256;

/** An index in Redis, not connected yet. Throws MisuseError. */
export function createIndex(options: VectorIndexOptions): VectorIndex {
  return new VectorIndex(options);
}

export class VectorIndex {
  readonly name: string;
  readonly #clock: Clock;
  readonly #schema: Schema;
  readonly #truth: Truth;
  readonly #follower: Follower;
  readonly #watch: Watch;
  readonly #writer: Writer;
  readonly #model: Model;
  #isClosed = false;

  /** Use createIndex(). */
  constructor(options: VectorIndexOptions) {
    const settings = readOptions('createIndex', options, VECTOR_INDEX);
    const { redis, tls, name, prefix, callTimeout, clock, tombstones, ahead, vectors, schema } = settings;
    const { dimensions, recall, memory } = vectors;
    const metric = vectors.metric as Metric;
    this.name = name;
    this.#clock = clock;
    this.#schema = schema;
    this.#truth = new Truth({ redis, tls, name, prefix, callTimeout, clock, tombstones, ahead });
    this.#model = { name: vectors.model, definition: JSON.stringify({ dimensions, metric }) };
    const [truth, model] = [this.#truth, this.#model];
    this.#writer = new Writer({ index: name, truth, model, ahead, shape: { schema, dimensions, metric } });
    this.#follower = new Follower({
      ...{ truth, clock, tombstones, model },
      indexOf: (generation, of) => {
        requireSameModel(name, model, of);
        const shape = JSON.parse(of.definition) as { readonly dimensions: number; readonly metric: Metric };
        return new GenerationIndex(generation, of.name, { ...shape, recall, memory, clock });
      },
    });
    this.#watch = new Watch(this.#follower, truth, clock);
  }

  /** Resolves when everything that was written before is applied here. Throws UnavailableError and MisuseError. */
  async ready(): Promise<void> {
    await this.#during('it was read', () => this.#look());
  }

  /**
   * Writes a document, in place of the one of its id, unless a later event is there. Throws StaleTokenError if that was written
   * under a higher token of the holder's issuer, MisuseError for a document that cannot be stored, and UnavailableError.
   */
  async put(document: Document, options: PutOptions = {}): Promise<Written> {
    return this.#during('a document was written', () => this.#writer.put(document, options));
  }

  /**
   * Changes attributes of a document, and keeps its other ones and its vectors; null removes one. So what the vectors are made of
   * must not change. Without a `ttl` it expires when it would have. Throws as `put` does.
   */
  async patch(id: string, attributes: Attributes, options: PutOptions = {}): Promise<Patched> {
    return this.#during('a document was patched', () => this.#writer.patch(id, attributes, options));
  }

  /** Deletes a document, unless a later event is there. Throws StaleTokenError, MisuseError and UnavailableError as `put` does. */
  async delete(id: string, options: DeleteOptions = {}): Promise<Written> {
    const deletion = () => this.#writer.delete(id, options);
    return (await this.#during('a document was deleted', deletion)) as Written;
  }

  /**
   * Deletes the documents that match, as they are known here after `after`; one that was written meanwhile is kept. If it throws,
   * some may be deleted: call it again. A filter of {} matches all. Throws StaleTokenError, MisuseError and UnavailableError.
   */
  async deleteAll(
    select: SelectOptions & { readonly filter: Filter },
    options: DeleteOptions = {},
  ): Promise<Deleted> {
    readOptions('deleteAll', options, DELETE);
    if (Object(select).filter === undefined)
      throw new MisuseError('deleteAll() needs a "filter" that says which documents; {} is all of them.');
    const found = [...(await this.#select('deleteAll', select))];
    let [deleted, place] = [0, undefined as string | undefined];
    for (let from = 0; from < found.length; from += AT_ONCE) {
      const some = found.slice(from, from + AT_ONCE);
      const all = await this.#during('documents were deleted', () =>
        Promise.all(some.map(({ id, sequence }) => this.#writer.delete(id, options, sequence))),
      );
      for (const each of all) {
        if (each.outcome !== 'written') continue;
        deleted += 1;
        place = each.place; // they were sent in this order, and so have rising places
      }
    }
    return { deleted, kept: found.length - deleted, place };
  }

  /**
   * The documents that are nearest to a vector. With `after` it sees that write, wherever it was made; UnavailableError if
   * this process has not applied it within `wait`, and PlaceLostError, which is one, if the server may have forgotten it. The
   * first search reads everything. Throws MisuseError.
   */
  async search(options: FindOptions): Promise<Results> {
    const wishes = readOptions('search', options, FIND);
    const { vector, limit, offset, minScore, filter, facets, after, wait } = wishes;
    if (limit + offset > MOST) {
      throw new MisuseError(
        `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}.`,
      );
    }
    const matches = filter && matcherOf(filter, this.#schema);
    requireFacets(facets, this.#schema);
    await this.#reach(after, wait);
    const { serving, documents } = this.#follower;
    if (serving === undefined) throw new Error('nothing was read');
    if (serving.model !== this.#model.name)
      throw otherModel(this.name, this.#model, [{ name: serving.model }]);
    const near = serving.nearest(vector, {
      most: limit + offset,
      minScore,
      matches: matches && ((id) => this.#matches(id, matches)),
    });
    const hits = near.slice(offset).flatMap(({ id, score, chunk }): FoundDocument[] => {
      const known = documents.get(id);
      return known ? [{ ...told(known), score, chunk }] : [];
    });
    return { hits, facets: facetsOf(documents, matches, facets), place: this.#place };
  }

  /** A document, as it is known here; undefined if there is none. Throws as `search` does. */
  async get(id: string, options: SeenOptions = {}): Promise<StoredDocument | undefined> {
    const { after, wait } = readOptions('get', options, SEEN);
    await this.#reach(after, wait);
    const known = this.#follower.documents.get(id);
    return known && told(known);
  }

  /** How many documents match. Throws as `search` does. */
  async count(options: SelectOptions = {}): Promise<number> {
    let count = 0;
    for (const _ of await this.#select('count', options)) count += 1;
    return count;
  }

  /**
   * A page of the documents that match, in the order of their ids. A document that is there all the time is on one page, whatever
   * is written between them. Throws as `search` does.
   */
  async scroll(options: ScrollOptions = {}): Promise<Scrolled> {
    const { filter, after, wait, limit, from } = readOptions('scroll', options, SCROLL);
    const matches = filter && matcherOf(filter, this.#schema);
    await this.#reach(after, wait);
    const { page, next } = pageOf(this.#follower.documents, matches, { from, limit });
    return { documents: page.map(told), next };
  }

  stats(): VectorIndexStats {
    const { documents, behind, unapplied, unreadable, failure, serving } = this.#follower;
    return {
      ...{ documents: documents.size, behind, unapplied, unreadable, failure },
      vectors: serving?.stats(),
    };
  }

  /** Stops following. Calls under way reject with AbortedError, later ones with MisuseError. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watch.close();
    this.#truth.close();
    await this.#follower.close();
  }

  get #place(): string {
    return `${this.#follower.epoch}@${this.#follower.reached}`;
  }

  async #look(): Promise<void> {
    this.#watch.start();
    await this.#follower.look();
  }

  async #select(where: string, options: SelectOptions): Promise<Iterable<KnownDocument>> {
    const { filter, after, wait } = readOptions(where, options, SELECT);
    const matches = filter && matcherOf(filter, this.#schema);
    await this.#reach(after, wait);
    return matching(this.#follower.documents, matches);
  }

  #matches(id: string, matches: Matches): boolean {
    const known = this.#follower.documents.get(id);
    return known !== undefined && matches(known.attributes);
  }

  /** Waits until this process has applied a place, or everything for the first time; nothing that has expired is there then. */
  async #reach(place: string | undefined, wait: number): Promise<void> {
    await this.#during('it was read', () => this.#apply(place, wait));
    this.#follower.expire();
  }

  /** Whatever is refused because the index was closed meanwhile was under way. */
  async #during<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const wasClosed = this.#isClosed;
    try {
      return await work();
    } catch (error) {
      if (wasClosed || !this.#isClosed || !(error instanceof MisuseError)) throw error;
      throw new AbortedError(`The index "${this.name}" was closed while ${doing}.`, 'close');
    }
  }

  async #apply(place: string | undefined, wait: number): Promise<void> {
    const follower = this.#follower;
    if (place === undefined) {
      if (follower.serving === undefined) await this.#look();
      return;
    }
    const [epoch = '', text = ''] = place.split('@');
    const isReached = (): boolean => follower.epoch === epoch && follower.reached >= Number(text);
    if (!isReached()) {
      const late = `the write is not applied after ${wait} ms`;
      await within(this.#clock, wait, this.#look(), late).catch((cause: unknown) => {
        if (cause instanceof MisuseError || cause instanceof UnavailableError) throw cause;
        throw this.#late(late, cause);
      });
    }
    const { address } = this.#truth;
    if (follower.epoch !== epoch) {
      throw new PlaceLostError(
        `The index "${this.name}" lies on another server than the one that answered ${display(place)}, or on one that may have forgotten it. Write it again if it is not there.`,
        { node: address, place: this.#place },
      );
    }
    if (!isReached()) throw this.#late(`${display(place)} was not there to be applied`);
    if (follower.unapplied > 0) {
      throw this.#late(`the memory is full, and ${follower.unapplied} documents are not applied`);
    }
  }

  #late(reason: string, cause?: unknown): UnavailableError {
    return new UnavailableError(
      `The index "${this.name}" has not applied what was asked for; ${this.#follower.behind} documents are left. Try again, or search without "after".`,
      [{ node: this.#truth.address, reason }],
      { cause },
    );
  }
}

const told = ({ id, attributes, time }: KnownDocument): StoredDocument => ({
  ...{ id, attributes },
  time: new Date(time),
});
