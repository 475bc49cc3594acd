/** Arithmetic on vectors of D numbers: sums over a register, conversion to 16 bits, inner products. */
import { D } from './layout';

// @ts-expect-error: decorator
@inline
export function sumInts(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  );
}

// @ts-expect-error: decorator
@inline
export function sumFloats(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** Rounds a vector, times a scale, to 16 bits. */
export function toInt16(vector: usize, out: usize, scale: f32): void {
  const by = f32x4.splat(scale);
  for (let i: usize = 0; i < <usize>D; i += 8) {
    const low = f32x4.nearest(f32x4.mul(v128.load(vector + i * 4), by));
    const high = f32x4.nearest(f32x4.mul(v128.load(vector + i * 4, 16), by));
    v128.store(
      out + i * 2,
      i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(low), i32x4.trunc_sat_f32x4_s(high)),
    );
  }
}

/**
 * The scale by which a vector becomes 16 bits. Its length then has at most 250,000 units; a centroid has at most 8,192,
 * and a row 127 times the root of D: no sum of their products can pass 31 bits, up to 4,096 dimensions.
 */
export function scaleOf(vector: usize): f32 {
  let largest: f32 = 1e-30;
  let square: f32 = 0;
  for (let i: usize = 0; i < <usize>D; i++) {
    const value = load<f32>(vector + i * 4);
    largest = max(largest, abs(value));
    square += value * value;
  }
  return min<f32>(32_000 / largest, 250_000 / max<f32>(sqrt(square), 1e-30));
}

/** An inner product of a row of int8 and a vector of int16. */
// @ts-expect-error: decorator
@inline
export function dotRow(row: usize, vector: usize): i32 {
  let a = i32x4.splat(0);
  let b = a;
  for (let j: usize = 0; j < <usize>D; j += 32) {
    const r = row + j;
    const v = vector + j * 2;
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(r), v128.load(v)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(r, 8), v128.load(v, 16)));
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(r, 16), v128.load(v, 32)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(r, 24), v128.load(v, 48)));
  }
  return sumInts(i32x4.add(a, b));
}
