/**
 * The feature store's part of a run: processes that write, rebuild and read a store on one server.
 */

import { seededRandom } from '@holdfast/kernel';
import type { Part } from '../run/part.js';
import type { Subject } from '../run/subject.js';
import { Disk } from '../world/disk.js';
import type { SimulatedNode } from '../world/node.js';
import type { World } from '../world/world.js';
import { Issuer } from './issuer.js';
import { FeaturesOracle } from './oracle.js';
import { FeaturesPhases } from './phases.js';
import type { FeaturesPlan, FeaturesStep } from './plan.js';
import { FeaturesProcess } from './process.js';
import { followStore, REPLICA } from './replica.js';
import { WorldSource } from './source.js';

export function joinFeatures(
  world: World<FeaturesPlan>,
  subject: Subject,
): Part<FeaturesStep, FeaturesProcess> {
  const { plan } = world;
  const disk = new Disk(world.scheduler, seededRandom(plan.seed));
  const [issuer, source] = [new Issuer(subject), new WorldSource()];
  const oracle = new FeaturesOracle(world, plan, disk);
  const { replica } = plan.features;
  if (replica !== undefined) followStore(world, replica);
  const isReplica = (node: SimulatedNode): boolean => replica !== undefined && node === world.nodes[REPLICA];
  return {
    oracle,
    aftermath: 1_000,
    begin: (place, life) =>
      new FeaturesProcess({ world, plan, subject, oracle, issuer, source, disk, place, life }),
    phases: (crew) => new FeaturesPhases(world, { oracle, source }, crew),
    onCommand: (node, command, reply) => {
      if (!isReplica(node)) oracle.look(command, reply);
    },
    onRestart: (node) => {
      if (!isReplica(node)) oracle.restarted();
    },
    onFault(fault) {
      if (fault.f === 'flush' || (fault.f === 'crash' && fault.memory !== 'all')) oracle.forgets();
      // It happens right after this.
      if (fault.f === 'flush') world.scheduler.after(0, () => oracle.restarted());
    },
    count: () => ({ grants: oracle.rows.accepted, writes: oracle.answers.judged }),
  };
}
