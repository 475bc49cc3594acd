/** The index that all processes of an episode share: documents whose vectors follow from the write that they are of. */
import { createHash } from 'node:crypto';
import { seededRandom } from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { createIndex, type EmbeddingQueue, type VectorIndex } from '@holdfast/vectors';

const DIMENSIONS = 8;
/** How many documents there are at most. */
export const DOCUMENTS = 24;
/** More than there are documents. */
export const ALL = 100;

/** Of two models that follow one another. */
export const MODELS = ['m0', 'm1'] as const;
export type ModelName = (typeof MODELS)[number];

/** How the index of an episode is made. */
export interface Making {
  readonly engine: 'memory' | 'server';
  /** Whether documents have texts, of which models make vectors; else they come with theirs. */
  readonly hasModels: boolean;
}

export const idOf = (number: number): string => `d${number}`;

export function indexOf(
  redis: NodeSource,
  name: string,
  { engine, hasModels }: Making,
  tasks?: EmbeddingQueue,
): VectorIndex {
  const common = { redis, name, callTimeout: 1_000 };
  if (!hasModels) return createIndex({ ...common, vectors: { dimensions: DIMENSIONS, engine } });
  const [first, second] = MODELS;
  const vectors = modelOf(first, engine);
  return createIndex({ ...common, vectors, next: modelOf(second, engine), ...(tasks && { tasks }) });
}

/** Where the server searches, it does so for the second one: so the index goes from one engine to the other and back. */
export const modelOf = (model: ModelName, engine: Making['engine']) => ({
  ...{ model, dimensions: DIMENSIONS, engine: model === 'm1' ? engine : ('memory' as const) },
  embedder: {
    embed: async (texts: readonly string[]) => texts.map((text) => Float32Array.from(made(model, text))),
  },
});

export const questionOf = (query: number): string => `question ${query}`;

const seedOf = (text: string): number => createHash('sha1').update(text).digest().readUInt32LE(0);

/** What a model makes of a text. */
const made = (model: ModelName, text: string): number[] => directionOf(seedOf(`${model} ${text}`));

/** A direction that follows from a number. */
export function directionOf(seed: number): number[] {
  const random = seededRandom(seed);
  const numbers = Array.from({ length: DIMENSIONS }, () => random.unit() - 0.5);
  const length = Math.hypot(...numbers);
  return numbers.map((number) => number / length);
}

/** The vectors of a write: one, two or three chunks. */
export function vectorsOf(value: string): readonly number[][] {
  const seed = seedOf(value);
  return Array.from({ length: 1 + (seed % 3) }, (_, chunk) => directionOf(seed + chunk));
}

/** How near a write is to a query: by its own vectors, or by those of a model. */
export function nearnessOf(value: string, query: number, model?: ModelName): number {
  const direction = model ? made(model, questionOf(query)) : directionOf(query);
  const near = (vector: readonly number[]): number =>
    vector.reduce((sum, number, at) => sum + number * (direction[at] ?? 0), 0);
  return Math.max(...(model ? [made(model, value)] : vectorsOf(value)).map(near));
}
