/**
 * The plan of a run of the feature store, and how it is drawn from a seed.
 *
 * Guarantees: the same seed gives the same plan. The server keeps what it has acknowledged, but for runs that say so
 * (`lossy`).
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import { CLOCK_AHEAD, drawFaults } from '../plan/faults.js';
import type { ClientPlan, ClockPlan, RunPlan } from '../plan/plan.js';
import type { Edition } from './names.js';
import { ERASABLE, SHOPS, USERS } from './names.js';

/** How a replica of the server follows it. */
export interface ReplicaPlan {
  /** How old a row may be that it gives, in ms. */
  readonly maxLag: number;
  /** How often it is sent what has changed, and how long that takes, in ms. */
  readonly every: number;
  readonly lag: number;
  readonly stops: readonly { readonly at: number; readonly for: number }[];
}

/** All durations and times are milliseconds of true time. */
export interface FeaturesPlan extends RunPlan<FeaturesStep> {
  readonly features: {
    readonly timeout: number;
    /** How long the issuer takes on each way to renew a right, by client; 1 for others. */
    readonly ways: readonly number[];
    /** Whether accepted rows of the view of rows are logged. */
    readonly history: boolean;
    /** For how long after its event time such a row is served. */
    readonly ttl: number | undefined;
    /** Whether every read of these rows goes past the cache. */
    readonly strict: boolean;
    /** Of the service that has one. */
    readonly cache: { readonly rows: number; readonly maxAge: number };
    /**
     * With which edition of the program each client begins; there is one edition where the server forgets. Whoever is replaced where
     * some have the second one has it, too.
     */
    readonly editions: readonly Edition[];
    /** Whether logs are exported. */
    readonly exports: boolean;
    readonly replica: ReplicaPlan | undefined;
  };
  readonly events: readonly EventPlan[];
  /** Whether the server may come back without what it had acknowledged. */
  readonly lossy: boolean;
  /** The situation that is drawn again and again. */
  readonly focus?: string;
}

export interface EventPlan {
  /** When it is published. */
  readonly when: number;
  readonly partition: number;
  readonly user: string;
  /** How old it is afterwards: 0, or long past every window. */
  readonly age: number;
  /** The event time of the row that it becomes, as of rows that are landed; undefined where that is its own. */
  readonly instant: number | undefined;
  readonly amount: number;
  /** Whether it can be read; otherwise it becomes a dead letter. */
  readonly isReadable: boolean;
}

export type ViewName = 'profile' | 'counts';

/** A row to land; its time is one of a few. */
export interface RowPlan {
  readonly user: string;
  /** 0 to 7, later ones in rising order; 9 is too far in the future; 10 is later than all before. */
  readonly instant: number;
}

/** Flags of a shop to set and to clear. */
interface MarkPlan {
  readonly shop: string;
  readonly values: Readonly<Record<string, boolean>>;
}

