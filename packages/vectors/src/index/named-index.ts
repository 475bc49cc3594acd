/**
 * Documents with several vectors, each under a name and in an index of its own: of the title and of the text, or of the models of
 * two makers.
 *
 * Guarantees: of a put all vectors are taken, or none, and the document has those that it had before.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { LocalIndexOptions, SearchOptions, TrainOptions } from '../options.js';
import { type Core, type IndexStats, requireId } from './core.js';
import type { Hit } from './finding.js';
import type { Vector } from './metric.js';

export type NamedOptions<Name extends string> = Readonly<Record<Name, LocalIndexOptions>>;

export type NamedVectors<Name extends string> = Readonly<Partial<Record<Name, Vector>>>;

/** The documents of a namespace. */
export class NamedNamespace<Name extends string> {
  readonly #cores: ReadonlyMap<string, Core>;
  readonly #space: string;

  constructor(cores: ReadonlyMap<string, Core>, space: string) {
    this.#cores = cores;
    this.#space = space;
  }

  /** Whether it has a vector under any name. */
  has(id: string): boolean {
    return [...this.#cores.values()].some((core) => core.has(this.#space, id));
  }

  /**
   * Stores the vectors of a document, in place of all that it had: a name that is not given has none then. Throws MisuseError
   * and UnavailableError as `put` of an index; nothing has changed then.
   */
  put(id: string, vectors: NamedVectors<Name>): void {
    const given = Object.entries(vectors ?? {}).filter(([, vector]) => vector !== undefined) as [
      string,
      Vector,
    ][];
    if (given.length === 0) {
      throw new MisuseError(`A document has a vector under one name at least; got ${display(vectors)}.`);
    }
    requireId('An id', id);
    for (const [name, vector] of given) this.#core(name).check(vector);
    const undo: (() => void)[] = [];
    try {
      for (const [name, core] of this.#cores) {
        undo.push(core.remember(this.#space, id));
        const vector = vectors[name as Name];
        if (vector === undefined) core.delete(this.#space, id);
        else core.put(this.#space, id, vector);
      }
    } catch (error) {
      this.#undo(id, undo);
      throw error;
    }
  }

  /** Puts back what there was; what a full memory does not take back is deleted under all names, rather than kept by half. */
  #undo(id: string, steps: readonly (() => void)[]): void {
    try {
      for (const step of steps.toReversed()) step();
    } catch {
      this.delete(id);
    }
  }

  /** Whether there was one. */
  delete(id: string): boolean {
    const had = [...this.#cores.values()].map((core) => core.delete(this.#space, id));
    return had.includes(true);
  }

  /** The documents whose vectors of this name are nearest, as `search` of an index. */
  search(name: Name, vector: Vector, options: SearchOptions = {}): Hit[] {
    return this.#core(name).search(this.#space, vector, options);
  }

  /** As `searchMany` of an index. */
  async searchMany(name: Name, vectors: readonly Vector[], options: SearchOptions = {}): Promise<Hit[][]> {
    return this.#core(name).searchMany(this.#space, vectors, options);
  }

  #core(name: string): Core {
    const core = this.#cores.get(name);
    if (core) return core;
    const names = [...this.#cores.keys()].join(', ');
    throw new MisuseError(`There are vectors of the names ${names}; got ${display(name)}.`);
  }
}

export class NamedIndex<Name extends string> extends NamedNamespace<Name> {
  readonly #cores: ReadonlyMap<Name, Core>;

  constructor(cores: ReadonlyMap<Name, Core>) {
    super(cores, '');
    this.#cores = cores;
  }

  /** Documents apart from all others. Throws MisuseError. */
  namespace(name: string): NamedNamespace<Name> {
    requireId('A namespace', name);
    return new NamedNamespace(this.#cores, name);
  }

  /** Trains the index of each name for which that is due, one after the other. Throws as `train` of an index. */
  async train(options: TrainOptions = {}): Promise<void> {
    for (const core of this.#cores.values()) {
      if (core.stats().isTrainingDue) await core.train(options);
    }
  }

  stats(): Readonly<Record<Name, IndexStats>> {
    return Object.fromEntries([...this.#cores].map(([name, core]) => [name, core.stats()])) as Record<
      Name,
      IndexStats
    >;
  }

  /** As `snapshot` of an index, of all names at the same moment. */
  async snapshot(): Promise<Readonly<Record<Name, Uint8Array>>> {
    const taken = [...this.#cores].map(async ([name, core]) => [name, await core.snapshot()] as const);
    return Object.fromEntries(await Promise.all(taken)) as Record<Name, Uint8Array>;
  }

  /** Ends the threads of `searchMany` of all names. */
  async close(): Promise<void> {
    await Promise.all([...this.#cores.values()].map((core) => core.close()));
  }
}

export function namesOf<Name extends string>(options: NamedOptions<Name>): Name[] {
  const names = Object.keys(options ?? {}) as Name[];
  if (names.length > 0) return names;
  throw new MisuseError(`An index of named vectors has options for each name; got ${display(options)}.`);
}
