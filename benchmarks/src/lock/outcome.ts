/**
 * All that the lock benchmark has measured, and its report.
 *
 * Guarantees: the report has a section for each workload that was run and none for the others; its data are every
 * round's numbers.
 */
import type { Report } from '../harness/report.js';
import type { Measured, Section } from './comparison.js';
import type { FrozenResult } from './frozen.js';
import type { HeldResult } from './held.js';
import type { LatencyResult } from './latency.js';
import type { Plan } from './plan.js';
import { contestantTable, frozenSection, heldTable, latencySection, throughputSection } from './tables.js';
import type { ThroughputResult } from './throughput.js';

export interface LockOutcome {
  readonly contestants: readonly Measured[];
  /** Contestants that did not run, or that ask for another Node than this one. */
  readonly remarks: readonly string[];
  readonly latency?: ReadonlyMap<string, LatencyResult>;
  readonly throughput: readonly {
    readonly inFlight: number;
    readonly results: ReadonlyMap<string, ThroughputResult>;
  }[];
  readonly frozen?: ReadonlyMap<string, FrozenResult>;
  readonly held: readonly HeldResult[];
}

export function reportLock(
  outcome: LockOutcome,
  plan: Plan,
  run: Pick<Report, 'environment' | 'command'>,
): Report {
  const { contestants, latency, throughput, frozen, held } = outcome;
  const sections: Section[] = [];
  if (latency) sections.push(latencySection(contestants, latency, plan));
  for (const { inFlight, results } of throughput) {
    sections.push(throughputSection(contestants, results, { inFlight, duration: plan.duration }));
  }
  if (frozen) sections.push(frozenSection(contestants, frozen, plan));
  const tables = sections.map(({ table }) => table);
  if (held.length > 0) tables.push(heldTable(held, plan));
  tables.push(contestantTable(contestants));
  return {
    title: 'Locks on five nodes',
    command: run.command,
    environment: { ...run.environment, rounds: String(plan.rounds) },
    targets: sections.flatMap(({ targets }) => targets),
    tables,
    remarks: ['No contestant renews its locks automatically while they are compared.', ...outcome.remarks],
    data: { plan, ...outcome },
  };
}
