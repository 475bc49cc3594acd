/**
 * The vectors of an index in one memory: which slot each entry has. An index has one store, and a second one while it is
 * trained anew.
 */
import { LANES, LOWEST } from '../kernel/layout.js';
import { Balancer } from './balance.js';
import { type Found, IndexMemory, type MemoryOptions } from './memory.js';
import { SlotSet } from './slot-set.js';
import { Slots } from './slots.js';

const ABSENT = -1;

/** What is asked for of a store. */
export interface Ask {
  readonly k: number;
  readonly lists: number;
  /** Those slots only. */
  readonly among?: SlotSet | undefined;
  /** Whether all of them are scored, rather than those that their codes let pass. */
  readonly isAll?: boolean;
  /** Scores above this only, as the kernels count them. Default all. */
  readonly least?: number | undefined;
  /** How far below it scores may be, in parts of how large they can be: the error of rows. */
  readonly slack: number;
}

/** Reads the vector of an entry, in turned space, better than its row has it; returns its length for inner products. */
export type Reader = (entry: number, out: Float32Array) => number;

export class VectorStore {
  readonly memory: IndexMemory;
  readonly slots: Slots;
  /** What is taken off each vector and query, in turned space: zeros, but for distances. */
  readonly mean: Float32Array;
  readonly #read: Reader;
  readonly #slotOf: number[] = [];
  /** How many lists there were in the beginning. */
  firstLists: number;
  #balancer: Balancer | undefined;
  size = 0;

  /** `read` reads what is moved from list to list; by default from rows, so that a vector that is moved often becomes less precise. */
  constructor(options: MemoryOptions, mean: Float32Array, read?: Reader) {
    this.memory = new IndexMemory(options);
    this.mean = mean;
    this.#read = read ?? ((entry, out) => this.read(entry, out));
    this.slots = new Slots(this.memory);
    this.firstLists = this.memory.lists.live;
  }

  /** From now on lists that have grown are split, and those that have shrunk are given up. */
  balance(): void {
    this.#balancer = new Balancer(this);
  }

  get isBalanced(): boolean {
    return this.#balancer !== undefined;
  }

  /** Takes over the vectors of a block that has them already, and returns the entry of each. */
  adopt(block: number): number[] {
    const { memory } = this;
    this.slots.adopt(block);
    const entries: number[] = [];
    for (let slot = block * LANES; slot < (block + 1) * LANES; slot++) {
      if (memory.isEmpty(slot)) continue;
      const entry = memory.entryOf(slot);
      memory.label(slot, entry, memory.shareOf(slot));
      this.#slotOf[entry] = slot;
      this.size += 1;
      entries.push(entry);
    }
    return entries;
  }

  /** How many times as many lists as in the beginning there are. */
  get growth(): number {
    return this.memory.lists.live / this.firstLists;
  }

