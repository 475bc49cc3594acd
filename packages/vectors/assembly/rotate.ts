/**
 * The rotation: orthogonal, so that it changes neither lengths nor inner products, and random, so that no direction of the
 * data falls on a few dimensions. Four rounds of random signs, a Hadamard transform over the largest power of two that
 * fits, at alternating ends, and a step that mixes both halves.
 */
import { D, signs } from './layout';

/** Turns D floats, in place. */
export function rotate(vector: usize): void {
  let size = 1;
  while (size * 2 <= D) size <<= 1;
  const scale = f32x4.splat(<f32>(1.0 / Math.sqrt(<f64>size)));
  const half = <usize>(D >> 1) * 4;
  const root = f32x4.splat(<f32>Math.SQRT1_2);
  for (let round = 0; round < 4; round++) {
    const sign = signs + <usize>(round * D * 4);
    for (let i: usize = 0; i < <usize>D * 4; i += 16) {
      v128.store(vector + i, f32x4.mul(v128.load(vector + i), v128.load(sign + i)));
    }
    const part = round & 1 ? vector + <usize>(D - size) * 4 : vector;
    hadamard(part, size);
    for (let i: usize = 0; i < <usize>size * 4; i += 16) {
      v128.store(part + i, f32x4.mul(v128.load(part + i), scale));
    }
    if (size == D) continue;
    for (let i: usize = 0; i < half; i += 16) {
      const a = v128.load(vector + i);
      const b = v128.load(vector + i + half);
      v128.store(vector + i, f32x4.mul(f32x4.add(a, b), root));
      v128.store(vector + i + half, f32x4.mul(f32x4.sub(a, b), root));
    }
  }
}

function hadamard(x: usize, size: i32): void {
  for (let i = 0; i < size; i += 4) {
    const p = x + ((<usize>i) << 2);
    const v = v128.load(p);
    const pairs = f32x4.add(
      v128.shuffle<f32>(v, v, 0, 0, 2, 2),
      f32x4.mul(v128.shuffle<f32>(v, v, 1, 1, 3, 3), f32x4(1, -1, 1, -1)),
    );
    v128.store(
      p,
      f32x4.add(
        v128.shuffle<f32>(pairs, pairs, 0, 1, 0, 1),
        f32x4.mul(v128.shuffle<f32>(pairs, pairs, 2, 3, 2, 3), f32x4(1, 1, -1, -1)),
      ),
    );
  }
  for (let step = 4; step < size; step <<= 1) {
    for (let i = 0; i < size; i += step << 1) {
      for (let j = i; j < i + step; j += 4) {
        const p = x + ((<usize>j) << 2);
        const q = p + ((<usize>step) << 2);
        const a = v128.load(p);
        const b = v128.load(q);
        v128.store(p, f32x4.add(a, b));
        v128.store(q, f32x4.sub(a, b));
      }
    }
  }
}
