/**
 * The plan of a run of the queue, and how it is drawn from a seed.
 *
 * Guarantees: the same seed gives the same plan. Clocks run apart by less than what workers allow for. The server keeps
 * what it has acknowledged, but for runs that say so (`lossy`).
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import { CLOCK_AHEAD, drawFailovers, drawFaults } from '../plan/faults.js';
import type { ClientPlan, ClockPlan, RunPlan } from '../plan/plan.js';
import { LATCH_IDS } from './latches.js';
import { followUpId } from './names.js';

/** All durations and times are milliseconds of true time. */
export interface QueuePlan extends RunPlan<QueueStep> {
  readonly clients: readonly QueueClientPlan[];
  readonly queue: {
    readonly attempts: number;
    /** Of a constant backoff. */
    readonly backoff: number;
    readonly timeout: number;
    readonly concurrency: number | undefined;
    /** Slots of each key. */
    readonly slots: number;
    readonly rate: { readonly max: number; readonly per: number } | undefined;
    readonly keyRate: { readonly max: number; readonly per: number } | undefined;
    readonly breaker:
      | { readonly failures: number; readonly within: number; readonly pause: number }
      | undefined;
    /** Between the ticks of a schedule, if there is one. */
    readonly every: number | undefined;
    readonly missed: 'once' | 'all' | 'skip';
    /** Whether the schedule has no task beside one that has not ended. */
    readonly isAlone: boolean;
    /** How much is kept of tasks that have ended; undefined for what is usual. */
    readonly retain:
      | { readonly count: number; readonly age: number; readonly dead: { readonly age: number } }
      | undefined;
  };
  /** Whether the server may come back without what it had acknowledged. */
  readonly lossy: boolean;
  /** Whether, when all has ended, a worker is stopped that cannot reach the server. */
  readonly outage: boolean;
}

interface QueueClientPlan extends ClientPlan<QueueStep> {
  /** Which limits it declares: those of the plan, those of the release before it, or none. */
  readonly declares: 'new' | 'old' | 'none';
  readonly worker:
    | { readonly concurrency: number; readonly lease: number; readonly grace: number }
    | undefined;
  /** Whether its handler takes several tasks in a call: how many, and how long it waits for them. */
  readonly batch: { readonly size: number; readonly wait: number } | undefined;
  /** For how long its adds are repeated; undefined if they fail at once. */
  readonly retries: number | undefined;
  /** Whether its worker has a backoff of its own that throws, or gives nonsense. */
  readonly wrongBackoff: boolean;
  /** When its worker is stopped, and another started in its place. */
  readonly restarts: readonly number[];
  /** Of a program that works without a connection to Redis, through this process. */
  readonly remote: RemotePlan | undefined;
}

export interface RemotePlan {
  readonly lease: number;
  /** How many tasks it claims at once, and how long it waits for the first. */
  readonly most: number;
  readonly wait: number;
  /** Each so many claims it hands back what it was given; 0 for never. */
  readonly returns: number;
}

