/**
 * The tables of the lists of an index in its memory: for each its first block, its centroid, and the length of its longest
 * vector. They move to a larger place when lists are added.
 *
 * Guarantees: the header tells the kernels where the tables are. A list that cannot be added has changed nothing.
 */
import type { Kernel } from '../kernel/kernel.js';
import { HEADER, METRICS, type Metric, MOST, NONE, type Shape, writeHeader } from '../kernel/layout.js';
import type { Arena } from './arena.js';

/** Units of a centroid's length, in 16 bits. */
const UNITS = 8_192;

interface Tables {
  readonly room: number;
  readonly heads: number;
  readonly lengths: number;
  readonly squares: number;
  readonly centroids16: number;
  readonly centroids: number;
  readonly scratch: number;
}

export interface ListOptions {
  readonly metric: Metric;
  /** The centroid of each list, one after the other. */
  readonly centroids: Float32Array;
  /** Units of a centroid of 16 bits in one of floats. Default as the longest allows. */
  readonly centroidScale?: number;
  /** Four rounds of a sign for each dimension. */
  readonly signs: Float32Array;
}

export class Lists {
  readonly #arena: Arena;
  readonly #kernel: Kernel;
  readonly #shape: Shape;
  readonly #metric: Metric;
  readonly #extents: number;
  readonly #signs: number;
  readonly #free: number[] = [];
  #tables: Tables;
  /** With those that are free. */
  count = 0;
  /** Units of a centroid of 16 bits in one of floats. */
  centroidScale: number;

