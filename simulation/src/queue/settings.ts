/** The limits and the schedule of a plan, as processes declare them, and what its handlers do. */
import type { Limits, Schedule } from '@holdfast/queue';
import { FILL } from './names.js';
import type { QueuePlan, WorkPlan } from './plan.js';

const EASY: WorkPlan = { takes: 5, steps: 1, fails: 0, fatal: false, heedless: false, progress: false };
/** Longer than a task may wait that could begin. */
const LONG: WorkPlan = { ...EASY, takes: 3_000 };

export const timesOf = ({ queue: { missed, isAlone } }: QueuePlan, every: number): Schedule => ({
  ...{ every, missed },
  ...(isAlone && { overlap: 'skip' }),
});

/** Those of the release before limit less. */
export function limitsOf(plan: QueuePlan, place: number): Limits | undefined {
  const { concurrency, slots, rate, keyRate, breaker, retain } = plan.queue;
  const declares = plan.clients[place]?.declares ?? 'new';
  if (declares === 'none') return undefined;
  if (declares === 'old') return { version: 1, keys: { concurrency: slots } };
  return {
    version: 2,
    keys: { concurrency: slots, ...(keyRate && { rate: keyRate }) },
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate }),
    ...(breaker && { breaker }),
    ...(retain && { retain }),
  };
}

/** What the handler of this task does. */
export function workOf(plan: QueuePlan, name: string): WorkPlan {
  for (const { tasks } of plan.clients) {
    for (const step of tasks.flat()) {
      if (step.f === 'add' && step.name === name) return step.work;
      const ofFan = step.f === 'fan' && step.tasks.find((task) => task.name === name);
      if (ofFan) return ofFan.work;
    }
  }
  return name.startsWith(FILL) ? LONG : EASY;
}
