/**
 * The plan of a run of an index of vectors, and how it is drawn from a seed.
 *
 * Guarantees: the same seed gives the same plan. The server keeps what it has acknowledged, but for runs that say so
 * (`lossy`).
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import { CLOCK_AHEAD, drawFaults } from '../plan/faults.js';
import type { ClientPlan, ClockPlan, Fault, RunPlan } from '../plan/plan.js';
import { FILTER_NAMES, type FilterName, IDS, KINDS, PRICES } from './names.js';

/** All durations and times are milliseconds of true time. */
export interface VectorsPlan extends RunPlan<VectorsStep> {
  readonly vectors: {
    readonly timeout: number;
    /** For how long deletions are kept. */
    readonly tombstones: number;
    /** Whether the run goes on until documents are forgotten of which nothing is kept, while somebody is away. */
    readonly isLong: boolean;
    /** Whether documents have texts, whose words are searched. */
    readonly hasTexts: boolean;
    /** Whether documents have vectors of two names. */
    readonly hasNames: boolean;
    /** Whether documents have texts of which models make vectors, one model after the other. */
    readonly hasModels: boolean;
    /** Whether documents lie in shards, which processes ask each other for. */
    readonly hasShards: boolean;
    /** Whether the server searches the vectors; of models, those of one. */
    readonly onServer: boolean;
  };
  /** Whether the server may come back without what it had acknowledged. */
  readonly lossy: boolean;
}

/** An instant of a few, later ones in rising order; so long before or after the present; or too far after it. */
export type TimePlan =
  | { readonly instant: number }
  | { readonly beside: number }
  | { readonly tooFar: true }
  | undefined;

/** `kept`: a token that the process was given earlier, which others may have outrun. */
export type HolderPlan = { readonly issuer: 'one' | 'two'; readonly how: 'new' | 'kept' } | undefined;

interface Written {
  readonly id: string;
  readonly time: TimePlan;
  readonly holder: HolderPlan;
}

/** The place after which something is read: that of the own last write, of anybody's, or none. */
export type AfterPlan = 'own' | 'any' | undefined;

interface Read {
  readonly place: AfterPlan;
  readonly wait: number;
}

export type VectorsStep = { readonly after: number } & (
  | ({
      readonly f: 'put';
      readonly ttl: number | undefined;
      readonly chunks: number;
      readonly kind: string;
      readonly price: number;
    } & Written)
  | ({ readonly f: 'patch'; readonly kind: string | undefined; readonly price: number } & Written)
  | ({ readonly f: 'delete' } & Written)
  | ({ readonly f: 'delete all'; readonly filter: FilterName } & Read)
  | ({
      readonly f: 'search';
      readonly filter: FilterName;
      readonly limit: number;
      /** By a vector, by a word, or by both. */
      readonly by: 'vector' | 'word' | 'both';
      /** If vectors have names: of which one. */
      readonly name: 'title' | 'body';
    } & Read)
  | ({ readonly f: 'get'; readonly id: string } & Read)
  | ({ readonly f: 'count'; readonly filter: FilterName } & Read)
  | ({ readonly f: 'scroll'; readonly filter: FilterName; readonly limit: number } & Read)
  | { readonly f: 'build'; readonly batch: number; readonly pending: number }
  | { readonly f: 'cut'; readonly pending: number }
  | { readonly f: 'abandon' | 'retire' }
  | { readonly f: 'embed'; readonly again: boolean }
);

export const VECTORS_FOCUSES = ['models', 'shards', 'server', 'patches', 'expiries', 'absences'] as const;

/** By how much longer a run takes that is long. */
const LONGER = 14;

/** What happens when in the focus on absences, in ms: documents are forgotten while somebody is away, who then reads. */
const ABSENCE = {
  firstReads: 2_500,
  begins: 5_000,
  deletions: 6_000,
  ends: 145_000,
  reads: 147_000,
  healAt: 160_000,
};

