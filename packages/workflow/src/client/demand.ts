/**
 * How much there is to do in an app: what a person, or what scales its workers, wants to know.
 */
import type { WorkflowDemand } from '../store/event-store.js';
import type { Store } from '../store/store.js';

/** Of one workflow. */
export interface Demand extends WorkflowDemand {
  /** Runs that could go on if a worker had room. */
  readonly waiting: number;
  /** Runs that workers have. */
  readonly running: number;
  /** Runs that go no further until somebody mends them. */
  readonly stuck: number;
  /** For how many ms the oldest of those that wait has waited. */
  readonly oldest: number;
  /** How often runs were taken over from workers that had died or stalled, since the app was first used. */
  readonly takeovers: number;
  /** Of those that wait, how many no worker may have: it has none of the workflow, or none of the build that they are for. */
  readonly unserved: number;
  /** Whether it is paused: then no worker gets a run of it. */
  readonly paused: boolean;
}

/** Of all partitions together, by workflow. */
export async function demandOf(
  stores: readonly Store[],
  workflows: readonly string[],
): Promise<Readonly<Record<string, Demand>>> {
  const all = await Promise.all(stores.map((store) => store.demand(workflows)));
  return Object.fromEntries(
    workflows.map((name, index) => [name, all.map((each) => each[index] as Demand).reduce(added)]),
  );
}

const added = (one: Demand, other: Demand): Demand => ({
  waiting: one.waiting + other.waiting,
  running: one.running + other.running,
  stuck: one.stuck + other.stuck,
  oldest: Math.max(one.oldest, other.oldest),
  takeovers: one.takeovers + other.takeovers,
  unserved: one.unserved + other.unserved,
  paused: one.paused || other.paused,
});
