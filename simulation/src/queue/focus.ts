/**
 * Plans of the queue with a focus: one run in five draws one situation again and again that others come to once in thousands of
 * runs.
 *
 * Guarantees: a plan without a focus is as it was drawn. One with a focus follows from the seed as well; its server keeps what
 * it has acknowledged, and it has no limits.
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import type { Fault } from '../plan/plan.js';
import { drawPlainPlan } from './draw.js';
import type { QueueClientPlan, QueuePlan, QueueStep, WorkPlan } from './plan.js';

type DrawFocus = (dice: Dice, plan: QueuePlan) => QueuePlan;

export const QUEUE_FOCUSES: Readonly<Record<string, DrawFocus>> = {
  'late calls': lateCalls,
  'late ends': lateEnds,
  'slow answers': slowAnswers,
  'full workers': fullWorkers,
};

/** With the focus that is wished, if one is. */
export function drawQueuePlan(seed: number, wishes: Wishes = {}): QueuePlan {
  const plan = drawPlainPlan(seed, wishes);
  const dice = new Dice(plan.seed ^ 0x2545f5);
  if (wishes.focus === undefined && !dice.chance(0.2)) return plan;
  const focus = wishes.focus ?? dice.one(Object.keys(QUEUE_FOCUSES));
  const drawn = QUEUE_FOCUSES[focus]?.(dice, calm(plan)) ?? plan;
  return { ...drawn, focus, faults: drawn.faults.toSorted((one: Fault, two: Fault) => one.at - two.at) };
}

const HEALS_AT = 3_000;

/** Nothing befalls it, and nothing limits its tasks; nobody works, and nobody does anything. */
function calm(plan: QueuePlan): QueuePlan {
  const limits = { concurrency: undefined, rate: undefined, keyRate: undefined, breaker: undefined };
  return {
    ...plan,
    ...{ healAt: HEALS_AT, faults: [], lossy: false, clocksJump: false, failsOver: false, outage: false },
    latency: { base: 100, jitter: 200 },
    clients: plan.clients.map((client) => ({
      ...client,
      ...{ declares: 'new', worker: undefined, batch: undefined, retries: undefined, remote: undefined },
      ...{ wrongBackoff: false, restarts: [], tasks: [] },
    })),
    queue: { ...plan.queue, ...limits, every: undefined, retain: undefined, codec: undefined },
  };
}

/**
 * Calls of workers that have no room for all that waits arrive late, after those that repeat them, and may claim or end what
 * the repetition has ended.
 */
function lateCalls(dice: Dice, plan: QueuePlan): QueuePlan {
  const worker = { concurrency: dice.whole(1, 3), lease: dice.whole(2_000, 6_000), grace: 0 };
  const clients = everybody(plan, { worker, tasks: burst(dice, 40, () => ({ takes: dice.scale(2, 40) })) });
  const breaks = several(60, () => breakOf(dice, plan, dice.scale(5, 400)));
  return {
    ...distant(plan),
    clients,
    faults: breaks,
    queue: { ...plan.queue, timeout: dice.scale(50, 200) },
  };
}

/** Programs without a connection end what they have so late that others have been given it. */
function lateEnds(dice: Dice, plan: QueuePlan): QueuePlan {
  const remote = { lease: dice.whole(150, 250), most: dice.whole(1, 3), wait: 300, returns: 0 };
  const takes = (): number => dice.scale(2, 60);
  const clients = everybody(plan, {
    remote,
    tasks: burst(dice, 25, () => ({ takes: takes(), heedless: true })),
  });
  const breaks = several(50, () => breakOf(dice, plan, dice.whole(200, 700)));
  return {
    ...distant(plan),
    clients,
    faults: breaks,
    queue: { ...plan.queue, timeout: dice.scale(300, 600) },
  };
}

/** Programs without a connection hear late what they were given, and that they may go on, and work for all of their lease. */
function slowAnswers(dice: Dice, plan: QueuePlan): QueuePlan {
  const lease = dice.whole(150, 300);
  const remote = { lease, most: dice.whole(1, 2), wait: 300, returns: 0 };
  const clients = everybody(plan, {
    remote,
    tasks: burst(dice, 10, () => ({
      ...{ takes: dice.whole(lease, 3 * lease), heedless: dice.chance(0.5) },
      ...{ steps: dice.whole(1, 4), progress: dice.chance(0.5) },
    })),
  });
  const lags = several(
    12,
    (): Fault => ({
      ...{ f: 'lag', at: dice.whole(0, HEALS_AT - 600), clients: [clientOf(dice, plan)], nodes: [0] },
      ...{ lag: dice.whole(20, lease), for: dice.whole(100, 500) },
    }),
  );
  return { ...plan, clients, faults: lags };
}

/** Most of the time a call is under way, which a fault may befall. */
const distant = (plan: QueuePlan): QueuePlan => ({ ...plan, latency: { base: 3_000, jitter: 3_000 } });

/** As many tasks as there is room for, while some workers are paused that may be woken for them. */
function fullWorkers(dice: Dice, plan: QueuePlan): QueuePlan {
  const clients = plan.clients.map((client, place) => ({
    ...client,
    ...{
      worker: { concurrency: dice.whole(1, 3), lease: 60_000, grace: 0 },
      rests: place > 0 && dice.chance(0.5),
    },
  }));
  const room = clients.reduce((sum, { worker, rests }) => sum + (rests ? 0 : worker.concurrency), 0);
  const fills = several(room, () => ({
    ...{ at: 50 + dice.one([0, dice.scale(1, 300)]), delay: dice.one([0, dice.scale(100, 800)]) },
  }));
  return { ...plan, clients, fills };
}

const several = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const clientOf = (dice: Dice, { clients }: QueuePlan): number => dice.whole(0, clients.length - 1);

const breakOf = (dice: Dice, plan: QueuePlan, lateness: number): Fault => ({
  ...{ f: 'break', at: dice.whole(10, HEALS_AT - 500), client: clientOf(dice, plan), node: 0, lateness },
});

type Burst = (place: number) => QueueStep[];

/** Programs without a connection stop when all is healed: somebody works on what they leave. */
const LAST = { concurrency: 1, lease: 500, grace: 0 };

/** All clients are alike, and each has tasks of its own. */
const everybody = (
  plan: QueuePlan,
  { tasks, worker, remote }: Partial<Pick<QueueClientPlan, 'worker' | 'remote'>> & { readonly tasks: Burst },
): QueueClientPlan[] =>
  plan.clients.map((client, place) => ({
    ...client,
    ...{ worker: worker ?? (place === 0 ? LAST : undefined), remote, tasks: [tasks(place)] },
  }));

/** So many plain tasks, a part of them at once. */
const burst =
  (dice: Dice, count: number, work: () => Partial<WorkPlan>): Burst =>
  (place) =>
    several(count, (number) => ({
      ...{ f: 'add', after: dice.chance(0.7) ? 0 : dice.scale(1, 200), name: `${place}.0.${number}` },
      ...{ id: undefined, isShared: false, deduplicate: undefined, expires: undefined, timeout: undefined },
      ...{ retain: undefined, tenant: undefined, key: undefined, delay: 0, priority: 0 },
      work: {
        ...{ takes: 0, steps: 1, fails: 0, fatal: false, heedless: false, progress: false },
        ...work(),
      },
    }));