/** What a producer does next. */
export type QueueStep = { readonly after: number } & (
  | ({ readonly f: 'add'; readonly name: string } & AddPlan)
  | { readonly f: 'pause'; readonly for: number }
  | { readonly f: 'remove' | 'get' | 'requeue'; readonly id: string }
  /** Cancels a task that the same producer has added. */
  | { readonly f: 'cancel'; readonly name: string }
  /** Changes a task that the same producer has added: when it is due, or its data and its priority. */
  | { readonly f: 'reschedule'; readonly name: string; readonly delay: number }
  | {
      readonly f: 'change';
      readonly name: string;
      readonly note: number | undefined;
      readonly priority: number | undefined;
    }
  /** Waits for the result of a task, for so long. */
  | { readonly f: 'wait'; readonly id: string; readonly for: number }
  | { readonly f: 'purge'; readonly state: 'waiting' | 'delayed' | 'dead' }
  /** Counts and lists what waits, and requeues the first of the dead letters. */
  | { readonly f: 'operate' }
  /** Reads the events, for so long. */
  | { readonly f: 'watch'; readonly for: number }
  /** Ends the window of the key under which tasks are unique. */
  | { readonly f: 'release' }
  /** Sets the weight of a tenant. */
  | { readonly f: 'weigh'; readonly tenant: string; readonly weight: number }
  /** Sets the limits of the plan, under a higher version. */
  | { readonly f: 'limit' }
  /** Runs the schedule now. */
  | { readonly f: 'run' }
  | { readonly f: 'obliterate' }
  /** Adds tasks and their follow-up, until it is certain; some cancel one of them, so many ms later. */
  | {
      readonly f: 'fan';
      readonly name: string;
      readonly tasks: readonly FannedTask[];
      readonly cancels: { readonly id: string; readonly after: number } | undefined;
      /** For how long a token is held before they are added under it; undefined if they are added under none. */
      readonly holds: number | undefined;
    }
  /** Counts the latch down, and opens it if need be. */
  | { readonly f: 'count down'; readonly id: string }
  /** Waits for the latch, for so long. */
  | { readonly f: 'await latch'; readonly for: number }
  /** Adds tasks under a token that was taken so many ms before; others may have taken one since. */
  | { readonly f: 'hold'; readonly names: readonly string[]; readonly for: number }
  /** Chooses which moves of tasks are events. */
  | { readonly f: 'announce'; readonly kinds: readonly ('added' | 'begun')[] }
);

/** A task that a follow-up waits for. */
interface FannedTask extends AddedPlan {
  readonly name: string;
}

/** How a task is added, and what its handler does. */
type AddedPlan = Pick<AddPlan, 'key' | 'delay' | 'priority' | 'expires' | 'work'>;

interface AddPlan {
  /** Its id, if it is given one; then its add is repeated until it is certain. */
  readonly id: string | undefined;
  /** Whether other tasks have the same id, before or after it. */
  readonly isShared: boolean;
  /** Of one without an id. */
  readonly deduplicate:
    | { readonly key: string; readonly within: number; readonly keep: 'first' | 'last' }
    | { readonly key: string; readonly until: 'begun' | 'ended'; readonly within?: number }
    | undefined;
  readonly expires: number | undefined;
  readonly timeout: number | undefined;
  /** For how long what is left of it is kept, if not as long as of others. */
  readonly retain: OwnRetention | undefined;
  readonly key: string | undefined;
  readonly tenant: string | undefined;
  readonly delay: number;
  readonly priority: number;
  readonly work: WorkPlan;
}

interface OwnRetention {
  readonly age: number;
  readonly dead: { readonly age: number };
}

/** What its handler does. */
export interface WorkPlan {
  readonly takes: number;
  /** In how many steps, between which it looks at its signal. */
  readonly steps: number;
  /** Attempts that fail. */
  readonly fails: number;
  readonly fatal: boolean;
  /** Goes on when its signal has aborted. */
  readonly heedless: boolean;
  readonly progress: boolean;
  /** By how many ms each process puts it off, once. */
  readonly defers?: number | undefined;
  /** Which nonsense attempts fail with, if any. */
  readonly nonsense?: number | undefined;
  /** Whether it returns what cannot be kept as a result. */
  readonly unkeepable?: boolean;
}

/** How many kinds of nonsense handlers throw. */
const KINDS_OF_NONSENSE = 6;

