/**
 * How far the values of a feature have moved from earlier ones: two measures that are common for it.
 *
 * Guarantees: equal samples give 0. What is no number is left out, and a sample without numbers is refused: there is
 * nothing to say about it.
 */
import { MisuseError } from '@holdfast/kernel';

/** The share of a bin that has no values; with 0, one empty bin would make the measure infinite. */
const LEAST_SHARE = 1e-4;

/**
 * The population stability index: the bins are the quantiles of the baseline. Below 0.1 is usually called stable, above
 * 0.25 a change. Throws MisuseError for a sample without numbers.
 */
export function populationStability(
  baseline: readonly (number | null)[],
  current: readonly (number | null)[],
  bins = 10,
): number {
  const [before, after] = [sorted('baseline', baseline), sorted('current', current)];
  const edges = edgesOf(before, bins);
  return divergence(sharesOf(before, edges), sharesOf(after, edges));
}

/** The quantiles that divide sorted values into so many bins, each once. */
export function edgesOf(values: Float64Array, bins: number): readonly number[] {
  const edges = Array.from({ length: bins - 1 }, (_, at) => quantile(values, (at + 1) / bins));
  return edges.filter((edge, at) => at === 0 || edge !== edges[at - 1]);
}

/** The population stability index of the shares of the same bins. */
export function divergence(before: readonly number[], after: readonly number[]): number {
  return before.reduce((sum, given, at) => {
    const [share, other] = [Math.max(LEAST_SHARE, given), Math.max(LEAST_SHARE, after[at] ?? 0)];
    return sum + (other - share) * Math.log(other / share);
  }, 0);
}

/** The Kolmogorov-Smirnov test of two samples. */
export interface KolmogorovSmirnov {
  /** The greatest difference of the two distribution functions, 0 to 1. */
  readonly statistic: number;
  /** About how probable such a difference is for two samples of one distribution; for samples of some 50 and more. */
  readonly p: number;
}

/** Throws MisuseError for a sample without numbers. */
export function kolmogorovSmirnov(
  baseline: readonly (number | null)[],
  current: readonly (number | null)[],
): KolmogorovSmirnov {
  const [one, other] = [sorted('baseline', baseline), sorted('current', current)];
  let [i, j, statistic] = [0, 0, 0];
  while (i < one.length && j < other.length) {
    const value = Math.min(one[i] as number, other[j] as number);
    while (one[i] === value) i += 1;
    while (other[j] === value) j += 1;
    statistic = Math.max(statistic, Math.abs(i / one.length - j / other.length));
  }
  const size = Math.sqrt((one.length * other.length) / (one.length + other.length));
  return { statistic, p: tail((size + 0.12 + 0.11 / size) * statistic) };
}

/** The tail of Kolmogorov's distribution, with Stephens' correction in its argument. */
function tail(lambda: number): number {
  if (lambda < 0.2) return 1; // it differs from 1 by less than 1e-12, and the series converges slowly
  let sum = 0;
  for (let term = 1; term <= 100; term += 1) {
    sum += (term % 2 === 1 ? 2 : -2) * Math.exp(-2 * term * term * lambda * lambda);
  }
  return Math.min(1, Math.max(0, sum));
}

/** What is worth knowing about the values of a feature. */
export interface Profile {
  readonly count: number;
  readonly nulls: number;
  readonly distinct: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** From the least to the greatest, in tenths of the values. */
  readonly deciles: readonly number[];
}

/** Throws MisuseError for values without a number. */
export function profileOf(values: readonly (number | null)[]): Profile {
  const numbers = sorted('profiled', values);
  const deciles = Array.from({ length: 11 }, (_, at) => quantile(numbers, at / 10));
  return {
    count: values.length,
    nulls: values.filter((value) => value === null).length,
    distinct: new Set(numbers).size,
    mean: meanOf(numbers),
    min: numbers[0] as number,
    max: numbers.at(-1) as number,
    deciles,
  };
}

export const meanOf = (numbers: Float64Array): number =>
  numbers.reduce((mean, value, at) => {
    const step = (value - mean) / (at + 1);
    // The difference of two large numbers may be infinite.
    return mean + (Number.isFinite(step) ? step : value / (at + 1) - mean / (at + 1));
  }, 0);

function sorted(which: string, sample: readonly (number | null)[]): Float64Array {
  const numbers = Float64Array.from(sample.filter((value): value is number => Number.isFinite(value)));
  if (numbers.length > 0) return numbers.sort();
  throw new MisuseError(
    `The ${which} values have no number among them; give a sample with values, without \`null\` alone.`,
  );
}

/** By linear interpolation between the two values around it. */
function quantile(values: Float64Array, share: number): number {
  const place = share * (values.length - 1);
  const below = Math.floor(place);
  const [from, to] = [values[below] as number, values[Math.min(below + 1, values.length - 1)] as number];
  // The difference of two large numbers may be infinite; equal ones stay what they are.
  return from === to ? from : from * (below + 1 - place) + to * (place - below);
}

/** The share of the values up to each edge, and above the last one; the edges rise. */
export function sharesOf(values: Float64Array, edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    let bin = 0;
    while (bin < edges.length && value > (edges[bin] as number)) bin += 1;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts.map((count) => count / values.length);
}
