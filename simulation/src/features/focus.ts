/**
 * Plans with a focus: some of the runs draw one situation again and again that others come to once in hundreds of runs.
 *
 * Guarantees: a plan without a focus is as it was drawn. One with a focus follows from the seed as well; its server keeps what
 * it has acknowledged, unless the focus says otherwise.
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import type { Fault } from '../plan/plan.js';
import { besideReplica, drawReplica, withExtras } from './extras.js';
import { BUILDER_FOCUSES } from './focus-builders.js';
import { ERASURE_FOCUSES } from './focus-erasures.js';
import { type DrawFocus, followOf, HEALS_AT, jobOf, several, withTasks } from './focus-parts.js';
import { USERS } from './names.js';
import { drawPlainPlan, type FeaturesPlan, type FeaturesStep, type RowPlan } from './plan.js';

export const FEATURES_FOCUSES: Readonly<Record<string, DrawFocus>> = {
  ...{ ties, losses, repeats, takeovers, readers, exporters, copies, replicas },
  ...BUILDER_FOCUSES,
  ...ERASURE_FOCUSES,
};

/** With the focus that is wished, if one is. */
export function drawFeaturesPlan(seed: number, wishes: Wishes = {}): FeaturesPlan {
  const plan = drawPlainPlan(seed, wishes);
  const dice = new Dice(plan.seed ^ 0x51c3a7);
  if (wishes.focus === undefined && !dice.chance(0.3)) return withExtras(plan);
  const focus = wishes.focus ?? dice.one(Object.keys(FEATURES_FOCUSES));
  const drawn = FEATURES_FOCUSES[focus]?.(dice, calm(plan)) ?? plan;
  return { ...drawn, focus, faults: drawn.faults.toSorted((one: Fault, two: Fault) => one.at - two.at) };
}

/** Nothing befalls it, and all of its programs are of one edition. */
function calm(plan: FeaturesPlan): FeaturesPlan {
  const events = plan.events.slice(0, 20).map((event) => ({ ...event, when: event.when % HEALS_AT, age: 0 }));
  const features = {
    ...plan.features,
    ttl: undefined,
    strict: false,
    history: true,
    editions: [],
  };
  return { ...plan, healAt: HEALS_AT, faults: [], lossy: false, events, features };
}

/** Two lanes have rows of the same few event times, and those of each come from two processes. */
function ties(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const users = USERS.slice(0, 2);
  const row = (): RowPlan => ({ user: dice.one(users), instant: dice.whole(0, 3) });
  const jobs = (): FeaturesStep[] =>
    several(4, () =>
      jobOf(
        dice.scale(1, 400),
        several(3, () => several(3, row)),
        { gap: dice.scale(1, 60) },
      ),
    );
  const follows = several(3, () =>
    followOf(dice.scale(1, 300), { view: 'profile', lasts: dice.scale(100, 600) }),
  );
  const events = plan.events.map((event) => ({
    ...event,
    ...{ user: dice.one(users), instant: dice.whole(0, 3), isReadable: true },
  }));
  return withTasks({ ...plan, events }, [jobs(), follows, jobs()]);
}

/** The server comes back as it was at a time. */
const crashOf = (dice: Dice, at: number, savedAt: number): Fault => ({
  ...{
    f: 'crash',
    at,
    node: 0,
    for: dice.whole(2, 20),
    memory: 'some',
    savedBefore: Math.max(1, at - savedAt),
  },
});

/** What the server forgets between two holders of a lane, the first of which opens it at 40 and goes on. */
interface Loss {
  /** When the second holder opens the lane; undefined where there is none. */
  readonly replacedAt?: number;
  readonly ways?: FeaturesPlan['features']['ways'];
  readonly faults: readonly Fault[];
}

const LOSSES: readonly ((dice: Dice) => Loss)[] = [
  // The first one stands still meanwhile, and the server comes back as it was before the second one, or with nothing.
  (dice) => ({ replacedAt: dice.whole(500, 650), faults: [stillAt(dice), comesBack(dice)] }),
  (dice) => ({
    replacedAt: dice.whole(500, 650),
    faults: [stillAt(dice), { f: 'flush', at: dice.whole(900, 1_100), node: 0 }],
  }),
  (dice) => ({ faults: [comesBack(dice)] }),
  // The first one waits for its issuer while the second one opens the lane, and the server forgets everything.
  (dice) => ({
    ...{ replacedAt: dice.whole(690, 720), ways: [200] },
    faults: [{ f: 'flush', at: dice.whole(760, 800), node: 0 }],
  }),
];