export function drawQueuePlan(seed: number, wishes: Wishes = {}): QueuePlan {
  const dice = new Dice(seed ^ 0x51ed27);
  // What handlers do wrong is drawn apart, so that the rest of a seed's plan does not depend on it.
  const wrongs = new Dice(seed ^ 0x3c6ef3);
  const ends = new Dice(seed ^ 0x71a2b3);
  const moves = new Dice(seed ^ 0x4d07e5);
  const keeps = new Dice(seed ^ 0x2b91c7);
  const fans = new Dice(seed ^ 0x7a1b0d);
  const breaks = new Dice(seed ^ 0x19c3e5);
  const changes = new Dice(seed ^ 0x5ab1d9);
  const holds = new Dice(seed ^ 0x66d3a1);
  const remotes = new Dice(seed ^ 0x63d2f7);
  const clients = wishes.clients ?? dice.whole(2, 4);
  const healAt = dice.whole(2_000, 6_000);
  const lossy = dice.chance(0.3);
  // Two epochs that both begin within such a jump may issue the same tokens: nobody promises more.
  const clocksJump = dice.chance(0.1) && !lossy;
  const clock = (): ClockPlan => ({
    rate: dice.between(0.9955, 1.0045),
    aheadMs: dice.between(-CLOCK_AHEAD, CLOCK_AHEAD),
  });
  const lease = dice.scale(150, 4_000);
  // Of its own, so that the plans of the seeds stay as they were.
  const more = new Dice(seed ^ 0x3c0ffe);
  const failsOver = more.chance(0.12) && !clocksJump;
  const isMixed = more.chance(0.4);
  return {
    seed,
    nodes: 0,
    deployment: { persistence: 'none' },
    latency: { base: dice.scale(50, 1_000), jitter: dice.scale(20, 4_000) },
    resends: dice.chance(0.3),
    nodeClocks: [clock()],
    clients: Array.from({ length: clients }, (_, place) =>
      drawClient(dice, {
        ...{
          place,
          lease,
          healAt,
          clock: clock(),
          wrongs,
          ends,
          moves,
          keeps,
          fans,
          changes,
          holds,
          remotes,
        },
        declares: isMixed && place > 0 ? more.one(['new', 'old', 'none']) : 'new',
      }),
    ),
    faults: [
      ...(dice.chance(0.92) ? drawFaults(dice, { clients, healAt, lossy, clocksJump, lease }) : []),
      ...(failsOver ? drawFailovers(more, healAt) : []),
    ].sort((one, two) => one.at - two.at),
    healAt,
    clocksJump,
    failsOver,
    queue: {
      attempts: dice.whole(2, 4),
      backoff: dice.scale(5, 300),
      timeout: dice.scale(50, 600),
      concurrency: dice.chance(0.25) ? dice.whole(1, 4) : undefined,
      slots: dice.one([1, 1, 1, 2]),
      rate: dice.chance(0.1) ? { max: dice.whole(2, 6), per: dice.scale(50, 300) } : undefined,
      keyRate: dice.chance(0.1) ? { max: dice.whole(1, 3), per: dice.scale(20, 200) } : undefined,
      breaker: breaks.chance(0.12)
        ? { failures: breaks.whole(1, 3), within: breaks.scale(50, 3_000), pause: breaks.scale(20, 400) }
        : undefined,
      every: dice.chance(0.2) ? dice.scale(150, 1_000) : undefined,
      missed: more.one(['once', 'all', 'skip']),
      isAlone: moves.chance(0.3),
      retain: keeps.chance(0.4)
        ? { count: keeps.whole(0, 3), age: keeps.scale(1, 3_000), dead: { age: keeps.scale(1, 3_000) } }
        : undefined,
    },
    lossy: lossy || failsOver,
    outage: wrongs.chance(0.25),
  };
}

interface ClientOptions {
  readonly wrongs: Dice;
  /** Of cancellations and timeouts. */
  readonly ends: Dice;
  /** Of readers of events. */
  readonly moves: Dice;
  /** Of how long what is left of tasks is kept. */
  readonly keeps: Dice;
  /** Of follow-ups. */
  readonly fans: Dice;
  /** Of changes of tasks that wait. */
  readonly changes: Dice;
  /** Of holders under whose tokens tasks are added, and of the latch. */
  readonly holds: Dice;
  /** Of programs that work without a connection. */
  readonly remotes: Dice;
  readonly place: number;
  readonly lease: number;
  readonly healAt: number;
  readonly clock: ClockPlan;
  readonly declares: QueueClientPlan['declares'];
}

