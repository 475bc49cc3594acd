/**
 * A search: all lists are scored by the turned query, and the best lists are scanned in order. A lane whose code says
 * that it may be among the k best so far is scored by its row at once; what is found is a heap of scores and slots.
 */
import {
  BASE,
  blockAt,
  centroidScale,
  centroids16,
  D,
  FACTOR,
  G,
  heads,
  K,
  lengths,
  listOf,
  metric,
  NONE,
  nextOf,
  rowAt,
  SCALE,
  SHARE,
  squares,
} from './layout';
import { dotRow, scaleOf, sumFloats, sumInts, toInt16 } from './vector';

/** Standard deviations of an estimate's error that a lane is given beyond its estimate. */
const WIDTH: f32 = 1.9 * 0.6;
const MOST: usize = 4_096;

/** Blocks that the last search has looked at, and rows that it has scored. */
export let scanned: i32 = 0;
export let scored: i32 = 0;

let query: usize = 0;
let query16: usize = 0;
let table: usize = 0;
let heap: usize = 0;
let products: usize = 0;
let order: usize = 0;
/** One over the scale of query16. */
let unit: f32 = 0;
let querySquare: f32 = 0;
/** Of the table: what one of its units stands for, and what all signs at -1 are. */
let step: f32 = 0;
let bias: f32 = 0;
let found: i32 = 0;
let floor: f32 = 0;

/** Says what the scores of the next search have to be above. */
export function bound(least: f32): void {
  floor = least;
}

/** Bytes of scratch for a search over so many lists. The turned query's D floats lie at its beginning. */
export function scratchBytes(lists: i32): i32 {
  return 10 * D + <i32>MOST * 8 + 8 * ((lists + 3) & ~3);
}

function prepare(scratch: usize): void {
  query = scratch;
  query16 = query + <usize>D * 4;
  table = query16 + <usize>D * 2;
  heap = table + <usize>D * 4;
  products = heap + MOST * 8;
  order = products + (<usize>((K + 3) & ~3) << 2);
  const scale = scaleOf(query);
  unit = 1 / scale;
  toInt16(query, query16, scale);
  makeTable();
  scoreLists();
}

/** For each group of dimensions the sums of its numbers by 16 combinations of signs, in 7 bits. */
function makeTable(): void {
  let largest: f32 = 1e-30;
  let sum: f32 = 0;
  querySquare = 0;
  for (let g = 0; g < G; g++) {
    const q = v128.load(query + <usize>g * 16);
    const size = sumFloats(f32x4.abs(q));
    sum += size;
    largest = max(largest, size);
    querySquare += sumFloats(f32x4.mul(q, q));
  }
  // Sums of all groups stay below 2^16.
  const scale: f32 = min<f32>(127, <f32>65_535 / <f32>G - 1) / largest;
  step = 2 / scale;
  bias = -sum;
  const half = f32x4.splat(0.5);
  for (let g = 0; g < G; g++) {
    const at = query + <usize>g * 16;
    const a = load<f32>(at) * scale;
    const b = load<f32>(at, 4) * scale;
    const c = load<f32>(at, 8) * scale;
    const d = load<f32>(at, 12) * scale;
    const least = min<f32>(a, 0) + min<f32>(b, 0) + min<f32>(c, 0) + min<f32>(d, 0);
    const v0 = f32x4.add(half, f32x4.sub(f32x4(0, a, b, a + b), f32x4.splat(least)));
    const v1 = f32x4.add(v0, f32x4.splat(c));
    const v2 = f32x4.add(v0, f32x4.splat(d));
    const v3 = f32x4.add(v1, f32x4.splat(d));
    const low = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(v0), i32x4.trunc_sat_f32x4_s(v1));
    const high = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(v2), i32x4.trunc_sat_f32x4_s(v3));
    v128.store(table + <usize>g * 16, i8x16.narrow_i16x8_u(low, high));
  }
}

/** The inner product of the query with each centroid. */
function scoreLists(): void {
  const line = <usize>D * 2;
  const by = f32x4.splat(unit / centroidScale);
  for (let c = 0; c < K; c += 4) {
    const four = centroids16 + <usize>c * line;
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let j: usize = 0; j < line; j += 16) {
      const x = v128.load(query16 + j);
      const y = four + j;
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(x, v128.load(y)));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(x, v128.load(y + line)));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(x, v128.load(y + 2 * line)));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(x, v128.load(y + 3 * line)));
    }
    const sums = i32x4(sumInts(s0), sumInts(s1), sumInts(s2), sumInts(s3));
    v128.store(products + (<usize>c << 2), f32x4.mul(f32x4.convert_i32x4_s(sums), by));
  }
}

/** What lists are ordered by: nearness, or for inner products what their longest vector could have. */
// @ts-expect-error: decorator
@inline
function promise(list: u32): f32 {
  const at = <usize>list << 2;
  const product = load<f32>(products + at);
  if (metric == 1) return product * load<f32>(lengths + at);
  return product - 0.5 * load<f32>(squares + at);
}

