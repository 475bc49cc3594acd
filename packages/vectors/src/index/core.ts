/**
 * The vectors of an index, of all its namespaces, in the memory of this process: put, delete, search, and train, which makes lists of
 * near vectors. `LocalIndex` and `Namespace` are what users see of it, and say what is thrown.
 *
 * Guarantees: a search finds what was put before it, never what was deleted, and each id at most once. What a put replaces
 * is found until the new one is there. Training goes on beside all of them; a training that fails or is aborted leaves
 * everything as it was.
 */
import {
  BusyError,
  type Clock,
  display,
  MisuseError,
  type Random,
  readOptions,
  type Settings,
  throwIfAborted,
} from '@holdfast/kernel';
import type { Metric } from '../kernel/layout.js';
import {
  INDEX,
  type LocalIndexOptions,
  readSearch,
  type SearchOptions,
  type SearchWishes,
  TRAIN,
  type TrainOptions,
} from '../options.js';
import { ManySearches } from '../threads/many.js';
import { type Calibration, calibrate, LatestQueries } from './calibrate.js';
import { Entries } from './entries.js';
import { askFor, type Hit, hitsOf, type Question } from './finding.js';
import type { Found, MemoryOptions, MemoryParts } from './memory.js';
import { prepareVector, type Vector } from './metric.js';
import { Originals } from './originals.js';
import { Slices } from './slices.js';
import type { SlotSet } from './slot-set.js';
import { type Common, readSnapshot, takeSnapshot } from './snapshot.js';
import { type Ask, VectorStore } from './store.js';
import { LEAST, train } from './train.js';

export interface IndexStats {
  /** Of all namespaces. */
  readonly vectors: number;
  readonly lists: number;
  /** Of the index, without the ids. */
  readonly bytes: number;
  readonly parts: MemoryParts;
  /** How many lists a search looks at, and what recall was measured with that, on what. */
  readonly search: Calibration;
  /** Whether the index has grown fourfold since it was trained, or for the first time beyond 4,096 vectors. */
  readonly isTrainingDue: boolean;
}

/** Entries that a search may find. */
export interface Chosen {
  /** An object that stands for these entries: what was made of them is kept for it, until something changes. */
  readonly key: object;
  readonly each: (visit: (entry: number) => void) => void;
}

const NO_PARTS = { codes: 0, rows: 0, free: 0, untouched: 0, tables: 0 };
const UNTRAINED: Calibration = { lists: 1, recall: 1, of: 'stored vectors' };

export class Core {
  readonly #metric: Metric;
  readonly #dimensions: number;
  readonly #padded: number;
  readonly #recall: number;
  readonly #random: Random;
  #signs: Float32Array;
  readonly #settings: Settings<typeof INDEX>;
  #entries = new Entries();
  #originals: Originals | undefined;
  readonly #latest = new LatestQueries();
  #store: VectorStore | undefined;
  /** While a training goes on: what takes the place of the store when it has all. */
  #next: VectorStore | undefined;
  /** Why the training that goes on cannot come to its end. */
  #failure: unknown;
  #isTraining = false;
  readonly #many: ManySearches;
  /** Puts, deletes and trainings that there were. */
  #changes = 0;
  /** Of what was chosen, the slots as they were after so many changes. */
  readonly #chosen = new WeakMap<object, { readonly slots: SlotSet; readonly changes: number }>();
  #trainedAt = LEAST / 4;
  #calibration = UNTRAINED;

  /** Throws MisuseError. */
  constructor(options: LocalIndexOptions) {
    this.#settings = readOptions('createLocalIndex', options, INDEX);
    const { dimensions, metric, recall, random, originals } = this.#settings;
    this.#dimensions = dimensions;
    this.#padded = Math.ceil(dimensions / 32) * 32;
    this.#metric = metric as Metric;
    this.#recall = recall;
    this.#random = random;
    this.#many = new ManySearches(this.#settings);
    this.#originals = originals ? new Originals(dimensions) : undefined;
    // Random, so that nobody can make vectors that it does not even out.
    this.#signs = Float32Array.from({ length: 4 * this.#padded }, () => (random.unit() < 0.5 ? -1 : 1));
  }

