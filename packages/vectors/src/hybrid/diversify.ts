/**
 * Results that do not all say the same: maximal marginal relevance, after Carbonell and Goldstein, "The use of MMR,
 * diversity-based reranking for reordering documents and producing summaries" (1998).
 *
 * Each next hit is the one with the greatest lambda times its score, from 0 to 1, less (1 - lambda) times its cosine to the
 * nearest one that was chosen. Guarantees: the first hit stays the first; a hit without a vector is near to none.
 */
import { callback, display, fitting, MisuseError, readOptions, whole, withDefault } from '@holdfast/kernel';
import type { Hit } from '../index/finding.js';
import type { Vector } from '../index/metric.js';
import { scaleOf } from './fuse.js';

export interface DiversifyOptions {
  readonly vectorOf: (id: string) => Vector | undefined;
  /** 1 for the order of scores, 0 for the greatest variety. Default 0.7. */
  readonly lambda?: number;
  /** Most results, 1 to 4096. Default 10. */
  readonly limit?: number;
}

const DIVERSIFY = {
  vectorOf: callback<(id: string) => Vector | undefined>('an id'),
  lambda: withDefault(
    fitting<number>('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
    0.7,
  ),
  limit: withDefault(whole(1, 4_096), 10),
};

/** Takes `limit` times as many steps as there are hits. Throws MisuseError, also for vectors of different dimensions. */
export function diversify<T extends Hit>(hits: readonly T[], options: DiversifyOptions): T[] {
  const { vectorOf, lambda, limit } = readOptions('diversify', options, DIVERSIFY);
  const scaled = scaleOf(hits);
  const left = hits.map((hit) => ({
    hit,
    relevance: scaled(hit.score),
    vector: directionOf(vectorOf(hit.id)),
    nearest: 0,
  }));
  const chosen: T[] = [];
  while (chosen.length < limit && left.length > 0) {
    let best = 0;
    const worth = (at: number): number => lambda * left[at]!.relevance - (1 - lambda) * left[at]!.nearest;
    for (let at = 1; chosen.length > 0 && at < left.length; at++) if (worth(at) > worth(best)) best = at;
    const [{ hit, vector }] = left.splice(best, 1) as [(typeof left)[number]];
    chosen.push(hit);
    for (const each of left) each.nearest = Math.max(each.nearest, cosine(each.vector, vector));
  }
  return chosen;
}

function directionOf(vector: Vector | undefined): Float64Array | undefined {
  if (vector === undefined) return undefined;
  const length = Math.hypot(...Array.from(vector));
  return Float64Array.from(vector, (value) => (length > 0 ? value / length : 0));
}

function cosine(a: Float64Array | undefined, b: Float64Array | undefined): number {
  if (a === undefined || b === undefined) return 0;
  if (a.length !== b.length) {
    throw new MisuseError(
      `Vectors of hits have one number of dimensions; got ${display(a.length)} and ${display(b.length)}.`,
    );
  }
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}
