/** K-means: the nearest centroid of a point, sums of points, and a new centroid. Points are of 16 bits, with a scale. */
import { centroidScale, centroids, centroids16, D, K, squares } from './layout';
import { sumFloats, sumInts } from './vector';

/** The best value so far, as bits above the list that has it. */
// @ts-expect-error: decorator
@inline
function stateOf(best: f32, list: i32): u64 {
  return ((<u64>reinterpret<u32>(best)) << 32) | <u64>list;
}

/** The state after four further lists, of which those that there are not do not count. */
// @ts-expect-error: decorator
@inline
function better(products: v128, unit: f32, c: i32, state: u64): u64 {
  const half = f32x4.mul(v128.load(squares + ((<usize>c) << 2)), f32x4.splat(0.5));
  const values = f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(products), f32x4.splat(unit)), half);
  const best = reinterpret<f32>(<u32>(state >> 32));
  if (i32x4.bitmask(f32x4.gt(values, f32x4.splat(best))) == 0) return state;
  return chosen(values, c, state);
}

function chosen(values: v128, c: i32, state: u64): u64 {
  let best = reinterpret<f32>(<u32>(state >> 32));
  let found = <i32>state;
  const v0 = f32x4.extract_lane(values, 0);
  const v1 = f32x4.extract_lane(values, 1);
  const v2 = f32x4.extract_lane(values, 2);
  const v3 = f32x4.extract_lane(values, 3);
  if (v0 > best) {
    best = v0;
    found = c;
  }
  if (v1 > best && c + 1 < K) {
    best = v1;
    found = c + 1;
  }
  if (v2 > best && c + 2 < K) {
    best = v2;
    found = c + 2;
  }
  if (v3 > best && c + 3 < K) {
    best = v3;
    found = c + 3;
  }
  return stateOf(best, found);
}

/** The list whose centroid is nearest to a point by distance; `unit` is one over the scales of both. */
export function nearest(point: usize, unit: f32): i32 {
  let state = stateOf(-f32.MAX_VALUE, 0);
  const line = <usize>D * 2;
  for (let c = 0; c < K; c += 4) {
    const four = centroids16 + <usize>c * line;
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let j: usize = 0; j < line; j += 16) {
      const x = v128.load(point + j);
      const y = four + j;
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(x, v128.load(y)));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(x, v128.load(y + line)));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(x, v128.load(y + 2 * line)));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(x, v128.load(y + 3 * line)));
    }
    state = better(i32x4(sumInts(s0), sumInts(s1), sumInts(s2), sumInts(s3)), unit, c, state);
  }
  return <i32>state;
}

/** The same of two points, the second one in the upper half: each centroid is fetched once for both. */
function nearestOfTwo(point: usize, unit: f32, other: usize, otherUnit: f32): u64 {
  let state = stateOf(-f32.MAX_VALUE, 0);
  let otherState = state;
  const line = <usize>D * 2;
  for (let c = 0; c < K; c += 4) {
    const four = centroids16 + <usize>c * line;
    let s0 = i32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let t0 = s0;
    let t1 = s0;
    let t2 = s0;
    let t3 = s0;
    for (let j: usize = 0; j < line; j += 16) {
      const x = v128.load(point + j);
      const z = v128.load(other + j);
      const y = four + j;
      const y0 = v128.load(y);
      const y1 = v128.load(y + line);
      const y2 = v128.load(y + 2 * line);
      const y3 = v128.load(y + 3 * line);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(x, y0));
      t0 = i32x4.add(t0, i32x4.dot_i16x8_s(z, y0));
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(x, y1));
      t1 = i32x4.add(t1, i32x4.dot_i16x8_s(z, y1));
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(x, y2));
      t2 = i32x4.add(t2, i32x4.dot_i16x8_s(z, y2));
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(x, y3));
      t3 = i32x4.add(t3, i32x4.dot_i16x8_s(z, y3));
    }
    state = better(i32x4(sumInts(s0), sumInts(s1), sumInts(s2), sumInts(s3)), unit, c, state);
    const products = i32x4(sumInts(t0), sumInts(t1), sumInts(t2), sumInts(t3));
    otherState = better(products, otherUnit, c, otherState);
  }
  return (<u64>(<u32>state)) | (otherState << 32);
}

/** Adds each of n points to the sum of the list that it is nearest to, and counts it, behind all sums. */
export function accumulate(points: usize, scales: usize, n: i32, sums: usize): void {
  const line = <usize>D * 2;
  let i = 0;
  for (; i + 1 < n; i += 2) {
    const point = points + <usize>i * line;
    const one = unitAt(scales, i);
    const two = unitAt(scales, i + 1);
    const both = nearestOfTwo(point, one / centroidScale, point + line, two / centroidScale);
    addTo(<usize>(<u32>both), point, one, sums);
    addTo(<usize>(both >> 32), point + line, two, sums);
  }
  if (i < n) {
    const point = points + <usize>i * line;
    const unit = unitAt(scales, i);
    addTo(<usize>nearest(point, unit / centroidScale), point, unit, sums);
  }
}

function unitAt(scales: usize, i: i32): f32 {
  const one: f32 = 1.0;
  return one / load<f32>(scales + ((<usize>i) << 2));
}

function addTo(list: usize, point: usize, unit: f32, sums: usize): void {
  const counts = sums + <usize>K * <usize>D * 4;
  const sum = sums + list * <usize>D * 4;
  store<u32>(counts + list * 4, load<u32>(counts + list * 4) + 1);
  const by = f32x4.splat(unit);
  for (let j: usize = 0; j < <usize>D; j += 4) {
    const value = f32x4.mul(f32x4.convert_i32x4_s(v128.load16x4_s(point + j * 2)), by);
    v128.store(sum + j * 4, f32x4.add(v128.load(sum + j * 4), value));
  }
}

/** Sets the centroid of a list to a vector, whose length has at most 8,192 units of the centroids' scale. */
export function setCentroid(list: i32, vector: usize): void {
  const at = centroids + <usize>list * <usize>D * 4;
  const at16 = centroids16 + <usize>list * <usize>D * 2;
  const by = f32x4.splat(centroidScale);
  let square = f32x4.splat(0);
  for (let j: usize = 0; j < <usize>D; j += 8) {
    const a = v128.load(vector + j * 4);
    const b = v128.load(vector + j * 4, 16);
    v128.store(at + j * 4, a);
    v128.store(at + j * 4, b, 16);
    square = f32x4.add(square, f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b)));
    const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(a, by)));
    const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(b, by)));
    v128.store(at16 + j * 2, i16x8.narrow_i32x4_s(low, high));
  }
  store<f32>(squares + ((<usize>list) << 2), sumFloats(square));
}