export function drawVectorsPlan(seed: number, wishes: Wishes = {}): VectorsPlan {
  const dice = new Dice(seed ^ 0x5bd1e9);
  const clients = wishes.clients ?? dice.whole(2, 4);
  const { focus } = wishes;
  const isAbsence = focus === 'absences';
  const isLong = dice.chance(0.15) || isAbsence;
  const healAt = isAbsence ? ABSENCE.healAt : dice.whole(3_000, 7_000) * (isLong ? LONGER : 1);
  const lossy = dice.chance(0.35) && !isAbsence;
  const lease = dice.scale(150, 3_000);
  const isExact = dice.chance(0.5);
  const hasModels = focus === undefined ? seed % 4 === 1 : focus === 'models';
  const hasShards = focus === 'shards' || (focus === undefined && !hasModels && seed % 7 === 3);
  const clock = (): ClockPlan => ({
    rate: isExact ? 1 : dice.between(0.9955, 1.0045),
    aheadMs: dice.between(-CLOCK_AHEAD, CLOCK_AHEAD),
  });
  const faults =
    dice.chance(0.92) && !isAbsence
      ? drawFaults(dice, { clients, healAt, lossy, clocksJump: false, lease })
      : [];
  return {
    seed,
    nodes: 0,
    deployment: { persistence: 'none' },
    latency: { base: dice.scale(50, 1_000), jitter: dice.scale(20, 4_000) },
    resends: dice.chance(0.3),
    nodeClocks: [clock()],
    clients: Array.from({ length: clients }, (_, place) =>
      isAbsence
        ? { clock: clock(), tasks: drawAbsence(dice, place) }
        : drawClient(dice, clock(), { isLong, hasModels, focus }),
    ),
    faults: isLong ? withAbsence(dice, faults, { clients, healAt, isAbsence }) : faults,
    healAt,
    clocksJump: false,
    vectors: {
      timeout: dice.scale(60, 600),
      hasTexts: !hasModels && seed % 3 === 0,
      hasNames: !hasModels && seed % 5 === 0,
      hasModels,
      hasShards,
      onServer: !hasShards && (focus === 'server' || seed % 4 === 2 || seed % 8 === 1),
      tombstones: isLong ? dice.scale(1_000, 3_000) : dice.scale(1_000, 20_000),
      isLong,
    },
    lossy,
  };
}

/** One process is away for longer than deletions are kept. */
function withAbsence(
  dice: Dice,
  faults: readonly Fault[],
  {
    clients,
    healAt,
    isAbsence,
  }: { readonly clients: number; readonly healAt: number; readonly isAbsence: boolean },
): readonly Fault[] {
  const client = isAbsence ? 0 : dice.whole(0, clients - 1);
  const at = isAbsence ? ABSENCE.begins : dice.whole(1_000, 6_000);
  const drawn = isAbsence ? ABSENCE.ends - ABSENCE.begins : dice.whole(62_000, 70_000);
  const away = Math.max(1_000, Math.min(drawn, healAt - at - 1_000));
  const fault: Fault = dice.chance(0.5)
    ? { f: 'pause', at, client, for: away, atReading: false }
    : { f: 'cut', at, clients: [client], nodes: [0], direction: 'both', for: away };
  return [...faults, fault].sort((one, two) => one.at - two.at);
}

function drawClient(
  dice: Dice,
  clock: ClockPlan,
  {
    isLong,
    hasModels,
    focus,
  }: { readonly isLong: boolean; readonly hasModels: boolean; readonly focus: string | undefined },
): ClientPlan<VectorsStep> {
  const tasks = Array.from({ length: dice.whole(1, 3) }, () =>
    Array.from({ length: dice.whole(4, 14) }, () => {
      const after = dice.chance(0.35) ? 0 : dice.scale(1, 500) * (isLong ? LONGER : 1);
      const step = hasModels && dice.chance(0.45) ? drawBuildStep(dice) : drawStep(dice, focus);
      return { after, ...step } as VectorsStep;
    }),
  );
  return { clock, tasks };
}

/** Documents are written, then read, deleted by the others while the first is away, and read when it is back. */
function drawAbsence(dice: Dice, place: number): ClientPlan<VectorsStep>['tasks'] {
  const some = (kinds: typeof STEPS, from: number): readonly VectorsStep[] =>
    Array.from({ length: dice.whole(3, 6) }, (_, n) => {
      const after = (n === 0 ? from : 0) + dice.scale(1, 500);
      return { after, ...drawStep(dice, 'absences', kinds) } as VectorsStep;
    });
  // Tasks of their own: that of who is paused goes on from where it was.
  return [
    some(['put', 'put', 'put', 'patch'], 0),
    some(['search', 'get', 'count', 'scroll'], ABSENCE.firstReads),
    ...(place > 0 ? [some(['delete', 'delete', 'delete all'], ABSENCE.deletions)] : []),
    some(['search', 'get', 'count', 'scroll'], ABSENCE.reads),
  ];
}

