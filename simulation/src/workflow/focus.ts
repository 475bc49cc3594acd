/**
 * Plans with a focus: half of the runs draw one situation again and again that others come to once in hundreds of runs.
 *
 * Guarantees: a plan without a focus is as it was drawn. One with a focus follows from the seed as well; its server keeps what
 * it has acknowledged, unless the focus says otherwise.
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import type { Fault } from '../plan/plan.js';
import type { DrawFocus } from './focus-parts.js';
import { FOCUSES_OF_RUNS } from './focus-runs.js';
import { FOCUSES_OF_WORKERS } from './focus-workers.js';
import { drawPlainPlan, type WorkflowPlan } from './plan.js';

export const FOCUSES: Readonly<Record<string, DrawFocus>> = { ...FOCUSES_OF_WORKERS, ...FOCUSES_OF_RUNS };

/** With the focus that is wished, if one is. */
export function drawWorkflowPlan(seed: number, wishes: Wishes = {}): WorkflowPlan {
  const plan = drawPlainPlan(seed, wishes);
  const { focus: wished } = wishes;
  const dice = new Dice(plan.seed ^ 0x6d2b79);
  if (dice.chance(0.5) && wished === undefined) return plan;
  const focus = wished ?? dice.one(Object.keys(FOCUSES));
  const drawn = FOCUSES[focus]?.(dice, calm(plan)) ?? plan;
  return { ...drawn, focus, faults: drawn.faults.toSorted((one: Fault, two: Fault) => one.at - two.at) };
}

/** Nothing befalls it, and all of its functions are of one build. */
function calm(plan: WorkflowPlan): WorkflowPlan {
  return {
    ...plan,
    faults: [],
    ...{ lossy: false, clocksJump: false, failsOver: false },
    clients: plan.clients.map((client) => ({ ...client, build: 0, restarts: [] })),
    workflow: { ...plan.workflow, pinned: false, limits: undefined, archives: false },
  };
}
