/**
 * The locks' part of a run: clients of a deployment of several nodes, with a guarded store beside them.
 */
import { Ledger } from '../checks/ledger.js';
import { Marks } from '../checks/marks.js';
import { Oracle } from '../checks/oracle.js';
import { judgeRemains } from '../checks/remains.js';
import type { Step } from '../plan/plan.js';
import type { Part } from '../run/part.js';
import type { Subject } from '../run/subject.js';
import type { Command } from '../world/connection.js';
import type { World } from '../world/world.js';
import { LockPhases } from './phases.js';
import { Process } from './process.js';

/** How long the world goes on when nobody is left, in ms: longer than any queue outlives its waiters. */
const AFTERMATH = 11_000;

export function joinLocks(world: World, subject: Subject): Part<Step, Process> {
  const oracle = new Oracle(world);
  const ledger = new Ledger(oracle);
  const marks = new Marks(world, oracle);
  return {
    oracle,
    aftermath: AFTERMATH + world.plan.deployment.retention,
    begin: (place, life) => new Process({ world, subject, oracle, ledger, marks, place, life }),
    phases: (crew) => new LockPhases(world, oracle, crew),
    onCommand(node, command, reply) {
      if (node === world.store && command.name !== 'GET') {
        ledger.look(node);
        marks.look(node);
      }
      judgeRefusal(oracle, command, reply);
    },
    onRestart(node) {
      if (node !== world.store) return;
      ledger.restarted(node);
      marks.restarted(node);
    },
    judgeAftermath: () => judgeRemains(world, oracle),
    count: () => ({ grants: oracle.grants, writes: ledger.writes }),
  };
}

/** What frees or keeps what is held is carried out also when memory is full. */
const WHEN_FULL = /_(extend|rejoin|reenter|release|withdraw|reshare|unshare|retire)$/;

function judgeRefusal(oracle: Oracle, { name, args }: Command, reply: unknown): void {
  if (!(reply instanceof Error && reply.message.startsWith('OOM'))) return;
  const isGuards = name.startsWith('EVAL') && args[1] === '2' && args[2] === '{holdfast}:guard';
  const called = name === 'FCALL' ? (args[0] ?? '') : '';
  if (WHEN_FULL.test(called) || (isGuards && args.length === 8))
    oracle.violate('refused when full', `${called || 'a seal'} was refused: ${reply.message}`);
}
