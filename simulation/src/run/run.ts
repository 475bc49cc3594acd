/**
 * One run: the shipped clients do what the plan says while its faults happen; then the faults are healed, and everybody
 * must get everything; then all ends, and nothing may be left.
 *
 * Guarantees: the same plan and the same code give the same run, event by event. Every violation is reported; a run that
 * does not come to its end is one.
 */
import { Crew } from '../actors/crew.js';
import { Ledger } from '../checks/ledger.js';
import { Marks } from '../checks/marks.js';
import { Oracle, type Violation } from '../checks/oracle.js';
import { judgeRemains } from '../checks/remains.js';
import type { Plan } from '../plan/plan.js';
import type { Command } from '../world/connection.js';
import { type Trace, World } from '../world/world.js';
import { type Subject, shipped } from './subject.js';

export interface RunOptions {
  readonly subject?: Subject;
  readonly trace?: Trace | undefined;
  /** Told of each command that a node carries out, with the time in microseconds. */
  readonly onCommand?: (node: string, time: number, command: Command) => void;
}

export interface Outcome {
  readonly violations: readonly Violation[];
  /** Leases that were granted. */
  readonly grants: number;
  /** Guarded writes that were carried out. */
  readonly writes: number;
  readonly events: number;
  /** How long it took in the world, in ms. */
  readonly duration: number;
}

/** How long the world goes on when nobody is left, in ms: longer than any queue outlives its waiters. */
const AFTERMATH = 11_000;

export async function simulate(plan: Plan, options: RunOptions = {}): Promise<Outcome> {
  const { subject = shipped, trace, onCommand } = options;
  const world = new World({
    plan,
    trace,
    onCommand: (node, command, reply) => {
      if (node === world.store && command.name !== 'GET') {
        ledger.look(node);
        marks.look(node);
      }
      judgeRefusal(oracle, command, reply);
      onCommand?.(node.name, world.scheduler.now, command);
    },
    onRestart: (node) => {
      if (node !== world.store) return;
      ledger.restarted(node);
      marks.restarted(node);
    },
  });
  const oracle = new Oracle(world);
  const ledger = new Ledger(oracle);
  const marks = new Marks(world, oracle);
  const crew = new Crew({ world, subject, oracle, ledger, marks });
  const rejected = (error: unknown): void => oracle.violate('unhandled rejection', String(error));
  process.on('unhandledRejection', rejected);
  try {
    scheduleFaults(world, crew);
    crew.start();
    await world.scheduler.run(() => crew.isDone || world.scheduler.now > crew.deadline);
    if (!crew.isDone)
      oracle.violate('stuck', `${crew.whatIsLeft} has not ended, long after all faults were healed`);
    crew.close();
    const end = world.scheduler.now + (AFTERMATH + plan.deployment.retention) * 1000;
    world.scheduler.at(end, () => {});
    await world.scheduler.run(() => world.scheduler.now >= end);
    if (crew.isDone) judgeRemains(world, oracle);
  } finally {
    process.off('unhandledRejection', rejected);
  }
  const { events, now } = world.scheduler;
  return {
    violations: oracle.violations,
    grants: oracle.grants,
    writes: ledger.writes,
    events,
    duration: now / 1000,
  };
}

/** What frees or keeps what is held is carried out also when memory is full. */
const WHEN_FULL = /_(extend|rejoin|reenter|release|withdraw|reshare|unshare)$/;

function judgeRefusal(oracle: Oracle, { name, args }: Command, reply: unknown): void {
  if (!(reply instanceof Error && reply.message.startsWith('OOM'))) return;
  const isGuards = name.startsWith('EVAL') && args[1] === '2' && args[2] === '{holdfast}:guard';
  const called = name === 'FCALL' ? (args[0] ?? '') : '';
  if (WHEN_FULL.test(called) || (isGuards && args.length === 8))
    oracle.violate('refused when full', `${called || 'a seal'} was refused: ${reply.message}`);
}

function scheduleFaults(world: World, crew: Crew): void {
  const { scheduler, plan } = world;
  for (const fault of plan.faults) {
    const { at, f, ...details } = fault;
    if (fault.f === 'crash') {
      scheduler.at((at - fault.savedBefore) * 1000, () => world.nodes[fault.node]?.save());
    }
    scheduler.at(at * 1000, () => {
      world.note('FAULT', `${f} ${JSON.stringify(details)}`);
      if (fault.f === 'kill') crew.kill(fault.client, fault.for);
      else world.inflict(fault);
    });
  }
  scheduler.at(plan.healAt * 1000, () => {
    world.note('FAULT', 'all are healed');
    world.heal();
    crew.heal();
  });
}
