/**
 * The vectors of what was applied a moment ago, for searches whose answer is on its way from the server: what they are told of these
 * documents is of an earlier state.
 *
 * Guarantees: nothing is kept while nobody watches. What was applied since a watch began is known whole, or said to be unknown.
 */

export interface Watch {
  /** What was applied later is of interest. */
  readonly from: number;
}

/** Of each name, the vectors of a document. */
export type Named = readonly (readonly Float32Array[])[];

interface Entry {
  readonly at: number;
  readonly vectors: Named;
}

/** Documents that are kept at most: a watch that has seen more begins again. */
const MOST = 10_000;

export class RecentVectors {
  readonly #watches = new Set<Watch>();
  /** By id, what was applied last at the end. */
  readonly #entries = new Map<string, Entry>();
  /** Rises with each document that is applied. */
  #now = 0;
  /** Up to here, something that was applied is not known. */
  #unknown = 0;

  get isWatched(): boolean {
    return this.#watches.size > 0;
  }

  watch(): Watch {
    const watch = { from: this.#now };
    this.#watches.add(watch);
    return watch;
  }

  /** Forgets what is of interest to nobody any more. */
  end(watch: Watch): void {
    this.#watches.delete(watch);
    const from = Math.min(...[...this.#watches].map((each) => each.from)); // Infinity without any
    for (const [id, { at }] of this.#entries) {
      if (at > from) break;
      this.#entries.delete(id);
    }
  }

  /** A document was applied: with these vectors, or, if that is undefined, with some that were not read. */
  note(id: string, vectors: Named | undefined): void {
    if (!this.isWatched) return;
    this.#now += 1;
    this.#entries.delete(id);
    if (vectors === undefined) {
      this.#unknown = this.#now;
      return;
    }
    this.#entries.set(id, { at: this.#now, vectors });
    if (this.#entries.size <= MOST) return;
    const [[oldest, { at }] = ['', { at: 0 }]] = this.#entries;
    this.#entries.delete(oldest);
    this.#unknown = Math.max(this.#unknown, at);
  }

  /** The vectors of all documents that were applied since a watch began; undefined if some are not known. */
  since({ from }: Watch): ReadonlyMap<string, Named> | undefined {
    if (from < this.#unknown) return undefined;
    const later = [...this.#entries].filter(([, { at }]) => at > from);
    return new Map(later.map(([id, { vectors }]) => [id, vectors]));
  }
}
