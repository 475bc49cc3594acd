/**
 * What is simulated: locks over several nodes, or a queue on one server. Everything that draws, runs, counts and replays
 * takes either; run.ts carries out both.
 */
import { joinLocks } from '../locks/part.js';
import { drawPlan, type Wishes } from '../plan/draw.js';
import type { Plan } from '../plan/plan.js';
import { joinQueue } from '../queue/part.js';
import { drawQueuePlan, type QueuePlan } from '../queue/plan.js';
import { type Outcome, type RunOptions, simulate } from './run.js';

export type ScenarioName = 'locks' | 'queue';

export interface Scenario<P extends Plan | QueuePlan> {
  draw(seed: number, wishes?: Wishes): P;
  run(plan: P, options?: RunOptions): Promise<Outcome>;
  /** The parameters of the system under simulation. */
  parameters(plan: P): object;
  /** What `grants` and `writes` of an outcome are. */
  readonly words: readonly [grants: string, writes: string];
}

export const LOCKS: Scenario<Plan> = {
  draw: drawPlan,
  run: (plan, options) => simulate(joinLocks, plan, options),
  parameters: ({ deployment }) => deployment,
  words: ['leases granted', 'guarded writes'],
};

export const QUEUE: Scenario<QueuePlan> = {
  draw: drawQueuePlan,
  run: (plan, options) => simulate(joinQueue, plan, options),
  parameters: ({ queue, lossy }) => ({ ...queue, lossy }),
  words: ['deliveries', 'tasks'],
};

/** By name, for what does not look into plans. */
export function scenarioOf(name: ScenarioName): Scenario<Plan & QueuePlan> {
  return (name === 'queue' ? QUEUE : LOCKS) as unknown as Scenario<Plan & QueuePlan>;
}
