/**
 * All that the waiting benchmark has measured, and its report.
 *
 * Guarantees: the report has a section for each workload that was run and none for the others; its data are every
 * round's numbers.
 */

import type { Report } from '../harness/report.js';
import type { Measured, Section } from '../lock/comparison.js';
import { contestantTable } from '../lock/tables.js';
import type { CaseResult, CrowdResult } from './handover.js';
import type { IdleResult } from './idle.js';
import type { Plan } from './plan.js';
import { commandsSection, handOverSection, idleSection, orderSection } from './tables.js';

export interface WaitingOutcome {
  readonly contestants: readonly Measured[];
  /** Contestants that did not run, or that ask for another Node than this one. */
  readonly remarks: readonly string[];
  /** Holdfast's, by the number of waiters. */
  readonly commands?: ReadonlyMap<number, CrowdResult>;
  readonly cases: readonly CaseResult[];
  readonly idle?: IdleResult;
}

export function reportWaiting(
  outcome: WaitingOutcome,
  plan: Plan,
  run: Pick<Report, 'environment' | 'command'>,
): Report {
  const { contestants, commands, cases, idle } = outcome;
  const sections: Section[] = [];
  if (commands) sections.push(commandsSection(commands, plan));
  for (const one of cases) sections.push(handOverSection(contestants, one, plan));
  if (cases.length > 0) sections.push(orderSection(contestants, cases, plan));
  if (idle) sections.push(idleSection(idle, plan));
  return {
    title: 'Waiting for a lease on five nodes',
    command: run.command,
    environment: { ...run.environment, rounds: String(plan.rounds) },
    targets: sections.flatMap(({ targets }) => targets),
    tables: [...sections.map(({ table }) => table), contestantTable(contestants)],
    remarks: [
      'A hand-over is an acquisition by a waiter other than the one that held the lock before. A waiter that has just released the lock and takes it again while others wait hands over nothing; that is why acquisitions are shown beside hand-overs.',
      'Commands are those that clients sent, as counted by INFO commandstats of all nodes: calls of scripts, and SET if a contestant sends it. Commands within scripts, INFO of the benchmark, and messages from the nodes are not counted.',
      ...outcome.remarks,
    ],
    data: { plan, ...outcome },
  };
}
