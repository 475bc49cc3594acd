/**
 * The memory of one index: tables of its lists, and extents of blocks.
 *
 * Guarantees: what has an address keeps it. Throws an `UnavailableError` when the memory may not grow further; nothing has
 * changed then.
 */
import type { Kernel } from '../kernel/kernel.js';
import { HEADER, LANES, type Metric, NUMBERS, type Shape, shapeOf } from '../kernel/layout.js';
import { kernelOver } from '../kernel/load.js';
import type { Memory } from '../kernel/web-assembly.js';
import { Arena } from './arena.js';
import { type ListOptions, Lists } from './lists.js';
import type { SlotSet } from './slot-set.js';

const MOST_EXTENTS = 4_096;

export interface MemoryOptions extends ListOptions {
  /** A multiple of 32. */
  readonly dimensions: number;
  /** Most bytes. */
  readonly limit: number;
  readonly plain: boolean;
}

/** Bytes; together they are all of an index, without the ids. */
export interface MemoryParts {
  readonly codes: number;
  readonly rows: number;
  /** Places of blocks that have no vector, of those that have had one too. */
  readonly free: number;
  /** Blocks that had no vector yet: a system gives no memory for them before. */
  readonly untouched: number;
  /** Of the lists, and what searches write. */
  readonly tables: number;
  readonly originals: number;
}

export interface Found {
  readonly score: number;
  readonly slot: number;
}

export class IndexMemory {
  readonly kernel: Kernel;
  readonly shape: Shape;
  readonly lists: Lists;
  readonly #arena: Arena;
  readonly #metric: Metric;
  readonly #extentTable: number;
  readonly #extents: number[] = [];
  readonly #freeBlocks: number[] = [];
  #blocks = 0;
  /** Of all vectors that there were, for inner products. */
  #longest = 0;
  /** Of a filter: a word for each block. */
  #masks = { at: 0, bytes: 0 };
  /** Of slots that are to be scored exactly. */
  #slots = { at: 0, room: 0 };

