/**
 * One run: the shipped clients do what the plan says while its faults happen; then the faults are healed, and everybody
 * must get everything; then all ends, and nothing may be left.
 *
 * Guarantees: the same plan and the same code give the same run, event by event. A run that violates something ends with
 * that: what follows from it says nothing of the code. Not to come to its end is a violation.
 */
import type { RunPlan } from '../plan/plan.js';
import type { Command } from '../world/connection.js';
import { type Trace, World } from '../world/world.js';
import { type Actor, Crew } from './crew.js';
import type { Counts, Part, Phases, Violation } from './part.js';
import { type Subject, shipped } from './subject.js';

export interface RunOptions {
  readonly subject?: Subject;
  readonly trace?: Trace | undefined;
  /** Told of each command that a node carries out, with the time in microseconds. */
  readonly onCommand?: (node: string, time: number, command: Command) => void;
}

export interface Outcome extends Counts {
  readonly violations: readonly Violation[];
  readonly events: number;
  /** How long it took in the world, in ms. */
  readonly duration: number;
}

/** `join` gives the part of what is simulated: of the locks, or of a queue. */
export async function simulate<S, P extends RunPlan<S>, A extends Actor<S>>(
  join: (world: World<P>, subject: Subject) => Part<S, A>,
  plan: P,
  { subject = shipped, trace, onCommand }: RunOptions = {},
): Promise<Outcome> {
  const world = new World({
    plan,
    trace,
    onCommand: (node, command, reply) => {
      if (reply instanceof Error && BEYOND.test(reply.message)) part.oracle.violate('model', reply.message);
      part.onCommand(node, command, reply);
      onCommand?.(node.name, world.scheduler.now, command);
    },
    onRestart: (node) => part.onRestart?.(node),
  });
  const part = join(world, subject);
  const { oracle, aftermath } = part;
  const crew = new Crew<S, A>({
    world,
    begin: (place, life) => part.begin(place, life),
    onDeath: (machine) => oracle.died(machine),
    onIdle: () => phases.idle?.(),
  });
  const phases = part.phases(crew);
  const rejected = (error: unknown): void => oracle.violate('unhandled rejection', String(error));
  process.on('unhandledRejection', rejected);
  try {
    schedule(world, { part, crew, phases });
    crew.start();
    phases.start();
    const isViolated = (): boolean => oracle.violations.length > 0;
    const isLate = (): boolean =>
      world.scheduler.now > phases.deadline || world.scheduler.events > MOST_EVENTS;
    await world.scheduler.run(() => phases.isDone || isViolated() || isLate());
    if (!phases.isDone && !isViolated())
      oracle.violate('stuck', `${phases.whatIsLeft} has not ended, long after all faults were healed`);
    crew.close();
    const end = world.scheduler.now + aftermath * 1000;
    world.scheduler.at(end, () => {});
    await world.scheduler.run(() => world.scheduler.now >= end);
    if (phases.isDone && !isViolated()) part.judgeAftermath?.();
  } finally {
    process.off('unhandledRejection', rejected);
  }
  const { events, now } = world.scheduler;
  return { violations: oracle.violations, ...part.count(), events, duration: now / 1000 };
}

/** More than any run has that comes to its end: a run of workflows has 10,000 on average. */
const MOST_EVENTS = 1_000_000;

/** What the model of Redis and its Lua say of what they do not know: what is shipped is then not what runs. */
const BEYOND = /is not supported here$|is not part of the model$/;

interface Troupe<S, A extends Actor<S>> {
  readonly part: Part<S, A>;
  readonly crew: Crew<S, A>;
  readonly phases: Phases;
}

/** The faults of the plan, and their end. */
function schedule<S, P extends RunPlan<S>, A extends Actor<S>>(
  world: World<P>,
  { part, crew, phases }: Troupe<S, A>,
): void {
  const { scheduler, plan } = world;
  for (const fault of plan.faults) {
    const { at, f, ...details } = fault;
    if (fault.f === 'crash') {
      scheduler.at((at - fault.savedBefore) * 1000, () => world.nodes[fault.node]?.save());
    }
    scheduler.at(at * 1000, () => {
      world.note('FAULT', `${f} ${JSON.stringify(details)}`);
      part.onFault?.(fault);
      if (fault.f === 'kill') crew.kill(fault.client, fault.for);
      else world.inflict(fault);
    });
  }
  scheduler.at(plan.healAt * 1000, () => {
    world.note('FAULT', 'all are healed');
    world.heal();
    crew.heal();
    phases.heal();
  });
}
