/** Focuses on what is done with runs: approvals, limits, undoing, cancels, schedules, and who follows the events. */
import type { Dice } from '../plan/dice.js';
import type { Fault } from '../plan/plan.js';
import {
  type DrawFocus,
  inTurn,
  killOf,
  lateOf,
  pauseOf,
  several,
  step,
  withRuns,
  withWorkers,
} from './focus-parts.js';
import type { WorkflowPlan, WorkflowStep } from './plan.js';
import { NOTHING, type Program } from './program.js';

/** People approve the same at the same time, and tasks are added again. */
const people: DrawFocus = (dice, plan) => {
  const ask = (at: string): Program =>
    dice.one<Program>([
      { f: 'approve', name: at },
      { f: 'approve', name: at },
      { f: 'task', name: at },
      {
        f: 'all',
        parts: [
          { f: 'approve', name: `${at}.0` },
          { f: 'task', name: `${at}.1` },
        ],
      },
    ]);
  const runs = withRuns(plan, 4, (start) => [
    { f: 'start', after: dice.whole(0, 300), ...start, program: inTurn(ask('0'), ask('1'), ask('2')) },
    ...several(4, (): WorkflowStep => {
      const after = dice.scale(2, 60);
      if (dice.chance(0.8)) return { f: 'approve', after, to: start, by: ['ann', 'ben'] };
      return { f: dice.one(['terminate', 'retry', 'retry']), after, to: start };
    }),
  ]);
  return { ...runs, faults: [...faultsOf(dice, plan), ...faultsOf(dice, plan)] };
};

/** More is started than may wait, and than may go on. */
const limits: DrawFocus = (dice, plan) => {
  const runs = withRuns(withWorkers(plan, { concurrency: 3, lease: 1_000 }), 4, (start) => {
    const program = inTurn(step('0', { takes: dice.scale(10, 300) }));
    return [
      dice.chance(0.5)
        ? { f: 'start', after: dice.scale(1, 60), ...start, program }
        : { f: 'run', after: dice.scale(1, 60), ...start, program, for: dice.scale(5, 60) },
      ...(dice.chance(0.4) ? [{ f: 'inspect', after: 0 } as const] : []),
    ];
  });
  const kept = {
    ...(dice.chance(0.8) && { concurrency: dice.whole(1, 2) }),
    ...(dice.chance(0.6) && { waiting: dice.whole(2, 4) }),
  };
  return { ...runs, workflow: { ...plan.workflow, limits: kept }, faults: faultsOf(dice, plan) };
};

/** Runs have something to undo, fail, are cancelled, and are retried. */
const sagas: DrawFocus = (dice, plan) => {
  const part = (at: string): Program => {
    if (dice.chance(0.25)) return { f: 'compensate', name: `by hand ${at}`, body: NOTHING };
    const undo = dice.chance(0.7) && { undo: true as const };
    return step(at, { takes: dice.one([0, dice.scale(1, 200)]), guarded: dice.chance(0.5), ...undo });
  };
  const last = (): Program => {
    if (dice.chance(0.6)) return step('3', { fatal: true, takes: dice.scale(1, 50) });
    return dice.chance(0.5) ? { f: 'sleep', for: dice.scale(10, 500) } : step('3');
  };
  const runs = withRuns(plan, 3, (start) => [
    {
      f: 'start',
      after: dice.whole(0, 400),
      ...start,
      program: inTurn(part('0'), part('1'), part('2'), last()),
    },
    ...several(2, (): WorkflowStep => {
      const f = dice.one(['retry', 'retry', 'cancel'] as const);
      return { f, after: dice.scale(10, 700), to: start };
    }),
  ]);
  return { ...runs, faults: faultsOf(dice, plan) };
};

/** Runs are cancelled, ended and left by what they wait for while children and branches go on; and go on again at once. */
const cancels: DrawFocus = (dice, plan) => {
  const slow = (name: string): Program =>
    step(name, { takes: dice.scale(30, 900), heedless: dice.chance(0.6) });
  const child = (at: string): Program => ({ f: 'child', of: inTurn(slow(`${at}.0`)) });
  const program = (): Program =>
    dice.one<Program>([
      inTurn(child('0'), step('1')),
      inTurn({ f: 'all', parts: [child('0.0'), child('0.1')] }, step('1')),
      inTurn({ f: 'race', parts: [step('0.0', { takes: 20 }), child('0.1')] }, step('1'), slow('2')),
      inTurn({ f: 'scope', of: child('0.s'), timeout: dice.scale(20, 200) }, step('1'), slow('2')),
      inTurn(
        { f: 'plain', parts: [slow('0.0'), slow('0.1')] },
        { f: 'all', parts: [slow('1.0'), slow('1.1')] },
      ),
    ]);
  const runs = withRuns(plan, 4, (start) => [
    { f: 'start', after: dice.whole(0, 200), ...start, program: program() },
    { f: dice.one(['cancel', 'cancel', 'terminate']), after: dice.scale(10, 400), to: start },
    { f: 'retry', after: dice.scale(1, 200), to: start },
    { f: 'retry', after: dice.scale(1, 500), to: start },
  ]);
  return { ...runs, faults: faultsOf(dice, plan) };
};

/** Many ticks are due while connections break. */
const schedules: DrawFocus = (dice, plan) => {
  const act = (): WorkflowStep => ({
    ...{ f: 'schedule', after: dice.scale(1, 300), every: dice.scale(100, 400), for: dice.scale(200, 1_500) },
    program: step('0', { effect: true }),
  });
  const runs = withRuns(plan, 1, () => several(2, act));
  return { ...runs, faults: [...faultsOf(dice, plan), ...faultsOf(dice, plan)] };
};

/** Who follows the events dies again and again, or the server forgets and has another clock. */
const followers: DrawFocus = (dice, plan) => {
  const runs = withRuns(plan, 12, (start) => [
    { f: 'start', after: dice.whole(10, 300), ...start, program: step('0') },
  ]);
  const follows = {
    ...runs,
    latency: { base: dice.scale(500, 12_000), jitter: 2_000 },
    workflow: { ...plan.workflow, timeout: 400, follows: true },
  };
  if (dice.chance(0.5)) return { ...follows, faults: several(6, () => killOf(dice, plan, 0)) };
  return { ...follows, lossy: true, faults: restartOf(dice, plan) };
};

/** The server has forgotten a little, and its clock is behind what it was. */
function restartOf(dice: Dice, { healAt }: WorkflowPlan): Fault[] {
  const at = dice.whole(300, Math.min(1_500, healAt - 500));
  const savedBefore = dice.whole(1, 300);
  return [
    { f: 'crash', at, node: 0, for: dice.scale(2, 90), memory: 'some', savedBefore },
    { f: 'node clock', at: at + 1, node: 0, by: -dice.whole(500, 2_300) },
  ];
}

/** Up to four of those that any client meets. */
const faultsOf = (dice: Dice, plan: WorkflowPlan): readonly Fault[] =>
  several(dice.whole(0, 2), () => [
    pauseOf(dice, plan, dice.scale(20, 1_500)),
    ...lateOf(dice, plan, 800),
  ]).flat();

export const FOCUSES_OF_RUNS = { people, limits, sagas, cancels, schedules, followers };
