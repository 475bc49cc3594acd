/** What plans with a focus are made of: runs and what is done to them, workers, and faults. */
import type { Dice } from '../plan/dice.js';
import type { Fault } from '../plan/plan.js';
import type { StartPlan, WorkflowPlan, WorkflowStep } from './plan.js';
import { type BodyPlan, NOTHING, type Program } from './program.js';

/** Makes a plan with a focus of a calm one. */
export type DrawFocus = (dice: Dice, plan: WorkflowPlan) => WorkflowPlan;

export const inTurn = (...parts: readonly Program[]): Program => ({ f: 'turn', parts });

export const step = (name: string, body: Partial<BodyPlan> = {}): Program => ({
  f: 'step',
  name,
  body: { ...NOTHING, ...body },
});

export const several = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** All clients work, alike. */
export const withWorkers = (
  plan: WorkflowPlan,
  worker: { readonly concurrency: number; readonly lease: number },
): WorkflowPlan => ({
  ...plan,
  clients: plan.clients.map((client) => ({ ...client, worker: { ...worker, grace: 0 } })),
});

/** Each client has two tasks, which do something about so many runs each. */
export function withRuns(
  plan: WorkflowPlan,
  count: number,
  about: (start: Pick<StartPlan, 'id' | 'key'>) => readonly WorkflowStep[],
): WorkflowPlan {
  return {
    ...plan,
    clients: plan.clients.map((client, place) => ({
      ...client,
      tasks: several(2, (task) =>
        several(count, (number) => about({ id: `${place}.${task}.${number}`, key: undefined })).flat(),
      ),
    })),
  };
}

/** When a fault befalls it. */
const timeIn = (dice: Dice, { healAt }: WorkflowPlan): number => dice.whole(50, healAt - 500);

export const clientOf = (dice: Dice, { clients }: WorkflowPlan): number => dice.whole(0, clients.length - 1);

/** A process stands still. */
export const pauseOf = (dice: Dice, plan: WorkflowPlan, duration: number): Fault => ({
  ...{ f: 'pause', at: timeIn(dice, plan), client: clientOf(dice, plan), for: duration },
  atReading: dice.chance(0.5),
});

/** A process dies. */
export const killOf = (dice: Dice, plan: WorkflowPlan, client: number): Fault => ({
  ...{ f: 'kill', at: timeIn(dice, plan), client, for: dice.scale(5, 100) },
});

/** A connection breaks while much is under way, which arrives later. */
export function lateOf(dice: Dice, plan: WorkflowPlan, longest: number, least = 5): readonly Fault[] {
  const [at, client, lag] = [timeIn(dice, plan), clientOf(dice, plan), dice.scale(2, 100)];
  return [
    { f: 'lag', at, clients: [client], nodes: [0], lag, for: lag + 5 },
    { f: 'break', at: at + lag, client, node: 0, lateness: dice.scale(least, longest) },
  ];
}

/** A connection breaks while answers are under way, which are lost. */
export function answerOf(dice: Dice, plan: WorkflowPlan): readonly Fault[] {
  const [at, client, lag] = [timeIn(dice, plan), clientOf(dice, plan), dice.scale(5, 60)];
  const wait = lag + dice.whole(1, lag);
  return [
    { f: 'lag', at, clients: [client], nodes: [0], lag, for: wait + 1 },
    { f: 'break', at: at + wait, client, node: 0, lateness: dice.scale(5, 300) },
  ];
}

/** The server crashes, and is back with all that it knew. */
export const crashOf = (dice: Dice, plan: WorkflowPlan): Fault => ({
  ...{ f: 'crash', at: timeIn(dice, plan), node: 0, for: dice.scale(2, 60), memory: 'all', savedBefore: 1 },
});
