/**
 * The kernels in plain TypeScript: the oracle of those in WebAssembly, and what runs where SIMD is missing. Written to be
 * read: whole numbers are equal in both, floats but for the order of sums.
 */
import type { Kernel } from './kernel.js';
import { LANES, LOWEST, MOST, NONE, NUMBERS, type Shape, shapeOf } from './layout.js';
import type { Memory } from './web-assembly.js';

const WIDTH = 1.9 * 0.6;
const f = Math.fround;

export class PlainKernel implements Kernel {
  readonly #memory: Memory;
  #header = 0;
  #shape: Shape = shapeOf(32);
  #view: DataView = new DataView(new ArrayBuffer(0));
  readonly scanned = { value: 0 };
  readonly scored = { value: 0 };
  #found: { score: number; slot: number }[] = [];
  #floor = LOWEST;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  attach(header: number): void {
    this.#view = new DataView(this.#memory.buffer);
    this.#header = header;
    this.#shape = shapeOf(this.#word(0));
  }

  rotate(vector: number): void {
    const D = this.#word(0);
    const signs = this.#word(11);
    const x = Float64Array.from(this.#floats(vector, D));
    const size = 2 ** Math.floor(Math.log2(D));
    const half = D / 2;
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < D; i++) x[i] = x[i]! * this.#float(signs + 4 * (round * D + i));
      const from = round % 2 === 1 ? D - size : 0;
      hadamard(x.subarray(from, from + size));
      if (size === D) continue;
      for (let i = 0; i < half; i++) {
        const a = x[i]!;
        const b = x[i + half]!;
        x[i] = (a + b) * Math.SQRT1_2;
        x[i + half] = (a - b) * Math.SQRT1_2;
      }
    }
    x.forEach((value, i) => {
      this.#setFloat(vector + 4 * i, value);
    });
  }

  scaleOf(vector: number): number {
    const x = this.#floats(vector, this.#word(0));
    const largest = Math.max(1e-30, ...x.map(Math.abs));
    return f(Math.min(32_000 / largest, 250_000 / Math.max(1e-30, Math.sqrt(dot(x, x)))));
  }

  toInt16(vector: number, out: number, scale: number): void {
    const D = this.#word(0);
    for (let i = 0; i < D; i++) {
      const value = roundToEven(f(this.#float(vector + 4 * i) * scale));
      this.#view.setInt16(out + 2 * i, Math.max(-32_768, Math.min(32_767, value)), true);
    }
  }

  nearest(point: number, unit: number): number {
    const D = this.#word(0);
    const products = Array.from({ length: this.#word(1) }, (_, list) => {
      const product = this.#dot16(point, this.#word(5) + list * 2 * D);
      return product * unit - 0.5 * this.#float(this.#word(7) + 4 * list);
    });
    return products.indexOf(Math.max(...products));
  }

  accumulate(points: number, scales: number, n: number, sums: number): void {
    const D = this.#word(0);
    const counts = sums + 4 * this.#word(1) * D;
    const scale16 = this.#float(this.#header + 32);
    for (let i = 0; i < n; i++) {
      const point = points + i * 2 * D;
      const unit = f(1 / this.#float(scales + 4 * i));
      const list = this.nearest(point, f(unit / scale16));
      this.#view.setUint32(counts + 4 * list, this.#view.getUint32(counts + 4 * list, true) + 1, true);
      for (let j = 0; j < D; j++) {
        const at = sums + 4 * (list * D + j);
        this.#setFloat(at, this.#float(at) + f(this.#view.getInt16(point + 2 * j, true) * unit));
      }
    }
  }

  setCentroid(list: number, vector: number): void {
    const D = this.#word(0);
    const x = this.#floats(vector, D);
    x.forEach((value, j) => {
      this.#setFloat(this.#word(6) + 4 * (list * D + j), value);
    });
    this.toInt16(vector, this.#word(5) + list * 2 * D, this.#float(this.#header + 32));
    this.#setFloat(this.#word(7) + 4 * list, dot(x, x));
  }

  encode(vector: number, list: number, slot: number): void {
    const D = this.#word(0);
    const metric = this.#word(2);
    const c = this.#floats(this.#word(6) + 4 * list * D, D);
    const r = this.#floats(vector, D).map((value, j) => f(value - c[j]!));
    const lane = slot % LANES;
    const block = this.#blockAt(Math.floor(slot / LANES));
    const position = 2 * (lane % 8) + (Math.floor(lane / 8) % 2);
    const isHigh = lane >= 16;
    for (let group = 0; group < D / 4; group++) {
      let bits = 0;
      for (let t = 0; t < 4; t++) if (r[4 * group + t]! > 0) bits |= 1 << t;
      const at = block + 16 * group + position;
      const before = this.#view.getUint8(at);
      this.#view.setUint8(at, isHigh ? (before & 15) | (bits << 4) : (before & 0xf0) | bits);
    }
    const square = dot(r, r);
    const sum = r.reduce((total, value) => total + Math.abs(value), 0);
    const largest = Math.max(...r.map(Math.abs));
    const signs = r.map((value) => (value > 0 ? 1 : -1));
    const factor = sum > 0 ? square / sum : 0;
    const scale = largest > 0 ? f(f(largest) / 127) : 1;
    const row = r.map((value) => roundToEven(f(value * f(1 / scale))));
    const at = this.#rowAt(slot);
    row.forEach((value, j) => {
      this.#view.setInt8(at + j, value);
    });
    const numbers = block + 4 * D + 4 * lane;
    this.#setFloat(numbers + NUMBERS.factor, factor);
    this.#setFloat(numbers + NUMBERS.scale, scale);
    if (metric !== 1)
      this.#setFloat(numbers + NUMBERS.share, metric === 2 ? -scale * dot(c, row) - square / 2 : 0);
    this.#setFloat(numbers + NUMBERS.base, (metric === 2 ? -square / 2 : dot(c, r)) - factor * dot(c, signs));
  }

  clear(slot: number): void {
    const lane = slot % LANES;
    const numbers = this.#blockAt(Math.floor(slot / LANES)) + 4 * this.#word(0) + 4 * lane;
    this.#setFloat(numbers + NUMBERS.base, Number.NEGATIVE_INFINITY);
    this.#setFloat(numbers + NUMBERS.factor, 0);
    this.#setFloat(numbers + NUMBERS.share, 1);
  }

  scratchBytes(lists: number): number {
    return 10 * this.#word(0) + MOST * 8 + 8 * (Math.ceil(lists / 4) * 4);
  }

  bound(least: number): void {
    this.#floor = least;
  }

  search(scratch: number, k: number, lists: number, masks: number): number {
    const matching = masks === 0 ? Number.POSITIVE_INFINITY : this.#view.getUint32(masks, true);
    const isOpen = this.#floor === LOWEST;
    const query = this.#prepare(scratch);
    this.scanned.value = 0;
    this.scored.value = 0;
    this.#found = [];
    const order = Array.from({ length: this.#word(1) }, (_, list) => list);
    const promises = order.map((list) => this.#promise(query, list));
    order.sort((a, b) => promises[b]! - promises[a]!);
    let done = 0;
    let from = 0;
    let seen = 0;
    for (const list of order) {
      const goesOn = isOpen && this.#found.length < k && seen < matching;
      if (done - from >= lists && !goesOn) break;
      let counts = false;
      let adds = false;
      let block = this.#view.getUint32(this.#word(9) + 4 * list, true);
      for (; block !== NONE; block = this.#of(block, this.#shape.next)) {
        const mask = masks === 0 ? 0xffffffff : this.#view.getUint32(masks + 4 + 4 * block, true);
        if (mask === 0) continue;
        counts = true;
        this.scanned.value += 1;
        const bar = this.#least(k);
        for (let lane = 0; lane < LANES; lane++) {
          if (((mask >>> lane) & 1) === 0) continue;
          if (masks !== 0) seen += 1;
          if (this.#estimate(query, list, block * LANES + lane) > bar) {
            if (this.#score(query, list, block * LANES + lane, k)) adds = true;
          }
        }
      }
      if (counts) done += 1;
      if (adds && !isOpen) from = done;
    }
    return this.#tell(scratch);
  }

  exact(scratch: number, k: number, slots: number, n: number): number {
    const query = this.#prepare(scratch);
    this.scanned.value = 0;
    this.scored.value = 0;
    this.#found = [];
    this.#floor = LOWEST;
    for (let i = 0; i < n; i++) {
      const slot = this.#view.getUint32(slots + 4 * i, true);
      this.#score(query, this.#of(Math.floor(slot / LANES), this.#shape.list), slot, k);
    }
    return this.#tell(scratch);
  }

  #prepare(scratch: number): Query {
    const D = this.#word(0);
    const scale = this.scaleOf(scratch);
    const at16 = scratch + 4 * D;
    this.toInt16(scratch, at16, scale);
    const x = this.#floats(scratch, D);
    const groups = Array.from({ length: D / 4 }, (_, g) => x.slice(4 * g, 4 * g + 4));
    const largest = Math.max(1e-30, ...groups.map((group) => total(group.map(Math.abs))));
    const by = Math.min(127, 65_535 / (D / 4) - 1) / largest;
    const table = groups.map((group) => {
      const least = total(group.map((value) => Math.min(0, value * by)));
      return Array.from({ length: 16 }, (_, bits) =>
        Math.floor(total(group.map((value, t) => ((bits >> t) & 1 ? value * by : 0))) - least + 0.5),
      );
    });
    const bias = -total(x.map(Math.abs));
    const unit = 1 / scale / this.#float(this.#header + 32);
    const products = Array.from(
      { length: this.#word(1) },
      (_, list) => this.#dot16(at16, this.#word(5) + list * 2 * D) * unit,
    );
    return { at16, unit: 1 / scale, square: dot(x, x), table, step: 2 / by, bias, products };
  }

  #promise(query: Query, list: number): number {
    const product = query.products[list]!;
    if (this.#word(2) === 1) return product * this.#float(this.#word(10) + 4 * list);
    return product - 0.5 * this.#float(this.#word(7) + 4 * list);
  }

  #squareTo(query: Query, list: number): number {
    const square = this.#float(this.#word(7) + 4 * list);
    return Math.max(0, query.square + square - 2 * query.products[list]!);
  }

  #start(query: Query, list: number): number {
    return this.#word(2) === 2 ? -0.5 * this.#squareTo(query, list) : query.products[list]!;
  }

  #estimate(query: Query, list: number, slot: number): number {
    const D = this.#word(0);
    const lane = slot % LANES;
    const block = this.#blockAt(Math.floor(slot / LANES));
    const position = 2 * (lane % 8) + (Math.floor(lane / 8) % 2);
    const sum = total(
      query.table.map((values, group) => {
        const byte = this.#view.getUint8(block + 16 * group + position);
        return values[lane >= 16 ? byte >> 4 : byte & 15]!;
      }),
    );
    const numbers = block + 4 * D + 4 * lane;
    const width = WIDTH * Math.sqrt(this.#squareTo(query, list));
    const signed = sum * query.step + query.bias + width;
    const value =
      this.#start(query, list) +
      this.#float(numbers + NUMBERS.base) +
      this.#float(numbers + NUMBERS.factor) * signed;
    return this.#word(2) === 1 ? value * this.#float(numbers + NUMBERS.share) : value;
  }

  /** Whether it is among the k best so far. */
  #score(query: Query, list: number, slot: number, k: number): boolean {
    const D = this.#word(0);
    this.scored.value += 1;
    const row = this.#rowAt(slot);
    let product = 0;
    for (let j = 0; j < D; j++) {
      product += this.#view.getInt8(row + j) * this.#view.getInt16(query.at16 + 2 * j, true);
    }
    const numbers = this.#blockAt(Math.floor(slot / LANES)) + 4 * D + 4 * (slot % LANES);
    const value = this.#start(query, list) + product * query.unit * this.#float(numbers + NUMBERS.scale);
    const share = this.#float(numbers + NUMBERS.share);
    const score = this.#word(2) === 1 ? value * share : value + share;
    if (score <= this.#least(k)) return false;
    this.#found.push({ score, slot });
    this.#found.sort((a, b) => b.score - a.score);
    if (this.#found.length > k) this.#found.pop();
    return true;
  }

  #least(k: number): number {
    return this.#found.length < k ? this.#floor : this.#found[k - 1]!.score;
  }

  /** Writes what was found where the kernels in WebAssembly have their heap. */
  #tell(scratch: number): number {
    const heap = scratch + 10 * this.#word(0);
    this.#found.forEach(({ score, slot }, i) => {
      this.#setFloat(heap + 8 * i, score);
      this.#view.setUint32(heap + 8 * i + 4, slot, true);
    });
    return this.#found.length;
  }

  #word(at: number): number {
    return this.#view.getUint32(this.#header + 4 * at, true);
  }

  #float(at: number): number {
    return this.#view.getFloat32(at, true);
  }

  #setFloat(at: number, value: number): void {
    this.#view.setFloat32(at, value, true);
  }

  #floats(at: number, n: number): number[] {
    return Array.from({ length: n }, (_, i) => this.#float(at + 4 * i));
  }

  #dot16(a: number, b: number): number {
    let sum = 0;
    for (let j = 0; j < this.#word(0); j++) {
      sum += this.#view.getInt16(a + 2 * j, true) * this.#view.getInt16(b + 2 * j, true);
    }
    return sum;
  }

  #extentOf(block: number): number {
    return this.#view.getUint32(this.#word(4) + 4 * (block >>> this.#shape.shift), true);
  }

  #blockAt(block: number): number {
    return this.#extentOf(block) + (block % this.#shape.blocks) * this.#shape.blockBytes;
  }

  #rowAt(slot: number): number {
    const block = Math.floor(slot / LANES);
    const lane = (block % this.#shape.blocks) * LANES + (slot % LANES);
    return this.#extentOf(block) + this.#shape.rows + lane * this.#shape.dimensions;
  }

  #of(block: number, offset: number): number {
    const at = this.#extentOf(block) + offset + 4 * (block % this.#shape.blocks);
    return this.#view.getUint32(at, true);
  }
}

interface Query {
  readonly at16: number;
  readonly unit: number;
  readonly square: number;
  readonly table: readonly (readonly number[])[];
  readonly step: number;
  readonly bias: number;
  readonly products: readonly number[];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** As WebAssembly rounds: halves to the even neighbour. */
function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** In place; it keeps lengths. */
function hadamard(x: Float64Array): void {
  const scale = 1 / Math.sqrt(x.length);
  for (let step = 1; step < x.length; step *= 2) {
    for (let i = 0; i < x.length; i += 2 * step) {
      for (let j = i; j < i + step; j++) {
        const a = x[j]!;
        const b = x[j + step]!;
        x[j] = a + b;
        x[j + step] = a - b;
      }
    }
  }
  for (let i = 0; i < x.length; i++) x[i]! *= scale;
}