/** What a process does next. `told`: whether its right ends with a signal. */
export type FeaturesStep = { readonly after: number } & (
  | {
      readonly f: 'job';
      readonly told: boolean;
      readonly batches: readonly (readonly RowPlan[])[];
      /** Between batches. */
      readonly gap: number;
      readonly finishes: boolean;
    }
  /** `shared`: under a right for each partition of the source. */
  | {
      readonly f: 'follow';
      readonly view: ViewName;
      readonly told: boolean;
      readonly shared: boolean;
      readonly for: number;
      readonly stops: boolean;
    }
  /** So many times, one after the other. `fresh`: how old what a cache answers may be. */
  | {
      readonly f: 'read';
      readonly users: readonly string[];
      readonly how: 'rows' | 'get' | 'place' | 'cached' | 'warm' | 'replica';
      readonly fresh: number | undefined;
      readonly times: number;
      readonly gap: number;
    }
  | {
      readonly f: 'rebuild';
      readonly view: ViewName;
      readonly told: boolean;
      readonly patience: number;
      /** Of the view of rows: whose rows are filled in. */
      readonly fills: readonly string[];
      /** Whether it is compared with what is read before the cut, and how many rows it may lack then. */
      readonly allowMissing: number | undefined;
      /** Whether somebody reads all the while. */
      readonly isWatched: boolean;
      /** Of the view of rows: whether the rows of the lane of batches are copied, and cut to as soon as it may be, or once all are. */
      readonly copies?: 'at once' | 'all';
      /** Whether the new generation follows the source. */
      readonly follows: boolean;
      /** How often it is cut to, until that succeeds; once by default. */
      readonly tries?: number;
      /** What follows the cut. */
      readonly afterwards: readonly ('roll back' | 'retire')[];
    }
  /** Both views, in one step. */
  | { readonly f: 'rebuild both'; readonly told: boolean; readonly patience: number }
  | {
      readonly f: 'roll back';
      readonly of: ViewName | 'both';
      readonly told: boolean;
      readonly behind: 'refuse' | 'accept';
      readonly patience: number;
    }
  /** Keeps generations for so long, and reads them all the while, and a little longer. */
  | {
      readonly f: 'pin';
      readonly of: ViewName | 'both';
      readonly by: string;
      readonly for: number;
      readonly reads: number;
      readonly ends: 'releases' | 'extends' | 'leaves';
    }
  /** Ends what others have begun, under a right of its own. */
  | { readonly f: 'tidy'; readonly view: ViewName }
  | {
      readonly f: 'mark';
      readonly told: boolean;
      readonly batches: readonly (readonly MarkPlan[])[];
      /** Between batches. */
      readonly gap: number;
    }
  /** Moves the logs into files. `calls`: so many at once, under one right. */
  | { readonly f: 'export'; readonly told: boolean; readonly compacts: boolean; readonly calls: number }
  | { readonly f: 'erase' | 'restore'; readonly user: string; readonly told: boolean }
  /** `deploy`: the second edition of the program. */
  | { readonly f: 'apply' | 'look' | 'deploy' | 'read marks' }
);

/** One without a focus, and without what extras.ts adds. */
export function drawPlainPlan(seed: number, wishes: Wishes = {}): FeaturesPlan {
  const dice = new Dice(seed ^ 0x2f6e2b);
  const clients = wishes.clients ?? dice.whole(2, 4);
  const healAt = dice.whole(3_000, 7_000);
  const lossy = dice.chance(0.35);
  const lease = dice.scale(150, 3_000);
  const erases = dice.chance(0.3);
  const clock = (): ClockPlan => ({
    rate: dice.between(0.9955, 1.0045),
    aheadMs: dice.between(-CLOCK_AHEAD, CLOCK_AHEAD),
  });
  return {
    seed,
    nodes: 0,
    deployment: { persistence: 'none' },
    latency: { base: dice.scale(50, 1_000), jitter: dice.scale(20, 4_000) },
    resends: dice.chance(0.3),
    nodeClocks: [clock()],
    clients: Array.from({ length: clients }, () => drawClient(dice, { clock: clock(), erases })),
    faults: dice.chance(0.92) ? drawFaults(dice, { clients, healAt, lossy, clocksJump: false, lease }) : [],
    healAt,
    clocksJump: false,
    features: {
      ...{ timeout: dice.scale(60, 600), ways: [dice.scale(1, 30)], history: dice.chance(0.8) },
      // As old as rows that are landed, or older.
      ttl: dice.chance(0.3) ? dice.whole(6_000, 20_000) : undefined,
      strict: dice.chance(0.15),
      cache: { rows: dice.one([2, 6, 100]), maxAge: dice.scale(20, 3_000) },
      editions: lossy ? [] : drawEditions(dice, clients),
      exports: false,
      replica: undefined,
    },
    events: Array.from({ length: dice.whole(10, 60) }, () => drawEvent(dice, healAt)),
    lossy,
  };
}

/** All the first one, or the second one is being deployed. */
function drawEditions(dice: Dice, clients: number): readonly Edition[] {
  const isDeployed = dice.chance(0.5);
  return Array.from({ length: clients }, () => (isDeployed && dice.chance(0.4) ? 2 : 1));
}

const drawEvent = (dice: Dice, healAt: number): EventPlan => ({
  when: dice.whole(0, healAt),
  partition: dice.whole(0, 1),
  user: dice.one(USERS),
  age: dice.chance(0.1) ? 7_200_000 : 0,
  instant: dice.chance(0.2) ? dice.whole(0, 7) : undefined,
  amount: dice.whole(1, 9),
  isReadable: !dice.chance(0.04),
});

