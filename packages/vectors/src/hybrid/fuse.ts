/**
 * From several rankings of documents to one: by ranks, or by scores.
 *
 * `rrf` is reciprocal rank fusion, after Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
 * individual Rank Learning Methods" (2009): the sum of weight / (k + rank). `weighted` is the sum of weight times the score, after
 * the scores of each ranking were brought to 0 to 1 by its least and its greatest.
 *
 * Guarantees: each id once, with its rank and score in each ranking that has it; of equal scores the lower id comes first.
 */
import {
  display,
  fitting,
  MisuseError,
  oneOf,
  optional,
  type Reader,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { Hit } from '../index/finding.js';

export type FusionMethod = 'rrf' | 'weighted';

export interface FuseOptions {
  /** By ranks (`rrf`) or by scores (`weighted`). Default `rrf`. */
  readonly method?: FusionMethod;
  /** How much a ranking counts, by its name, from 0 to 1000. Default 1. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Of `rrf`: the higher, the less the first ranks count more than later ones, 1 to 1000. Default 60. */
  readonly k?: number;
}

export interface FusedHit extends Hit {
  /** From 1, by the name of the ranking. */
  readonly ranks: Readonly<Record<string, number>>;
  readonly scores: Readonly<Record<string, number>>;
}

const weights: Reader<Readonly<Record<string, number>>> = (option, value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MisuseError(`${option} is an object of numbers by ranking; got ${display(value)}.`);
  }
  const isWeight = (weight: unknown): boolean => typeof weight === 'number' && weight >= 0 && weight <= 1_000;
  for (const [name, weight] of Object.entries(value)) {
    fitting('a number from 0 to 1000', isWeight)(`${option}.${name}`, weight);
  }
  return value as Readonly<Record<string, number>>;
};

const FUSE = {
  method: withDefault(oneOf('rrf', 'weighted'), 'rrf'),
  weights: optional(weights),
  k: withDefault(whole(1, 1_000), 60),
};

/**
 * The ids of all rankings, the best first; each ranking has its best first. Throws MisuseError, also for a weight of a ranking that
 * there is not.
 */
export function fuse(
  rankings: Readonly<Record<string, readonly Hit[]>>,
  options: FuseOptions = {},
): FusedHit[] {
  const { method, weights = {}, k } = readOptions('fuse', options, FUSE);
  const unknown = Object.keys(weights).find((name) => !Object.hasOwn(rankings, name));
  if (unknown !== undefined) {
    const known = Object.keys(rankings).join(', ');
    throw new MisuseError(`weights has ${display(unknown)}, which is no ranking; there are ${known}.`);
  }
  interface Sum {
    score: number;
    readonly ranks: Record<string, number>;
    readonly scores: Record<string, number>;
  }
  const sums = new Map<string, Sum>();
  for (const [name, hits] of Object.entries(rankings)) {
    const weight = weights[name] ?? 1;
    const scaled = scaleOf(hits);
    hits.forEach(({ id, score }, at) => {
      const sum = sums.get(id) ?? { score: 0, ranks: {}, scores: {} };
      sums.set(id, sum);
      if (sum.ranks[name] !== undefined) return; // a ranking that has an id twice counts the better one
      sum.ranks[name] = at + 1;
      sum.scores[name] = score;
      sum.score += weight * (method === 'rrf' ? 1 / (k + at + 1) : scaled(score));
    });
  }
  return [...sums].map(([id, sum]) => ({ id, ...sum })).sort(byScore);
}

const byScore = (a: Hit, b: Hit): number => b.score - a.score || (a.id < b.id ? -1 : 1);

/** Brings the scores of a ranking to 0 to 1; all to 1 if they are equal. */
export function scaleOf(hits: readonly Hit[]): (score: number) => number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { score } of hits) {
    least = Math.min(least, score);
    most = Math.max(most, score);
  }
  return (score) => (most > least ? (score - least) / (most - least) : 1);
}
