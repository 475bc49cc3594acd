/**
 * What some plans have besides: exports, copies, and a replica. Each is drawn by dice of its own, so that the rest of a plan
 * stays as it is.
 */
import { Dice } from '../plan/dice.js';
import type { FeaturesPlan, FeaturesStep, ReplicaPlan } from './plan.js';

export function withExtras(plan: FeaturesPlan): FeaturesPlan {
  const { seed } = plan;
  const exported = withExports(new Dice(seed ^ 0x3c9e17), plan);
  const copied = withCopies(new Dice(seed ^ 0x5d01f3), exported);
  return withLate(new Dice(seed ^ 0x71b2a5), withReplica(new Dice(seed ^ 0x12f6b9), copied));
}

/** Events that are too old are so by one tile more or less, so that some would take the place of a newer tile. */
function withLate(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const late = (): number => 60_000 * dice.whole(18, 60);
  return { ...plan, events: plan.events.map((event) => (event.age > 0 ? { ...event, age: late() } : event)) };
}

/** In some, there is a replica, and one read in two is made from it. */
function withReplica(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  if (!dice.chance(0.25)) return plan;
  const steps = (step: FeaturesStep): FeaturesStep[] =>
    step.f === 'read' && dice.chance(0.5) ? [{ ...step, how: 'replica' }] : [step];
  return { ...besideReplica(plan, drawReplica(dice, plan.healAt)), clients: mapSteps(plan, steps) };
}

export function besideReplica(plan: FeaturesPlan, replica: ReplicaPlan): FeaturesPlan {
  const features = { ...plan.features, replica, strict: false };
  return { ...plan, nodeClocks: plan.nodeClocks.flatMap((clock) => [clock, clock]), features };
}

export function drawReplica(dice: Dice, healAt: number): ReplicaPlan {
  return {
    ...{ maxLag: dice.scale(50, 1_000), every: dice.scale(5, 60), lag: dice.scale(1, 100) },
    stops: Array.from({ length: dice.whole(0, 4) }, () => ({
      ...{ at: dice.whole(0, healAt), for: dice.scale(20, 2_000) },
    })),
  };
}

/** Some of the generations of rows are copies, where logs say what there is to copy. */
function withCopies(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  if (!plan.features.history) return plan;
  const steps = (step: FeaturesStep): FeaturesStep[] => {
    if (step.f !== 'rebuild' || step.view !== 'profile' || !dice.chance(0.4)) return [step];
    return [{ ...step, copies: dice.one(['at once', 'all'] as const) }];
  };
  return { ...plan, clients: mapSteps(plan, steps) };
}

/** In some, one step in eight is preceded by an export. */
function withExports(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  if (!dice.chance(0.3)) return plan;
  const exported = (): FeaturesStep => ({
    ...{ f: 'export', after: dice.scale(1, 300), told: dice.chance(0.5), compacts: dice.chance(0.5) },
    calls: dice.chance(0.15) ? 2 : 1,
  });
  const steps = (step: FeaturesStep): FeaturesStep[] => (dice.chance(0.13) ? [exported(), step] : [step]);
  return { ...plan, clients: mapSteps(plan, steps), features: { ...plan.features, exports: true } };
}

const mapSteps = (
  { clients }: FeaturesPlan,
  made: (step: FeaturesStep) => FeaturesStep[],
): FeaturesPlan['clients'] =>
  clients.map(({ clock, tasks }) => ({ clock, tasks: tasks.map((steps) => steps.flatMap(made)) }));
