/**
 * From the numbers of the queue benchmark to its tables and targets.
 *
 * Guarantees: a ratio is formed within a round. What was not measured is a dash.
 */
import type { Report, Target } from '../harness/report.js';
import { type Results, tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, spread } from '../harness/statistics.js';
import { atLeast, atMost, never } from '../harness/targets.js';
import { contestants } from './contestants.js';
import type { Plan } from './plan.js';

const [ours = '', peer = ''] = contestants.map(({ name }) => name);

/** The targets for a metric's ratio to the peer. */
const WANTED: Readonly<Record<string, readonly [typeof atLeast, number]>> = {
  'adds/s, 100 in flight': [atLeast, 3],
  'addMany of 1,000: tasks/s': [atLeast, 3],
  'tasks/s, concurrency 1': [atLeast, 3],
  'tasks/s, concurrency 10': [atLeast, 4],
  'tasks/s, concurrency 100': [atLeast, 4],
  'Redis CPU µs/task, concurrency 100': [atMost, 0.25],
  'tasks/s, 1 worker process': [atLeast, 4],
  'tasks/s, 2 worker processes': [atLeast, 4],
  'tasks/s, 4 worker processes': [atLeast, 4],
  'start after add, p50 ms': [atMost, 1],
  'start after add, p99 ms': [atMost, 1],
  'bytes a waiting task of 200': [atMost, 0.5],
  'bytes a finished task, its result kept': [atMost, 0.5],
};

/** The targets for the ratio of two of our own metrics. */
const OWN: readonly (readonly [name: string, above: string, below: string, least: number])[] = [
  ['addMany to the raw XADD limit', 'addMany of 1,000: tasks/s', 'raw limit: pipelined XADD/s', 0.5],
  ['a full queue to an empty one', 'tasks/s, full queue', 'tasks/s, empty queue', 0.8],
];

const ABOUT: Readonly<Record<string, string>> = {
  enqueue: 'Tasks of 200 bytes, added by one process.',
  bulk: 'The same, a thousand tasks per call, one call after the other.',
  throughput:
    'Tasks that do nothing, handled by one process. Redis CPU: for adding and handling a task together, from INFO. RSS: the peak of the worker process.',
  processes:
    'The same with concurrency 100 in each of several processes. The machine has few cores, and Redis needs one.',
  latency:
    '500 tasks per second, one worker process with concurrency 10: from the call of add to the call of the handler.',
  memory: 'used_memory of Redis, from INFO.',
  stale:
    'A worker is frozen (SIGSTOP) beyond its lease of one second; another worker does its tasks; then the first one goes on. The effect is an INCR, with Holdfast behind a guard.',
  backlog:
    'One worker process with concurrency 100; apart from these tasks, the queue is empty, or has 1,000,000 waiting, 100,000 delayed and 10,000 with keys of their own (a fiftieth of that with --quick).',
};

export function reportQueue(
  results: Results,
  plan: Plan,
  run: Pick<Report, 'environment' | 'command'>,
): Report {
  const workloads = [...new Set([...results.values()].map(({ workload }) => workload))];
  return {
    title: 'Task queues',
    command: run.command,
    environment: { ...run.environment, rounds: String(plan.rounds) },
    targets: [...targetsToPeer(results), ...targetsOfOurs(results), ...targetsOfStale(results)],
    tables: workloads.map((workload) =>
      tableOf(results, {
        workload,
        about: ABOUT[workload] ?? '',
        contestants: [ours, peer],
        isCompared: workload !== 'stale',
      }),
    ),
    remarks: [
      'Each contestant begins with an empty Redis; within a round, they take turns. Figures are the median (min–max) of the rounds.',
      `${peer} handles fewer tasks per measurement, so that both take seconds; BullMQ keeps finished jobs, which is its default, and Holdfast as many results.`,
    ],
    data: { plan, results },
  };
}

function targetsToPeer(results: Results): Target[] {
  return Object.entries(WANTED).flatMap(([metric, [judge, bound]]) => {
    if (!results.has(metric)) return [];
    const measured = pairedRatio(valuesOf(results, metric, ours), valuesOf(results, metric, peer));
    return judge(`${metric}: to ${peer}`, measured, bound);
  });
}

function targetsOfOurs(results: Results): Target[] {
  const own = (metric: string): readonly number[] => valuesOf(results, metric, ours);
  const ratios = OWN.flatMap(([name, above, below, least]) =>
    results.has(above) && results.has(below) ? atLeast(name, pairedRatio(own(above), own(below)), least) : [],
  );
  const p99 = 'start after add, p99 ms';
  return results.has(p99) ? [...ratios, atMost(p99, spread(own(p99)), 10)] : ratios;
}

/** A stale worker is refused in everything. */
function targetsOfStale(results: Results): Target[] {
  return [...results].flatMap(([metric, { workload, values }]) => {
    if (workload !== 'stale' || metric === 'tasks of a frozen worker') return [];
    return never(metric, spread(values.get(ours) ?? []));
  });
}
