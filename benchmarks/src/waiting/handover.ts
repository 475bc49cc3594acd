/**
 * Workloads 1 and 2: a crowd that hands one lock over again and again, and what that costs; and in which order.
 *
 * Guarantees: within a round all contestants are measured one after another, each with a lock of its own. A contestant
 * whose crowd never had a hand-over within a window has infinite costs, which are printed as a dash.
 */
import type { Fleet, Runner } from '../lock/fleet.js';
import type { NodeObserver } from '../redis-info.js';
import { type Gathered, gather } from './crowd.js';
import { longestPause, NEVER, overtaking } from './order.js';
import type { Case, Plan } from './plan.js';

/** One contestant's numbers, one a round. */
export interface CrowdResult {
  readonly handOvers: number[];
  readonly acquisitions: number[];
  readonly commands: number[];
  readonly nodesCpu: number[];
  readonly failures: number[];
  /** The longest that nobody held the lock although many wanted it, in ms, from the start on. */
  readonly pauses: number[];
  /** Acquisitions from the begin of the window on, how many of them were overtaken too often, and the worst. */
  readonly judged: number[];
  readonly overtaken: number[];
  readonly worst: number[];
  /** The worst before the window, when all begin to ask within a few milliseconds. */
  readonly worstAtStart: number[];
}

/** The results of a case, by contestant. */
export interface CaseResult extends Case {
  readonly results: ReadonlyMap<string, CrowdResult>;
}

const empty = (): CrowdResult => ({
  handOvers: [],
  acquisitions: [],
  commands: [],
  nodesCpu: [],
  failures: [],
  pauses: [],
  judged: [],
  overtaken: [],
  worst: [],
  worstAtStart: [],
});

/** Holdfast alone, in one process, by the number of waiters; each round goes through all of them. */
export async function runCommands(
  runner: Runner,
  observer: NodeObserver,
  plan: Plan,
): Promise<Map<number, CrowdResult>> {
  const results = new Map(plan.waiters.map((waiters) => [waiters, empty()]));
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const [waiters, result] of results) {
      const resource = `waiters:${waiters}:${round}`;
      record(result, await gather([runner], observer, { ...plan, resource, waiters, hold: 0 }), plan);
    }
  }
  return results;
}

/** Everybody, in one way. `fleets` has one process of each contestant for each process of the crowd. */
export async function runHandOver(
  fleets: readonly Fleet[],
  observer: NodeObserver,
  plan: Plan,
  { processes, hold }: Case,
): Promise<Map<string, CrowdResult>> {
  const [first] = fleets;
  if (first === undefined) throw new Error('there are no contestants');
  const results = new Map(first.runners.map(({ name }): [string, CrowdResult] => [name, empty()]));
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const { name } of first.turns(round)) {
      const crowd = fleets
        .slice(0, processes)
        .flatMap((fleet) => fleet.runners.filter((one) => one.name === name));
      const resource = `crowd:${processes}:${hold}:${round}`;
      const gathered = await gather(crowd, observer, { ...plan, resource, waiters: plan.crowd, hold });
      record(results.get(name) ?? empty(), gathered, plan);
    }
  }
  return results;
}

function record(result: CrowdResult, gathered: Gathered, { allowed }: Plan): void {
  const { grants, begin } = gathered;
  const later = overtaking(grants, { begin, end: NEVER, allowed });
  const start = overtaking(grants, { begin: 0, end: begin, allowed });
  result.handOvers.push(gathered.handOversPerSecond);
  result.acquisitions.push(gathered.acquisitionsPerSecond);
  result.commands.push(gathered.commands);
  result.nodesCpu.push(gathered.nodesCpu);
  result.failures.push(gathered.failures.length);
  result.pauses.push(longestPause(grants));
  result.judged.push(later.acquisitions);
  result.overtaken.push(later.overtaken);
  result.worst.push(later.worst);
  result.worstAtStart.push(start.worst);
}
