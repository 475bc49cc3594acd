/**
 * What each metric makes of a vector before it is stored or looked for, and of a score before it is told.
 *
 * Guarantees: a vector that cannot be compared is a MisuseError that says why.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Metric } from '../kernel/layout.js';

/** So many numbers: of an array or a typed array. */
export type Vector = ArrayLike<number>;

export interface Prepared {
  /** A direction for `cosine` and `ip`; padded with zeros to the dimensions of the index. */
  readonly values: Float32Array;
  readonly length: number;
}

export function prepareVector(
  vector: Vector,
  metric: Metric,
  { dimensions, padded }: { dimensions: number; padded: number },
): Prepared {
  const given = vector?.length;
  if (given !== dimensions) {
    throw new MisuseError(
      `The index has vectors of ${dimensions} dimensions; got ${typeof vector === 'object' && given !== undefined ? given : display(vector)}.`,
    );
  }
  let square = 0;
  for (let j = 0; j < dimensions; j++) {
    const value = vector[j];
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) {
      throw new MisuseError(`A vector has finite numbers of 32 bits; dimension ${j} is ${display(value)}.`);
    }
    square += value * value;
  }
  const length = Math.sqrt(square);
  if (length === 0 && metric === 'cosine') {
    throw new MisuseError('A vector of zeros has no direction: it cannot be compared by "cosine".');
  }
  const by = metric === 'l2' || length === 0 ? 1 : 1 / length;
  const values = new Float32Array(padded);
  for (let j = 0; j < dimensions; j++) values[j] = vector[j]! * by;
  return { values, length };
}

/** The score that a caller is told; higher is nearer in all metrics. */
export function toldScore(score: number, metric: Metric, queryLength: number): number {
  if (metric === 'l2') return -Math.sqrt(Math.max(0, -2 * score));
  return metric === 'ip' ? score * queryLength : score;
}

/** The score, as the kernels count it, that is told as this one. */
export function innerScore(told: number, metric: Metric, queryLength: number): number {
  if (metric === 'l2') return -0.5 * Math.min(0, told) ** 2;
  return metric === 'ip' ? told / queryLength : told;
}

/** The score that a caller is told, from both vectors as they are. */
export function exactScore(metric: Metric, query: Vector, vector: Float32Array): number {
  let [product, squares, squareOfQuery, distance] = [0, 0, 0, 0];
  for (let j = 0; j < vector.length; j++) {
    const [x, y] = [query[j]!, vector[j]!];
    product += x * y;
    squares += y * y;
    squareOfQuery += x * x;
    distance += (x - y) ** 2;
  }
  if (metric === 'l2') return -Math.sqrt(distance);
  return metric === 'ip' ? product : product / Math.sqrt(squares * squareOfQuery);
}