/** Without the `after` of a union, which TypeScript leaves out of all of its parts only in this way. */
type Without<T> = T extends unknown ? Omit<T, 'after'> : never;

const STEPS = [
  ...(['put', 'put', 'put', 'put', 'put', 'put', 'patch', 'patch', 'delete', 'delete'] as const),
  ...(['delete all', 'search', 'search', 'search', 'search', 'get', 'count', 'scroll'] as const),
];

/** Those of a focus, if it has some of its own. */
const STEPS_OF: Readonly<Record<string, typeof STEPS>> = {
  patches: ['put', 'patch', 'patch', 'patch', 'patch', 'delete all', 'delete all', 'search'],
  expiries: ['put', 'put', 'search', 'search', 'search', 'count', 'get'],
};

function drawStep(
  dice: Dice,
  focus: string | undefined,
  kinds: typeof STEPS = STEPS_OF[focus ?? ''] ?? STEPS,
): Without<VectorsStep> {
  const f = dice.one(kinds);
  const filter = dice.one(FILTER_NAMES);
  switch (f) {
    case 'put':
      return {
        ...{ f, ...drawWritten(dice, focus), kind: dice.one(KINDS), price: dice.whole(0, PRICES - 1) },
        ttl: dice.chance(focus === 'expiries' ? 0.9 : 0.25) ? dice.scale(30, 4_000) : undefined,
        chunks: dice.one([0, 1, 1, 1, 2, 3]),
      };
    case 'patch':
      return {
        ...{ f, ...drawWritten(dice, focus), price: dice.whole(0, PRICES - 1) },
        kind: dice.chance(0.5) ? dice.one(KINDS) : undefined,
      };
    case 'delete':
      return { f, ...drawWritten(dice, focus) };
    case 'search':
      return {
        ...{ f, filter, limit: dice.one([1, 2, 10, 10]), ...drawRead(dice) },
        by: dice.one(['vector', 'vector', 'word', 'both'] as const),
        name: dice.one(['title', 'body'] as const),
      };
    case 'scroll':
      return { f, filter, limit: dice.one([2, 3, 10]), ...drawRead(dice) };
    case 'get':
      return { f, id: dice.one(IDS), ...drawRead(dice) };
    default:
      return { f, filter, ...drawRead(dice) };
  }
}

function drawBuildStep(dice: Dice): Without<VectorsStep> {
  const f = dice.one(['build', 'build', 'cut', 'abandon', 'retire', 'embed', 'embed', 'embed'] as const);
  const pending = dice.one([0, 0, 1, 3]);
  if (f === 'build') return { f, pending, batch: dice.one([1, 2, 64]) };
  if (f === 'cut') return { f, pending };
  return f === 'embed' ? { f, again: dice.chance(0.3) } : { f };
}

const drawRead = (dice: Dice): Read => ({
  place: dice.one(['own', 'any', 'any', undefined] as const),
  wait: dice.scale(30, 3_000),
});

function drawWritten(dice: Dice, focus: string | undefined): Written {
  // Of two documents, so that writes of one meet.
  const id = dice.one(focus === 'patches' ? IDS.slice(-2) : IDS);
  // Of some documents all writes say when they were true.
  const isTimed = id <= 'd3' || dice.chance(0.25);
  const holder = dice.chance(0.4)
    ? ({ issuer: dice.one(['one', 'one', 'two'] as const), how: dice.one(['new', 'kept'] as const) } as const)
    : undefined;
  return { id, holder, time: isTimed ? drawTime(dice) : undefined };
}

function drawTime(dice: Dice): TimePlan {
  if (dice.chance(0.02)) return { tooFar: true };
  return dice.chance(0.6) ? { instant: dice.whole(0, 7) } : { beside: dice.whole(-3_000, 2_000) };
}
