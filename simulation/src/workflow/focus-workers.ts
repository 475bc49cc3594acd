/** Focuses on who works: workers that freeze and die, that sleep, and runs that they own from their start. */
import {
  answerOf,
  clientOf,
  crashOf,
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
import type { Program } from './program.js';

/** Bodies go on for longer than leases, while workers freeze: who wakes up commits late. */
const zombies: DrawFocus = (dice, plan) => {
  const lease = dice.scale(200, 600);
  const slow = (name: string): Program =>
    step(name, {
      takes: dice.scale(lease / 2, 2 * lease),
      ...{ heedless: dice.chance(0.5), guarded: dice.chance(0.5) },
      ...(dice.chance(0.8) && { effect: true as const }),
    });
  const part = (at: string): Program => {
    if (dice.chance(0.2)) return { f: 'child', of: inTurn(slow(`${at}.0`)) };
    return dice.chance(0.2) ? { f: 'sleep', for: dice.scale(30, lease) } : slow(at);
  };
  const runs = withRuns(withWorkers(plan, { concurrency: 3, lease }), 3, (start) => [
    { f: 'start', after: dice.whole(0, 600), ...start, program: inTurn(part('0'), part('1'), slow('2')) },
  ]);
  return { ...runs, faults: several(10, () => pauseOf(dice, plan, dice.scale(lease, 3 * lease))) };
};

/** Runs bring down one worker after the other. */
const suspects: DrawFocus = (dice, plan) => {
  const workers = withWorkers(plan, { concurrency: 3, lease: dice.scale(200, 300) });
  const runs = withRuns(workers, 2, (start) => [
    {
      ...{ f: 'start', after: dice.whole(0, 400), ...start },
      program: inTurn(step('0', { takes: dice.whole(700, 2_500) }), step('1')),
    },
  ]);
  return { ...runs, faults: several(14, () => killOf(dice, plan, clientOf(dice, plan))) };
};

/** Workers sleep for long, and those are gone that would be woken first. */
const sleepers: DrawFocus = (dice, plan) => {
  const workers = withWorkers(plan, { concurrency: 4, lease: dice.scale(4_000, 9_000) });
  const runs = withRuns(workers, 2, (start) => [
    { f: 'start', after: dice.whole(0, 900), ...start, program: inTurn(step('0'), { f: 'sleep', for: 50 }) },
  ]);
  return { ...runs, dies: true, faults: several(3, () => killOf(dice, plan, clientOf(dice, plan))) };
};

/** Whoever starts runs is to own them at once, and freezes on its way, or is heard late. */
const ownersAtOnce: DrawFocus = (dice, plan) => {
  const lease = dice.scale(200, 400);
  const runs = withRuns(withWorkers(plan, { concurrency: 4, lease }), 8, (start) => [
    { f: 'run', after: dice.scale(1, 100), ...start, program: inTurn(step('0')), for: dice.scale(5, 100) },
  ]);
  return {
    ...runs,
    faults: [
      ...several(12, () => pauseOf(dice, plan, dice.scale(lease, 3 * lease))),
      ...several(4, () => lateOf(dice, plan, 3 * lease)).flat(),
    ],
  };
};

/** Runs are claimed again and again, while answers are lost, and calls arrive late, of sessions that go on all the same. */
const answers: DrawFocus = (dice, plan) => {
  const workers = withWorkers(plan, { concurrency: 4, lease: dice.scale(4_000, 9_000) });
  const part = (at: string): Program =>
    dice.chance(0.5) ? { f: 'sleep', for: dice.scale(25, 200) } : step(at, { effect: true });
  const runs = withRuns(workers, 5, (start) => [
    { f: 'start', after: dice.whole(0, 600), ...start, program: inTurn(part('0'), part('1'), part('2')) },
  ]);
  return { ...runs, faults: several(14, () => answerOf(dice, plan)).flat() };
};

/** Bodies write to streams piece by piece, while calls and answers are lost, or arrive late. */
const streams: DrawFocus = (dice, plan) => {
  const writer = (name: string): Program =>
    step(name, {
      ...{ chunks: dice.whole(2, 5), pace: dice.one([0, dice.scale(1, 40)]), fails: dice.one([0, 1, 2, 2]) },
      heedless: dice.chance(0.5),
    });
  const part = (at: string): Program =>
    dice.chance(0.3) ? { f: 'all', parts: [writer(`${at}.0`), writer(`${at}.1`)] } : writer(at);
  const workers = withWorkers(plan, { concurrency: 4, lease: dice.scale(400, 2_000) });
  const runs = withRuns(workers, 4, (start) => [
    { f: 'start', after: dice.whole(0, 800), ...start, program: inTurn(part('0'), part('1'), part('2')) },
    { f: 'read', after: dice.scale(1, 100), to: start, for: dice.scale(10, 600) },
  ]);
  return {
    ...runs,
    workflow: { ...plan.workflow, timeout: dice.scale(30, 150), backoff: dice.scale(1, 10) },
    faults: [
      ...several(12, () => lateOf(dice, plan, 900, 150)).flat(),
      ...several(dice.whole(0, 4), () => crashOf(dice, plan)),
    ],
  };
};

export const FOCUSES_OF_WORKERS = {
  zombies,
  suspects,
  sleepers,
  'owners at once': ownersAtOnce,
  answers,
  streams,
};
