/**
 * Ids in their order, for pages: in blocks, so that a change moves few of them, and a page begins without a look at those before it.
 *
 * Guarantees: each id is there once. Adding, removing and finding cost a search among blocks, and a move within one.
 */

/** Ids of a block at first; one that has twice as many is split. */
const BLOCK = 512;

export class SortedIds {
  /** None is empty, and all ids of one are below those of the next. */
  readonly #blocks: string[][] = [];

  constructor(ids: Iterable<string>) {
    const all = [...ids].sort(inOrder);
    for (let from = 0; from < all.length; from += BLOCK) this.#blocks.push(all.slice(from, from + BLOCK));
  }

  add(id: string): void {
    const at = Math.min(this.#blockOf(id), Math.max(0, this.#blocks.length - 1));
    const block = this.#blocks[at];
    if (block === undefined) {
      this.#blocks.push([id]);
      return;
    }
    const place = firstFrom(block.length, (index) => block[index]! >= id);
    if (block[place] === id) return;
    block.splice(place, 0, id);
    if (block.length > 2 * BLOCK) this.#blocks.splice(at + 1, 0, block.splice(BLOCK));
  }

  delete(id: string): void {
    const at = this.#blockOf(id);
    const block = this.#blocks[at];
    const place = block ? firstFrom(block.length, (index) => block[index]! >= id) : 0;
    if (block?.[place] !== id) return;
    block.splice(place, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** Those above an id, or all, in order. Nothing may be added or removed meanwhile. */
  *after(id: string | undefined): Generator<string, void> {
    const first = id === undefined ? 0 : this.#blockOf(id);
    for (let at = first; at < this.#blocks.length; at++) {
      const block = this.#blocks[at]!;
      const isFirst = id !== undefined && at === first;
      const from = isFirst ? firstFrom(block.length, (index) => block[index]! > id) : 0;
      for (let place = from; place < block.length; place++) yield block[place]!;
    }
  }

  /** The first block whose last id is not below this one. */
  #blockOf(id: string): number {
    return firstFrom(this.#blocks.length, (at) => this.#blocks[at]!.at(-1)! >= id);
  }
}

export const inOrder = (one: string, other: string): number => {
  if (one === other) return 0;
  return one < other ? -1 : 1;
};

/** The first number below `end` from which on something is so; `end` if it is nowhere. */
function firstFrom(end: number, isSo: (at: number) => boolean): number {
  let [low, high] = [0, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
