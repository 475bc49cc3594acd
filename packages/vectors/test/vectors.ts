/** Vectors as models make them: clusters on a curved surface, with a common offset and noise; and the exact answers. */
import { seededRandom } from '@holdfast/kernel';
import type { Metric } from '../src/kernel/layout.js';

const LATENT = 24;
const CLUSTERS = 60;

export interface VectorMaker {
  next(): Float32Array;
}

/** `offset` says how much all vectors have in common: 0 for nothing. */
export function vectorMaker(seed: number, dimensions: number, offset = 0.3): VectorMaker {
  const random = seededRandom(seed);
  const gauss = (): number =>
    Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
  const plane = Float64Array.from({ length: LATENT * dimensions }, () => gauss() / Math.sqrt(LATENT));
  const centers = Array.from({ length: CLUSTERS }, () => Float64Array.from({ length: LATENT }, gauss));
  const mean = Float64Array.from({ length: dimensions }, () => offset * gauss());
  return {
    next() {
      const center = centers[Math.floor(random.unit() * CLUSTERS)]!;
      const latent = center.map((value) => value + 0.7 * gauss());
      const vector = new Float32Array(dimensions);
      for (let j = 0; j < dimensions; j++) {
        let value = mean[j]! + 0.3 * gauss();
        for (let i = 0; i < LATENT; i++) value += latent[i]! * plane[i * dimensions + j]!;
        vector[j] = value;
      }
      return vector;
    },
  };
}

export function exactScore(metric: Metric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  let [aa, bb, distance] = [0, 0, 0];
  for (let j = 0; j < a.length; j++) {
    const [x, y] = [a[j]!, b[j]!];
    product += x * y;
    aa += x * x;
    bb += y * y;
    distance += (x - y) ** 2;
  }
  if (metric === 'ip') return product;
  return metric === 'l2' ? -Math.sqrt(distance) : product / Math.sqrt(aa * bb);
}

/** The ids of the k nearest. */
export function nearestOf(
  metric: Metric,
  query: Float32Array,
  vectors: ReadonlyMap<string, Float32Array>,
  k = 10,
): string[] {
  const scored = [...vectors].map(([id, vector]) => ({ id, score: exactScore(metric, query, vector) }));
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, k)
    .map(({ id }) => id);
}
