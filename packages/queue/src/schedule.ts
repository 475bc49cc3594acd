/**
 * Schedules: tasks that are added at the times of a cron expression, or at regular intervals.
 *
 * The main path: `keepSchedule`; ticks.ts runs the ticks that are due.
 */
import {
  type Backoff,
  display,
  fitting,
  MisuseError,
  oneOf,
  optional,
  type Readers,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { firstTick, SCHEDULE_TIMES, type ScheduleSpan, tickAfter } from '@holdfast/redis';
import { keyOfTenant, requireKeyName } from './keys.js';
import type { QueuePort } from './port.js';
import { readSealed } from './sealed.js';
import { type AddOptions, type KeptOptions, keptOptions, requireOneOf, TASK } from './task-options.js';
import * as verbs from './verbs.js';

export interface Schedule extends ScheduleSpan {
  /** The schedule is over after so many tasks of its ticks; those that were skipped do not count. Default: no limit. */
  readonly count?: number;
  /**
   * "skip": a tick adds no task while the last one of the schedule has not ended, wherever it is: waiting, running, or
   * between two attempts. Default "allow".
   */
  readonly overlap?: 'allow' | 'skip';
  /** For each task, as with `add`. */
  readonly priority?: number;
  readonly attempts?: number;
  readonly backoff?: Backoff;
  readonly timeout?: number;
  readonly key?: string;
  readonly tenant?: string;
  readonly kind?: string;
  readonly retain?: AddOptions['retain'];
}

export interface ScheduleInfo extends Schedule {
  readonly name: string;
  readonly data: unknown;
  readonly next: Date;
  /** Why the data cannot be decoded, such as for want of the queue's codec: they are undefined then. */
  readonly encoded?: string;
}

/** A schedule as it is kept: JSON of this. */
export interface Kept {
  readonly schedule: Schedule;
  readonly data: unknown;
  /** The options of its tasks. */
  readonly o?: KeptOptions;
}

/** Reads a time. */
export const time = optional(
  fitting<Date | number>(
    'a Date, or whole milliseconds since the epoch',
    (at) =>
      (at instanceof Date || typeof at === 'number') && Number.isSafeInteger(Number(at)) && Number(at) >= 0,
  ),
);

const SCHEDULE = {
  ...SCHEDULE_TIMES,
  start: time,
  end: time,
  count: optional(whole(1)),
  overlap: withDefault(oneOf('allow', 'skip'), 'allow'),
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
): { kept: string; next: number | undefined } {
  const settings = readOptions('schedule', schedule, SCHEDULE);
  requireOneOf(settings);
  const { start, end } = settings;
  if (start !== undefined && end !== undefined && end < start)
    throw new MisuseError(`The end of a schedule is not before its start; got ${display(end)}.`);
  const { end: _, ...endless } = schedule;
  firstTick(endless, now);
  if (end !== undefined && start !== undefined && tickAfter(schedule, Number(start) - 1) === undefined)
    throw new MisuseError('The schedule has no tick between its start and its end; give a later end.');
  // Undefined for one that is over, which every process that begins may set again.
  const next = tickAfter(schedule, now);
  const options = keptOptions(defaults, settings, { isWhole: false, trace: undefined });
  const under = options === '' ? '' : `,"o":${options}`;
  const times = {
    ...(start !== undefined && { start: Number(start) }),
    ...(end !== undefined && { end: Number(end) }),
  };
  const text = JSON.stringify({ ...schedule, ...times });
  return { kept: `{"schedule":${text},"data":${data}${under}}`, next };
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
  const { schedule, data, o } = JSON.parse(kept) as Kept;
  return { ...schedule, name, data: readSealed(data, o), next: new Date(next) };
}

/** The record of a task of a schedule that is added at `now`, in ms since the epoch. */
export function recordOf({ schedule, data, o }: Kept, now: number): string {
  const { priority = 0, tenant } = schedule;
  const key = tenant === undefined ? (schedule.key ?? '') : keyOfTenant(tenant);
  return `${priority} 0 ${key}\n${JSON.stringify({ d: data, o, w: now })}`;
}

/**
 * Adds a task of a schedule now. Resolves to its id; to undefined if there is no such schedule with a tick to come, or if
 * it does not overlap and its last task has not ended.
 */
export async function runNow(port: QueuePort, name: string): Promise<string | undefined> {
  for (;;) {
    const known = (await port.call(verbs.schedules, undefined)).find((each) => each.name === name);
    if (known === undefined) return undefined;
    const now = await port.call(verbs.time, undefined);
    const id = `schedule:${name}:now:${now}-${port.random.id()}`;
    const record = recordOf(JSON.parse(known.kept) as Kept, now);
    const word = await port.call(verbs.run, { name, kept: known.kept, id, record });
    if (word !== 'changed') return word === 'run' ? id : undefined;
  }
}
