/** The index that all processes of an episode share: documents whose vectors follow from the write that they are of. */
import { createHash } from 'node:crypto';
import { seededRandom } from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { createIndex, type VectorIndex } from '@holdfast/vectors';

const DIMENSIONS = 8;
/** How many documents there are at most. */
export const DOCUMENTS = 24;
/** More than there are documents. */
export const ALL = 100;

export const idOf = (number: number): string => `d${number}`;

export const indexOf = (redis: NodeSource, name: string): VectorIndex =>
  createIndex({ redis, name, vectors: { dimensions: DIMENSIONS }, callTimeout: 1_000 });

/** A direction that follows from a number. */
export function directionOf(seed: number): number[] {
  const random = seededRandom(seed);
  const numbers = Array.from({ length: DIMENSIONS }, () => random.unit() - 0.5);
  const length = Math.hypot(...numbers);
  return numbers.map((number) => number / length);
}

/** The vectors of a write: one, two or three chunks. */
export function vectorsOf(value: string): readonly number[][] {
  const seed = createHash('sha1').update(value).digest().readUInt32LE(0);
  return Array.from({ length: 1 + (seed % 3) }, (_, chunk) => directionOf(seed + chunk));
}

/** How near a write is to the vector of a query. */
export function nearnessOf(value: string, query: number): number {
  const direction = directionOf(query);
  const near = (vector: readonly number[]): number =>
    vector.reduce((sum, number, at) => sum + number * (direction[at] ?? 0), 0);
  return Math.max(...vectorsOf(value).map(near));
}