function sink(start: i32, count: i32): void {
  const list = load<u32>(order + (<usize>start << 2));
  const value = promise(list);
  let i = start;
  while (true) {
    let child = 2 * i + 1;
    if (child >= count) break;
    let candidate = load<u32>(order + (<usize>child << 2));
    if (child + 1 < count) {
      const other = load<u32>(order + (<usize>(child + 1) << 2));
      if (promise(other) > promise(candidate)) {
        candidate = other;
        child += 1;
      }
    }
    if (promise(candidate) <= value) break;
    store<u32>(order + (<usize>i << 2), candidate);
    i = child;
  }
  store<u32>(order + (<usize>i << 2), list);
}

/** Keeps a score that is among the k best; returns the k-th best, which others have to pass. */
function keep(k: i32, score: f32, slot: u32): f32 {
  let i = 0;
  if (found < k) {
    i = found;
    found += 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (load<f32>(heap + (<usize>parent << 3)) <= score) break;
      store<u64>(heap + (<usize>i << 3), load<u64>(heap + (<usize>parent << 3)));
      i = parent;
    }
  } else {
    while (true) {
      let child = 2 * i + 1;
      if (child >= k) break;
      if (
        child + 1 < k &&
        load<f32>(heap + (<usize>(child + 1) << 3)) < load<f32>(heap + (<usize>child << 3))
      ) {
        child += 1;
      }
      if (load<f32>(heap + (<usize>child << 3)) >= score) break;
      store<u64>(heap + (<usize>i << 3), load<u64>(heap + (<usize>child << 3)));
      i = child;
    }
  }
  store<f32>(heap + (<usize>i << 3), score);
  store<u32>(heap + (<usize>i << 3), slot, 4);
  return found < k ? floor : load<f32>(heap);
}

// @ts-expect-error: decorator
@inline
function rowScore(start: f32, slot: u32, numbers: usize): f32 {
  const product = <f32>dotRow(rowAt(slot), query16) * unit * load<f32>(numbers, SCALE);
  const share = load<f32>(numbers, SHARE);
  return metric == 1 ? (start + product) * share : start + product + share;
}

/** Which of four lanes may pass `least`: by their estimates, given the sums of their codes. */
// @ts-expect-error: decorator
@inline
function passing(sums: v128, wide: v128, start: v128, numbers: usize, least: v128): u32 {
  const signed = f32x4.add(f32x4.mul(f32x4.convert_i32x4_u(sums), f32x4.splat(step)), wide);
  let value = f32x4.add(
    f32x4.add(start, v128.load(numbers, BASE)),
    f32x4.mul(v128.load(numbers, FACTOR), signed),
  );
  if (metric == 1) value = f32x4.mul(value, v128.load(numbers, SHARE));
  return i32x4.bitmask(f32x4.gt(value, least));
}

/** The lanes of a block that may have a score above `least`. */
function scan(block: usize, start: f32, width: f32, least: f32): u32 {
  const low = i8x16.splat(15);
  const end = block + <usize>D * 4;
  let p = block;
  let t = table;
  let a0 = i16x8.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  while (p < end) {
    const x0 = v128.load(p);
    const x1 = v128.load(p, 16);
    const x2 = v128.load(p, 32);
    const x3 = v128.load(p, 48);
    const t0 = v128.load(t);
    const t1 = v128.load(t, 16);
    const t2 = v128.load(t, 32);
    const t3 = v128.load(t, 48);
    const l0 = i8x16.add(i8x16.swizzle(t0, v128.and(x0, low)), i8x16.swizzle(t1, v128.and(x1, low)));
    const h0 = i8x16.add(
      i8x16.swizzle(t0, v128.and(i16x8.shr_u(x0, 4), low)),
      i8x16.swizzle(t1, v128.and(i16x8.shr_u(x1, 4), low)),
    );
    const l1 = i8x16.add(i8x16.swizzle(t2, v128.and(x2, low)), i8x16.swizzle(t3, v128.and(x3, low)));
    const h1 = i8x16.add(
      i8x16.swizzle(t2, v128.and(i16x8.shr_u(x2, 4), low)),
      i8x16.swizzle(t3, v128.and(i16x8.shr_u(x3, 4), low)),
    );
    // Of each pair of bytes a0 and a2 hold the sum of both, the high one times 256; a1 and a3 the high one alone.
    a0 = i16x8.add(a0, i16x8.add(l0, l1));
    a1 = i16x8.add(a1, i16x8.add(i16x8.shr_u(l0, 8), i16x8.shr_u(l1, 8)));
    a2 = i16x8.add(a2, i16x8.add(h0, h1));
    a3 = i16x8.add(a3, i16x8.add(i16x8.shr_u(h0, 8), i16x8.shr_u(h1, 8)));
    p += 64;
    t += 64;
  }
  a0 = i16x8.sub(a0, i16x8.shl(a1, 8));
  a2 = i16x8.sub(a2, i16x8.shl(a3, 8));
  const from = f32x4.splat(start);
  const wide = f32x4.splat(bias + width);
  const bar = f32x4.splat(least);
  return (
    passing(i32x4.extend_low_i16x8_u(a0), wide, from, end, bar) |
    (passing(i32x4.extend_high_i16x8_u(a0), wide, from, end + 16, bar) << 4) |
    (passing(i32x4.extend_low_i16x8_u(a1), wide, from, end + 32, bar) << 8) |
    (passing(i32x4.extend_high_i16x8_u(a1), wide, from, end + 48, bar) << 12) |
    (passing(i32x4.extend_low_i16x8_u(a2), wide, from, end + 64, bar) << 16) |
    (passing(i32x4.extend_high_i16x8_u(a2), wide, from, end + 80, bar) << 20) |
    (passing(i32x4.extend_low_i16x8_u(a3), wide, from, end + 96, bar) << 24) |
    (passing(i32x4.extend_high_i16x8_u(a3), wide, from, end + 112, bar) << 28)
  );
}

