/** The rows that there ever were, by time and by the places of the log at which they stood so. */
import { headOf, type RowHead } from './names.js';

interface Version {
  /** True time since which it stood there, in microseconds. */
  readonly since: number;
  /** How many changes there were before. */
  readonly index: number;
  /** Undefined for one that was deleted, or forgotten. */
  readonly head: RowHead | undefined;
}

export class Versions {
  readonly #versions = new Map<string, Version[]>();
  /** By "<partition> <epoch> <place>", how many changes there had been when the log was first there. */
  readonly #places = new Map<string, number>();
  #count = 0;

  /** `row` is undefined for one that is gone. */
  add(name: string, since: number, row: string | undefined): void {
    const known = this.#versions.get(name) ?? [];
    this.#versions.set(name, known);
    this.#count += 1;
    known.push({ since, index: this.#count, head: row === undefined ? undefined : headOf(row) });
  }

  /** The log of a partition is there now. */
  isAt(place: string): void {
    if (!this.#places.has(place)) this.#places.set(place, this.#count);
  }

  /** The row as of a time. */
  of(name: string, time: number): RowHead | undefined {
    return this.#versions.get(name)?.findLast(({ since }) => since <= time)?.head;
  }

  /** The row as of a place of the log; `unknown` if the log was never there. */
  at(place: string, name: string): RowHead | undefined | 'unknown' {
    const count = this.#places.get(place);
    if (count === undefined) return 'unknown';
    return this.#versions.get(name)?.findLast(({ index }) => index <= count)?.head;
  }
}