  constructor(
    parts: { arena: Arena; kernel: Kernel; shape: Shape; extents: number },
    { metric, centroids, signs, centroidScale }: ListOptions,
  ) {
    const { arena, kernel, shape, extents } = parts;
    this.#arena = arena;
    this.#kernel = kernel;
    this.#shape = shape;
    this.#metric = metric;
    this.#extents = extents;
    this.#signs = arena.take(4 * signs.length);
    arena.floats.set(signs, this.#signs / 4);
    const { dimensions } = shape;
    const given = Array.from({ length: centroids.length / dimensions }, (_, list) =>
      centroids.subarray(list * dimensions, (list + 1) * dimensions),
    );
    // A tenth is left for centroids that are longer.
    this.centroidScale =
      centroidScale ?? (0.9 * UNITS) / given.reduce((most, each) => Math.max(most, lengthOf(each)), 1e-30);
    this.#tables = this.#take(Math.ceil(given.length / 4) * 4);
    for (const centroid of given) this.add(centroid);
  }

  /** How many there are, without those that are free. */
  get live(): number {
    return this.count - this.#free.length;
  }

  /** Bytes that a search needs for itself. */
  get scratchBytes(): number {
    return scratchBytes(this.#shape.dimensions, this.#tables.room);
  }

  get free(): readonly number[] {
    return this.#free;
  }

  /** Of all lists, one after the other, with those that are free. */
  get allCentroids(): Float32Array {
    const at = this.#tables.centroids / 4;
    return this.#arena.floats.subarray(at, at + this.count * this.#shape.dimensions);
  }

  /** Where searches have their query and results. */
  get scratch(): number {
    return this.#tables.scratch;
  }

  /** The list that it added, which has no block. */
  add(centroid: Float32Array): number {
    const scale = UNITS / Math.max(1e-30, lengthOf(centroid));
    const isNew = this.#free.length === 0;
    if (isNew && this.count === this.#tables.room) this.#move();
    const list = this.#free.pop() ?? this.count;
    if (isNew) this.count += 1;
    const { words, floats } = this.#arena;
    words[this.#tables.heads / 4 + list] = NONE;
    floats[this.#tables.lengths / 4 + list] = 0;
    floats.set(centroid, this.#tables.centroids / 4 + list * this.#shape.dimensions);
    if (scale < this.centroidScale) {
      this.centroidScale = scale;
      this.#tell();
      for (let each = 0; each < this.count; each++) this.#setCentroid(each);
    } else {
      this.#tell();
      this.#setCentroid(list);
    }
    return list;
  }

  /** Frees a list without blocks: no vector is nearest to it. */
  remove(list: number): void {
    this.#arena.floats[this.#squareAt(list)] = Number.POSITIVE_INFINITY;
    this.#arena.floats[this.#tables.lengths / 4 + list] = 0;
    this.#free.push(list);
  }

  /** The list nearest to a point of 16 bits, but for one. */
  nearest(point: number, scale: number, but: number | undefined): number {
    const unit = 1 / (scale * this.centroidScale);
    const found = this.#kernel.nearest(point, unit);
    if (found !== but) return found;
    const { floats } = this.#arena;
    const square = floats[this.#squareAt(but)]!;
    floats[this.#squareAt(but)] = Number.POSITIVE_INFINITY;
    const other = this.#kernel.nearest(point, unit);
    floats[this.#squareAt(but)] = square;
    return other;
  }

  centroid(list: number): Float32Array {
    const at = this.#tables.centroids / 4 + list * this.#shape.dimensions;
    return this.#arena.floats.subarray(at, at + this.#shape.dimensions);
  }

  /** Where the first block of a list is told. */
  headAt(list: number): number {
    return this.#tables.heads / 4 + list;
  }

  /** Notes a length in a list, for inner products: lists are ordered by the largest. */
  noteLength(list: number, length: number): void {
    const at = this.#tables.lengths / 4 + list;
    this.#arena.floats[at] = Math.max(this.#arena.floats[at]!, length);
  }

  /** Half as many again have room then. What was there before is lost to the memory. */
  #move(): void {
    const { dimensions } = this.#shape;
    const [old, n] = [this.#tables, this.count];
    const tables = this.#take(Math.ceil((1.5 * old.room) / 4) * 4);
    const { bytes } = this.#arena;
    const copy = (from: number, to: number, size: number): void => {
      bytes.copyWithin(to, from, from + size);
    };
    copy(old.heads, tables.heads, 4 * n);
    copy(old.lengths, tables.lengths, 4 * n);
    copy(old.squares, tables.squares, 4 * n);
    copy(old.centroids16, tables.centroids16, 2 * n * dimensions);
    copy(old.centroids, tables.centroids, 4 * n * dimensions);
    this.#tables = tables;
  }

  /** In one piece, so that there are all or none. */
  #take(room: number): Tables {
    const { dimensions } = this.#shape;
    const sizes = [4 * room, 4 * room, 4 * room, 2 * room * dimensions, 4 * room * dimensions];
    const scratch = scratchBytes(dimensions, room);
    let at = this.#arena.take([...sizes, scratch].reduce((sum, size) => sum + size + 64, 0));
    const [heads, lengths, squares, centroids16, centroids, last] = [...sizes, scratch].map((size) => {
      const begin = at;
      at = Math.ceil((at + size) / 64) * 64;
      return begin;
    }) as [number, number, number, number, number, number];
    return { room, heads, lengths, squares, centroids16, centroids, scratch: last };
  }

  #tell(): void {
    const { heads, lengths, squares, centroids16, centroids } = this.#tables;
    const { dimensions, shift } = this.#shape;
    writeHeader(new DataView(this.#arena.memory.buffer), {
      ...{ dimensions, lists: this.count, metric: METRICS.indexOf(this.#metric), shift },
      ...{ extents: this.#extents, centroids16, centroids, squares, centroidScale: this.centroidScale },
      ...{ heads, lengths, signs: this.#signs },
    });
    this.#kernel.attach(HEADER);
  }

  #setCentroid(list: number): void {
    const isFree = this.#free.includes(list);
    this.#arena.floats.set(this.centroid(list), this.scratch / 4);
    this.#kernel.setCentroid(list, this.scratch);
    if (isFree) this.#arena.floats[this.#squareAt(list)] = Number.POSITIVE_INFINITY;
  }

  #squareAt(list: number): number {
    return this.#tables.squares / 4 + list;
  }
}

function scratchBytes(dimensions: number, room: number): number {
  return 10 * dimensions + 8 * MOST + 8 * room;
}

function lengthOf(vector: Float32Array): number {
  let square = 0;
  for (const value of vector) square += value * value;
  return Math.sqrt(square);
}
