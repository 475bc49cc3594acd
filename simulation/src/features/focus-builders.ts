/** Focuses on who builds generations, who reads them meanwhile, and who erases. */
import type { Dice } from '../plan/dice.js';
import type { Fault } from '../plan/plan.js';
import { type DrawFocus, followOf, HEALS_AT, jobOf, several, withTasks } from './focus-parts.js';
import { USERS } from './names.js';
import type { FeaturesPlan, FeaturesStep, RowPlan } from './plan.js';

type Rebuild = Extract<FeaturesStep, { readonly f: 'rebuild' }>;

export const BUILDER_FOCUSES: Readonly<Record<string, DrawFocus>> = {
  cuts,
  deaths,
  sweeps,
  deploys,
  erasures,
  restarts,
};

const rebuildOf = (after: number, more: Partial<Rebuild>): FeaturesStep => ({
  ...{ f: 'rebuild', after, view: 'profile', told: false, patience: 1_000, fills: USERS },
  ...{ allowMissing: undefined, isWatched: false, follows: true, afterwards: [] },
  ...more,
});

const batchOf = (dice: Dice) => (): RowPlan[] => several(3, () => ({ user: dice.one(USERS), instant: 10 }));

/** What a builder sends arrives late, after it has begun the same cut once more. */
function cuts(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const rebuilds = several(6, () => rebuildOf(dice.scale(1, 100), { tries: 8, follows: false }));
  const breaks = several(
    7,
    (place): Fault => ({
      ...{ f: 'break', at: 300 * (place + 1) + dice.whole(0, 250), client: 0, node: 0 },
      lateness: dice.whole(150, 450),
    }),
  );
  const lag: Fault = { f: 'lag', at: 100, clients: [0], nodes: [0], lag: dice.whole(10, 20), for: HEALS_AT };
  const features = { ...plan.features, timeout: dice.whole(120, 200) };
  const made = withTasks({ ...plan, features, resends: false }, [rebuilds]);
  return { ...made, faults: [lag, ...breaks] };
}

/** A builder dies in the middle of a cut, and nobody builds after it. */
function deaths(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const rebuild = rebuildOf(dice.whole(1_200, 1_500), { follows: false, patience: 2_000 });
  const kill: Fault = { f: 'kill', at: dice.whole(1_500, 2_300), client: 0, for: HEALS_AT };
  // It has a source that the new generation does not follow: so the cut waits.
  const follow = followOf(100, { view: 'profile', lasts: 600 });
  return { ...withTasks(plan, [[follow, rebuild]]), faults: [kill] };
}

/** Generations end as soon as others have taken their places, and are read all the while; both views are cut together. */
function sweeps(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const builds = several(
    4,
    (place): FeaturesStep =>
      place % 2 === 0
        ? rebuildOf(dice.scale(1, 300) + (place === 0 ? 1_100 : 0), { told: true, afterwards: ['retire'] })
        : { f: 'rebuild both', after: dice.scale(1, 200), told: true, patience: 1_000 },
  );
  const reads = (): FeaturesStep[] => [
    {
      ...{ f: 'read', after: 900, how: dice.one(['get', 'place'] as const), users: USERS },
      ...{ fresh: undefined, times: 80, gap: dice.scale(5, 40) },
    },
  ];
  return withTasks(plan, [builds, reads(), reads()]);
}

/** Somebody reads by the first edition of the program, while the second one is deployed and lands rows. */
function deploys(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const first = jobOf(40, [USERS.map((user) => ({ user, instant: 10 }))], { gap: 0, told: true });
  const job = jobOf(dice.scale(1, 30), several(10, batchOf(dice)), { gap: dice.whole(5, 60), told: true });
  const reads = (): FeaturesStep[] => [
    {
      ...{ f: 'read', after: dice.whole(900, 1_100), how: dice.one(['rows', 'get'] as const), users: USERS },
      ...{ fresh: undefined, times: 80, gap: dice.scale(2, 20) },
    },
  ];
  const features = { ...plan.features, editions: [1, 1, 1] as const };
  const deployed: FeaturesStep = { f: 'deploy', after: dice.whole(1_200, 1_600) };
  return withTasks({ ...plan, features }, [[first, deployed, job], reads(), reads()]);
}

/** Several erase and restore the same user, and stand still in between. */
function erasures(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const steps = (): FeaturesStep[] =>
    several(12, () => ({
      ...{ f: dice.chance(0.5) ? 'erase' : 'restore', after: dice.scale(1, 60), user: 'u5', told: false },
    }));
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

/** The server restarts, and whoever ends generations is the first to ask the catalog. */
function restarts(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const builds = several(4, () => [
    rebuildOf(dice.whole(20, 100), { told: true, follows: false, patience: 10 }),
    { f: 'tidy', after: dice.whole(50, 300), view: 'profile' } as const,
  ]).flat();
  const crashes = several(
    8,
    (place): Fault => ({
      ...{ f: 'crash', at: 250 * (place + 1) + dice.whole(0, 200), node: 0, for: dice.whole(2, 20) },
      ...{ memory: 'all', savedBefore: 1 },
    }),
  );
  const follow = followOf(60, { view: 'profile', lasts: 100 });
  return { ...withTasks(plan, [[follow, ...builds]]), faults: crashes };
}
