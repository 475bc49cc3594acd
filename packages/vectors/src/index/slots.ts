/** Which lanes of the blocks have a vector: finds a free one in a list, and gives blocks back that have none left. */
import { LANES, NONE } from '../kernel/layout.js';
import type { IndexMemory } from './memory.js';

export class Slots {
  readonly #memory: IndexMemory;
  /** Of each list: its slots without a vector, and how many have one. */
  readonly #free: number[][] = [];
  readonly #sizes: number[] = [];
  /** Of each block: how many vectors it has. */
  readonly #counts: number[] = [];

  constructor(memory: IndexMemory) {
    this.#memory = memory;
  }

  /** How many vectors a list has. */
  sizeOf(list: number): number {
    return this.#sizes[list] ?? 0;
  }

  take(list: number): number {
    this.#free[list] ??= [];
    const free = this.#free[list];
    if (free.length === 0) {
      const block = this.#memory.addBlock(list);
      for (let lane = LANES - 1; lane >= 0; lane--) free.push(block * LANES + lane);
      this.#counts[block] = 0;
    }
    const slot = free.pop()!;
    this.#counts[slot >>> 5]! += 1;
    this.#sizes[list] = this.sizeOf(list) + 1;
    return slot;
  }

  /** Takes over a block that has its vectors already. */
  adopt(block: number): void {
    const list = this.#memory.listOf(block * LANES);
    this.#free[list] ??= [];
    let count = 0;
    for (let slot = block * LANES; slot < (block + 1) * LANES; slot++) {
      if (this.#memory.isEmpty(slot)) this.#free[list].push(slot);
      else count += 1;
    }
    this.#counts[block] = count;
    this.#sizes[list] = this.sizeOf(list) + count;
  }

  release(slot: number): void {
    const list = this.#memory.listOf(slot);
    const block = slot >>> 5;
    this.#memory.kernel.clear(slot);
    this.#counts[block]! -= 1;
    this.#sizes[list]! -= 1;
    if (this.#counts[block] === 0) {
      this.#free[list] = this.#free[list]!.filter((each) => each >>> 5 !== block);
      this.#memory.removeBlock(block);
    } else {
      this.#free[list]!.push(slot);
    }
  }

  /** Up to so many slots of a list that have a vector, one of `step` after the other. */
  *of(list: number, most: number, step = 1): Generator<number> {
    if (this.sizeOf(list) === 0) return;
    let [seen, told] = [0, 0];
    for (let block = this.#memory.headOf(list); block !== NONE; block = this.#memory.nextOf(block)) {
      for (let slot = block * LANES; slot < (block + 1) * LANES; slot++) {
        if (this.#memory.isEmpty(slot)) continue;
        if (seen % step === 0) {
          yield slot;
          told += 1;
          if (told === most) return;
        }
        seen += 1;
      }
    }
  }
}
