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
  type Settings,
  type TokenHolder,
  throwIfAborted,
  UnavailableError,
  unlessAborted,
  within,
} from '@holdfast/kernel';
import { aspectsOf, modelOf, ownModels, type Shape, setsOf, shapeOf, shapesOf } from './aspect.js';
import type { Schema } from './attributes/columns.js';
import type { Selection } from './attributes/selection.js';
import { EmbeddingCache } from './embed/cache.js';
import { type Embedded, Embedding, type EmbeddingDelivery } from './embed/tasks.js';
import { PlaceLostError } from './errors.js';
import type { KnownDocument } from './follow/documents.js';
import { Follower } from './follow/follower.js';
import { GenerationIndex } from './follow/generation-index.js';
import { vectorsMade } from './follow/made.js';
import { isOfEpoch, readPlace } from './follow/place.js';
import { ServerVectors } from './follow/server-vectors.js';
import { Snapshots } from './follow/snapshots.js';
import { Watch } from './follow/watch.js';
import type { GenerationBuilder } from './generations/builder.js';
import { type Generation, Generations } from './generations/generations.js';
import type { BeginOptions } from './generations/options.js';
import { KeywordIndex, type Text } from './keywords/keyword-index.js';
import { SparseIndex } from './keywords/sparse-index.js';
import { IndexNamespace } from './namespace.js';
import { type ExportedDocument, exported } from './operate/export.js';
import { healthOf, type IndexHealth } from './operate/health.js';
import type { VectorIndexStats } from './operate/stats.js';
import { pageOf } from './query/browse.js';
import { type Condition, conditionOf, type Filter } from './query/filter.js';
import { type Deleted, type Results, type Scrolled, type StoredDocument, told } from './query/results.js';
import { Search } from './query/search.js';
import { Texts } from './query/texts.js';
import { IndexPart } from './shard/part.js';
import { Telemetry } from './telemetry.js';
import type { Attributes } from './truth/record.js';
import { Truth } from './truth/truth.js';
import {
  DELETE,
  type DeleteOptions,
  EXPORT_IDS,
  type ExportOptions,
  FIND,
  type FindOptions,
  GET,
  type GetOptions,
  type PatchOptions,
  type PutOptions,
  SCROLL,
  type ScrollOptions,
  SEEN,
  SELECT,
  type SelectOptions,
  VECTOR_INDEX,
  type VectorIndexOptions,
  WAITING,
} from './vector-index-options.js';
import type { Document } from './write/document.js';
import { otherModel, type Patched, requireSameModel, Writer, type Written } from './write/writer.js';

/** Deletions that are under way at a time. */
const AT_ONCE = 256;

/** An index in Redis, not connected yet. Throws MisuseError. */
export function createIndex(options: VectorIndexOptions): VectorIndex {
  return new VectorIndex(options);
}

export class VectorIndex {
  readonly name: string;
  /** What its vectors are, by name; the name is empty if they have none. */
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly #clock: Clock;
  readonly #schema: Schema;
  readonly #truth: Truth;
  readonly #follower: Follower;
  readonly #watch: Watch;
  readonly #snapshots: Snapshots | undefined;
  readonly #writer: Writer;
  readonly #keywords: KeywordIndex | undefined;
  readonly #terms: SparseIndex | undefined;
  readonly #texts: Texts;
  readonly #search: Search;
  readonly #generations: Generations;
  readonly #telemetry: Telemetry;
  readonly #embedding: Embedding;
  #isClosed = false;

