/**
 * The numbers of a benchmark by metric and contestant, and the tables of them.
 *
 * Guarantees: a ratio is formed within a round. What was not measured is a dash.
 */
import { numberSpread, ratioSpread, type Table } from './report.js';
import { median, pairedRatio, spread } from './statistics.js';

/** Names of metrics, and their values. */
export type Numbers = Readonly<Record<string, number>>;

/** By metric: its workload, and each contestant's value in each round. */
export type Results = Map<string, { readonly workload: string; readonly values: Map<string, number[]> }>;

/** Adds the numbers of one contestant and round. */
export function note(
  results: Results,
  { workload, contestant }: { readonly workload: string; readonly contestant: string },
  numbers: Numbers,
): void {
  for (const [metric, value] of Object.entries(numbers)) {
    const ofMetric = results.get(metric) ?? { workload, values: new Map<string, number[]>() };
    results.set(metric, ofMetric);
    const values = ofMetric.values.get(contestant) ?? [];
    ofMetric.values.set(contestant, [...values, value]);
  }
}

export const valuesOf = (results: Results, metric: string, contestant: string): readonly number[] =>
  results.get(metric)?.values.get(contestant) ?? [];

/** Of `peers`, the one whose median is best; undefined if none was measured. */
export function bestOf(
  results: Results,
  metric: string,
  peers: readonly string[],
  isMoreBetter: boolean,
): string | undefined {
  const measured = peers
    .map((name) => ({ name, middle: median(valuesOf(results, metric, name)) }))
    .filter(({ middle }) => Number.isFinite(middle))
    .sort((one, other) => (isMoreBetter ? other.middle - one.middle : one.middle - other.middle));
  return measured[0]?.name;
}

interface TableParts {
  readonly workload: string;
  readonly about: string;
  /** In the order of their columns; one that was not measured has none. */
  readonly contestants: readonly string[];
  /** Whether the ratio of the first two is shown. */
  readonly isCompared: boolean;
}

/** The table of a workload: a metric a row, a contestant a column. */
export function tableOf(results: Results, { workload, about, contestants, isCompared }: TableParts): Table {
  const metrics = [...results].filter(([, ofMetric]) => ofMetric.workload === workload);
  const shown = contestants.filter((name) => metrics.some(([, { values }]) => values.has(name)));
  const [first = '', second] = shown;
  const pair = isCompared && second !== undefined;
  return {
    title: workload,
    about,
    columns: ['', ...shown, ...(pair ? [`${first} to ${second}`] : [])],
    rows: metrics.map(([metric, { values }]) => {
      const [own = [], other = []] = [first, second ?? ''].map((name) => values.get(name));
      return [
        metric,
        ...shown.map((name) => numberSpread(spread(values.get(name) ?? []))),
        ...(pair ? [other.length > 0 ? ratioSpread(pairedRatio(own, other)) : '–'] : []),
      ];
    }),
  };
}
