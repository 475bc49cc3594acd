/** Which lanes of the blocks have a vector: finds a free one in a list, and gives blocks back that have none left. */
import { LANES } from '../kernel/layout.js';
import type { IndexMemory } from './memory.js';

export class Slots {
  readonly #memory: IndexMemory;
  /** Of each list: its slots without a vector. */
  readonly #free: number[][];
  /** Of each block: how many vectors it has. */
  readonly #counts: number[] = [];

  constructor(memory: IndexMemory) {
    this.#memory = memory;
    this.#free = Array.from({ length: memory.lists }, () => []);
  }

  take(list: number): number {
    const free = this.#free[list]!;
    if (free.length === 0) {
      const block = this.#memory.addBlock(list);
      for (let lane = LANES - 1; lane >= 0; lane--) free.push(block * LANES + lane);
      this.#counts[block] = 0;
    }
    const slot = free.pop()!;
    this.#counts[slot >>> 5]! += 1;
    return slot;
  }

  release(slot: number): void {
    const list = this.#memory.listOf(slot);
    const block = slot >>> 5;
    this.#memory.kernel.clear(slot);
    this.#counts[block]! -= 1;
    if (this.#counts[block] === 0) {
      this.#free[list] = this.#free[list]!.filter((each) => each >>> 5 !== block);
      this.#memory.removeBlock(block);
    } else {
      this.#free[list]!.push(slot);
    }
  }
}
