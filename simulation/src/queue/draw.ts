/**
 * How the plan of a run of the queue is drawn from a seed.
 *
 * Guarantees: the same seed gives the same plan. Clocks run apart by less than what workers allow for. The server keeps
 * what it has acknowledged, but for runs that say so (`lossy`).
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import { CLOCK_AHEAD, drawFailovers, drawFaults } from '../plan/faults.js';
import type { ClockPlan } from '../plan/plan.js';
import { LATCH_IDS } from './latches.js';
import { followUpId } from './names.js';
import { type AddedPlan, type QueueClientPlan, type QueuePlan, type QueueStep, UNIQUE } from './plan.js';

/** How many kinds of nonsense handlers throw. */
const KINDS_OF_NONSENSE = 6;

/** One without a focus. */
export function drawPlainPlan(seed: number, wishes: Wishes = {}): QueuePlan {
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
  const plan: QueuePlan = {
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
    queue: drawSettings({ dice, more, moves, keeps, breaks }),
    lossy: lossy || failsOver,
    outage: wrongs.chance(0.25),
  };
  return withCodec(plan, new Dice(seed ^ 0x4c9d0f));
}

/** Some programs that only add tasks have no codec. */
function withCodec(plan: QueuePlan, dice: Dice): QueuePlan {
  if (!dice.chance(0.25)) return plan;
  const given = plan.clients.map(({ worker, remote }) => {
    const needsIt = worker !== undefined || remote !== undefined;
    return needsIt || dice.chance(0.6) ? dice.between(0, plan.healAt) : null;
  });
  const codec = {
    given,
    fails: dice.one([0, 0, dice.whole(3, 30)]),
    takes: dice.one([0, dice.scale(1, 20)]),
  };
  return { ...plan, queue: { ...plan.queue, codec } };
}

/** The limits, the schedule and the times of the queue. */
function drawSettings({
  dice,
  more,
  moves,
  keeps,
  breaks,
}: Readonly<Record<'dice' | 'more' | 'moves' | 'keeps' | 'breaks', Dice>>): QueuePlan['queue'] {
  return {
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
    codec: undefined,
    retain: keeps.chance(0.4)
      ? { count: keeps.whole(0, 3), age: keeps.scale(1, 3_000), dead: { age: keeps.scale(1, 3_000) } }
      : undefined,
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
