/**
 * What a service has read lately, kept in the process for as long as its `maxAge`.
 *
 * Guarantees: an entry has all rows of one entity that the service reads, as one command has read them, so what is answered of an
 * entity is of one instant. Its age counts from before it was asked for. It is found only under the generations that were
 * read: none is answered from one whose place another has taken. Its rows are the bytes of Redis, which are judged anew at each
 * answer, so it outlives neither a TTL nor a changed definition. Beyond the bound of rows, what was read first leaves first.
 */
import type { CacheSettings } from '../definition/service.js';

/** The rows of one entity, as one command has read them. */
export interface CachedRows {
  /** On the process's clock, in ms: before they were asked for. */
  readonly asked: number;
  /** The generation of each row, in their order. */
  readonly generations: readonly string[];
  /** Null for a row that is not there. */
  readonly rows: readonly (Buffer | null)[];
  /** The place in the log of the partition at which they stood so: "<epoch> <place>", '' before its first entry. */
  readonly at: string;
}

export class ReadCache {
  readonly maxAge: number;
  readonly #most: number;
  /** In the order in which they were asked for, nearly. */
  readonly #entries = new Map<string, CachedRows>();
  #rows = 0;

  constructor({ rows, maxAge }: CacheSettings) {
    this.#most = rows;
    this.maxAge = maxAge;
  }

  /** How many rows it has. */
  get rows(): number {
    return this.#rows;
  }

  /** What was asked for at `since` or later, under these generations. */
  find(key: string, generations: readonly string[], since: number): CachedRows | undefined {
    const found = this.#entries.get(key);
    if (found === undefined || found.asked < since) return undefined;
    return found.generations.every((each, place) => each === generations[place]) ? found : undefined;
  }

  /** Keeps what was read, unless something later is there. */
  keep(key: string, read: CachedRows): void {
    const known = this.#entries.get(key);
    if (known !== undefined && known.asked > read.asked) return;
    this.#drop(key);
    // What Redis's answer lies in is much larger than one row of it.
    const rows = read.rows.map((row) => row && Buffer.from(row));
    this.#entries.set(key, { ...read, rows });
    this.#rows += rows.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#rows <= this.#most) return;
      this.#drop(oldest);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#rows = 0;
  }

  #drop(key: string): void {
    this.#rows -= this.#entries.get(key)?.rows.length ?? 0;
    this.#entries.delete(key);
  }
}