  static async restore(snapshot: Uint8Array, options: LocalIndexOptions): Promise<Core> {
    const index = new Core(options);
    if (!(snapshot instanceof Uint8Array)) {
      throw new MisuseError(
        `A snapshot is a Uint8Array, as "snapshot()" has made it; got ${display(snapshot)}.`,
      );
    }
    const contents = await readSnapshot(snapshot, index.#common, {
      clock: index.#settings.clock,
      memory: (signs) => {
        index.#signs = signs;
        return index.#memoryOptions;
      },
      read: (entry, out) => index.#read(index.#store!, entry, out),
    });
    index.#entries = contents.entries;
    index.#originals = contents.originals;
    index.#store = contents.store;
    index.#calibration = contents.calibration;
    index.#trainedAt = contents.trainedAt;
    return index;
  }

  get entries(): Entries {
    return this.#entries;
  }

  has(space: string, id: string): boolean {
    return this.entryOf(space, id) !== undefined;
  }

  entryOf(space: string, id: string): number | undefined {
    return this.#entries.known(space, id);
  }

  /** Throws what `put` throws for a vector that it would not take. */
  check(vector: Vector): void {
    prepareVector(vector, this.#metric, this.#shape);
  }

  put(space: string, id: string, vector: Vector): void {
    requireId('An id', id);
    const { values, length } = prepareVector(vector, this.#metric, this.#shape);
    this.#store ??= this.#firstStore(values);
    this.#change();
    this.#place(space, id, { turned: this.#store.memory.turn(values), length, original: vector });
  }

  /** What puts back the vector that an id has now, as precisely as it is kept, or that it has none. */
  remember(space: string, id: string): () => void {
    const entry = this.#entries.known(space, id);
    if (entry === undefined) return () => void this.delete(space, id);
    const turned = new Float32Array(this.#padded);
    const length = this.#read(this.#store!, entry, turned);
    const original = this.#originals?.at(entry).slice();
    return () => {
      this.#change();
      this.#place(space, id, { turned, length, original });
    };
  }

  /** Whether there was one. */
  delete(space: string, id: string): boolean {
    if (!this.has(space, id)) return false;
    this.#change();
    const entry = this.#entries.delete(space, id);
    if (entry === undefined) return false;
    this.#store?.delete(entry);
    this.#next?.delete(entry);
    return true;
  }

  /** `chosen` are the only ones that may be found, in place of a filter. */
  search(space: string, vector: Vector, options: SearchOptions, chosen?: Chosen): Hit[] {
    const wishes = readSearch(options, this.#settings);
    const question = this.#question(vector);
    const store = this.#store;
    if (store === undefined || this.#entries.sizeOf(space) === 0) return [];
    const among = chosen ? this.#slotsOf(chosen) : this.#matching(space, wishes);
    const isFiltered = chosen !== undefined || wishes.filter !== undefined;
    const ask = this.#ask(question, wishes, { among, isFiltered });
    return this.#hits(store.find(question.turned, ask), question, wishes);
  }

  async searchMany(space: string, vectors: readonly Vector[], options: SearchOptions): Promise<Hit[][]> {
    const wishes = readSearch(options, this.#settings);
    if (!Array.isArray(vectors)) {
      throw new MisuseError(`searchMany takes an array of vectors; got ${display(vectors)}.`);
    }
    // As they are now, whatever their owner does with them.
    const given = vectors.map((vector) => {
      prepareVector(vector, this.#metric, this.#shape);
      return Float64Array.from(vector);
    });
    const results: Hit[][] = given.map(() => []);
    const questions: Question[] = [];
    const isFiltered = wishes.filter !== undefined;
    let matching: { readonly among: SlotSet | undefined; readonly changes: number } | undefined;
    await this.#many.answer(() => this.#store, {
      count: given.length,
      ask: (at) => {
        const question = this.#question(given[at]!);
        questions[at] = question;
        if (matching?.changes !== this.#changes) {
          matching = { among: this.#matching(space, wishes), changes: this.#changes };
        }
        const { among } = matching;
        return { query: question.turned, ask: this.#ask(question, wishes, { among, isFiltered }) };
      },
      tell: (at, found) => {
        results[at] = this.#hits(found, questions[at]!, wishes);
      },
    });
    return results;
  }

  close(): Promise<void> {
    return this.#many.close();
  }

  async train(options: TrainOptions): Promise<void> {
    const { signal } = readOptions('train', options, TRAIN);
    if (this.#isTraining) {
      throw new BusyError('The index is being trained.', { resource: 'index' });
    }
    const store = this.#store;
    if (store === undefined || store.size < LEAST) return;
    this.#isTraining = true;
    try {
      await this.#retrain(store, signal);
    } finally {
      this.#isTraining = false;
      this.#next = undefined;
    }
  }

  async snapshot(): Promise<Uint8Array> {
    return takeSnapshot(
      {
        ...{ entries: this.#entries, originals: this.#originals, store: this.#store, signs: this.#signs },
        ...{ calibration: this.#calibration, trainedAt: this.#trainedAt },
      },
      this.#common,
      this.#settings.clock,
    );
  }

  stats(): IndexStats {
    const store = this.#store;
    const originals = this.#originals?.bytes ?? 0;
    return {
      vectors: this.#entries.size,
      lists: store?.memory.lists.live ?? 1,
      bytes: (store?.memory.bytes ?? 0) + originals,
      parts: { ...(store?.memory.partsOf(store.size) ?? NO_PARTS), originals },
      search: this.#calibration,
      isTrainingDue: this.#entries.size >= 4 * this.#trainedAt,
    };
  }

  #place(
    space: string,
    id: string,
    { turned, length, original }: { turned: Float32Array; length: number; original: Vector | undefined },
  ): void {
    const entry = this.#entries.for(space, id);
    // First, because a list that this makes too large is split at once, by the originals.
    const before = this.has(space, id) ? this.#originals?.at(entry).slice() : undefined;
    if (original) this.#originals?.set(entry, original);
    try {
      this.#store!.put(entry, turned, length);
    } catch (error) {
      if (before) this.#originals?.set(entry, before);
      throw error;
    }
    try {
      this.#next?.put(entry, turned, length);
    } catch (error) {
      this.#next = undefined; // it would lack this vector
      this.#failure = error;
    }
    this.#entries.add(space, id);
  }

  /** Called before each change: no thread searches any more. */
  #change(): void {
    this.#many.settle();
    this.#changes += 1;
  }

  #question(vector: Vector): Question {
    const { values, length } = prepareVector(vector, this.#metric, this.#shape);
    const turned = this.#store?.memory.turn(values) ?? values;
    if (this.#store) this.#latest.add(turned);
    return { given: vector, turned, length };
  }

  /** Those of a namespace that match; undefined if that is all that there are. */
  #matching(space: string, { filter }: SearchWishes): SlotSet | undefined {
    const entries = this.#entries.matching(space, filter);
    return entries && this.#store!.slotsOf((visit) => entries.forEach(visit));
  }

  #slotsOf({ key, each }: Chosen): SlotSet {
    const known = this.#chosen.get(key);
    if (known?.changes === this.#changes) return known.slots;
    const slots = this.#store!.slotsOf(each);
    this.#chosen.set(key, { slots, changes: this.#changes });
    return slots;
  }

  #ask(
    question: Question,
    wishes: SearchWishes,
    { among, isFiltered }: { readonly among: SlotSet | undefined; readonly isFiltered: boolean },
  ): Ask {
    const store = this.#store!;
    const lists = this.#calibration.lists * store.growth;
    return askFor(question, wishes, { store, metric: this.#metric, lists, among, isFiltered });
  }

  #hits(found: readonly Found[], question: Question, wishes: SearchWishes): Hit[] {
    const originals = wishes.exact ? this.#originals : undefined;
    return hitsOf(this.#store!.named(found), question, wishes, {
      ...{ metric: this.#metric, entries: this.#entries, originals },
    });
  }

  async #retrain(store: VectorStore, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#settings;
    const entries = this.#entries.all;
    const mean = this.#metric === 'l2' ? await meanOf(store, entries, clock) : new Float32Array(this.#padded);
    const centroids = await train({
      vectors: entries.length,
      read: (index, out) => {
        // A vector that is gone meanwhile stands in the sample as the mean: a few do not matter.
        if (store.has(entries[index]!)) this.#read(store, entries[index]!, out);
        else out.set(mean);
        for (let j = 0; j < out.length; j++) out[j]! -= mean[j]!;
      },
      random: this.#random,
      clock,
      signal,
      memory: this.#memoryOptions,
    });
    const next = this.#storeOf(centroids, mean);
    this.#next = next;
    this.#failure = undefined;
    const slices = new Slices(clock);
    const vector = new Float32Array(this.#padded);
    for (const entry of entries) {
      if (store.has(entry) && !next.has(entry)) {
        const length = this.#read(store, entry, vector);
        next.put(entry, vector, length);
      }
      throwIfAborted(signal, 'The training');
      await slices.next();
      if (this.#next !== next) throw this.#failure;
    }
    const calibration = await calibrate(next, this.#recall, {
      latest: this.#latest,
      random: this.#random,
      clock,
    });
    if (this.#next !== next) throw this.#failure;
    next.balance();
    this.#change();
    this.#many.replaced();
    this.#store = next;
    this.#calibration = calibration;
    this.#trainedAt = next.size;
  }

  /** A vector in turned space, and its length for inner products: as it was put, or else as its row has it. */
  #read(store: VectorStore, entry: number, out: Float32Array): number {
    if (!this.#originals) return store.read(entry, out);
    const { values, length } = prepareVector(this.#originals.at(entry), this.#metric, this.#shape);
    out.set(store.memory.turn(values));
    return length;
  }

  #firstStore(values: Float32Array): VectorStore {
    const origin = new Float32Array(this.#padded);
    // Distances are told apart best near the origin, and the first vector is near the others.
    const store = this.#storeOf(origin, origin);
    return this.#metric === 'l2' ? this.#storeOf(origin, store.memory.turn(values)) : store;
  }

  #storeOf(centroids: Float32Array, mean: Float32Array): VectorStore {
    const store: VectorStore = new VectorStore({ ...this.#memoryOptions, centroids }, mean, (entry, out) =>
      this.#read(store, entry, out),
    );
    return store;
  }

  get #common(): Common {
    const { dimensions, metric, originals } = this.#settings;
    return { dimensions, metric, originals };
  }

  get #shape(): { dimensions: number; padded: number } {
    return { dimensions: this.#dimensions, padded: this.#padded };
  }

  get #memoryOptions(): Omit<MemoryOptions, 'centroids'> {
    const { memory, plain } = this.#settings;
    const limit = memory;
    return { dimensions: this.#padded, metric: this.#metric, signs: this.#signs, limit, plain };
  }
}

async function meanOf(store: VectorStore, entries: readonly number[], clock: Clock): Promise<Float32Array> {
  const { dimensions } = store.memory.shape;
  const sum = new Float64Array(dimensions);
  const vector = new Float32Array(dimensions);
  const slices = new Slices(clock);
  for (const entry of entries) {
    if (!store.has(entry)) continue;
    store.read(entry, vector);
    for (let j = 0; j < dimensions; j++) sum[j]! += vector[j]!;
    await slices.next();
  }
  return Float32Array.from(sum, (each) => each / Math.max(1, entries.length));
}

/** `what` begins the sentence: an id, or a namespace. */
export function requireId(what: string, id: unknown): void {
  if (typeof id === 'string' && id.length > 0 && id.length <= 512) return;
  throw new MisuseError(`${what} is a string of 1 to 512 characters; got ${display(id)}.`);
}
