/**
 * An index of vectors as its users see it, and its namespaces, which share its memory and lists but none of their ids.
 *
 * Guarantees: a namespace answers with its own ids only, and the index itself with those that are in no namespace.
 */
import type { LocalIndexOptions, SearchOptions, TrainOptions } from '../options.js';
import { Core, type IndexStats, requireId } from './core.js';
import type { Hit } from './finding.js';
import type { Vector } from './metric.js';

export type { IndexStats };

/** Vectors by id. */
export class Namespace {
  readonly #core: Core;
  readonly #name: string;

  constructor(core: Core, name: string) {
    this.#core = core;
    this.#name = name;
  }

  /** How many vectors it has. */
  get size(): number {
    return this.#core.entries.sizeOf(this.#name);
  }

  has(id: string): boolean {
    return this.#core.has(this.#name, id);
  }

  /**
   * Stores a vector under an id, in place of the one that it had. Throws MisuseError for a vector of other dimensions, with
   * numbers that are not finite, or without a direction, and UnavailableError when the memory is full.
   */
  put(id: string, vector: Vector): void {
    this.#core.put(this.#name, id, vector);
  }

  /** Whether there was one. */
  delete(id: string): boolean {
    return this.#core.delete(this.#name, id);
  }

  /** Deletes all, and answers how many there were. */
  clear(): number {
    const ids = this.#core.entries.ids(this.#name);
    for (const id of ids) this.delete(id);
    return ids.length;
  }

  /**
   * The nearest, the best first; of equal ones by id. Throws MisuseError; UnavailableError for a filter, or in a namespace, when the
   * memory is full.
   */
  search(vector: Vector, options: SearchOptions = {}): Hit[] {
    return this.#core.search(this.#name, vector, options);
  }

  /**
   * The same for many vectors, on threads that share the memory of the index. Each is answered as the index is at one moment
   * between this call and its end. A change waits for the searches that are under way, some milliseconds. Throws MisuseError before
   * anything is searched, and UnavailableError when the memory is full.
   */
  searchMany(vectors: readonly Vector[], options: SearchOptions = {}): Promise<Hit[][]> {
    return this.#core.searchMany(this.#name, vectors, options);
  }
}

export class LocalIndex extends Namespace {
  readonly #core: Core;

  /** An index without vectors, or of what there is. Throws MisuseError. */
  constructor(from: LocalIndexOptions | Core) {
    const core = from instanceof Core ? from : new Core(from);
    super(core, '');
    this.#core = core;
  }

  /** What `restoreLocalIndex` answers. */
  static async restore(snapshot: Uint8Array, options: LocalIndexOptions): Promise<LocalIndex> {
    return new LocalIndex(await Core.restore(snapshot, options));
  }

  /** Vectors apart from all others: of a tenant, say. It needs nothing until it has one. Throws MisuseError. */
  namespace(name: string): Namespace {
    requireId('A namespace', name);
    return new Namespace(this.#core, name);
  }

  /** The names of those that have a vector, in order. */
  get namespaces(): readonly string[] {
    return this.#core.entries.namespaces.filter((name) => name !== '').sort();
  }

  /**
   * Makes lists of near vectors, so that a search looks at a part of them, and measures how many lists the recall needs.
   * It takes some 80 microseconds of processor time a vector, in slices between which the event loop goes on. Throws
   * BusyError while another training goes on, AbortedError, and UnavailableError when the memory is full: lists
   * take more than none.
   */
  train(options: TrainOptions = {}): Promise<void> {
    return this.#core.train(options);
  }

  /**
   * The index as bytes, from which `restoreLocalIndex` makes an equal one: with a version and a checksum, as it is when this
   * is called. Copying them stops the event loop; the checksum is made in slices.
   */
  snapshot(): Promise<Uint8Array> {
    return this.#core.snapshot();
  }

  stats(): IndexStats {
    return this.#core.stats();
  }

  /** Ends the threads of `searchMany`, which the event loop answers from then on. The index may be used further. */
  close(): Promise<void> {
    return this.#core.close();
  }
}