  constructor(options: MemoryOptions) {
    const { dimensions, limit, plain } = options;
    this.#metric = options.metric;
    this.shape = shapeOf(dimensions);
    this.#arena = new Arena(limit, () => this.kernel.attach(HEADER));
    this.kernel = kernelOver(this.#arena.memory, plain);
    this.#extentTable = this.take(4 * MOST_EXTENTS);
    this.lists = new Lists(
      { arena: this.#arena, kernel: this.kernel, shape: this.shape, extents: this.#extentTable },
      options,
    );
  }

  get bytes(): number {
    return this.#arena.used;
  }

  /** What so many vectors take of it, by part. */
  partsOf(vectors: number): Omit<MemoryParts, 'originals'> {
    const { blockBytes, dimensions, extentBytes, blocks } = this.shape;
    const extents = this.#extents.length * extentBytes;
    const untouched = (this.#extents.length * blocks - this.#blocks) * (extentBytes / blocks);
    const codes = (vectors * blockBytes) / LANES;
    const rows = vectors * dimensions;
    return { codes, rows, free: extents - untouched - codes - rows, untouched, tables: this.bytes - extents };
  }

  get words(): Uint32Array {
    return this.#arena.words;
  }

  get floats(): Float32Array {
    return this.#arena.floats;
  }

  get scratch(): number {
    return this.lists.scratch;
  }

  /** An address, a multiple of 64, of so many bytes, which are zero. */
  take(bytes: number): number {
    return this.#arena.take(bytes);
  }

  write(at: number, values: Float32Array): void {
    this.floats.set(values, at / 4);
  }

  /** A vector in turned space. */
  turn(values: Float32Array): Float32Array {
    this.write(this.scratch, values);
    this.kernel.rotate(this.scratch);
    const at = this.scratch / 4;
    return this.floats.slice(at, at + values.length);
  }

  /** A block with empty lanes, at the head of a list. */
  addBlock(list: number): number {
    const block = this.#freeBlocks.pop() ?? this.#newBlock();
    const head = this.lists.headAt(list);
    this.words[this.#linkOf(block, this.shape.next)] = this.words[head]!;
    this.words[this.#linkOf(block, this.shape.list)] = list;
    for (let lane = 0; lane < LANES; lane++) this.kernel.clear(block * LANES + lane);
    this.words[head] = block;
    return block;
  }

  /** Takes a block without vectors out of its list. */
  removeBlock(block: number): void {
    let link = this.lists.headAt(this.listOf(block * LANES));
    while (this.words[link] !== block) link = this.#linkOf(this.words[link]!, this.shape.next);
    this.words[link] = this.words[this.#linkOf(block, this.shape.next)]!;
    this.#freeBlocks.push(block);
  }

  /** The first block of a list that has one. */
  headOf(list: number): number {
    return this.words[this.lists.headAt(list)]!;
  }

  /** The block after this one in its list, or NONE. */
  nextOf(block: number): number {
    return this.words[this.#linkOf(block, this.shape.next)]!;
  }

  listOf(slot: number): number {
    return this.words[this.#linkOf(Math.floor(slot / LANES), this.shape.list)]!;
  }

  entryOf(slot: number): number {
    return this.words[this.#numbersOf(slot) + NUMBERS.entry / 4]!;
  }

  isEmpty(slot: number): boolean {
    return this.floats[this.#numbersOf(slot) + NUMBERS.base / 4] === Number.NEGATIVE_INFINITY;
  }

  /** The codes and numbers of a block. */
  codesOf(block: number): Uint8Array {
    const { blocks, blockBytes } = this.shape;
    const at = this.#extentOf(block) + (block % blocks) * blockBytes;
    return this.#arena.bytes.subarray(at, at + blockBytes);
  }

  rowsOf(block: number): Uint8Array {
    const at = this.#rowAt(block * LANES);
    return this.#arena.bytes.subarray(at, at + LANES * this.shape.dimensions);
  }

  /** Says whose the vector of a slot is, and, for inner products, how long. */
  label(slot: number, entry: number, length: number): void {
    const numbers = this.#numbersOf(slot);
    this.words[numbers + NUMBERS.entry / 4] = entry;
    if (this.#metric !== 'ip') return;
    this.floats[numbers + NUMBERS.share / 4] = length;
    this.lists.noteLength(this.listOf(slot), length);
    this.#longest = Math.max(this.#longest, length);
  }

  shareOf(slot: number): number {
    return this.floats[this.#numbersOf(slot) + NUMBERS.share / 4]!;
  }

  /** The vector of a slot as its row has it, in turned space, without the mean that was taken off. */
  readRow(slot: number, out: Float32Array): void {
    const { dimensions } = this.shape;
    const centroid = this.lists.centroid(this.listOf(slot));
    const scale = this.floats[this.#numbersOf(slot) + NUMBERS.scale / 4]!;
    const { bytes } = this.#arena;
    const at = this.#rowAt(slot);
    for (let j = 0; j < dimensions; j++) out[j] = centroid[j]! + scale * ((bytes[at + j]! << 24) >> 24);
  }

  /** How large scores can be, for a query of this squared length. */
  scoreScale(square: number): number {
    if (this.#metric === 'l2') return square;
    return this.#metric === 'ip' ? this.#longest : 1;
  }

  /** The address of masks with the bits of these slots. */
  maskOf(slots: SlotSet): number {
    if (this.#masks.bytes < this.maskBytes) {
      const bytes = this.maskBytes;
      this.#masks = { at: this.take(bytes), bytes };
    }
    this.writeMask(this.#masks.at, slots);
    return this.#masks.at;
  }

  /** How many blocks there are, with those that are free. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Of a mask of all blocks that there are, and of those for which there is room. */
  get maskBytes(): number {
    return 4 * (this.#extents.length * this.shape.blocks + 1);
  }

  writeMask(at: number, { mask, count }: SlotSet): void {
    const from = at / 4 + 1;
    const { words } = this;
    words.set(mask, from);
    words.fill(0, from + mask.length, Math.max(from + mask.length, from + this.#blocks));
    words[from - 1] = count;
  }

  /** The address of a list of slots. */
  listSlots(slots: ArrayLike<number>): number {
    if (this.#slots.room < slots.length) {
      this.#slots = { at: this.take(8 * slots.length), room: 2 * slots.length };
    }
    this.words.set(slots, this.#slots.at / 4);
    return this.#slots.at;
  }

  /** What the last search has found, in no order. */
  results(found: number): Found[] {
    return this.pairs(this.scratch + 10 * this.shape.dimensions, found);
  }

  /** So many pairs of a score and a slot. */
  pairs(at: number, count: number): Found[] {
    return Array.from({ length: count }, (_, i) => ({
      score: this.floats[at / 4 + 2 * i]!,
      slot: this.words[at / 4 + 2 * i + 1]!,
    }));
  }

  /** What threads share. */
  get shared(): Memory {
    return this.#arena.memory;
  }

  #newBlock(): number {
    if (this.#blocks === this.#extents.length * this.shape.blocks) {
      const at = this.take(this.shape.extentBytes);
      this.words[this.#extentTable / 4 + this.#extents.length] = at;
      this.#extents.push(at);
    }
    this.#blocks += 1;
    return this.#blocks - 1;
  }

  #extentOf(block: number): number {
    return this.#extents[block >>> this.shape.shift]!;
  }

  #linkOf(block: number, offset: number): number {
    return (this.#extentOf(block) + offset) / 4 + (block % this.shape.blocks);
  }

  #numbersOf(slot: number): number {
    const block = Math.floor(slot / LANES);
    const { blocks, blockBytes, dimensions } = this.shape;
    const at = this.#extentOf(block) + (block % blocks) * blockBytes + 4 * dimensions;
    return at / 4 + (slot % LANES);
  }

  #rowAt(slot: number): number {
    const block = Math.floor(slot / LANES);
    const lane = (block % this.shape.blocks) * LANES + (slot % LANES);
    return this.#extentOf(block) + this.shape.rows + lane * this.shape.dimensions;
  }
}