function drawClient(
  dice: Dice,
  {
    place,
    lease,
    healAt,
    clock,
    wrongs,
    ends,
    moves,
    keeps,
    fans,
    changes,
    holds,
    remotes,
    declares,
  }: ClientOptions,
): QueueClientPlan {
  const works = place === 0 || dice.chance(0.8);
  // More at once than the workers can take.
  const isBurst = dice.chance(0.2);
  const drawTask = (index: number): QueueStep[] => {
    const task = `${place}.${index}`;
    if (!isBurst && dice.chance(0.3))
      return Array.from({ length: dice.whole(4, 12) }, (_, number) =>
        drawReuse(dice, { task, number, lease }),
      );
    return Array.from({ length: isBurst ? dice.whole(20, 40) : dice.whole(2, 8) }, (_, number) =>
      drawStep(dice, { name: `${task}.${number}`, lease, isBurst }),
    );
  };
  return {
    clock,
    declares,
    worker: works
      ? { concurrency: dice.whole(1, 4), lease, grace: dice.one([0, 0, dice.scale(1, 400)]) }
      : undefined,
    batch: keeps.chance(0.2)
      ? { size: keeps.whole(2, 4), wait: keeps.one([0, keeps.scale(1, 150)]) }
      : undefined,
    wrongBackoff: wrongs.chance(0.2),
    retries: moves.chance(0.3) ? moves.scale(100, 8_000) : undefined,
    restarts: works && dice.chance(0.3) ? [dice.whole(100, healAt)] : [],
    remote: remotes.chance(0.25)
      ? {
          lease: Math.round(remotes.scale(150, 4_000)),
          most: remotes.whole(1, 4),
          wait: remotes.one([0, Math.round(remotes.scale(1, 2_000))]),
          returns: remotes.one([0, 0, 0, 3, 7]),
        }
      : undefined,
    tasks: Array.from({ length: dice.whole(1, 2) }, (_, index) =>
      drawTask(index)
        .map((step) => withWrongs(wrongs, step))
        .map((step) => withRetention(keeps, step))
        .flatMap((step) => withUniqueness(keeps, step))
        .flatMap((step) => withTenant(keeps, step))
        .flatMap((step) => withEnds(ends, step))
        .flatMap((step) => withChanges(changes, step))
        .flatMap((step) => withReaders(moves, step))
        .flatMap((step, number) => withFollowUps(fans, step, { name: `${place}.${index}.f${number}`, lease }))
        .flatMap((step, number) => withHolders(holds, step, `${place}.${index}.h${number}`))
        .flatMap((step) => withLatch(holds, step)),
    ),
  };
}

function withWrongs(wrongs: Dice, step: QueueStep): QueueStep {
  if (step.f !== 'add') return step;
  const nonsense = wrongs.chance(0.3) ? wrongs.whole(0, KINDS_OF_NONSENSE - 1) : undefined;
  return { ...step, work: { ...step.work, nonsense, unkeepable: wrongs.chance(0.08) } };
}

function withRetention(keeps: Dice, step: QueueStep): QueueStep {
  if (step.f !== 'add' || !keeps.chance(0.15)) return step;
  const age = (): number => keeps.one([0, keeps.scale(1, 500), 3_600_000]);
  return { ...step, retain: { age: age(), dead: { age: age() } } };
}

/** Some tasks without a key are a tenant's. */
function withTenant(keeps: Dice, step: QueueStep): QueueStep[] {
  if (step.f !== 'add' || step.key !== undefined || !keeps.chance(0.3)) return [step];
  const tenant = keeps.one(['acme', 'acme', 'acme', 'umbrella']);
  const weigh: QueueStep[] = keeps.chance(0.08)
    ? [{ f: 'weigh', after: 0, tenant, weight: keeps.whole(1, 3) }]
    : [];
  return [...weigh, { ...step, tenant }];
}

/** The deduplication key of tasks that are unique until they have begun, or ended. */
export const UNIQUE = 'unique';

