/**
 * The memory of one index: tables of its lists, and extents of blocks, in one `WebAssembly.Memory` that grows.
 *
 * Guarantees: what has an address keeps it. Throws an `UnavailableError` when the memory may not grow further; nothing has
 * changed then.
 */
import { UnavailableError } from '@holdfast/kernel';
import type { Kernel } from '../kernel/kernel.js';
import {
  HEADER,
  HEADER_BYTES,
  LANES,
  METRICS,
  type Metric,
  MOST,
  NONE,
  NUMBERS,
  type Shape,
  shapeOf,
  writeHeader,
} from '../kernel/layout.js';
import { kernelOver } from '../kernel/load.js';
import { type Memory, WebAssembly } from '../kernel/web-assembly.js';

const PAGE = 65_536;
const MOST_EXTENTS = 4_096;

export interface MemoryOptions {
  /** A multiple of 32. */
  readonly dimensions: number;
  readonly metric: Metric;
  /** The centroid of each list, one after the other. */
  readonly centroids: Float32Array;
  /** Four rounds of a sign for each dimension. */
  readonly signs: Float32Array;
  /** Most bytes. */
  readonly limit: number;
  readonly plain: boolean;
}

export interface Found {
  readonly score: number;
  readonly slot: number;
}

export class IndexMemory {
  readonly kernel: Kernel;
  readonly shape: Shape;
  readonly lists: number;
  /** Units of a centroid of 16 bits in one of floats. */
  readonly centroidScale: number;
  /** Where searches have their query and results. */
  readonly scratch: number;
  readonly #memory: Memory;
  readonly #limit: number;
  readonly #metric: Metric;
  readonly #heads: number;
  readonly #lengths: number;
  readonly #extentTable: number;
  readonly #extents: number[] = [];
  readonly #freeBlocks: number[] = [];
  #blocks = 0;
  /** Of all vectors that there were, for inner products. */
  #longest = 0;
  #used = HEADER + HEADER_BYTES;
  #bytes: Uint8Array = new Uint8Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #floats: Float32Array = new Float32Array(0);
  /** Of a filter: a word for each block. */
  #masks = { at: 0, blocks: 0 };
  /** Of slots that are to be scored exactly. */
  #slots = { at: 0, room: 0 };

