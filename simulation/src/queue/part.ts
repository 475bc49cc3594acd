/**
 * The queue's part of a run: producers and workers of a queue on one server.
 */
import type { Part } from '../run/part.js';
import type { Subject } from '../run/subject.js';
import type { World } from '../world/world.js';
import { QueueOracle } from './oracle.js';
import { QueuePhases } from './phases.js';
import type { QueuePlan, QueueStep } from './plan.js';
import { QueueProcess } from './process.js';

export function joinQueue(world: World<QueuePlan>, subject: Subject): Part<QueueStep, QueueProcess> {
  const { plan } = world;
  const oracle = new QueueOracle(world, plan);
  return {
    oracle,
    aftermath: 1_000,
    begin(place, life) {
      const process = new QueueProcess({ world, plan, subject, oracle, place, life });
      process.machine.run(() => process.startWorker());
      return process;
    },
    phases: (crew) => new QueuePhases(world, oracle, crew),
    onCommand: (_node, command, reply) => oracle.look(command, reply),
    onFault(fault) {
      if (fault.f === 'flush' || (fault.f === 'crash' && fault.memory !== 'all')) oracle.forgets();
    },
    count: () => ({ grants: oracle.deliveries, writes: oracle.began.size }),
  };
}
