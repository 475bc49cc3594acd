/**
 * An index in Redis, which every process searches in its own memory. The main path: `createIndex`, `put` documents, and
 * `search` after the place of a write that is to be seen.
 *
 * Guarantees: of two writes of a document the later event wins, whatever order they come in; a document is written as a whole or
 * not at all. A search after a place sees what was written there, or throws. Nothing connects before the first call.
 */
import { createHash } from 'node:crypto';
import { StaleTokenError } from '@holdfast/fence';
import {
  type Clock,
  display,
  encodeJson,
  MisuseError,
  readOptions,
  requireClaim,
  type Settings,
  UnavailableError,
  within,
} from '@holdfast/kernel';
import { PlaceLostError } from './errors.js';
import { Follower } from './follow/follower.js';
import { GenerationIndex } from './follow/generation-index.js';
import { Watch } from './follow/watch.js';
import type { IndexStats } from './index/local-index.js';
import { prepareVector, type Vector } from './index/metric.js';
import { type Metric, MOST } from './kernel/layout.js';
import { type Matches, matcherOf, type Schema } from './query/filter.js';
import { type Attributes, digestOf, numbersOf, vectorBytes } from './truth/record.js';
import { Truth } from './truth/truth.js';
import type { Lineup, Model, Verdict, Write } from './truth/verbs.js';
import {
  DELETE,
  type DeleteOptions,
  FIND,
  type FindOptions,
  PUT,
  type PutOptions,
  VECTOR_INDEX,
  type VectorIndexOptions,
} from './vector-index-options.js';

export interface Document {
  /** 1 to 256 bytes of UTF-8. */
  readonly id: string;
  /** What the document means, of the model of this program. */
  readonly vector?: Vector;
  /** Instead of `vector`: one for each chunk of the document, up to 256. It is found by the nearest of them. */
  readonly vectors?: readonly Vector[];
  /** JSON, up to 256 KiB. Those that the schema has are of its kinds. */
  readonly attributes?: Attributes;
}

/** What became of a write. */
export type Written =
  | {
      readonly outcome: 'written';
      /** Searches `after` it see the write. */
      readonly place: string;
      /** Whether there was a document of this id. */
      readonly replaced: boolean;
    }
  | {
      /** Nothing was done: a later event is there. */
      readonly outcome: 'older';
      /** The time of that. */
      readonly time: Date;
      /** Whether that is a deletion. */
      readonly isDeleted: boolean;
      readonly place: string;
    };

export interface FoundDocument {
  readonly id: string;
  /** Higher is nearer: the cosine, the inner product, or the distance with a minus sign. */
  readonly score: number;
  /** Which of its vectors is the nearest, from 0. */
  readonly chunk: number;
  readonly attributes: Attributes;
  readonly time: Date;
}

export interface Results {
  /** The best first; of equal scores the lower id first. */
  readonly hits: readonly FoundDocument[];
  /** What this search has seen: another one, on any server, sees no less `after` it. */
  readonly place: string;
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

const MOST_BYTES = 256 * 1024;
const MOST_CHUNKS = 256;
const NO_ISSUER = Buffer.alloc(8);
/** How often a write is tried again because the generations have changed. */
const TRIES = 3;

/** An index in Redis, not connected yet. Throws MisuseError. */
export function createIndex(options: VectorIndexOptions): VectorIndex {
  return new VectorIndex(options);
}

export class VectorIndex {
  readonly name: string;
  readonly #settings: Settings<typeof VECTOR_INDEX>;
  readonly #clock: Clock;
  readonly #schema: Schema;
  readonly #truth: Truth;
  readonly #follower: Follower;
  readonly #watch: Watch;
  readonly #model: Model;
  #lineup: Promise<Lineup> | undefined;

  /** Use createIndex(). */
  constructor(options: VectorIndexOptions) {
    const settings = readOptions('createIndex', options, VECTOR_INDEX);
    const { redis, tls, name, prefix, callTimeout, clock, tombstones, ahead, vectors } = settings;
    const { model, dimensions, metric, recall, memory } = vectors;
    this.name = name;
    this.#settings = settings;
    this.#clock = clock;
    this.#schema = settings.schema;
    this.#truth = new Truth({ redis, tls, name, prefix, callTimeout, clock, tombstones, ahead });
    this.#model = { name: model, definition: JSON.stringify({ dimensions, metric }) };
    this.#follower = new Follower({
      ...{ truth: this.#truth, clock, tombstones, model: this.#model },
      indexOf: (generation, of) => {
        this.#requireSameModel(of);
        const shape = JSON.parse(of.definition) as { dimensions: number; metric: Metric };
        return new GenerationIndex(generation, of.name, { ...shape, recall, memory, clock });
      },
    });
    this.#watch = new Watch(this.#follower, this.#truth, clock);
  }

