/** What plans with a focus are made of. */
import type { Dice } from '../plan/dice.js';
import type { FeaturesPlan, FeaturesStep, RowPlan } from './plan.js';

/** Makes a plan with a focus of a calm one. */
export type DrawFocus = (dice: Dice, plan: FeaturesPlan) => FeaturesPlan;

/** When all faults of a plan with a focus are healed, in ms. */
export const HEALS_AT = 2_500;

/** What each client does, one task after the other; those that follow do nothing. */
export function withTasks(plan: FeaturesPlan, tasks: readonly (readonly FeaturesStep[])[]): FeaturesPlan {
  const clients = tasks.map((steps, place) => ({
    clock: plan.clients[place]?.clock ?? { rate: 1, aheadMs: 0 },
    tasks: [steps],
  }));
  return { ...plan, clients };
}

export const several = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

export const jobOf = (
  after: number,
  batches: readonly (readonly RowPlan[])[],
  { gap, told = false }: { readonly gap: number; readonly told?: boolean },
): FeaturesStep => ({ f: 'job', after, told, batches, gap, finishes: false });

export const followOf = (
  after: number,
  { view, lasts }: { readonly view: 'profile' | 'counts'; readonly lasts: number },
): FeaturesStep => ({ f: 'follow', after, told: false, view, shared: false, for: lasts, stops: true });
