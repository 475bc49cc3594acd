/** Focuses on who builds generations, and who reads them meanwhile. */
import type { Dice } from '../plan/dice.js';
import type { Fault } from '../plan/plan.js';
import { type DrawFocus, followOf, HEALS_AT, jobOf, several, withTasks } from './focus-parts.js';
import { USERS } from './names.js';
import type { FeaturesPlan, FeaturesStep, RowPlan } from './plan.js';

type Rebuild = Extract<FeaturesStep, { readonly f: 'rebuild' }>;

export const BUILDER_FOCUSES: Readonly<Record<string, DrawFocus>> = {
  cuts,
  swaps,
  deaths,
  sweeps,
  deploys,
  pins,
  caches,
  restarts,
};

const rebuildOf = (after: number, more: Partial<Rebuild>): FeaturesStep => ({
  ...{ f: 'rebuild', after, view: 'profile', told: false, patience: 1_000, fills: USERS },
  ...{ allowMissing: undefined, isWatched: false, follows: true, afterwards: [] },
  ...more,
});

const batchOf = (dice: Dice) => (): RowPlan[] => several(3, () => ({ user: dice.one(USERS), instant: 10 }));

/** When the end of the first cut of `swaps` is about to be sent, in ms. */
const SWAPS_AT = 818;

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

/**
 * The end of a cut breaks on its way, and arrives when its time is long over: the builder has undone it meanwhile, and has begun
 * the same cut once more.
 */
function swaps(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const healAt = 8_000;
  const rebuild = rebuildOf(100, { told: true, follows: false, patience: 50, tries: 60 });
  // Everything takes as long in every run, so that the end of the first cut is under way at about the same time.
  const latency = { base: 100, jitter: 10 };
  const lag: Fault = { f: 'lag', at: 60, clients: [0], nodes: [0], lag: 15, for: healAt };
  const late: Fault = {
    ...{ f: 'break', at: SWAPS_AT + dice.whole(0, 20), client: 0, node: 0 },
    lateness: dice.whole(5_150, 5_350),
  };
  const features = { ...plan.features, timeout: 600, ways: [3] };
  const clients = plan.clients.map((client) => ({ ...client, clock: { rate: 1, aheadMs: 0 } }));
  const made = withTasks({ ...plan, clients, features, latency, healAt }, [[rebuild]]);
  return { ...made, faults: [lag, late] };
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

/** Somebody keeps generations, and reads them, while others take their places and the old ones are ended. */
function pins(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const builds = several(3, () =>
    rebuildOf(dice.scale(1, 100), { told: true, follows: false, afterwards: ['retire'] }),
  );
  const kept = (by: string): FeaturesStep[] =>
    several(6, () => ({
      ...{ f: 'pin', after: dice.scale(1, 60), of: 'profile', by, for: dice.whole(300, 2_000) },
      ...{ reads: dice.whole(2, 6), ends: dice.one(['releases', 'extends', 'leaves'] as const) },
    }));
  const first = jobOf(40, [USERS.map((user) => ({ user, instant: 10 }))], { gap: 0, told: true });
  return withTasks(plan, [[first, ...builds], kept('a'), kept('b')]);
}

/** Somebody reads from a cache that keeps rows for long, while generations take each other's place. */
function caches(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const first = jobOf(40, [USERS.map((user) => ({ user, instant: 10 }))], { gap: 0, told: true });
  const builds = several(2, () => rebuildOf(dice.whole(900, 1_200), { told: true, follows: false }));
  const reads = (): FeaturesStep[] => [
    {
      ...{ f: 'read', after: dice.whole(500, 900), how: 'cached', users: USERS },
      ...{ fresh: undefined, times: 60, gap: dice.whole(30, 60) },
    },
  ];
  const features = { ...plan.features, cache: { rows: 100, maxAge: dice.whole(2_000, 3_000) } };
  return withTasks({ ...plan, features }, [[first, ...builds], reads(), reads()]);
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