  has(entry: number): boolean {
    return (this.#slotOf[entry] ?? ABSENT) !== ABSENT;
  }

  slotOf(entry: number): number {
    return this.#slotOf[entry]!;
  }

  get occupied(): SlotSet {
    return this.slotsOf((visit) => {
      for (let entry = 0; entry < this.#slotOf.length; entry++) visit(entry);
    });
  }

  /** Those of the entries that are visited, as far as there are such. */
  slotsOf(each: (visit: (entry: number) => void) => void): SlotSet {
    const mask = new Uint32Array(this.memory.blocks);
    let count = 0;
    each((entry) => {
      const slot = this.#slotOf[entry] ?? ABSENT;
      if (slot === ABSENT) return;
      mask[slot >>> 5]! |= 1 << (slot & 31);
      count += 1;
    });
    return new SlotSet(mask, count);
  }

  get entries(): number[] {
    return [...this.#slotOf.keys()].filter((entry) => this.has(entry));
  }

  /**
   * Stores a turned vector for an entry, in place of the one that it had. `length` is that of the
   * vector for inner products, whose direction this is. Throws an UnavailableError if there is no memory left; nothing
   * has changed then.
   */
  put(entry: number, turned: Float32Array, length: number): void {
    const list = this.#place(entry, turned, length);
    this.#balancer?.changed(list);
  }

  delete(entry: number): void {
    if (!this.has(entry)) return;
    const list = this.memory.listOf(this.slotOf(entry));
    this.#drop(entry);
    this.#balancer?.changed(list);
  }

  /** Moves the vector of a slot into the list that is nearest, but for the one that is left. */
  move(slot: number): void {
    const entry = this.memory.entryOf(slot);
    const vector = new Float32Array(this.memory.shape.dimensions);
    this.#place(entry, vector, this.#read(entry, vector));
  }

  /** The vector of a slot, in turned space, without the mean. */
  vectorAt(slot: number): Float32Array {
    const vector = new Float32Array(this.memory.shape.dimensions);
    this.#read(this.memory.entryOf(slot), vector);
    return vector.map((value, j) => value - this.mean[j]!);
  }

  /** The vector of an entry, as its row has it, in turned space; returns its length for inner products. */
  read(entry: number, out: Float32Array): number {
    const slot = this.slotOf(entry);
    this.memory.readRow(slot, out);
    for (let j = 0; j < out.length; j++) out[j]! += this.mean[j]!;
    return this.memory.shareOf(slot);
  }

  /** How far a vector is from the centroid of its list. */
  distanceToCentroid(entry: number): number {
    const slot = this.slotOf(entry);
    const vector = new Float32Array(this.memory.shape.dimensions);
    this.memory.readRow(slot, vector);
    const centroid = this.memory.lists.centroid(this.memory.listOf(slot));
    let square = 0;
    for (let j = 0; j < vector.length; j++) square += (vector[j]! - centroid[j]!) ** 2;
    return Math.sqrt(square);
  }

  /** The nearest to a turned query, in no order. */
  find(query: Float32Array, { k, lists, among, isAll, least, slack }: Ask): Found[] {
    const { memory } = this;
    const { kernel, scratch } = memory;
    if (isAll && among) {
      const at = memory.listSlots(among.slots);
      this.#write(query);
      return memory.results(kernel.exact(scratch, k, at, among.count));
    }
    const masks = among ? memory.maskOf(among) : 0;
    const square = this.#write(query);
    kernel.bound(least === undefined ? LOWEST : least - slack * memory.scoreScale(square));
    return memory.results(kernel.search(scratch, k, lists, masks));
  }

  /** What was found, with the entry of each. */
  named(found: readonly Found[]): (Found & { readonly entry: number })[] {
    return found.map((each) => ({ ...each, entry: this.memory.entryOf(each.slot) }));
  }

  /** Returns the list into which it has put the vector. */
  #place(entry: number, turned: Float32Array, length: number): number {
    const { memory } = this;
    const { kernel, scratch, shape } = memory;
    this.#write(turned);
    const point = scratch + 4 * shape.dimensions;
    const scale = kernel.scaleOf(scratch);
    kernel.toInt16(scratch, point, scale);
    const list = memory.lists.nearest(point, scale, this.#balancer?.leaving);
    const slot = this.slots.take(list);
    kernel.encode(scratch, list, slot);
    memory.label(slot, entry, length);
    // Only now, so that a search finds the old vector or the new one.
    this.#drop(entry);
    this.#slotOf[entry] = slot;
    this.size += 1;
    return list;
  }

  #drop(entry: number): void {
    if (!this.has(entry)) return;
    this.slots.release(this.slotOf(entry));
    this.#slotOf[entry] = ABSENT;
    this.size -= 1;
  }

  #write(turned: Float32Array): number {
    return this.writeAt(this.memory.scratch, turned);
  }

  /** Writes a turned vector without the mean, and returns the square of its length then. */
  writeAt(at: number, turned: Float32Array): number {
    const { floats } = this.memory;
    let square = 0;
    for (let j = 0; j < turned.length; j++) {
      const value = turned[j]! - this.mean[j]!;
      floats[at / 4 + j] = value;
      square += value * value;
    }
    return square;
  }
}
