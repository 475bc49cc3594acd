/**
 * The totals of many runs, which can be added up over workers.
 */
import type { Plan } from '../plan/plan.js';
import type { Outcome } from './run.js';

export interface Failure {
  readonly seed: number;
  readonly rule: string;
  readonly message: string;
}

export interface Tally {
  runs: number;
  grants: number;
  writes: number;
  events: number;
  /** Virtual ms. */
  duration: number;
  faults: Record<string, number>;
  failures: Failure[];
}

export const emptyTally = (): Tally => ({
  runs: 0,
  grants: 0,
  writes: 0,
  events: 0,
  duration: 0,
  faults: {},
  failures: [],
});

export function count(tally: Tally, plan: Pick<Plan, 'seed' | 'faults'>, outcome: Outcome): void {
  add(tally, {
    runs: 1,
    grants: outcome.grants,
    writes: outcome.writes,
    events: outcome.events,
    duration: outcome.duration,
    faults: {},
    failures: outcome.violations.slice(0, 1).map((violation) => ({ seed: plan.seed, ...violation })),
  });
  for (const { f } of plan.faults) tally.faults[f] = (tally.faults[f] ?? 0) + 1;
}

export function add(tally: Tally, other: Tally): void {
  tally.runs += other.runs;
  tally.grants += other.grants;
  tally.writes += other.writes;
  tally.events += other.events;
  tally.duration += other.duration;
  for (const [kind, number] of Object.entries(other.faults)) {
    tally.faults[kind] = (tally.faults[kind] ?? 0) + number;
  }
  tally.failures.push(...other.failures);
}

/** The totals in words. */
export function describeTally(
  tally: Tally,
  { seconds, threads, words }: { seconds: number; threads: number; words: readonly [string, string] },
): string {
  const { runs, grants, writes, events, duration, faults, failures } = tally;
  const inflicted = Object.values(faults).reduce((sum, number) => sum + number, 0);
  const kinds = Object.entries(faults)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, number]) => `${kind} ${number}`);
  const lines = [
    `${runs} runs in ${seconds.toFixed(0)} s on ${threads} threads: ${(runs / seconds / threads).toFixed(0)} runs per second and thread`,
    `${(duration / 1000 / seconds / threads).toFixed(0)} virtual seconds per second and thread, ${(events / runs).toFixed(0)} events per run`,
    `${grants} ${words[0]}, ${writes} ${words[1]}, ${inflicted} faults: ${kinds.join(', ')}`,
    `${failures.length} runs with a violation`,
  ];
  return lines.join('\n');
}

export const describeFailure = ({ seed, rule, message }: Failure): string =>
  `VIOLATION of ${rule}, --seed ${seed}: ${message}`;