const stillAt = (dice: Dice): Fault => ({
  ...{ f: 'pause', at: dice.whole(300, 400), client: 0, for: dice.whole(900, 1_200), atReading: false },
});

const comesBack = (dice: Dice): Fault => crashOf(dice, dice.whole(900, 1_100), dice.whole(200, 450));

/** The server forgets that a holder was replaced, and is asked by that one again; or forgets what a holder has written. */
function losses(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const view = dice.one(['profile', 'counts'] as const);
  const isJob = dice.chance(0.6);
  const batch = (): RowPlan[] => several(3, () => ({ user: dice.one(USERS), instant: 10 }));
  const write = (after: number, lasts: number): FeaturesStep =>
    isJob
      ? jobOf(after, several(Math.ceil(lasts / 100), batch), { gap: 80 })
      : followOf(after, { view, lasts });
  const { replacedAt, ways = [], faults } = dice.one(LOSSES)(dice);
  const applies = several(6, (): FeaturesStep => ({ f: 'apply', after: 120 }));
  const features = { ...plan.features, ways };
  const made = withTasks({ ...plan, features, lossy: true }, [
    [write(40, 1_900)],
    replacedAt === undefined ? [] : [write(replacedAt, 150)],
    [{ f: 'apply', after: 900 }, ...applies],
  ]);
  return { ...made, faults };
}

/** What a follower sends is carried out, and the answer does not come; or the server takes it late. */
function repeats(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const follow = (): FeaturesStep =>
    followOf(dice.scale(1, 100), {
      view: dice.one(['profile', 'counts'] as const),
      lasts: dice.whole(300, 900),
    });
  const breaks = several(
    dice.whole(10, 40),
    (): Fault => ({
      ...{ f: 'break', at: dice.whole(20, HEALS_AT - 200), client: dice.whole(0, 1), node: 0 },
      lateness: dice.chance(0.5) ? dice.scale(1, 200) : undefined,
    }),
  );
  const made = withTasks(plan, [several(3, follow), several(3, follow)]);
  return { ...made, faults: breaks };
}

/** Exporters take the log from each other, and die, while somebody lands rows; in some, the server forgets. */
function exporters(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const lossy = dice.chance(0.4);
  const batch = (): RowPlan[] => several(3, () => ({ user: dice.one(USERS), instant: 10 }));
  const jobs = several(2, () => jobOf(0, several(20, batch), { gap: dice.whole(20, 60), told: true }));
  const exports = (): FeaturesStep[] =>
    several(8, () => ({
      ...{ f: 'export', after: dice.scale(1, 200), told: dice.chance(0.3), compacts: dice.chance(0.4) },
      calls: dice.chance(0.3) ? 2 : 1,
    }));
  const at = (): number => dice.whole(50, HEALS_AT - 300);
  const faults = several(10, (): Fault => {
    const client = dice.whole(1, 2);
    if (lossy && dice.chance(0.2)) return crashOf(dice, at() + 50, at());
    if (dice.chance(0.3)) return { f: 'kill', at: at(), client, for: dice.whole(5, 100) };
    return { f: 'pause', at: at(), client, for: dice.whole(5, 200), atReading: dice.chance(0.5) };
  });
  const features = { ...plan.features, exports: true };
  return { ...withTasks({ ...plan, features, lossy }, [jobs, exports(), exports()]), faults };
}

/** Somebody lands rows without a pause, and others read them from a replica, which stops now and then. */
function replicas(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  // Whoever has rows of both views is answered by a replica alone; in some, one user has them later than the others.
  const early = dice.chance(0.4) ? USERS.slice(1) : USERS;
  const first = early.map((user): RowPlan => ({ user, instant: 10 }));
  const batchOf = (users: readonly string[]) => (): RowPlan[] =>
    several(4, () => ({ user: dice.one(users), instant: 10 }));
  const gap = dice.whole(15, 30);
  const jobs = [
    jobOf(0, [first, ...several(40, batchOf(early))], { gap, told: true }),
    jobOf(0, several(40, batchOf(USERS)), { gap, told: true }),
  ];
  const events = several(24, (place) => ({
    ...{ when: 20 + 5 * place, partition: place % 2, user: USERS[place % USERS.length] ?? 'u1', age: 0 },
    ...{ instant: undefined, amount: 1, isReadable: true },
  }));
  // As in the plan above.
  const reads = (): FeaturesStep[] =>
    several(3, (place) => ({
      ...{ f: 'read', after: (place === 0 ? 1_100 : 0) + dice.scale(1, 100), how: 'replica', users: USERS },
      ...{
        fresh: dice.one([undefined, undefined, 20, 50]),
        times: dice.whole(20, 50),
        gap: dice.scale(2, 40),
      },
    }));
  const lags = several(
    2,
    (): Fault => ({
      ...{ f: 'lag', at: dice.whole(100, 1_600), clients: [1, 2], nodes: [0] },
      ...{ lag: dice.whole(20, 150), for: dice.whole(300, 1_500) },
    }),
  );
  const drawn = { ...drawReplica(dice, HEALS_AT), maxLag: dice.whole(50, 200) };
  const features = { ...plan.features, timeout: 600 };
  const follow = followOf(60, { view: 'counts', lasts: 400 });
  const made = withTasks({ ...plan, features, events }, [[follow, ...jobs], reads(), reads()]);
  return { ...besideReplica(made, drawn), faults: dice.chance(0.5) ? lags : [] };
}

