/**
 * The part of an index of vectors in a run: processes that write documents on one server, follow it, and search.
 */
import type { Part } from '../run/part.js';
import type { Subject } from '../run/subject.js';
import type { World } from '../world/world.js';
import { Holders } from './holders.js';
import { VectorsOracle } from './oracle.js';
import { VectorsPhases } from './phases.js';
import type { VectorsPlan, VectorsStep } from './plan.js';
import { VectorsProcess } from './process.js';
import { Exchange } from './sharding.js';
import { Tasks } from './tasks.js';

export function joinVectors(world: World<VectorsPlan>, subject: Subject): Part<VectorsStep, VectorsProcess> {
  const holders = new Holders();
  const tasks = new Tasks();
  const exchange = new Exchange(world);
  const oracle = new VectorsOracle(world, holders);
  return {
    oracle,
    aftermath: 1_000,
    begin: (place, life) =>
      new VectorsProcess({ world, subject, oracle, holders, tasks, exchange, place, life }),
    phases: (crew) => new VectorsPhases(world, oracle, crew),
    onCommand: (_node, command, reply) => oracle.look(command, reply),
    onRestart: () => oracle.restarted(),
    onFault(fault) {
      // It happens right after this.
      if (fault.f === 'flush') world.scheduler.after(0, () => oracle.restarted());
    },
    count: () => ({ grants: oracle.accepted, writes: oracle.reads }),
  };
}
