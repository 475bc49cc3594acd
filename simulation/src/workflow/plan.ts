/**
 * The plan of a run of the workflows, and how it is drawn from a seed.
 *
 * Guarantees: the same seed gives the same plan. Clocks run apart by less than what workers allow for. The server keeps
 * what it has acknowledged, but for runs that say so (`lossy`).
 */
import { Dice } from '../plan/dice.js';
import type { Wishes } from '../plan/draw.js';
import { CLOCK_AHEAD, drawFailovers, drawFaults } from '../plan/faults.js';
import type { ClientPlan, ClockPlan, Fault, RunPlan } from '../plan/plan.js';
import { drawProgram, NOTHING, type Program, partsOf, receipts } from './program.js';

/** All durations and times are milliseconds of true time. */
export interface WorkflowPlan extends RunPlan<WorkflowStep> {
  readonly clients: readonly WorkflowClientPlan[];
  readonly workflow: {
    readonly timeout: number;
    /** Of a constant backoff of steps. */
    readonly backoff: number;
    /** Whether a run goes on with the build that has begun it only. */
    readonly pinned: boolean;
    /** Of trees. */
    readonly limits: { readonly concurrency?: number; readonly waiting?: number } | undefined;
    /** Whether somebody follows the events of all runs. */
    readonly follows: boolean;
    /** Whether runs are handed to an archive when all is over. */
    readonly archives: boolean;
  };
  /** Whether the server may come back without what it had acknowledged. */
  readonly lossy: boolean;
  /** Whether, when all has ended, a process is killed, of which others do not hear. */
  readonly dies: boolean;
  /** What it draws again and again, if it does. */
  readonly focus?: string;
}

interface WorkflowClientPlan extends ClientPlan<WorkflowStep> {
  readonly worker:
    | { readonly concurrency: number; readonly lease: number; readonly grace: number }
    | undefined;
  /** Of its functions. */
  readonly build: number;
  /** When its worker is stopped, and another started in its place. */
  readonly restarts: readonly number[];
}

/** Which run of the plan. */
export interface RunOfPlan {
  readonly id: string;
  readonly key: string | undefined;
}

/** What a client does next. */
export type WorkflowStep = { readonly after: number } & (
  | ({ readonly f: 'start' } & StartPlan)
  /** Sends the message of that number. */
  | { readonly f: 'send'; readonly to: RunOfPlan; readonly number: number }
  /** The same, and waits for an answer, for so long. */
  | { readonly f: 'ask'; readonly to: RunOfPlan; readonly number: number; readonly for: number }
  | {
      readonly f: 'cancel' | 'get' | 'retry' | 'terminate' | 'purge' | 'history' | 'state';
      readonly to: RunOfPlan;
    }
  /** All of them answer what it waits for people to approve, at the same time. */
  | { readonly f: 'approve'; readonly to: RunOfPlan; readonly by: readonly string[] }
  /** Starts it, and waits for its result, for so long. */
  | ({ readonly f: 'run'; readonly for: number } & StartPlan)
  /** Starts it by an event, which is published so often. */
  | ({ readonly f: 'publish'; readonly times: number } & StartPlan)
  /** Lists and counts all runs. */
  | { readonly f: 'inspect' }
  | { readonly f: 'many'; readonly what: 'cancel' | 'retry' | 'terminate' | 'purge' }
  /** Sets a schedule, and removes it after so long. */
  | { readonly f: 'schedule'; readonly every: number; readonly for: number; readonly program: Program }
  /** Reads its stream, for so long. */
  | { readonly f: 'read'; readonly to: RunOfPlan; readonly for: number }
  | ({ readonly f: 'fork'; readonly of: RunOfPlan } & StartPlan)
  | { readonly f: 'pause'; readonly for: number }
  /** Waits for its result, for so long. */
  | { readonly f: 'result'; readonly to: RunOfPlan; readonly for: number }
);

export interface StartPlan extends RunOfPlan {
  readonly program: Program;
  readonly priority?: number;
  readonly delay?: number;
  /** Within so many ms it has to begin. */
  readonly expires?: number;
}

