/**
 * The verbs of schedules.
 */
import type { Reply } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import type { KeptSchedule, Schedules } from './schedule-store.js';
import { makersFor } from './verb-makers.js';

export function ofSchedules(keys: PartitionKeys) {
  const { single } = makersFor(keys);
  return {
    schedule: single<KeptSchedule, boolean>(
      'schedule',
      { args: ({ name, kept, at }) => [name, kept, String(at)] },
      ([word]) => word !== 'unknown',
    ),
    schedules: single<'due' | 'all', Schedules>('schedules', { args: (which) => [which] }, readSchedules),
    tick: single<{ name: string; at: number; next: number | undefined }, boolean>(
      'tick',
      { args: ({ name, at, next }) => [name, String(at), String(next ?? '')] },
      ([word]) => word === 'ticked',
    ),
  };
}

function readSchedules([, now, since, next, ...fields]: readonly Reply[]): Schedules {
  return {
    now: Number(now),
    since: Number(since),
    next: next === '' ? undefined : Number(next),
    schedules: Array.from({ length: fields.length / 3 }, (_, index) => {
      const [name = '', kept = '', at] = fields.slice(3 * index, 3 * index + 3).map(String);
      return { name, kept, at: Number(at) };
    }),
  };
}
