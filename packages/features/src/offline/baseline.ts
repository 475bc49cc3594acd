/**
 * What the values of a view were like at some time, in a few numbers, and how far others have moved from it.
 *
 * Guarantees: a baseline has shares and the edges between them, and no row: which entity had which value does not follow from
 * it, and neither the least nor the greatest value is kept. Of samples that are too small nothing is said, instead of something
 * by chance.
 */
import { divergence, edgesOf, meanOf, sharesOf } from './drift.js';

/** Fewer rows than this show 0.1 and more by chance alone. */
const FEWEST = 200;
/** A population stability index below the first is called stable, above the second a change. */
const MOVED = 0.1;
const CHANGED = 0.25;

/** The values of one feature in some rows; a bool is 0 or 1, and what is no number is only present or null. */
export type Sample = readonly (number | null | 'present')[];

/** Counts of a sample. */
export interface Spread {
  /** Rows. */
  readonly count: number;
  readonly nulls: number;
  /** Null where there is no number. */
  readonly mean: number | null;
}

export interface FeatureBaseline extends Spread {
  /** What divides the numbers into at most ten bins, at the tenths of the sample: each bin reaches up to its edge, the last one further. */
  readonly edges: readonly number[];
  /** Of the numbers, in each bin. */
  readonly shares: readonly number[];
}

/**
 * `stable`, `moved` or `changed`, by the greater of the stability indexes of values and of nulls: below 0.1, up to 0.25, above.
 * `unknown` without a baseline of the feature, or with fewer than 200 rows on either side.
 */
export type Verdict = 'stable' | 'moved' | 'changed' | 'unknown';

export interface FeatureDrift {
  readonly feature: string;
  readonly verdict: Verdict;
  /** The population stability index of the numbers; null where it is not known, or the feature is no number. */
  readonly psi: number | null;
  /** That of being null. */
  readonly nullPsi: number | null;
  /** Undefined where the baseline lacks the feature. */
  readonly before: Spread | undefined;
  readonly now: Spread;
  /** Shares of the numbers by bin; `upTo` is null for the last one. */
  readonly bins: readonly { readonly upTo: number | null; readonly before: number; readonly now: number }[];
}

export function baselineOf(sample: Sample): FeatureBaseline {
  const numbers = numbersIn(sample);
  const edges = numbers.length === 0 ? [] : edgesOf(numbers.sort(), 10);
  return {
    ...spreadOf(sample, numbers),
    edges,
    shares: numbers.length === 0 ? [] : sharesOf(numbers, edges),
  };
}

export function driftOfFeature(
  feature: string,
  before: FeatureBaseline | undefined,
  sample: Sample,
): FeatureDrift {
  const numbers = numbersIn(sample);
  const now = spreadOf(sample, numbers);
  const nothing = { feature, verdict: 'unknown', psi: null, nullPsi: null, now, bins: [] } as const;
  if (before === undefined) return { ...nothing, before };
  const { edges, shares, ...spread } = before;
  const compared = { ...nothing, before: spread };
  if (before.count < FEWEST || now.count < FEWEST) return compared;
  const nullPsi = divergence(nullShares(before), nullShares(now));
  const isBoth = shares.length > 0 && numbers.length > 0;
  const nowShares = isBoth ? sharesOf(numbers, edges) : [];
  const enough = isBoth && numbers.length >= FEWEST && before.count - before.nulls >= FEWEST;
  const psi = enough ? divergence(shares, nowShares) : null;
  const bins = nowShares.map((share, bin) => ({
    ...{ upTo: edges[bin] ?? null, before: shares[bin] ?? 0, now: share },
  }));
  return { ...compared, verdict: verdictOf(Math.max(nullPsi, psi ?? 0)), psi, nullPsi, bins };
}

function verdictOf(index: number): Verdict {
  if (index < MOVED) return 'stable';
  return index > CHANGED ? 'changed' : 'moved';
}

const nullShares = ({ count, nulls }: Spread): readonly number[] => [nulls / count, 1 - nulls / count];

const numbersIn = (sample: Sample): Float64Array =>
  Float64Array.from(sample.filter((value): value is number => Number.isFinite(value)));

const spreadOf = (sample: Sample, numbers: Float64Array): Spread => ({
  count: sample.length,
  nulls: sample.filter((value) => value === null).length,
  mean: numbers.length === 0 ? null : meanOf(numbers),
});
