/**
 * One run of the queue: the shipped producers and workers do what the plan says while its faults happen; then the faults
 * are healed, and every task must end; then all ends, and nothing may be left.
 *
 * Guarantees: the same plan and the same code give the same run, event by event. A run that does not come to its end is a
 * violation.
 */
import type { Outcome, RunOptions } from '../run/run.js';
import { shipped } from '../run/subject.js';
import { World } from '../world/world.js';
import { QueueCrew } from './crew.js';
import { QueueOracle } from './oracle.js';
import type { QueuePlan } from './plan.js';
import { judgeQueueRemains } from './remains.js';

export async function simulateQueue(plan: QueuePlan, options: RunOptions = {}): Promise<Outcome> {
  const { subject = shipped, trace, onCommand } = options;
  let oracle: QueueOracle | undefined;
  const world = new World({
    plan,
    trace,
    onCommand: (node, command, reply) => {
      oracle?.look(command, reply);
      onCommand?.(node.name, world.scheduler.now, command);
    },
    onRestart: () => {},
  });
  oracle = new QueueOracle(world, plan);
  const { violations } = oracle;
  const crew = new QueueCrew({ world, plan, subject, oracle });
  const rejected = (error: unknown): void => oracle?.violate('unhandled rejection', String(error));
  process.on('unhandledRejection', rejected);
  try {
    scheduleFaults(world, { plan, crew, oracle });
    crew.start();
    await world.scheduler.run(() => crew.isDone || world.scheduler.now > crew.deadline);
    if (!crew.isDone) oracle.violate('stuck', `${crew.whatIsLeft} has not ended`);
    if (crew.isDone && violations.length === 0) judgeQueueRemains(world, oracle);
    crew.close();
    const end = world.scheduler.now + 1_000_000;
    world.scheduler.at(end, () => {});
    await world.scheduler.run(() => world.scheduler.now >= end);
  } finally {
    process.off('unhandledRejection', rejected);
  }
  const { events, now } = world.scheduler;
  return { violations, grants: oracle.deliveries, writes: oracle.began.size, events, duration: now / 1000 };
}

function scheduleFaults(
  world: World<QueuePlan>,
  { plan, crew, oracle }: { plan: QueuePlan; crew: QueueCrew; oracle: QueueOracle },
): void {
  const { scheduler } = world;
  for (const fault of plan.faults) {
    const { at, f, ...details } = fault;
    if (fault.f === 'crash') scheduler.at((at - fault.savedBefore) * 1000, () => world.store.save());
    scheduler.at(at * 1000, () => {
      world.note('FAULT', `${f} ${JSON.stringify(details)}`);
      if (fault.f === 'flush' || (fault.f === 'crash' && fault.memory !== 'all')) oracle.forgets();
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
