/**
 * The workflows' part of a run: processes that start runs of an app on one server, and work on them.
 */
import type { Part } from '../run/part.js';
import type { Subject } from '../run/subject.js';
import type { World } from '../world/world.js';
import { WorkflowOracle } from './oracle.js';
import { WorkflowPhases } from './phases.js';
import type { WorkflowPlan, WorkflowStep } from './plan.js';
import { WorkflowProcess } from './process.js';

export function joinWorkflow(
  world: World<WorkflowPlan>,
  subject: Subject,
): Part<WorkflowStep, WorkflowProcess> {
  const oracle = new WorkflowOracle(world);
  return {
    oracle,
    aftermath: 1_000,
    begin(place, life) {
      const process = new WorkflowProcess({ world, subject, oracle, place, life });
      process.machine.run(() => {
        process.startWorker();
        if (place === 0 && world.plan.workflow.follows) void process.operator.follow();
      });
      return process;
    },
    phases: (crew) => new WorkflowPhases(world, oracle, crew),
    onCommand: (_node, command, reply) => oracle.look(command, reply),
    onFault(fault) {
      if (fault.f === 'flush' || (fault.f === 'crash' && fault.memory !== 'all')) oracle.forgets();
    },
    count: () => ({ grants: oracle.owners.claims, writes: oracle.bodies.begun }),
  };
}
