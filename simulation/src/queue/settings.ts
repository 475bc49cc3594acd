/** The limits and the schedule of a plan, as processes declare them. */
import type { Limits, Schedule } from '@holdfast/queue';
import type { QueuePlan } from './plan.js';

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
