/**
 * What part of the nearest documents searches of an index find, measured against all vectors as they lie in Redis.
 *
 * Guarantees: nothing is changed. A document that is as near as the last of the nearest counts as one of them.
 */
import {
  type Clock,
  orSystemClock,
  orSystemRandom,
  type Random,
  type Readers,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { Slices } from '../index/slices.js';
import type { Metric } from '../kernel/layout.js';
import type { VectorIndex } from '../vector-index.js';

export interface CheckOptions {
  /** How many searches, 1 to 1000. Default 50. */
  readonly queries?: number;
  /** How many of the nearest each is to find, 1 to 100. Default 10. */
  readonly limit?: number;
  readonly clock?: Clock;
  /** Chooses the queries. Default: the system's. */
  readonly random?: Random;
}

export interface CheckReport {
  /** The documents that were compared. */
  readonly documents: number;
  /** Those of them without a vector of this name. */
  readonly withoutVectors: number;
  readonly queries: number;
  /** What part of the nearest was found, over all searches, and in the worst; 1 without vectors. */
  readonly recall: number;
  readonly worst: number;
  /** How long a search took, in ms: half of them less, and one in a hundred more. */
  readonly p50: number;
  readonly p99: number;
}

const CHECK = {
  queries: withDefault(whole(1, 1_000), 50),
  limit: withDefault(whole(1, 100), 10),
  clock: orSystemClock,
  random: orSystemRandom,
} satisfies Readers<CheckOptions>;

/** How long the noise of a query is, measured by its vector. */
const NOISE = 0.3;
/** Scores that differ by less are equal: they are computed from 32 bits. */
const EQUAL = 1e-5;

type Near = readonly [id: string, score: number];

interface Query {
  readonly vector: Float32Array;
  /** The nearest so far, the best first, and those that are as near as the last of them. */
  readonly nearest: Near[];
}

type Score = (one: Float32Array, other: Float32Array) => number;

/**
 * Searches for vectors of documents with noise, and compares what is found with all vectors, which are read from Redis twice. An
 * index with several vectors is checked by those of the first name. Throws MisuseError, UnavailableError and AbortedError.
 */
export async function checkRecall(index: VectorIndex, options: CheckOptions = {}): Promise<CheckReport> {
  const { queries: count, limit, clock, random } = readOptions('checkRecall', options, CHECK);
  const [name = '', { metric } = { metric: 'cosine' as Metric }] = Object.entries(index.shapes)[0] ?? [];
  const { documents, withoutVectors, chosen } = await sampleOf(index, { name, count, random });
  const queries = chosen.map((vector): Query => ({ vector: noisy(vector, random), nearest: [] }));
  const score = scoreOf(metric);
  const slices = new Slices(clock);
  for await (const { id, vectors } of index.export()) {
    const own = vectors[name] ?? [];
    if (own.length === 0) continue;
    for (const { vector, nearest } of queries) {
      keep(nearest, [id, Math.max(...own.map((each) => score(vector, each)))], limit);
      await slices.next();
    }
  }
  const [took, parts]: [number[], number[]] = [[], []];
  for (const { vector, nearest } of queries) {
    const began = clock.now();
    const { hits } = await index.search({ ...(name ? { vectors: { [name]: vector } } : { vector }), limit });
    took.push(clock.now() - began);
    const found = hits.filter(({ id }) => nearest.some(([each]) => each === id)).length;
    parts.push(Math.min(1, found / Math.min(limit, nearest.length)));
  }
  return {
    ...{ documents, withoutVectors, queries: queries.length },
    recall: parts.length === 0 ? 1 : parts.reduce((sum, part) => sum + part, 0) / parts.length,
    worst: Math.min(1, ...parts),
    ...{ p50: quantile(took, 0.5), p99: quantile(took, 0.99) },
  };
}

/** Vectors of documents, each document as likely as the other. */
async function sampleOf(
  index: VectorIndex,
  { name, count, random }: { readonly name: string; readonly count: number; readonly random: Random },
): Promise<{ documents: number; withoutVectors: number; chosen: Float32Array[] }> {
  const chosen: Float32Array[] = [];
  let [documents, withoutVectors] = [0, 0];
  for await (const { vectors } of index.export()) {
    const own = vectors[name] ?? [];
    documents += 1;
    const vector = own[Math.floor(random.unit() * own.length)];
    if (vector === undefined) {
      withoutVectors += 1;
      continue;
    }
    const place =
      chosen.length < count ? chosen.length : Math.floor(random.unit() * (documents - withoutVectors));
    if (place < count) chosen[place] = vector;
  }
  return { documents, withoutVectors, chosen };
}

function keep(nearest: Near[], near: Near, limit: number): void {
  const least = nearest[limit - 1]?.[1] ?? Number.NEGATIVE_INFINITY;
  if (near[1] < least - EQUAL) return;
  const place = nearest.findIndex(([, score]) => score < near[1]);
  nearest.splice(place < 0 ? nearest.length : place, 0, near);
  const last = nearest[limit - 1]?.[1] ?? Number.NEGATIVE_INFINITY;
  while ((nearest.at(-1)?.[1] ?? last) < last - EQUAL) nearest.pop();
}

function noisy(vector: Float32Array, random: Random): Float32Array {
  const noise = vector.map(() => random.unit() - 0.5);
  const by = (NOISE * Math.hypot(...vector)) / Math.hypot(...noise);
  return vector.map((value, at) => value + by * (noise[at] ?? 0));
}

function scoreOf(metric: Metric): Score {
  const product: Score = (one, other) => {
    let sum = 0;
    for (let at = 0; at < one.length; at += 1) sum += (one[at] ?? 0) * (other[at] ?? 0);
    return sum;
  };
  if (metric === 'ip') return product;
  if (metric === 'cosine')
    return (one, other) => product(one, other) / Math.sqrt(product(one, one) * product(other, other));
  return (one, other) =>
    -Math.sqrt(Math.max(0, product(one, one) - 2 * product(one, other) + product(other, other)));
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