function withUniqueness(keeps: Dice, step: QueueStep): QueueStep[] {
  if (step.f !== 'add' || step.id !== undefined || step.deduplicate || !keeps.chance(0.25)) return [step];
  const within = keeps.chance(0.3) ? { within: keeps.scale(1, 500) } : {};
  const unique = { key: UNIQUE, until: keeps.one(['begun', 'ended'] as const), ...within };
  const release: QueueStep[] = keeps.chance(0.15) ? [{ f: 'release', after: keeps.scale(1, 300) }] : [];
  return [{ ...step, deduplicate: unique }, ...release];
}

/** Some tasks are cancelled after their add, and some have a time within which their handlers have to end. */
function withEnds(ends: Dice, step: QueueStep): QueueStep[] {
  if (step.f !== 'add') return [step];
  const timeout = ends.chance(0.08) ? ends.scale(5, 500) : undefined;
  const defers = ends.chance(0.1) ? ends.scale(1, 300) : undefined;
  const task = { ...step, timeout, work: { ...step.work, defers } };
  if (!ends.chance(0.12)) return [task];
  return [task, { f: 'cancel', after: ends.one([0, ends.scale(1, 500)]), name: step.name }];
}

/** Some tasks are changed after their add, or begin at another time, some of them both. */
function withChanges(changes: Dice, step: QueueStep): QueueStep[] {
  if (step.f !== 'add' || !changes.chance(0.15)) return [step];
  const { name, isShared, deduplicate } = step;
  // Others may be the same as it, whose names are in the data.
  const isAlone = !isShared && deduplicate === undefined;
  const after = (): number => changes.one([0, changes.scale(1, 300)]);
  const reschedule = (): QueueStep => ({
    ...{ f: 'reschedule', after: after(), name },
    delay: changes.one([0, changes.scale(1, 500)]),
  });
  const change = (): QueueStep => ({
    ...{ f: 'change', after: after(), name },
    note: isAlone ? changes.whole(1, 1_000) : undefined,
    priority: changes.chance(0.5) || !isAlone ? changes.whole(0, 3) : undefined,
  });
  return [
    step,
    ...changes.one([[reschedule()], [change()], [reschedule(), change()], [change(), reschedule()]]),
  ];
}

/** Some read events, and choose which there are. */
function withReaders(moves: Dice, step: QueueStep): QueueStep[] {
  if (moves.chance(0.03)) return [step, { f: 'watch', after: 0, for: moves.scale(50, 2_000) }];
  if (moves.chance(0.02)) return [step, { f: 'limit', after: 0 }];
  if (moves.chance(0.02)) return [step, { f: 'run', after: 0 }];
  if (!moves.chance(0.03)) return [step];
  const kinds = moves.one([[], ['added'], ['begun'], ['added', 'begun']] as const);
  return [step, { f: 'announce', after: 0, kinds }];
}

/** Some have follow-ups, after none, some or more tasks than fit a round trip of a worker. */
function withFollowUps(
  fans: Dice,
  step: QueueStep,
  { name, lease }: { readonly name: string; readonly lease: number },
): QueueStep[] {
  if (!fans.chance(0.05)) return [step];
  const tasks = Array.from({ length: fans.whole(0, 5) }, (_, place) => ({
    name: `${name}/${place}`,
    ...drawAdd(fans, lease),
  }));
  const id = followUpId(name);
  const cancels = fans.chance(0.3)
    ? { id: fans.one([id, `${id}/0`]), after: fans.one([0, fans.scale(1, 500)]) }
    : undefined;
  return [step, { f: 'fan', after: 0, name, tasks, cancels, holds: undefined }];
}

/** Some add under a token, soon or so late that others have taken one. */
function withHolders(holds: Dice, step: QueueStep, name: string): QueueStep[] {
  const wait = (): number => holds.one([0, holds.scale(1, 300), holds.scale(1, 2_000)]);
  if (step.f === 'fan' && holds.chance(0.4)) return [{ ...step, holds: wait() }];
  if (!holds.chance(0.12)) return [step];
  const names = Array.from({ length: holds.whole(1, 3) }, (_, number) => `${name}.${number}`);
  return [step, { f: 'hold', after: 0, names, for: wait() }];
}