  /** Use createIndex(). */
  constructor(options: VectorIndexOptions) {
    const settings = readOptions('createIndex', options, VECTOR_INDEX);
    const { redis, tls, name, prefix, callTimeout, clock, random, tombstones, ahead } = settings;
    const { vectors: aspects, next, schema } = settings;
    const model = modelOf(aspects);
    const own = ownModels(aspects, next);
    this.name = name;
    this.shapes = Object.fromEntries(aspects.map(({ name: key, ...shape }) => [key, shapeOf(shape)]));
    this.#clock = clock;
    this.#telemetry = new Telemetry(name, clock);
    this.#schema = schema;
    this.#truth = new Truth({ redis, tls, name, prefix, callTimeout, clock, tombstones, ahead });
    const truth = this.#truth;
    const keywords = settings.keywords && new KeywordIndex({ ...options.keywords, clock });
    this.#keywords = keywords;
    const terms = settings.terms && new SparseIndex({ ...settings.terms, clock });
    this.#terms = terms;
    const fields = keywords && (settings.keywords?.fields ?? ('one text' as const));
    const models = [...own.keys()];
    const cache = settings.cache && new EmbeddingCache({ truth, ...settings.cache });
    const embedding = new Embedding({
      ...{ index: name, truth, queue: settings.tasks, cache },
      open: () => this.#writer.open(),
      aspectsOf: (of) => aspectsOf(own, of),
    });
    this.#embedding = embedding;
    this.#writer = new Writer({
      ...{ index: name, truth, models, ahead, shape: { schema, aspects, fields } },
      unembedded: (generation, id, digest) => embedding.add(generation, id, digest),
    });
    const follower = new Follower({
      ...{ truth, clock, schema, tombstones, model, keywords, terms },
      epochBegan: (epoch) => this.#telemetry.epochBegan(epoch),
      indexOf: (generation, of) => {
        for (const each of models) requireSameModel(name, each, of);
        const sets = setsOf(of);
        if (sets.length > 0) return new ServerVectors(generation, of.name, sets);
        const declared = aspectsOf(own, of.name) ?? aspects;
        const shapes = [...shapesOf(of)].map(([key, shape]) => {
          const { recall, memory } = declared.find((each) => each.name === key) ?? aspects[0]!;
          return [key, { ...shape, recall, memory, clock, random }] as const;
        });
        return new GenerationIndex(generation, of.name, Object.fromEntries(shapes));
      },
    });
    this.#follower = follower;
    this.#watch = new Watch(follower, truth, clock);
    const { snapshots } = settings;
    if (snapshots && aspects[0]?.engine === 'server') throw vectorsAreNotHere(name);
    this.#snapshots =
      snapshots && new Snapshots({ ...snapshots, follower, clock, random, prefix, index: name });
    this.#texts = new Texts(truth, keywords);
    this.#generations = new Generations({
      ...{ index: name, truth, model, next, cache },
      aspectsOf: (of) => aspectsOf(own, of),
    });
    this.#search = new Search({
      ...{ schema, aspects, keywords, terms, follower, truth, clock, texts: this.#texts },
      serving: () => {
        const { serving: index } = follower;
        if (index === undefined) throw new Error('nothing was read');
        const requireOwn = (): void => {
          if (index.model !== model.name) throw otherModel(name, model, [{ name: index.model }]);
        };
        return { index, aspects: aspectsOf(own, index.model), requireOwn };
      },
    });
  }

  /** Resolves when everything that was written before is applied here. Throws UnavailableError and MisuseError. */
  async ready(): Promise<void> {
    await this.#during('it was read', () => this.#look());
  }

  /**
   * Writes a document, in place of the one of its id, unless a later event is there. Throws StaleTokenError if that was written
   * under a higher token of the holder's issuer, MisuseError for a document that cannot be stored, and UnavailableError. With `wait` it
   * resolves when its vectors are made, too: a place that sees them. AbortedError from `signal` says that they are not waited for.
   */
  async put(document: Document, options: PutOptions = {}): Promise<Written> {
    const { wait, signal, ...how } = Object(options) as PutOptions;
    readOptions('put', { wait, signal }, WAITING);
    if (wait && !this.#embedding.hasQueue) throw nobodyMakesVectors(this.name);
    throwIfAborted(signal, 'a document was written');
    const written = await this.#during('a document was written', () =>
      this.#telemetry.writing('put', Object(document).id, () => this.#writer.put(document, how)),
    );
    if (wait === undefined || written.outcome !== 'written') return written;
    const { place } = written;
    const made = this.#during('its vectors were made', async () => {
      await this.#look();
      return vectorsMade(this.#follower, { id: document.id, place }, () => this.#truth.requireOpen());
    });
    return { ...written, place: await unlessAborted(signal, 'its vectors were made', made) };
  }

  /**
   * Changes attributes of a document, and keeps its other ones and its vectors; null removes one. So what the vectors are made of
   * must not change. Without a `ttl` it expires when it would have. Throws as `put` does.
   */
  async patch(id: string, attributes: Attributes, options: PatchOptions = {}): Promise<Patched> {
    return this.#during('a document was patched', () =>
      this.#telemetry.writing('patch', id, () => this.#writer.patch(id, attributes, options)),
    );
  }

  /** Deletes a document, unless a later event is there. Throws StaleTokenError, MisuseError and UnavailableError as `put` does. */
  async delete(id: string, options: DeleteOptions = {}): Promise<Written> {
    const deletion = () => this.#telemetry.writing('delete', id, () => this.#writer.delete(id, options));
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
    const found = this.#follower.documents.of(await this.#select('deleteAll', select));
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
   * The documents that are nearest to a vector, that have the words of a text or weights of terms, or that a ranking of all has first. With `after`
   * it sees that write, wherever it was made; UnavailableError if this process has not applied it within `wait`, and
   * PlaceLostError if the server may have forgotten it. The first search reads everything. Throws MisuseError, and
   * AbortedError.
   */
  async search(options: FindOptions): Promise<Results> {
    const wishes = readOptions('search', options, FIND);
    this.#search.check(wishes);
    const work = async (): Promise<Results> => {
      for (;;) {
        await this.#reach(wishes);
        const results = await this.#search.results(wishes);
        // While it searched, the server may have become one that has forgotten the place; reaching it throws then.
        if (wishes.after === undefined || isOfEpoch(results.place, wishes.after)) return results;
      }
    };
    return this.#telemetry.searching(wishes.limit, () => this.#during('it was searched', work));
  }

  /** A document, as it is known here; undefined if there is none. Throws as `search` does. */
  async get(
    id: string,
    options: GetOptions = {},
  ): Promise<(StoredDocument & { readonly text?: Text | undefined }) | undefined> {
    const { text, ...seen } = readOptions('get', options, GET);
    await this.#reach(seen);
    const known = this.#follower.documents.get(id);
    if (!known || !text) return known && told(known);
    const work = (): Promise<(Text | undefined)[]> => this.#texts.of([known]);
    const [found] = await unlessAborted(seen.signal, 'a text was read', this.#during('it was read', work));
    return { ...told(known), text: found };
  }

  /** How many documents match. Throws as `search` does. */
  async count(options: SelectOptions = {}): Promise<number> {
    return (await this.#select('count', options)).count;
  }

  /**
   * A page of the documents that match, in the order of their ids. A document that is there all the time is on one page, whatever
   * is written between them. Throws as `search` does.
   */
  async scroll(options: ScrollOptions = {}): Promise<Scrolled> {
    const { filter, limit, from, ...seen } = readOptions('scroll', options, SCROLL);
    const condition = this.#condition(filter);
    await this.#reach(seen);
    const { documents } = this.#follower;
    const { page, next } = pageOf(documents, documents.select(condition), { from, limit });
    return { documents: page.map(told), next };
  }

  /**
   * All documents that match, or those of some ids, with their vectors, in the order of ids, read from Redis page by page. What is written meanwhile may
   * come as it was or as it is. Throws as `search` does.
   */
  async *export(options: ExportOptions = {}): AsyncGenerator<ExportedDocument, void> {
    const { ids, ...select } = options;
    const wanted = readOptions('export', { ids }, { ids: EXPORT_IDS }).ids;
    const all = await this.#select('export', select);
    const known = wanted ? this.#known(wanted) : this.#follower.documents.of(all);
    const documents = exported({ truth: this.#truth, follower: this.#follower }, known);
    for (;;) {
      const next = await this.#during('documents were exported', () => documents.next());
      if (next.done) return;
      yield next.value;
    }
  }

  /**
   * How far an import of a name has come, as `noteProgress` was told last; 0 at first. It lies beside the documents: a server that
   * forgets them forgets it. Throws UnavailableError and MisuseError.
   */
  async progress(name: string): Promise<number> {
    return (await this.#during('it was read', () => this.#truth.progress(name))) ?? 0;
  }

  /** Notes how far an import has come, once that many of its documents are written. Throws UnavailableError and MisuseError. */
  async noteProgress(name: string, count: number): Promise<void> {
    if (!Number.isSafeInteger(count) || count < 0)
      throw new MisuseError(`"count" of noteProgress() is a whole number from 0; got ${display(count)}.`);
    await this.#during('it was written', () => this.#truth.noteProgress(name, count));
  }

  /** What is wrong with the index in this process, in words. */
  health(): IndexHealth {
    return healthOf(this.stats());
  }

  /**
   * A handler of the tasks that `tasks` is given, for a worker: it makes the vectors of a document by the `embedder` of the vectors.
   * It throws what the model throws, AbortedError when the task's signal aborts, MisuseError and UnavailableError.
   */
  embedder(): (task: EmbeddingDelivery) => Promise<Embedded> {
    return (task) => this.#during('a document was embedded', () => this.#embedding.handle(task));
  }

  /**
   * Adds a task for each document that lacks vectors of the live generation, such as one whose task was lost; resolves to how many
   * there are. Throws UnavailableError, MisuseError, AbortedError, and what the queue throws.
   */
  async embedMissing(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    const { signal } = readOptions('embedMissing', options, { signal: SEEN.signal });
    return this.#during('missing vectors were looked for', () => this.#embedding.addMissing(signal));
  }

  /** The generations of the index, in the order in which they began. Throws UnavailableError and MisuseError. */
  async generations(): Promise<readonly Generation[]> {
    return this.#during('generations were read', () => this.#generations.all());
  }

  /**
   * Begins to build the vectors of another model beside the live ones, under the token of the holder; or goes on where another
   * one has ended, with a higher token. Throws BusyError while another model is built, StaleTokenError when a later holder has
   * begun, MisuseError and UnavailableError.
   */
  async begin(options: BeginOptions, holder: TokenHolder): Promise<GenerationBuilder> {
    return this.#during('a generation was begun', () => this.#generations.begin(options, holder));
  }

  /**
   * Ends a generation that is not live, and deletes its vectors; what has ended half way goes on. Throws StaleTokenError when a later
   * holder has begun one, MisuseError and UnavailableError.
   */
  async retire(generation: string, holder: TokenHolder): Promise<void> {
    return this.#during('a generation was retired', () => this.#generations.retire(generation, holder));
  }

  /** The documents of a tenant, apart from all others. Needs a schema with `{ namespace: 'tag' }`. Throws MisuseError. */
  namespace(name: string): IndexNamespace {
    return new IndexNamespace(this, this.#schema, name);
  }

  /** What createShardedIndex() asks of the index of a shard. */
  part(): IndexPart {
    return new IndexPart({
      ...{ name: this.name, search: this.#search },
      reach: (seen) => this.#reach(seen),
      during: (doing, work) => this.#during(doing, work),
    });
  }

  stats(): VectorIndexStats {
    const { documents, behind, unapplied, unreadable, waiting, failure, serving } = this.#follower;
    const named = serving?.stats() ?? {};
    return {
      ...{ documents: documents.size, behind, unapplied, unreadable, waiting, failure },
      vectors: Object.values(named)[0],
      named: Object.hasOwn(named, '') ? {} : named,
      attributeBytes: documents.columnBytes,
      keywords: this.#keywords?.stats(),
      terms: this.#terms?.stats(),
      snapshotFailure: this.#snapshots?.failure,
    };
  }

  /** Stops following. Calls under way reject with AbortedError, later ones with MisuseError. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watch.close();
    this.#truth.close();
    await this.#snapshots?.close();
    await this.#follower.close();
  }

  #known(ids: readonly string[]): readonly KnownDocument[] {
    return [...new Set(ids)].flatMap((id) => this.#follower.documents.get(id) ?? []);
  }

  async #look(): Promise<void> {
    await this.#snapshots?.begin();
    this.#watch.start();
    await this.#follower.look();
  }

  async #select(where: string, options: SelectOptions): Promise<Selection> {
    const { filter, ...seen } = readOptions(where, options, SELECT);
    const condition = this.#condition(filter);
    await this.#reach(seen);
    return this.#follower.documents.select(condition);
  }

  /** Throws MisuseError. */
  #condition(filter: Filter | undefined): Condition | undefined {
    return filter && conditionOf(filter, this.#schema);
  }

  /** Waits until this process has applied a place, or everything for the first time; nothing that has expired is there then. */
  async #reach({ after, wait, signal }: Settings<typeof SEEN>): Promise<void> {
    throwIfAborted(signal, 'it was read');
    const work = (): Promise<void> => unlessAborted(signal, 'it was read', this.#apply(after, wait));
    await this.#during('it was read', work);
    this.#follower.expire();
  }

  /** Whatever is refused because the index was closed meanwhile was under way. */
  async #during<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#isClosed)
      throw new MisuseError(`The index "${this.name}" is closed; create another with createIndex().`);
    try {
      return await work();
    } catch (error) {
      if (!this.#isClosed || !(error instanceof MisuseError)) throw error;
      throw new AbortedError(`The index "${this.name}" was closed while ${doing}.`, 'close');
    }
  }

  async #apply(place: string | undefined, wait: number): Promise<void> {
    const follower = this.#follower;
    if (place === undefined) {
      if (follower.serving === undefined) await this.#look();
      return;
    }
    const { epoch, sequence } = readPlace(place);
    const isReached = (): boolean => follower.epoch === epoch && follower.reached >= sequence;
    if (!isReached()) {
      const late = `the write is not applied after ${wait} ms`;
      await within(this.#clock, wait, this.#look(), late).catch((cause: unknown) => {
        if (cause instanceof MisuseError || cause instanceof UnavailableError) throw cause;
        throw this.#late(late, cause);
      });
    }
    if (follower.epoch !== epoch) {
      throw new PlaceLostError(
        `The index "${this.name}" lies on another server than the one that answered ${display(place)}, or on one that may have forgotten it. Write it again if it is not there.`,
        { place: follower.place },
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

const nobodyMakesVectors = (name: string): MisuseError =>
  new MisuseError(
    `"wait" of put() is for vectors that workers make, and the index "${name}" has no "tasks" in createIndex(). Nothing was done.`,
  );

const vectorsAreNotHere = (name: string): MisuseError =>
  new MisuseError(
    `"snapshots" of createIndex() keep vectors, and those of the index "${name}" are in the server; leave "snapshots" out, or "engine".`,
  );
