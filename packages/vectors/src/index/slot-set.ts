/** Slots that a search may find: a bit for each, in a word for each block, as kernels read it. */
import { LANES } from '../kernel/layout.js';

export class SlotSet {
  /** By block; those beyond have none. */
  readonly mask: Uint32Array;
  readonly count: number;
  #slots: Uint32Array | undefined;

  constructor(mask: Uint32Array, count: number) {
    this.mask = mask;
    this.count = count;
  }

  static of(slots: ArrayLike<number>, blocks: number): SlotSet {
    const mask = new Uint32Array(blocks);
    for (let at = 0; at < slots.length; at++) mask[slots[at]! >>> 5]! |= 1 << (slots[at]! & 31);
    return new SlotSet(mask, slots.length);
  }

  /** The same one by one, in their order. */
  get slots(): Uint32Array {
    this.#slots ??= this.#list();
    return this.#slots;
  }

  #list(): Uint32Array {
    const slots = new Uint32Array(this.count);
    let at = 0;
    for (let block = 0; block < this.mask.length; block++) {
      for (let rest = this.mask[block]!; rest !== 0; rest &= rest - 1) {
        slots[at++] = LANES * block + 31 - Math.clz32(rest & -rest);
      }
    }
    return slots;
  }
}