  constructor(options: MemoryOptions) {
    const { dimensions, centroids, metric, signs, limit, plain } = options;
    this.#limit = limit;
    this.#metric = metric;
    this.shape = shapeOf(dimensions);
    this.lists = centroids.length / dimensions;
    this.#memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
    this.kernel = kernelOver(this.#memory, plain);
    const lines = Math.ceil(this.lists / 4) * 4;
    this.centroidScale = scaleFor(centroids, dimensions);
    this.#extentTable = this.take(4 * MOST_EXTENTS);
    this.#heads = this.take(4 * lines);
    this.#lengths = this.take(4 * lines);
    const header = {
      dimensions,
      lists: this.lists,
      metric: METRICS.indexOf(metric),
      shift: this.shape.shift,
      extents: this.#extentTable,
      centroids16: this.take(2 * lines * dimensions),
      centroids: this.take(4 * lines * dimensions),
      squares: this.take(4 * lines),
      centroidScale: this.centroidScale,
      heads: this.#heads,
      lengths: this.#lengths,
      signs: this.take(16 * dimensions),
    };
    this.scratch = this.take(10 * dimensions + 8 * MOST + 8 * lines);
    writeHeader(new DataView(this.#memory.buffer), header);
    this.floats.set(signs, header.signs / 4);
    this.words.fill(NONE, this.#heads / 4, this.#heads / 4 + lines);
    this.kernel.attach(HEADER);
    for (let list = 0; list < this.lists; list++) {
      this.write(this.scratch, centroids.subarray(list * dimensions, (list + 1) * dimensions));
      this.kernel.setCentroid(list, this.scratch);
    }
  }

  get bytes(): number {
    return this.#used;
  }

  get words(): Uint32Array {
    return this.#words;
  }

  get floats(): Float32Array {
    return this.#floats;
  }

  /** An address, a multiple of 64, of so many bytes, which are zero. */
  take(bytes: number): number {
    const at = Math.ceil(this.#used / 64) * 64;
    const end = at + bytes;
    if (end > this.#limit) {
      throw new UnavailableError(
        `The index may have ${this.#limit} bytes of memory, and would need more: raise "memory", or delete vectors.`,
        [],
      );
    }
    const missing = Math.ceil(end / PAGE) - this.#memory.buffer.byteLength / PAGE;
    if (missing > 0) this.#memory.grow(missing);
    if (missing > 0 || this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#words = new Uint32Array(this.#memory.buffer);
      this.#floats = new Float32Array(this.#memory.buffer);
      if (this.#extents.length > 0 || this.#used > HEADER + HEADER_BYTES) this.kernel.attach(HEADER);
    }
    this.#used = end;
    return at;
  }

  write(at: number, values: Float32Array): void {
    this.#floats.set(values, at / 4);
  }

  /** A vector in turned space. */
  turn(values: Float32Array): Float32Array {
    this.write(this.scratch, values);
    this.kernel.rotate(this.scratch);
    const at = this.scratch / 4;
    return this.#floats.slice(at, at + values.length);
  }

  /** A block with empty lanes, at the head of a list. */
  addBlock(list: number): number {
    const block = this.#freeBlocks.pop() ?? this.#newBlock();
    const head = this.#heads / 4 + list;
    this.#words[this.#linkOf(block, this.shape.next)] = this.#words[head]!;
    this.#words[this.#linkOf(block, this.shape.list)] = list;
    for (let lane = 0; lane < LANES; lane++) this.kernel.clear(block * LANES + lane);
    this.#words[head] = block;
    return block;
  }

  /** Takes a block without vectors out of its list. */
  removeBlock(block: number): void {
    let link = this.#heads / 4 + this.listOf(block * LANES);
    while (this.#words[link] !== block) link = this.#linkOf(this.#words[link]!, this.shape.next);
    this.#words[link] = this.#words[this.#linkOf(block, this.shape.next)]!;
    this.#freeBlocks.push(block);
  }

  listOf(slot: number): number {
    return this.#words[this.#linkOf(Math.floor(slot / LANES), this.shape.list)]!;
  }

  entryOf(slot: number): number {
    return this.#words[this.#numbersOf(slot) + NUMBERS.entry / 4]!;
  }

  /** Says whose the vector of a slot is, and, for inner products, how long. */
  label(slot: number, entry: number, length: number): void {
    const numbers = this.#numbersOf(slot);
    this.#words[numbers + NUMBERS.entry / 4] = entry;
    if (this.#metric === 'ip') this.#floats[numbers + NUMBERS.share / 4] = length;
  }

  shareOf(slot: number): number {
    return this.#floats[this.#numbersOf(slot) + NUMBERS.share / 4]!;
  }

  /** The vector of a slot as its row has it, in turned space, without the mean that was taken off. */
  readRow(slot: number, centroids: Float32Array, out: Float32Array): void {
    const { dimensions } = this.shape;
    const from = this.listOf(slot) * dimensions;
    const scale = this.#floats[this.#numbersOf(slot) + NUMBERS.scale / 4]!;
    const at = this.#rowAt(slot);
    for (let j = 0; j < dimensions; j++) {
      out[j] = centroids[from + j]! + scale * ((this.#bytes[at + j]! << 24) >> 24);
    }
  }

  /** Notes a length in a list, for inner products: lists are ordered by the largest. */
  noteLength(list: number, length: number): void {
    const at = this.#lengths / 4 + list;
    this.#floats[at] = Math.max(this.#floats[at]!, length);
    this.#longest = Math.max(this.#longest, length);
  }

  /** How large scores can be, for a query of this squared length. */
  scoreScale(square: number): number {
    if (this.#metric === 'l2') return square;
    return this.#metric === 'ip' ? this.#longest : 1;
  }

  /** The address of masks with the bits of these slots. */
  maskOf(slots: Iterable<number>): number {
    if (this.#masks.blocks < this.#blocks) {
      const blocks = this.#extents.length * this.shape.blocks;
      this.#masks = { at: this.take(4 * (blocks + 1)), blocks };
    }
    const from = this.#masks.at / 4 + 1;
    this.#words.fill(0, from, from + this.#masks.blocks);
    let matching = 0;
    for (const slot of slots) {
      this.#words[from + (slot >>> 5)]! |= 1 << (slot & 31);
      matching += 1;
    }
    this.#words[from - 1] = matching;
    return this.#masks.at;
  }

  /** The address of a list of slots. */
  listSlots(slots: ArrayLike<number>): number {
    if (this.#slots.room < slots.length) {
      this.#slots = { at: this.take(8 * slots.length), room: 2 * slots.length };
    }
    this.#words.set(slots, this.#slots.at / 4);
    return this.#slots.at;
  }

  /** What the last search has found: pairs of a score and a slot, in no order. */
  results(found: number): Found[] {
    const heap = (this.scratch + 10 * this.shape.dimensions) / 4;
    return Array.from({ length: found }, (_, i) => ({
      score: this.#floats[heap + 2 * i]!,
      slot: this.#words[heap + 2 * i + 1]!,
    }));
  }

  #newBlock(): number {
    if (this.#blocks === this.#extents.length * this.shape.blocks) {
      const at = this.take(this.shape.extentBytes);
      this.#words[this.#extentTable / 4 + this.#extents.length] = at;
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

/** The scale of centroids in 16 bits: the longest has 8,192 units. */
function scaleFor(centroids: Float32Array, dimensions: number): number {
  let largest = 1e-30;
  for (let from = 0; from < centroids.length; from += dimensions) {
    let square = 0;
    for (let j = 0; j < dimensions; j++) square += centroids[from + j]! ** 2;
    largest = Math.max(largest, Math.sqrt(square));
  }
  return 8_192 / largest;
}