  /** Resolves when everything that was written before is applied here. Throws UnavailableError and MisuseError. */
  async ready(): Promise<void> {
    await this.#look();
  }

  /**
   * Writes a document, in place of the one of its id, unless a later event is there. Throws StaleTokenError if that was written
   * under a higher token of the holder's issuer, MisuseError for a document that cannot be stored, and UnavailableError.
   */
  async put(document: Document, options: PutOptions = {}): Promise<Written> {
    const { time, ttl, holder } = readOptions('put', options, PUT);
    const { id, vectors, body } = this.#readDocument(document);
    const numbers = numbersOf(vectors);
    const digest = digestOf(numbers);
    const bytes = vectorBytes(digest, vectors.length, numbers);
    const write = { word: 'put' as const, id, time, ttl, digest, body, ...signed(holder) };
    for (let tries = 0; ; tries += 1) {
      const generation = await this.#generation();
      const stored = vectors.length > 0 ? new Map([[generation, bytes]]) : new Map<string, Buffer>();
      const written = await this.#write({ ...write, expected: undefined, vectors: stored });
      if (written) return written;
      this.#lineup = undefined; // the generations are others than we knew
      if (tries >= TRIES) throw this.#restless();
    }
  }

  /** Deletes a document, unless a later event is there. Throws StaleTokenError, MisuseError and UnavailableError as `put` does. */
  async delete(id: string, options: DeleteOptions = {}): Promise<Written> {
    const { time, holder } = readOptions('delete', options, DELETE);
    const { models } = await this.#open();
    const written = await this.#write({
      ...{ word: 'delete', id: requireId(id), time, ttl: undefined, body: '', ...signed(holder) },
      ...{ digest: Buffer.alloc(16), expected: undefined },
      vectors: new Map([...models.keys()].map((generation) => [generation, Buffer.alloc(0)])),
    });
    if (written) return written;
    throw this.#restless();
  }

  /**
   * The documents that are nearest to a vector. With `after` it sees that write, wherever it was made; UnavailableError if
   * this process has not applied it within `wait`, and PlaceLostError, which is one, if the server may have forgotten it. The
   * first search reads everything. Throws MisuseError.
   */
  async search(options: FindOptions): Promise<Results> {
    const wishes = readOptions('search', options, FIND);
    const { vector, limit, offset, minScore, filter, after, wait } = wishes;
    if (limit + offset > MOST) {
      throw new MisuseError(
        `"limit" and "offset" of search are ${MOST} together at most; got ${limit} and ${offset}.`,
      );
    }
    const matches = filter && matcherOf(filter, this.#schema);
    await this.#reach(after, wait);
    const { serving, documents } = this.#follower;
    if (serving === undefined) throw new Error('nothing was read');
    this.#requireServed(serving);
    this.#follower.expire();
    const near = serving.nearest(vector, {
      most: limit + offset,
      minScore,
      matches: matches && ((id) => this.#matches(id, matches)),
    });
    const hits = near.slice(offset).flatMap(({ id, score, chunk }): FoundDocument[] => {
      const known = documents.get(id);
      return known ? [{ id, score, chunk, attributes: known.attributes, time: new Date(known.time) }] : [];
    });
    return { hits, place: this.#place };
  }

  stats(): VectorIndexStats {
    const { documents, behind, unapplied, unreadable, failure, serving } = this.#follower;
    return {
      ...{ documents: documents.size, behind, unapplied, unreadable, failure },
      vectors: serving?.stats(),
    };
  }

  /** Stops following. Calls under way reject. */
  async close(): Promise<void> {
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

  #matches(id: string, matches: Matches): boolean {
    const known = this.#follower.documents.get(id);
    return known !== undefined && matches(known.attributes);
  }

  /** Waits until this process has applied a place, or everything for the first time. */
  async #reach(place: string | undefined, wait: number): Promise<void> {
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

  async #write(write: Write): Promise<Written | undefined> {
    const judged = await this.#truth.put(write);
    if (judged === undefined) return undefined;
    return this.#writtenOf(write, judged.epoch, judged.verdict);
  }

  #writtenOf({ id, token, time }: Write, epoch: string, verdict: Verdict): Written {
    switch (verdict.word) {
      case 'written':
        return {
          outcome: 'written',
          place: `${epoch}@${verdict.sequence}`,
          replaced: verdict.wasThere,
        };
      case 'older':
        return {
          outcome: 'older',
          time: new Date(verdict.time),
          isDeleted: verdict.isDeletion,
          place: `${epoch}@0`,
        };
      case 'stale':
        throw new StaleTokenError(
          `The document ${display(id)} of the index "${this.name}" was written under token ${verdict.token}; ${token} is lower. Nothing was done; stop the work.`,
          { resource: id, offered: token, seen: verdict.token, reason: 'lower' },
        );
      case 'ahead':
        throw new MisuseError(
          `time of the document ${display(id)} is ${display(new Date(time ?? 0))}, which is more than ${this.#settings.ahead} ms ahead of the server's ${display(new Date(verdict.now))}. Nothing was done; see whose clock is wrong.`,
        );
      default:
        throw new Error(`a write was answered with "${verdict.word}"`);
    }
  }

  /** The generation of the vectors that this program makes. */
  async #generation(): Promise<string> {
    const { models } = await this.#open();
    for (const [generation, model] of models) if (model.name === this.#model.name) return generation;
    throw this.#otherModel([...models.values()].map(({ name }) => name));
  }

  async #open(): Promise<Lineup> {
    this.#lineup ??= this.#truth.open(this.#model);
    const lineup = await this.#lineup.catch((error: unknown) => {
      this.#lineup = undefined;
      throw error;
    });
    for (const each of lineup.models.values()) this.#requireSameModel(each);
    return lineup;
  }

  #requireSameModel({ name, definition }: Model): void {
    if (name !== this.#model.name || definition === this.#model.definition) return;
    throw new MisuseError(
      `The model "${name}" of the index "${this.name}" has ${definition}, and this program says ${this.#model.definition}. Give "vectors" of createIndex() as it was, or another name for another model.`,
    );
  }

  #requireServed({ model }: GenerationIndex): void {
    if (model !== this.#model.name) throw this.#otherModel([model]);
  }

  #otherModel(models: readonly string[]): MisuseError {
    return new MisuseError(
      `The index "${this.name}" has vectors of ${models.map((each) => `"${each}"`).join(', ')}, and this program makes those of "${this.#model.name}": they cannot be compared.`,
    );
  }

  #restless(): UnavailableError {
    return new UnavailableError(
      `The generations of the index "${this.name}" changed again and again; nothing was done. Try again.`,
      [],
    );
  }

  #readDocument(document: Document): { id: string; vectors: readonly Vector[]; body: string } {
    if (typeof document !== 'object' || document === null) {
      throw new MisuseError(`A document is an object with an id; got ${display(document)}.`);
    }
    const { id, vector, vectors = vector === undefined ? [] : [vector], attributes = {} } = document;
    requireId(id);
    if (vector !== undefined && document.vectors !== undefined) {
      throw new MisuseError(`The document ${display(id)} has "vector" and "vectors"; give one of them.`);
    }
    if (!Array.isArray(vectors) || vectors.length > MOST_CHUNKS) {
      throw new MisuseError(
        `"vectors" of the document ${display(id)} is a list of up to ${MOST_CHUNKS}; got ${display(vectors)}.`,
      );
    }
    const { dimensions, metric } = this.#settings.vectors;
    for (const each of vectors) prepareVector(each, metric as Metric, { dimensions, padded: dimensions });
    this.#requireKinds(id, attributes);
    const of = `"attributes" of the document ${display(id)}`;
    const body = encodeJson(attributes, { of, most: MOST_BYTES, advice: 'keep what is large elsewhere' });
    return { id, vectors, body };
  }

  #requireKinds(id: string, attributes: Attributes): void {
    if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
      throw new MisuseError(
        `"attributes" of the document ${display(id)} is an object; got ${display(attributes)}.`,
      );
    }
    for (const [name, kind] of Object.entries(this.#schema)) {
      const value = attributes[name];
      if (value === undefined || value === null) continue;
      const isText = (each: unknown): boolean => typeof each === 'string';
      const fits = kind === 'tag' ? isText(value) || isTexts(value) : Number.isFinite(value);
      if (fits) continue;
      const what = kind === 'tag' ? 'a text or a list of texts' : 'a finite number';
      throw new MisuseError(
        `The attribute "${name}" of the document ${display(id)} is ${what}; got ${display(value)}.`,
      );
    }
  }
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

/** The token of a holder, and what names its issuer. */
function signed(holder: unknown): { readonly token: number; readonly issuer: Buffer } {
  if (holder === undefined) return { token: 0, issuer: NO_ISSUER };
  const { token, issuer } = requireClaim(holder);
  return { token, issuer: createHash('sha256').update(issuer).digest().subarray(0, 8) };
}

function requireId(id: unknown): string {
  const isText = typeof id === 'string' && !/\p{Cs}/u.test(id);
  const length = isText ? Buffer.byteLength(id) : 0;
  if (isText && length >= 1 && length <= 256) return id;
  throw new MisuseError(
    `The id of a document is a well-formed string of 1 to 256 bytes; got ${display(id)}.`,
  );
}
