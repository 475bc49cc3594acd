/** By document number: under which entries an index of vectors has the chunks of each document. */
import type { Selection } from '../attributes/selection.js';
import type { Chosen } from '../index/core.js';

const NONE = -1;

export class DocumentEntries {
  readonly #first: number[] = [];
  /** Of those that have several. */
  readonly #more = new Map<number, readonly number[]>();

  set(number: number, [first = NONE, ...more]: readonly number[]): void {
    while (this.#first.length < number) this.#first.push(NONE);
    this.#first[number] = first;
    if (more.length > 0) this.#more.set(number, more);
    else this.#more.delete(number);
  }

  /** Those of the documents that are selected. */
  chosenBy(selection: Selection): Chosen {
    return {
      key: selection,
      each: (visit) => {
        selection.each((number) => {
          const first = this.#first[number] ?? NONE;
          if (first === NONE) return;
          visit(first);
          for (const entry of this.#more.get(number) ?? []) visit(entry);
        });
      },
    };
  }
}
