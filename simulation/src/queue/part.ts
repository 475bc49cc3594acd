/**
 * The queue's part of a run: producers and workers of a queue on one server.
 */
import type { RemoteDelivery } from '@holdfast/queue/remote';
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
  const handlesOf = plan.clients.map(() => new Set<RemoteDelivery>());
  return {
    oracle,
    aftermath: 1_000,
    begin(place, life) {
      const handles = handlesOf[place] as Set<RemoteDelivery>;
      const process = new QueueProcess({ world, plan, subject, oracle, place, life, handles });
      process.machine.run(() => process.startWorker());
      process.machine.run(() => process.startRemote());
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
