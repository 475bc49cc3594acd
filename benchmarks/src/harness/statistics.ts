/**
 * Summaries of samples: quantiles, and ratios that are formed within a round before they are summarised.
 *
 * Guarantees: a ratio compares two numbers of the same round only, so that a disturbance of the whole machine, which
 * hits both, falls out of it. No samples give NaN, which the report prints as a dash, never a made-up number.
 */

/** The middle of the rounds, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The sample below which the share `q` of the samples lies, by nearest rank; NaN without samples. */
export function quantile(samples: ArrayLike<number>, q: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = Float64Array.from(samples).sort();
  const rank = Math.ceil(q * sorted.length) - 1;
  return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? Number.NaN;
}

/** The middle sample, or the mean of the two middle ones; NaN without samples. */
export function median(samples: ArrayLike<number>): number {
  const sorted = Float64Array.from(samples).sort();
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** NaN without values. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** The spread of `values[i] / references[i]` over the rounds `i`. Both must have a value for each round. */
export function pairedRatio(values: readonly number[], references: readonly number[]): Spread {
  if (values.length !== references.length) return spread([]);
  return spread(values.map((value, round) => value / (references[round] ?? Number.NaN)));
}