function drawClient(
  dice: Dice,
  { clock, erases }: { readonly clock: ClockPlan; readonly erases: boolean },
): ClientPlan<FeaturesStep> {
  const tasks = Array.from({ length: dice.whole(1, 3) }, () =>
    Array.from({ length: dice.whole(2, 6) }, () =>
      erases && dice.chance(0.25) ? drawErasure(dice) : drawStep(dice),
    ),
  );
  return { clock, tasks };
}

const drawErasure = (dice: Dice): FeaturesStep => ({
  ...{ f: dice.chance(0.7) ? 'erase' : 'restore', after: dice.chance(0.4) ? 0 : dice.scale(1, 600) },
  ...{ user: dice.one(ERASABLE), told: dice.chance(0.4) },
});

function drawStep(dice: Dice): FeaturesStep {
  const after = dice.chance(0.4) ? 0 : dice.scale(1, 600);
  const told = dice.chance(0.4);
  const view = dice.one(['profile', 'profile', 'counts'] as const);
  const f = dice.one([
    ...(['job', 'job', 'job', 'follow', 'follow', 'follow', 'read', 'read', 'read', 'rebuild'] as const),
    ...(['rebuild', 'rebuild', 'rebuild both', 'tidy', 'apply', 'look', 'deploy'] as const),
    ...(['roll back', 'pin', 'mark', 'read marks'] as const),
  ]);
  switch (f) {
    case 'job':
      return {
        ...{ f, after, told, finishes: dice.chance(0.3), gap: dice.chance(0.5) ? 0 : dice.scale(1, 500) },
        batches: Array.from({ length: dice.whole(1, 6) }, () => drawRows(dice)),
      };
    case 'follow': {
      const stops = dice.chance(0.6);
      return { f, after, told, view, shared: dice.chance(0.3), for: dice.scale(50, 2_000), stops };
    }
    case 'read':
      return {
        ...{ f, after, how: dice.one(['rows', 'get', 'place', 'cached', 'cached', 'warm'] as const) },
        ...{ fresh: dice.chance(0.4) ? dice.one([0, 20, 200]) : undefined },
        ...{ times: dice.whole(1, 8), gap: dice.scale(2, 400) },
        users: dice.chance(0.5) ? USERS : someUsers(dice),
      };
    case 'rebuild':
      return {
        ...{ f, after, view, told, patience: dice.scale(100, 3_000) },
        fills: dice.chance(0.8) ? USERS : someUsers(dice),
        allowMissing: dice.chance(0.4) ? dice.one([0, 0, 2]) : undefined,
        isWatched: dice.chance(0.3),
        follows: !dice.chance(0.1),
        afterwards: (['roll back', 'roll back', 'retire', 'retire'] as const).filter(() => dice.chance(0.4)),
      };
    case 'rebuild both':
      return { f, after, told, patience: dice.scale(100, 3_000) };
    case 'roll back':
      return {
        ...{ f, after, told, of: dice.one(['profile', 'counts', 'both'] as const) },
        ...{ behind: dice.one(['refuse', 'accept'] as const), patience: dice.scale(100, 3_000) },
      };
    case 'pin':
      return {
        ...{ f, after, of: dice.one(['profile', 'counts', 'both'] as const), by: dice.one(['a', 'b']) },
        ...{ for: dice.scale(50, 3_000), reads: dice.whole(1, 6) },
        ends: dice.one(['releases', 'extends', 'leaves'] as const),
      };
    case 'mark':
      return {
        ...{ f, after, told, gap: dice.chance(0.5) ? 0 : dice.scale(1, 500) },
        batches: Array.from({ length: dice.whole(1, 4) }, () => drawMarks(dice)),
      };
    case 'tidy':
      return { f, after, view };
    default:
      return { f, after };
  }
}

const someUsers = (dice: Dice): readonly string[] =>
  dice.some(USERS.length).map((place) => USERS[place] ?? 'u1');

const drawRows = (dice: Dice): readonly RowPlan[] =>
  Array.from({ length: dice.whole(1, 6) }, () => ({
    user: dice.one(USERS),
    instant: dice.chance(0.03) ? 9 : dice.chance(0.3) ? 10 : dice.whole(0, 7),
  }));

const drawMarks = (dice: Dice): readonly MarkPlan[] =>
  Array.from({ length: dice.whole(1, 4) }, () => {
    const flags = dice.one([['open'], ['busy'], ['open', 'busy']] as const);
    return {
      shop: dice.one(SHOPS),
      values: Object.fromEntries(flags.map((flag) => [flag, dice.chance(0.5)])),
    };
  });
