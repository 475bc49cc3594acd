/**
 * Schedules: tasks that are added at the times of a cron expression, or at regular intervals.
 *
 * The main path: `keepSchedule`; ticks.ts runs the ticks that are due.
 */
import { type Backoff, type Readers, readOptions } from '@holdfast/kernel';
import { firstTick, SCHEDULE_TIMES, type ScheduleTimes } from '@holdfast/redis';
import { requireKeyName } from './keys.js';
import { type KeptOptions, keptOptions, TASK } from './task-options.js';

export interface Schedule extends ScheduleTimes {
  /** For each task, as with `add`. */
  readonly priority?: number;
  readonly attempts?: number;
  readonly backoff?: Backoff;
  readonly timeout?: number;
  readonly key?: string;
}

export interface ScheduleInfo extends Schedule {
  readonly name: string;
  readonly data: unknown;
  readonly next: Date;
}

/** A schedule as it is kept: JSON of this. */
export interface Kept {
  readonly schedule: Schedule;
  readonly data: unknown;
  /** The options of its tasks. */
  readonly o?: KeptOptions;
}

const SCHEDULE = {
  ...SCHEDULE_TIMES,
  ...TASK,
} satisfies Readers<Schedule>;

/** Checks the name of a schedule, which is part of the ids of its tasks. */
export function requireScheduleName(name: unknown): string {
  return requireKeyName('name', name);
}

/**
 * Checks a schedule; returns it as it is kept, and its first tick after `now`, in ms since the epoch. Throws
 * MisuseError.
 */
export function keepSchedule(
  schedule: Schedule,
  data: string,
  { now, defaults }: { readonly now: number; readonly defaults: KeptOptions },
): { kept: string; next: number } {
  const settings = readOptions('schedule', schedule, SCHEDULE);
  const next = firstTick(schedule, now);
  const options = keptOptions(defaults, settings, { isWhole: false, trace: undefined });
  const under = options === '' ? '' : `,"o":${options}`;
  return { kept: `{"schedule":${JSON.stringify(schedule)},"data":${data}${under}}`, next };
}

/** Reads a schedule as schedules.lua lists it. */
export function readSchedule({
  name,
  kept,
  next,
}: {
  name: string;
  kept: string;
  next: number;
}): ScheduleInfo {
  const { schedule, data } = JSON.parse(kept) as Kept;
  return { ...schedule, name, data, next: new Date(next) };
}
