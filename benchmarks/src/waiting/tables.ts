/**
 * From the waiting benchmark's numbers to its tables and targets, one function a workload.
 *
 * Guarantees: every table says how its numbers came about and which way is better. What was not measured is a dash.
 */

import { number, numberSpread } from '../harness/report.js';
import { median, spread } from '../harness/statistics.js';
import { atLeast, atMost, never } from '../harness/targets.js';
import { compare, label, type Measured, type Numbers, ratioOf, type Section } from '../lock/comparison.js';
import type { CaseResult, CrowdResult } from './handover.js';
import type { IdleResult } from './idle.js';
import type { Plan } from './plan.js';

const total = (counts: readonly number[] = []): number => counts.reduce((sum, count) => sum + count, 0);
const thousands = (count: number): string => count.toLocaleString('en-US');

export function commandsSection(results: ReadonlyMap<number, CrowdResult>, plan: Plan): Section {
  const all = [...results.values()];
  const growth = Array.from({ length: plan.rounds }, (_, round) => {
    const commands = all.map((result) => result.commands[round] ?? Number.NaN);
    return Math.max(...commands) / Math.min(...commands);
  });
  return {
    table: {
      title: 'The cost of a hand-over, by the number of waiters',
      about: `Holdfast, waiters in one process, locks released at once, ${plan.duration} ms per round. Less is better, except for the rate. Commands: sent by clients to all five nodes together, for each hand-over; median (min–max) of the rounds.`,
      columns: ['waiters', 'commands/hand-over', 'nodes CPU µs/hand-over', 'hand-overs/s', 'failed'],
      rows: [...results].map(([waiters, result]) => [
        thousands(waiters),
        numberSpread(spread(result.commands)),
        numberSpread(spread(result.nodesCpu)),
        numberSpread(spread(result.handOvers)),
        String(total(result.failures)),
      ]),
    },
    targets: [
      ...[...results].map(([waiters, result]) =>
        atMost(`${thousands(waiters)} waiters: commands per hand-over`, spread(result.commands), 25),
      ),
      atMost('commands per hand-over: the most to the least of these', spread(growth), 1.5),
    ],
  };
}

const nameOf = ({ processes, hold }: CaseResult, plan: Plan): string =>
  `${plan.crowd} waiters in ${processes === 1 ? 'one process' : `${processes} processes`}, held for ${hold} ms`;

export function handOverSection(contestants: readonly Measured[], one: CaseResult, plan: Plan): Section {
  const rates: Numbers = (name) => one.results.get(name)?.handOvers ?? [];
  const comparison = compare(contestants, rates, 'high');
  const name = nameOf(one, plan);
  const rows = contestants.map((contestant) => {
    const result = one.results.get(contestant.name);
    return [
      label(contestant),
      ratioOf(comparison, contestant),
      numberSpread(spread(rates(contestant.name))),
      number(median(result?.acquisitions ?? [])),
      numberSpread(spread(result?.commands ?? [])),
      number(median(result?.nodesCpu ?? [])),
      numberSpread(spread(result?.pauses ?? []), 2),
      String(total(result?.failures)),
    ];
  });
  return {
    table: {
      title: `Hand-overs: ${name}`,
      about: `Each waiter acquires, holds, releases and asks again; ${plan.duration} ms per contestant and round. More hand-overs and fewer commands are better. Ratio: hand-overs per second over those of ${comparison.best.name}, the best peer, in the same round. Commands and CPU: all five nodes, for each hand-over. Longest pause: from the first request, or from a release, to the next grant; the start, when all ask at once, is included. Failed: calls that gave up and were made again.`,
      columns: [
        'contestant',
        'to the best peer',
        'hand-overs/s',
        'acquisitions/s',
        'commands/hand-over',
        'nodes CPU µs/hand-over',
        'longest pause ms',
        'failed',
      ],
      rows,
    },
    targets: [atLeast(`${name}: hand-overs per second to those of the best peer`, comparison.ours, 2)],
  };
}

export function orderSection(
  contestants: readonly Measured[],
  cases: readonly CaseResult[],
  plan: Plan,
): Section {
  const spreadOut = cases.filter(({ processes }) => processes > 1);
  const rows = spreadOut.flatMap((one) =>
    contestants.map((contestant) => {
      const result = one.results.get(contestant.name);
      return [
        label(contestant),
        `${one.hold} ms`,
        thousands(total(result?.judged)),
        thousands(total(result?.overtaken)),
        number(Math.max(...(result?.worst ?? []))),
        number(Math.max(...(result?.worstAtStart ?? []))),
      ];
    }),
  );
  const ours = contestants.find(({ role }) => role === 'ours')?.name ?? '';
  const targets = spreadOut.map((one) => {
    const measured = spread(one.results.get(ours)?.overtaken ?? []);
    const name = `${nameOf(one, plan)}: acquisitions that more than ${plan.allowed} later requests overtook`;
    return never(name, measured);
  });
  return {
    table: {
      title: 'Order',
      about: `${plan.crowd} waiters in several processes, all rounds together. Overtaken: acquisitions that more than ${plan.allowed} requests made later were granted before; worst: how many later requests overtook one. Less is better. A waiter that was never granted the lock counts as granted last. The start, the first ${plan.settling} ms, is shown separately: all ask within a few milliseconds then.`,
      columns: ['contestant', 'held for', 'acquisitions', 'overtaken', 'worst', 'worst at the start'],
      rows,
    },
    targets,
  };
}

export function idleSection(idle: IdleResult, plan: Plan): Section {
  const percents = (shares: readonly number[]) => spread(shares.map((share) => share * 100));
  const busiest = percents(idle.busiestNode);
  return {
    table: {
      title: 'Idle waiters',
      about: `Holdfast, waiters in one process; the lease is held and renewed by another process, with a TTL of 10 s. Watched ${plan.windows} times for ${plan.window} ms. Less is better. CPU in percent of a core. Commands: to all nodes, including the renewals. Heap: the growth caused by the waiters, after garbage collection; RSS: of the whole process.`,
      columns: [
        'waiters',
        'busiest node CPU %',
        'client CPU %',
        'commands/s',
        'heap bytes/waiter',
        'peak RSS MiB',
      ],
      rows: [
        [
          thousands(idle.waiters),
          numberSpread(busiest, 2),
          numberSpread(percents(idle.client), 2),
          numberSpread(spread(idle.commands), 2),
          number(idle.heapPerWaiter),
          number(idle.peakRss / 2 ** 20),
        ],
      ],
    },
    targets: [
      {
        name: `${thousands(idle.waiters)} idle waiters: CPU of the busiest node, in percent of a core`,
        wanted: '< 1',
        measured: busiest,
        met: busiest.max < 1,
      },
    ],
  };
}
