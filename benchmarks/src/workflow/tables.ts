/**
 * From the numbers of the workflow benchmark to its tables and targets.
 */
import type { Report, Target } from '../harness/report.js';
import { bestOf, type Results, tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, spread } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { others, peers } from './peers/peers.js';
import type { Plan } from './plan.js';
import { workloads } from './workloads.js';

const [ours = ''] = peers.map(({ name }) => name);

/** What is wanted of Holdfast's own numbers. */
const WANTED: Readonly<Record<string, readonly [typeof atLeast, number]>> = {
  'steps/s, 100 callers': [atLeast, 30_000],
  'Redis CPU µs/step, 100 callers': [atMost, 16],
  'a step, p50 ms': [atMost, 0.1],
  'start to result, p50 ms, 1 step, 1 caller': [atMost, 0.4],
  'start to result, p50 ms, 5 steps, 1 caller': [atMost, 0.7],
  'start to result, p50 ms, 5 steps, 10 callers': [atMost, 2],
};

/** By how much it is to be better than the best of the others. */
const WANTED_TO_PEERS: Readonly<Record<string, number>> = { 'steps/s, 100 callers': 8 };

export function reportWorkflow(
  results: Results,
  plan: Plan,
  run: Pick<Report, 'environment' | 'command'>,
): Report {
  const measured = [...workloads].filter(([name]) =>
    [...results.values()].some((of) => of.workload === name),
  );
  return {
    title: 'Durable workflows',
    command: run.command,
    environment: { ...run.environment, rounds: String(plan.rounds) },
    targets: [...targetsOfOurs(results), ...targetsToPeers(results)],
    tables: measured.map(([workload, { about }]) =>
      tableOf(results, { workload, about, contestants: peers.map(({ name }) => name), isCompared: false }),
    ),
    remarks: [
      'Each peer has processes of its own and begins with an empty Redis; within a round, they take turns. Figures are the median (min–max) of the rounds.',
      'The floor is no engine: it has one script a step that compares a token and appends a record, and keeps no other promise.',
    ],
    data: { plan, results },
  };
}

const targetsOfOurs = (results: Results): Target[] =>
  Object.entries(WANTED).flatMap(([metric, [judge, bound]]) => {
    const values = valuesOf(results, metric, ours);
    return values.length > 0 ? [judge(metric, spread(values), bound)] : [];
  });

const targetsToPeers = (results: Results): Target[] =>
  Object.entries(WANTED_TO_PEERS).flatMap(([metric, least]) => {
    const best = bestOf(results, metric, others, true);
    if (best === undefined) return [];
    const ratio = pairedRatio(valuesOf(results, metric, ours), valuesOf(results, metric, best));
    return [atLeast(`${metric}: to ${best}`, ratio, least)];
  });
