/**
 * What is simulated: locks over several nodes, or a queue, workflows, a feature store or an index of vectors on one server.
 * Everything that draws, runs, counts and replays takes any of them; run.ts carries out all.
 */
import { drawFeaturesPlan, FEATURES_FOCUSES } from '../features/focus.js';
import { joinFeatures } from '../features/part.js';
import type { FeaturesPlan } from '../features/plan.js';
import { joinLocks } from '../locks/part.js';
import { drawPlan, type Wishes } from '../plan/draw.js';
import type { Plan } from '../plan/plan.js';
import { drawQueuePlan, QUEUE_FOCUSES } from '../queue/focus.js';
import { joinQueue } from '../queue/part.js';
import type { QueuePlan } from '../queue/plan.js';
import { joinVectors } from '../vectors/part.js';
import { drawVectorsPlan, VECTORS_FOCUSES, type VectorsPlan } from '../vectors/plan.js';
import { drawWorkflowPlan, FOCUSES } from '../workflow/focus.js';
import { joinWorkflow } from '../workflow/part.js';
import type { WorkflowPlan } from '../workflow/plan.js';
import { type Outcome, type RunOptions, simulate } from './run.js';

export type ScenarioName = 'locks' | 'queue' | 'workflow' | 'features' | 'vectors';

export type AnyPlan = Plan | QueuePlan | WorkflowPlan | FeaturesPlan | VectorsPlan;

export interface Scenario<P extends AnyPlan> {
  draw(seed: number, wishes?: Wishes): P;
  run(plan: P, options?: RunOptions): Promise<Outcome>;
  /** The parameters of the system under simulation. */
  parameters(plan: P): object;
  /** What `grants` and `writes` of an outcome are. */
  readonly words: readonly [grants: string, writes: string];
  /** The situations that may be wished to be drawn again and again. */
  readonly focuses: readonly string[];
}

export const LOCKS: Scenario<Plan> = {
  draw: drawPlan,
  run: (plan, options) => simulate(joinLocks, plan, options),
  parameters: ({ deployment }) => deployment,
  words: ['leases granted', 'guarded writes'],
  focuses: [],
};

export const QUEUE: Scenario<QueuePlan> = {
  draw: drawQueuePlan,
  run: (plan, options) => simulate(joinQueue, plan, options),
  parameters: ({ queue, lossy, focus }) => ({ ...queue, lossy, focus }),
  words: ['deliveries', 'tasks'],
  focuses: Object.keys(QUEUE_FOCUSES),
};

export const WORKFLOW: Scenario<WorkflowPlan> = {
  draw: drawWorkflowPlan,
  run: (plan, options) => simulate(joinWorkflow, plan, options),
  parameters: ({ workflow, lossy, focus }) => ({ ...workflow, lossy, focus }),
  words: ['claims', 'bodies'],
  focuses: Object.keys(FOCUSES),
};

export const FEATURES: Scenario<FeaturesPlan> = {
  draw: drawFeaturesPlan,
  run: (plan, options) => simulate(joinFeatures, plan, options),
  parameters: ({ features, lossy, focus }) => ({ ...features, lossy, focus }),
  words: ['rows and additions', 'reads'],
  focuses: Object.keys(FEATURES_FOCUSES),
};

export const VECTORS: Scenario<VectorsPlan> = {
  draw: drawVectorsPlan,
  run: (plan, options) => simulate(joinVectors, plan, options),
  parameters: ({ vectors, lossy }) => ({ ...vectors, lossy }),
  words: ['writes', 'reads'],
  focuses: VECTORS_FOCUSES,
};

const SCENARIOS = {
  ...{ locks: LOCKS, queue: QUEUE, workflow: WORKFLOW, features: FEATURES, vectors: VECTORS },
};

type EveryPlan = Plan & QueuePlan & WorkflowPlan & FeaturesPlan & VectorsPlan;

/** By name, for what does not look into plans. */
export const scenarioOf = (name: ScenarioName): Scenario<EveryPlan> =>
  SCENARIOS[name] as unknown as Scenario<EveryPlan>;
