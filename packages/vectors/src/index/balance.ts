/**
 * Keeps the lists of a store of about equal size while vectors come and go: a list that has grown to twice what it should
 * have is split, and one that has next to nothing is given up. Its vectors move into the lists that are then nearest, a few with
 * each change, so that no change takes long.
 *
 * Guarantees: a vector is always in one list. When the memory is full, nothing is split until a list has doubled again.
 */
import { UnavailableError } from '@holdfast/kernel';
import { halvesOf } from './halves.js';
import type { IndexMemory } from './memory.js';
import type { Slots } from './slots.js';

/** Vectors that are moved with each change. */
const MOVES = 4;
/** A list is split at so many times the size that it should have, and given up below this part of it. */
const LARGE = 2;
const SMALL = 1 / 8;
/** No list with fewer vectors is split. */
const LEAST = 64;

/** How many lists there should be for so many vectors: four times the root of half of them, a multiple of four. */
export function listsFor(vectors: number): number {
  return 4 * Math.ceil(Math.sqrt(vectors) / 2);
}

export interface Balanced {
  readonly memory: IndexMemory;
  readonly slots: Slots;
  readonly size: number;
  /** Moves the vector of a slot into the list that is nearest, but for the one that is left. */
  move(slot: number): void;
  /** The vector of a slot, in turned space, without the mean. */
  vectorAt(slot: number): Float32Array;
}

export class Balancer {
  readonly #store: Balanced;
  /** Of a list: a size that it had from the beginning, or with which it could not be split. */
  readonly #accepted: number[] = [];
  readonly #due = new Set<number>();
  /** The list that its vectors leave. */
  leaving: number | undefined;

  constructor(store: Balanced) {
    this.#store = store;
    for (let list = 0; list < store.memory.lists.count; list++)
      this.#accepted[list] = store.slots.sizeOf(list);
  }

  /** Says that a list has grown or shrunk, and goes on with what is to be done. */
  changed(list: number): void {
    if (this.#isLarge(list) || this.#isSmall(list)) this.#due.add(list);
    try {
      if (this.leaving === undefined) this.#begin();
      else this.#goOn(this.leaving);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      const left = this.leaving ?? list;
      this.#accepted[left] = this.#store.slots.sizeOf(left);
      this.leaving = undefined;
    }
  }

  #begin(): void {
    const [list] = this.#due;
    if (list === undefined) return;
    this.#due.delete(list);
    if (this.#isLarge(list)) this.#split(list);
    else if (this.#isSmall(list) && this.#store.memory.lists.live > 1) this.leaving = list;
  }

  #split(list: number): void {
    const { slots, memory } = this.#store;
    const size = slots.sizeOf(list);
    // As many as can be looked at in a millisecond.
    const sample = Math.max(32, Math.min(256, Math.floor(2 ** 17 / memory.shape.dimensions)));
    const step = Math.max(1, Math.floor(size / sample));
    const halves = halvesOf(Array.from(slots.of(list, sample, step), (slot) => this.#store.vectorAt(slot)));
    this.#accepted[list] = size;
    if (halves === undefined) return;
    for (const half of halves) this.#accepted[memory.lists.add(half)] = 0;
    this.leaving = list;
  }

  #goOn(list: number): void {
    const { slots, memory } = this.#store;
    for (const slot of [...slots.of(list, MOVES)]) this.#store.move(slot);
    if (slots.sizeOf(list) > 0) return;
    memory.lists.remove(list);
    this.#due.delete(list);
    this.leaving = undefined;
  }

  /** How many vectors a list should have. */
  get #share(): number {
    return this.#store.size / listsFor(this.#store.size);
  }

  #isLarge(list: number): boolean {
    const size = this.#store.slots.sizeOf(list);
    return size >= LEAST && size > LARGE * Math.max(this.#share, this.#accepted[list] ?? 0);
  }

  #isSmall(list: number): boolean {
    const size = this.#store.slots.sizeOf(list);
    return size > 0 && size < SMALL * this.#share;
  }
}
