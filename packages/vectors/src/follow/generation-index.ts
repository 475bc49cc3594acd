/**
 * The vectors of one generation in the memory of this process: those of each document are replaced as a whole.
 *
 * Guarantees: a search finds each document at most once, by the nearest of its vectors, in one of its states: all of its
 * vectors are replaced in one turn. There are as many results as wanted, if as many documents match.
 */
import { type IndexStats, LocalIndex } from '../index/local-index.js';
import type { Vector } from '../index/metric.js';
import type { LocalIndexOptions } from '../options.js';

export interface NearDocument {
  readonly id: string;
  readonly score: number;
  /** Which of its vectors is the nearest, from 0. */
  readonly chunk: number;
}

interface Wanted {
  readonly most: number;
  readonly minScore: number | undefined;
  /** Which documents may be found; all, if undefined. */
  readonly matches: ((id: string) => boolean) | undefined;
}

/** Most results of one search of the local index. */
const MOST = 4_096;

const keyOf = (id: string, chunk: number): string => `${chunk}:${id}`;
const idOf = (key: string): string => key.slice(key.indexOf(':') + 1);

export class GenerationIndex {
  /** Its number. */
  readonly generation: string;
  readonly model: string;
  readonly dimensions: number;
  readonly #local: LocalIndex;
  /** How many vectors each document has. */
  readonly #counts = new Map<string, number>();

  constructor(generation: string, model: string, options: LocalIndexOptions) {
    this.generation = generation;
    this.model = model;
    this.dimensions = options.dimensions;
    this.#local = new LocalIndex(options);
  }

  stats(): IndexStats {
    return this.#local.stats();
  }

  train(signal: AbortSignal): Promise<void> {
    return this.#local.train({ signal });
  }

  /**
   * The document has these vectors, and no others. Throws MisuseError and UnavailableError as the local index does; it then
   * has none.
   */
  replace(id: string, vectors: readonly Vector[]): void {
    const before = this.#counts.get(id) ?? 0;
    try {
      for (const [chunk, vector] of vectors.entries()) this.#local.put(keyOf(id, chunk), vector);
      for (let chunk = vectors.length; chunk < before; chunk++) this.#local.delete(keyOf(id, chunk));
    } catch (error) {
      this.#counts.set(id, Math.max(before, vectors.length));
      this.delete(id);
      throw error;
    }
    if (vectors.length === 0) this.#counts.delete(id);
    else this.#counts.set(id, vectors.length);
  }

  delete(id: string): void {
    const count = this.#counts.get(id) ?? 0;
    for (let chunk = 0; chunk < count; chunk++) this.#local.delete(keyOf(id, chunk));
    this.#counts.delete(id);
  }

  /** The documents that are nearest, the best first; of equal scores the lower id first. */
  nearest(vector: Vector, { most, minScore, matches }: Wanted): NearDocument[] {
    const found = new Map<string, NearDocument>();
    let filter = matches && ((key: string) => matches(idOf(key)));
    for (;;) {
      const limit = Math.min(MOST, most);
      const hits = this.#local.search(vector, { limit, ...(filter && { filter }) });
      for (const { id: key, score } of hits) {
        const id = idOf(key);
        const isBelow = minScore !== undefined && score < minScore;
        if (!isBelow && !found.has(id)) found.set(id, { id, score, chunk: Number.parseInt(key, 10) });
      }
      const isLast = hits.length < limit || (minScore !== undefined && hits.at(-1)!.score < minScore);
      if (found.size >= most || isLast) break;
      // What was found has so many vectors that others did not come up: look among those.
      const passed = new Set(found.keys());
      filter = (key) => !passed.has(idOf(key)) && (matches === undefined || matches(idOf(key)));
    }
    const byScore = (one: NearDocument, other: NearDocument): number =>
      other.score - one.score || (one.id < other.id ? -1 : 1);
    return [...found.values()].sort(byScore).slice(0, most);
  }
}
