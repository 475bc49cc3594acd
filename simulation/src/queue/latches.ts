/**
 * The latch that processes of a run share: they open it, count it down under few ids, again and again, and wait for it.
 *
 * Guarantees: judges when somebody goes on who has waited, and, for as long as the server forgets nothing, when nobody does
 * although all have counted.
 */
import type { Violate } from '../run/part.js';

/** Ids that count it down, of which it takes one fewer. */
export const LATCH_IDS = ['a', 'b', 'c', 'd', 'e'] as const;
export const LATCH_COUNT = LATCH_IDS.length - 1;

export class Latches {
  readonly #violate: Violate;
  readonly #begun = new Set<string>();
  readonly #counted = new Set<string>();
  #forgot = false;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  forgets(): void {
    this.#forgot = true;
  }

  /** Somebody counts down. */
  counts(id: string): void {
    this.#begun.add(id);
  }

  /** And was told that it counts. */
  counted(id: string): void {
    this.#counted.add(id);
  }

  /** Somebody begins to wait. Returns what judges how that ends. */
  waits(): (isOpen: boolean) => void {
    const isDue = this.#counted.size >= LATCH_COUNT;
    return (isOpen) => {
      if (isOpen && this.#begun.size < LATCH_COUNT)
        this.#violate('latch', `is at 0, but only ${[...this.#begun].join(', ')} have counted down`);
      if (!isOpen && isDue && !this.#forgot) this.#violate('latch', 'all have counted, but it is not at 0');
    };
  }
}