/** One without a focus. */
export function drawPlainPlan(seed: number, wishes: Wishes): WorkflowPlan {
  const dice = new Dice(seed ^ 0x2f0a17);
  const clients = wishes.clients ?? dice.whole(2, 4);
  const healAt = dice.whole(2_000, 6_000);
  const lossy = dice.chance(0.3);
  // Two epochs that both begin within such a jump may issue the same tokens: nobody promises more.
  const clocksJump = dice.chance(0.1) && !lossy;
  const failsOver = dice.chance(0.12) && !clocksJump;
  const clock = (): ClockPlan => ({
    rate: dice.between(0.9955, 1.0045),
    aheadMs: dice.between(-CLOCK_AHEAD, CLOCK_AHEAD),
  });
  const lease = dice.scale(200, 4_000);
  const builds = dice.chance(0.25) ? 2 : 1;
  return {
    seed,
    nodes: 0,
    deployment: { persistence: 'none' },
    latency: { base: dice.scale(50, 1_000), jitter: dice.scale(20, 4_000) },
    resends: dice.chance(0.3),
    nodeClocks: [clock()],
    clients: Array.from({ length: clients }, (_, place) =>
      drawClient(dice, { place, lease, healAt, clock: clock(), builds }),
    ),
    faults: [
      ...(dice.chance(0.92) ? drawFaults(dice, { clients, healAt, lossy, clocksJump, lease }) : []),
      ...(failsOver ? drawFailovers(dice, healAt) : []),
      ...(dice.chance(0.5) ? drawLate(dice, { clients, healAt, lease }) : []),
    ].sort((one, two) => one.at - two.at),
    healAt,
    clocksJump,
    failsOver,
    workflow: {
      timeout: dice.scale(50, 600),
      backoff: dice.scale(5, 300),
      pinned: dice.chance(builds > 1 ? 0.3 : 0.04),
      limits: drawLimits(dice),
      follows: dice.chance(0.3),
      archives: dice.chance(0.1),
    },
    lossy: lossy || failsOver,
    dies: dice.chance(0.5),
  };
}

/**
 * Workers that stand still for longer than their lease, and connections that break while much is under way, which arrives
 * late.
 */
function drawLate(
  dice: Dice,
  { clients, healAt, lease }: { clients: number; healAt: number; lease: number },
): Fault[] {
  return Array.from({ length: dice.whole(1, 3) }, (): Fault[] => {
    const client = dice.whole(0, clients - 1);
    const at = dice.whole(50, healAt - 500);
    if (dice.chance(0.5))
      return [{ f: 'pause', at, client, for: dice.scale(lease, 3 * lease), atReading: dice.chance(0.5) }];
    const lag = dice.scale(5, 300);
    return [
      { f: 'lag', at, clients: [client], nodes: [0], lag, for: lag + 100 },
      { f: 'break', at: at + lag, client, node: 0, lateness: dice.scale(5, 2 * lease) },
    ];
  }).flat();
}

interface ClientOptions {
  readonly place: number;
  readonly lease: number;
  readonly healAt: number;
  readonly clock: ClockPlan;
  /** How many there are. */
  readonly builds: number;
}

function drawLimits(dice: Dice): WorkflowPlan['workflow']['limits'] {
  if (!dice.chance(0.12)) return undefined;
  return {
    ...(dice.chance(0.7) && { concurrency: dice.whole(1, 3) }),
    ...(dice.chance(0.5) && { waiting: dice.whole(1, 4) }),
  };
}

function drawClient(dice: Dice, { place, lease, healAt, clock, builds }: ClientOptions): WorkflowClientPlan {
  const works = place === 0 || dice.chance(0.8);
  return {
    clock,
    build: dice.whole(0, builds - 1),
    worker: works
      ? { concurrency: dice.whole(1, 4), lease, grace: dice.one([0, 0, dice.scale(1, 400)]) }
      : undefined,
    restarts: works && dice.chance(0.3) ? [dice.whole(100, healAt)] : [],
    tasks: Array.from({ length: dice.whole(1, 2) }, (_, index) =>
      drawTask(dice, { at: `${place}.${index}`, lease }),
    ),
  };
}