/** Somebody lands rows without a pause, while they are copied into generations, and the logs are exported. */
function copies(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const batch = (): RowPlan[] =>
    several(3, () => ({ user: dice.one(USERS), instant: dice.chance(0.5) ? 10 : dice.whole(0, 7) }));
  const jobs = several(2, () => jobOf(0, several(30, batch), { gap: dice.whole(10, 60), told: true }));
  const rebuilds = several(
    3,
    (): FeaturesStep => ({
      ...{ f: 'rebuild', after: dice.scale(1, 200), view: 'profile', told: true, patience: 3_000, fills: [] },
      ...{ copies: dice.one(['at once', 'all'] as const), allowMissing: undefined, isWatched: false },
      ...{ follows: true, afterwards: dice.chance(0.4) ? ['roll back'] : [] },
    }),
  );
  const others = several(
    6,
    (): FeaturesStep => ({
      ...{ f: 'export', after: dice.scale(1, 200), told: false, compacts: dice.chance(0.3), calls: 1 },
    }),
  );
  const stops = several(
    6,
    (): Fault => ({
      ...{ f: 'pause', at: dice.whole(50, HEALS_AT - 300), client: 1, for: dice.whole(20, 300) },
      atReading: dice.chance(0.5),
    }),
  );
  const features = { ...plan.features, exports: true };
  return { ...withTasks({ ...plan, features }, [jobs, rebuilds, others]), faults: stops };
}

/** Followers take the same lane from each other, and stand still in between. */
function takeovers(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const follow = (): FeaturesStep =>
    followOf(dice.scale(1, 60), { view: 'profile', lasts: dice.whole(200, 600) });
  const pauses = several(
    12,
    (): Fault => ({
      ...{
        f: 'pause',
        at: dice.whole(20, HEALS_AT - 300),
        client: dice.whole(0, 2),
        for: dice.whole(20, 200),
      },
      atReading: dice.chance(0.5),
    }),
  );
  const lags = several(
    3,
    (): Fault => ({
      ...{ f: 'lag', at: dice.whole(0, HEALS_AT - 500), clients: [dice.whole(0, 2)], nodes: [0] },
      ...{ lag: dice.whole(20, 100), for: dice.whole(100, 600) },
    }),
  );
  const made = withTasks(
    plan,
    several(3, () => several(4, follow)),
  );
  return { ...made, faults: [...pauses, ...lags] };
}

/** Somebody lands rows without a pause, and others read them over slow links, from caches and at places. */
function readers(dice: Dice, plan: FeaturesPlan): FeaturesPlan {
  const batch = (): RowPlan[] => several(4, () => ({ user: dice.one(USERS), instant: 10 }));
  const jobs = several(2, () => jobOf(0, several(40, batch), { gap: dice.whole(5, 30), told: true }));
  // What is read is judged once pointers may be of no time before the beginning.
  const reads = (): FeaturesStep[] =>
    several(3, (place) => ({
      ...{
        f: 'read',
        after: (place === 0 ? 1_100 : 0) + dice.scale(1, 100),
        how: dice.one(['place', 'cached', 'cached'] as const),
      },
      ...{
        fresh: dice.one([undefined, undefined, 0, 20]),
        times: dice.whole(10, 30),
        gap: dice.scale(2, 40),
        users: USERS,
      },
    }));
  const lags = several(
    2,
    (): Fault => ({
      ...{ f: 'lag', at: dice.whole(900, 1_600), clients: [1, 2], nodes: [0] },
      ...{ lag: dice.whole(40, 150), for: dice.whole(300, 1_500) },
    }),
  );
  const cache = { rows: 100, maxAge: dice.scale(20, 400) };
  const features = { ...plan.features, timeout: 600, strict: dice.chance(0.4), cache };
  const made = withTasks({ ...plan, features }, [jobs, reads(), reads()]);
  return { ...made, faults: dice.chance(0.5) ? lags : [] };
}
