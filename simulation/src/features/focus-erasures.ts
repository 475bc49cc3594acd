/** Focuses on who erases. */
import type { Dice } from '../plan/dice.js';
import type { Fault } from '../plan/plan.js';
import { type DrawFocus, HEALS_AT, jobOf, several, withTasks } from './focus-parts.js';
import { ERASABLE } from './names.js';
import type { FeaturesPlan, FeaturesStep } from './plan.js';

export const ERASURE_FOCUSES: Readonly<Record<string, DrawFocus>> = { erasures, removals };

const erasureOf = (dice: Dice, after: number): FeaturesStep => ({
  ...{ f: dice.chance(0.5) ? 'erase' : 'restore', after, user: 'u5', told: false },
});

/** Several erase and restore the same user, and stand still in between. */
function erasures(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const steps = (): FeaturesStep[] => several(12, () => erasureOf(dice, dice.scale(1, 60)));
  const pauses = several(
    12,
    (): Fault => ({
      ...{ f: 'pause', at: dice.whole(50, 1_500), client: dice.whole(0, 2), for: dice.whole(5, 150) },
      atReading: dice.chance(0.5),
    }),
  );
  const lags = several(
    3,
    (): Fault => ({
      ...{ f: 'lag', at: dice.whole(0, 1_200), clients: [dice.whole(0, 2)], nodes: [0] },
      ...{ lag: dice.whole(10, 80), for: dice.whole(50, 500) },
    }),
  );
  return { ...withTasks(plan, [steps(), steps(), steps()]), faults: [...pauses, ...lags] };
}

/** Rows land of users who are erased and restored, while the logs are exported and the files compacted. */
function removals(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const rows = several(12, () => ERASABLE.map((user) => ({ user, instant: 10 })));
  const erases = several(6, () => erasureOf(dice, dice.scale(1, 150)));
  // They are erased in the end, with rows in the log that nobody has exported yet.
  const last = ERASABLE.map((user): FeaturesStep => ({ f: 'erase', after: 500, user, told: false }));
  const exports = several(
    3,
    (): FeaturesStep => ({
      ...{ f: 'export', after: dice.scale(1, 150), told: true, compacts: dice.chance(0.3), calls: 1 },
    }),
  );
  const pauses = several(
    6,
    (): Fault => ({
      ...{
        f: 'pause',
        at: dice.whole(50, HEALS_AT - 300),
        client: dice.whole(1, 2),
        for: dice.whole(5, 200),
      },
      atReading: dice.chance(0.5),
    }),
  );
  const features = { ...plan.features, exports: true };
  const tasks = [[jobOf(40, rows, { gap: dice.whole(10, 60), told: true })], [...erases, ...last], exports];
  return { ...withTasks({ ...plan, features }, tasks), faults: pauses };
}