/** Starts runs, and does something to them. */
function drawTask(dice: Dice, { at, lease }: { at: string; lease: number }): WorkflowStep[] {
  const steps: WorkflowStep[] = [];
  const runs: (StartPlan & { sent: number })[] = [];
  for (let number = 0, count = dice.whole(3, 10); number < count; number += 1) {
    const after = dice.chance(0.5) ? 0 : dice.scale(1, 800);
    const known = runs.length > 0 ? dice.one(runs) : undefined;
    const run = dice.chance(0.65) ? known : undefined;
    if (run) {
      steps.push({ after, ...drawAct(dice, run) });
      continue;
    }
    const key = dice.chance(0.4) ? dice.one(['red', 'red', 'blue']) : undefined;
    const id = `${at}.${number}`;
    if (known && dice.chance(0.08)) {
      const fork = { id, key: known.key ?? known.id, program: known.program };
      steps.push({ f: 'fork', after, of: { id: known.id, key: known.key }, ...fork });
      runs.push({ ...fork, sent: 0 });
      continue;
    }
    if (dice.chance(0.03)) {
      steps.push({ after, ...drawAppAct(dice) });
      continue;
    }
    const start = { id, key, program: drawProgram(dice, lease), ...drawTerms(dice) };
    runs.push({ ...start, sent: 0 });
    steps.push({ after, ...drawStart(dice, start) });
    // There is a run of that id: it stays as it is.
    if (dice.chance(0.05)) steps.push({ f: 'start', after, ...start, program: drawProgram(dice, lease) });
  }
  return steps;
}

function drawStart(dice: Dice, start: StartPlan): Drawn<'start' | 'run' | 'publish'> {
  const { id, key, program } = start;
  const f = dice.one(['start', 'start', 'start', 'run', 'publish'] as const);
  if (f === 'publish') return { f, id, key, program, times: dice.whole(1, 2) };
  return f === 'run' ? { f, ...start, for: dice.scale(10, 2_000) } : { f, ...start };
}

/** Of no run in particular. */
function drawAppAct(dice: Dice): Drawn<'inspect' | 'many' | 'schedule'> {
  const f = dice.one(['inspect', 'inspect', 'inspect', 'many', 'schedule', 'schedule', 'schedule'] as const);
  if (f === 'inspect') return { f };
  if (f === 'many') return { f, what: dice.one(['cancel', 'retry', 'terminate', 'purge'] as const) };
  const program: Program = { f: 'step', name: '0', body: { ...NOTHING, effect: true } };
  return { f, every: dice.scale(100, 700), for: dice.scale(50, 2_500), program };
}

function drawTerms(dice: Dice): Pick<StartPlan, 'priority' | 'delay' | 'expires'> {
  return {
    ...(dice.chance(0.2) && { priority: dice.whole(1, 9) }),
    ...(dice.chance(0.15) && { delay: dice.scale(1, 800) }),
    ...(dice.chance(0.06) && { expires: dice.scale(1, 2_000) }),
  };
}

/** A step of that kind, but for when it comes. */
type Drawn<F extends WorkflowStep['f']> =
  Extract<WorkflowStep, { f: F }> extends infer Step
    ? Step extends unknown
      ? Omit<Step, 'after'>
      : never
    : never;

function drawAct(dice: Dice, run: StartPlan & { sent: number }): Drawn<ActOfRun> {
  const to = { id: run.id, key: run.key };
  if (run.sent < receipts(run.program) && dice.chance(0.7)) {
    run.sent += 1;
    const number = run.sent - 1;
    return dice.chance(0.3)
      ? { f: 'ask', to, number, for: dice.scale(10, 2_000) }
      : { f: 'send', to, number };
  }
  if (dice.chance(0.04)) return { f: 'pause', for: dice.scale(10, 500) };
  if (dice.chance(0.3) && partsOf(run.program).some((part) => part.f === 'approve'))
    return { f: 'approve', to, by: [dice.one(['ann', 'ben'])] };
  const f = dice.one(ACTS);
  return f === 'result' || f === 'read' ? { f, to, for: dice.scale(10, 1_500) } : { f, to };
}

const ACTS = [
  ...(['cancel', 'cancel', 'get', 'result', 'result', 'read', 'read'] as const),
  ...(['retry', 'retry', 'retry', 'terminate', 'purge', 'history', 'state'] as const),
];

type ActOfRun = (typeof ACTS)[number] | 'send' | 'ask' | 'pause' | 'approve';