/** Some count a latch down, or wait for it. */
function withLatch(holds: Dice, step: QueueStep): QueueStep[] {
  if (holds.chance(0.02)) return [step, { f: 'await latch', after: 0, for: holds.scale(50, 3_000) }];
  return holds.chance(0.1) ? [step, { f: 'count down', after: 0, id: holds.one(LATCH_IDS) }] : [step];
}

function drawStep(
  dice: Dice,
  { name, lease, isBurst }: { name: string; lease: number; isBurst: boolean },
): QueueStep {
  const after = isBurst || dice.chance(0.5) ? 0 : dice.scale(1, 800);
  if (dice.chance(0.04)) return { f: 'pause', after, for: dice.scale(10, 500) };
  if (dice.chance(0.05)) {
    const before = `task ${name.slice(0, 4)}${Number(name.slice(4)) - 1}`;
    return { f: dice.one(['remove', 'remove', 'get'] as const), after, id: before };
  }
  if (dice.chance(0.04)) return { f: 'operate', after };
  if (dice.chance(0.02)) return { f: 'watch', after, for: dice.scale(10, 1_000) };
  if (dice.chance(0.01))
    return { f: 'purge', after, state: dice.one(['waiting', 'delayed', 'dead'] as const) };
  if (dice.chance(0.001)) return { f: 'obliterate', after };
  const isNamed = dice.chance(0.5);
  return {
    ...{ f: 'add', after, name, isShared: false, id: isNamed ? `task ${name}` : undefined },
    ...{ timeout: undefined, retain: undefined, tenant: undefined },
    deduplicate:
      !isNamed && dice.chance(0.1)
        ? { key: 'same', within: dice.scale(10, 1_000), keep: dice.one(['first', 'last'] as const) }
        : undefined,
    ...drawAdd(dice, lease),
  };
}

/** Of a task that uses one id again and again. */
function drawReuse(
  dice: Dice,
  { task, number, lease }: { task: string; number: number; lease: number },
): QueueStep {
  const after = dice.chance(0.6) ? 0 : dice.scale(1, 400);
  const id = `again ${task}`;
  const f =
    number === 0
      ? 'add'
      : dice.one(['add', 'add', 'add', 'remove', 'remove', 'get', 'wait', 'requeue', 'purge'] as const);
  if (f === 'wait') return { f, after, id, for: dice.scale(10, 1_000) };
  if (f === 'purge') return { f, after, state: dice.one(['dead', 'dead', 'waiting', 'delayed'] as const) };
  if (f !== 'add') return { f, after, id };
  return {
    ...{
      f,
      after,
      name: `${task}.${number}`,
      isShared: true,
      id,
      deduplicate: undefined,
      ...{ timeout: undefined, retain: undefined, tenant: undefined },
    },
    ...drawAdd(dice, lease),
  };
}

function drawAdd(dice: Dice, lease: number): AddedPlan {
  return {
    expires: dice.chance(0.03) ? dice.scale(1, 2_000) : undefined,
    key: dice.chance(0.4) ? dice.one(['red', 'red', 'blue']) : undefined,
    delay: dice.chance(0.15) ? dice.scale(1, 800) : 0,
    priority: dice.chance(0.15) ? dice.whole(1, 3) : 0,
    work: {
      takes: dice.chance(0.15)
        ? dice.scale(lease / 2, Math.min(3_000, 2 * lease))
        : dice.one([0, dice.scale(1, 100)]),
      steps: dice.whole(1, 3),
      fails: dice.one([0, 0, 0, 0, 1, 2]),
      fatal: dice.chance(0.05),
      heedless: dice.chance(0.4),
      progress: dice.chance(0.2),
    },
  };
}
