/**
 * Writes a vector into a lane: its code of one bit a dimension, its row of eight, and the numbers by which both become
 * scores. After RaBitQ (Gao and Long, 2024), with the residual r = x - c to the centroid c of the list:
 *
 * s = sign(r), f = |r|^2 / sum |r|; <q, r> is estimated by f <q, s> + <c, r> - f <c, s>, whose error is that of q - c.
 */
import { BASE, blockAt, centroids, D, FACTOR, metric, rowAt, SCALE, SHARE } from './layout';

/** The D floats that follow the vector are overwritten. The entry is the caller's, and for inner products the length, too. */
export function encode(vector: usize, list: i32, slot: u32): void {
  const spare = vector + <usize>D * 4;
  const block = blockAt(slot >> 5);
  const lane = slot & 31;
  const centroid = centroids + <usize>list * <usize>D * 4;
  let square: f32 = 0;
  let largest: f32 = 0;
  let sum: f32 = 0;
  let along: f32 = 0;
  let signed: f32 = 0;
  const byte = <usize>(((lane & 7) << 1) | ((lane >> 3) & 1));
  const isHigh = lane >> 4;
  for (let group = 0; group < D >> 2; group++) {
    let bits: u32 = 0;
    for (let t = 0; t < 4; t++) {
      const j = <usize>(group * 4 + t) * 4;
      const c = load<f32>(centroid + j);
      const r = load<f32>(vector + j) - c;
      store<f32>(spare + j, r);
      const size = abs(r);
      square += r * r;
      sum += size;
      largest = max(largest, size);
      along += c * r;
      if (r > 0) {
        bits |= 1 << t;
        signed += c;
      } else {
        signed -= c;
      }
    }
    const at = block + <usize>group * 16 + byte;
    const before = <u32>load<u8>(at);
    store<u8>(at, isHigh ? (before & 15) | (bits << 4) : (before & 0xf0) | bits);
  }
  const factor: f32 = sum > 0 ? square / sum : 0;
  const scale: f32 = largest > 0 ? largest / 127 : 1;
  const unit: f32 = 1 / scale;
  const row = rowAt(slot);
  let rowAlong: f32 = 0;
  for (let j: usize = 0; j < <usize>D; j++) {
    const value = nearest(load<f32>(spare + j * 4) * unit);
    store<i8>(row + j, <i8>value);
    rowAlong += load<f32>(centroid + j * 4) * value;
  }
  const isDistance = metric == 2;
  const numbers = block + <usize>D * 4 + (<usize>lane << 2);
  store<f32>(numbers, factor, FACTOR);
  store<f32>(numbers, scale, SCALE);
  if (metric != 1) store<f32>(numbers, isDistance ? -scale * rowAlong - square * 0.5 : 0, SHARE);
  // Last, because it is what a lane without a vector lacks.
  store<f32>(numbers, (isDistance ? -0.5 * square : along) - factor * signed, BASE);
}

/** Empties a lane: its base is below every other, so that no search finds it. */
export function clear(slot: u32): void {
  const numbers = blockAt(slot >> 5) + <usize>D * 4 + (<usize>(slot & 31) << 2);
  store<f32>(numbers, -Infinity, BASE);
  store<f32>(numbers, 0, FACTOR);
  store<f32>(numbers, 1, SHARE);
}

// @ts-expect-error: decorator
@inline
function nearest(value: f32): f32 {
  return f32x4.extract_lane(f32x4.nearest(f32x4.splat(value)), 0);
}
