/** The model of the help desk, and the one that takes its place: it has half as many dimensions, and so needs half the memory. */
import { DIMENSIONS, embed, MODEL } from '../sentence-model.js';
import type { Model } from './search.js';

export const FIRST: Model = { name: MODEL, dimensions: DIMENSIONS, embed };

export const SECOND: Model = {
  name: `${MODEL}-folded`,
  dimensions: DIMENSIONS / 2,
  embed: async (texts, signal) => (await embed(texts, signal)).map(folded),
};

/** The second model's vector of what has this vector of the first. */
export function folded(vector: ArrayLike<number>): Float32Array {
  const half = DIMENSIONS / 2;
  return Float32Array.from({ length: half }, (_, j) => (vector[j] ?? 0) + (vector[half + j] ?? 0));
}
