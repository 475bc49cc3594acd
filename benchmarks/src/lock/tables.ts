/**
 * From the lock benchmark's numbers to its tables, one function a workload.
 *
 * Guarantees: every table says how its numbers came about, which way is better and whom the ratio refers to. What was
 * not measured is a dash.
 */
import { number, ratio, ratioSpread, type Table } from '../harness/report.js';
import { median, pairedRatio, type Spread } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { compare, label, type Measured, type Numbers, ratioOf, type Section } from './comparison.js';
import type { FrozenResult } from './frozen.js';
import type { HeldResult } from './held.js';
import type { LatencyResult } from './latency.js';
import type { Plan } from './plan.js';
import type { ThroughputResult } from './throughput.js';

export function latencySection(
  contestants: readonly Measured[],
  results: ReadonlyMap<string, LatencyResult>,
  plan: Plan,
): Section {
  const medians: Numbers = (name) => results.get(name)?.median ?? [];
  const comparison = compare(contestants, medians, 'low');
  const { best, ours } = comparison;
  const rows = contestants.map((contestant) => [
    label(contestant),
    ratioOf(comparison, contestant),
    number(median(medians(contestant.name))),
    number(median(results.get(contestant.name)?.p99 ?? [])),
    number(median(results.get(contestant.name)?.nodesCpu ?? [])),
    number(median(results.get(contestant.name)?.clientCpu ?? [])),
  ]);
  const about = `${plan.pairs} pairs per contestant and round. Less is better. Ratio: median of a round over that of ${best.name}, the fastest peer, in the same round; median (min–max) of the rounds. CPU: the time that a pair takes on the five nodes together, and in the contestant's process.`;
  return {
    table: {
      title: 'Acquire and release, one in flight',
      about,
      columns: [
        'contestant',
        'to the fastest peer',
        'median µs',
        'p99 µs',
        'nodes CPU µs/pair',
        'client CPU µs/pair',
      ],
      rows,
    },
    targets: [atMost('one in flight: median time to that of the fastest peer', ours, 1.15)],
  };
}

/** How much more Holdfast shall do than the best peer, by how many are in flight. */
const THROUGHPUT_TARGETS: Readonly<Record<number, number>> = { 64: 2.5, 1024: 3 };

export function throughputSection(
  contestants: readonly Measured[],
  results: ReadonlyMap<string, ThroughputResult>,
  { inFlight, duration }: { readonly inFlight: number; readonly duration: number },
): Section {
  const rates: Numbers = (name) => results.get(name)?.perSecond ?? [];
  const comparison = compare(contestants, rates, 'high');
  const { best, ours } = comparison;
  const rows = contestants.map((contestant) => {
    const result = results.get(contestant.name);
    return [
      label(contestant),
      ratioOf(comparison, contestant),
      number(median(rates(contestant.name))),
      number(median(result?.nodesCpu ?? [])),
      number(median(result?.clientCpu ?? [])),
      String(result?.failures.reduce((sum, failures) => sum + failures, 0) ?? 0),
    ];
  });
  const about = `${duration} ms per contestant and round, all on distinct resources. More is better. Ratio: pairs per second over those of ${best.name}, the best peer, in the same round. CPU: the time that a pair takes on the five nodes together, and in the contestant's process.`;
  const bound = THROUGHPUT_TARGETS[inFlight];
  return {
    table: {
      title: `Acquire and release, ${inFlight.toLocaleString('en-US')} in flight`,
      about,
      columns: [
        'contestant',
        'to the best peer',
        'pairs/s',
        'nodes CPU µs/pair',
        'client CPU µs/pair',
        'failed',
      ],
      rows,
    },
    targets:
      bound === undefined
        ? []
        : [atLeast(`${inFlight} in flight: pairs per second to those of the best peer`, ours, bound)],
  };
}

export function frozenSection(
  contestants: readonly Measured[],
  results: ReadonlyMap<string, FrozenResult>,
  plan: Plan,
): Section {
  const ratioTo = (name: string): Spread => {
    const result = results.get(name);
    if (!result || result.stalled !== undefined) return pairedRatio([], []);
    return pairedRatio(result.frozen, result.healthy);
  };
  const rows = contestants.map((contestant) => {
    const result = results.get(contestant.name);
    return [
      label(contestant),
      ratioSpread(ratioTo(contestant.name)),
      number(median(result?.healthy ?? []) * 1000),
      number(median(result?.frozen ?? []) * 1000),
      number(Math.max(...(result?.slowest ?? [])), 2),
      number(median(result?.samples ?? [])),
      result?.stalled ?? 'went on',
    ];
  });
  const ours = contestants.find(({ role }) => role === 'ours');
  const about = `One node of five is stopped with SIGSTOP, another in each round. Acquires only, one in flight, at least ${plan.acquisitions} and ${plan.acquiring} ms per condition and round, from the moment of the freeze. Less is better. Ratio: p99 with a frozen node over the contestant's own p99 on healthy nodes in the same round. Stalled: the contestant was given up after ${plan.patience} ms and not asked again.`;
  return {
    table: {
      title: 'Acquire with one node frozen',
      about,
      columns: [
        'contestant',
        'to healthy',
        'healthy p99 µs',
        'frozen p99 µs',
        'slowest ms',
        'samples/round',
        'what happened',
      ],
      rows,
    },
    targets: ours
      ? [atMost('one node frozen: p99 of acquire to that on healthy nodes', ratioTo(ours.name), 1.5)]
      : [],
  };
}

export function heldTable(results: readonly HeldResult[], plan: Plan): Table {
  const percent = (share: number): string => `${number(share * 100, 2)} %`;
  const kibibytes = (bytes: number): string => number(bytes / 1024, 2);
  return {
    title: 'Held leases that renew themselves',
    about: `Holdfast only. TTL ${plan.leaseTtl} ms; the leases begin spread over a third of it, and are watched for ${plan.watched} TTLs. Commands, script calls and extensions are per lease, node and TTL; commands include those within scripts. RSS per lease is given from 1,000 leases on; below that, it is lost in that of the process. CPU is a share of one core; that of the nodes is of all five together.`,
    columns: [
      'leases',
      'heap KiB/lease',
      'RSS KiB/lease',
      'peak RSS MiB',
      'renewals/s',
      'client CPU',
      'nodes CPU',
      'script calls',
      'extensions',
      'commands',
      'KiB/lease in a node',
      'lost',
    ],
    rows: results.map((held) => [
      held.leases.toLocaleString('en-US'),
      kibibytes(held.heapPerLease),
      held.leases < 1_000 ? '–' : kibibytes(held.rssPerLease),
      number(held.peakRss / 2 ** 20),
      number(held.renewalsPerSecond),
      percent(held.clientCpu),
      percent(held.nodesCpu),
      ratio(held.scriptCalls),
      ratio(held.extensions),
      ratio(held.commands),
      kibibytes(held.nodeMemory),
      String(held.lost),
    ]),
  };
}

export function contestantTable(contestants: readonly Measured[]): Table {
  return {
    title: 'Contestants',
    about: 'Each has a process and connections of its own, and only one of them works at a time.',
    columns: ['contestant', 'set up', 'peak RSS MiB'],
    rows: contestants.map((contestant) => [
      label(contestant),
      contestant.remark,
      number(contestant.peakRss / 2 ** 20),
    ]),
  };
}