// @ts-expect-error: decorator
@inline
function startOf(list: u32, square: f32): f32 {
  const product = load<f32>(products + (<usize>list << 2));
  return metric == 2 ? -0.5 * square : product;
}

/** The square of the distance from the query to a centroid. */
// @ts-expect-error: decorator
@inline
function squareTo(list: u32): f32 {
  const product = load<f32>(products + (<usize>list << 2));
  return max<f32>(querySquare + load<f32>(squares + (<usize>list << 2)) - 2 * product, 0);
}

/**
 * The k best of the turned query that lies at the beginning of `scratch`, in at most `lists` lists that have a vector; without
 * `masks` (0) all vectors count. With it, those count whose bit is set: its first word says how many these are, and one for
 * each block follows; a list is then counted only if it has one of them. The search goes on until k are found or all have been seen.
 * With a bound, it goes on instead until as many lists one after the other had nothing for the k.
 * Returns how many were found. They lie in the heap, as pairs of a score and a slot, in no order.
 */
export function search(scratch: usize, k: i32, lists: i32, masks: usize): i32 {
  prepare(scratch);
  scanned = 0;
  scored = 0;
  found = 0;
  let least = floor;
  for (let i = 0; i < K; i++) store<u32>(order + (<usize>i << 2), i);
  for (let i = (K >> 1) - 1; i >= 0; i--) sink(i, K);
  const isOpen = least == -f32.MAX_VALUE;
  const matching = masks ? load<i32>(masks) : i32.MAX_VALUE;
  let open = K;
  let done = 0;
  let from = 0;
  let seen = 0;
  while (open > 0 && (done - from < lists || (isOpen && found < k && seen < matching))) {
    const list = load<u32>(order);
    open -= 1;
    store<u32>(order, load<u32>(order + (<usize>open << 2)));
    if (open > 0) sink(0, open);
    const square = squareTo(list);
    const start = startOf(list, square);
    const width = WIDTH * sqrt(square);
    let counts = false;
    let adds = false;
    for (let block = load<u32>(heads + (<usize>list << 2)); block != NONE; block = nextOf(block)) {
      const mask: u32 = masks ? load<u32>(masks + (<usize>block << 2), 4) : 0xffffffff;
      if (mask == 0) continue;
      counts = true;
      scanned += 1;
      if (masks) seen += popcnt(mask);
      const at = blockAt(block);
      let lanes = scan(at, start, width, least) & mask;
      while (lanes) {
        const lane = ctz(lanes);
        lanes &= lanes - 1;
        const slot = (block << 5) | lane;
        scored += 1;
        const score = rowScore(start, slot, at + <usize>D * 4 + (<usize>lane << 2));
        if (score > least) {
          least = keep(k, score, slot);
          adds = true;
        }
      }
    }
    if (counts) done += 1;
    if (adds && !isOpen) from = done;
  }
  return found;
}

/** The k best among n slots, by their rows. */
export function exact(scratch: usize, k: i32, slots: usize, n: i32): i32 {
  prepare(scratch);
  scanned = 0;
  scored = n;
  found = 0;
  floor = -f32.MAX_VALUE;
  let least = floor;
  for (let i = 0; i < n; i++) {
    const slot = load<u32>(slots + (<usize>i << 2));
    const block = slot >> 5;
    const start = startOf(listOf(block), squareTo(listOf(block)));
    const score = rowScore(start, slot, blockAt(block) + <usize>D * 4 + (<usize>(slot & 31) << 2));
    if (score > least) least = keep(k, score, slot);
  }
  return found;
}
