/**
 * Schedules: tasks that are added at the times of a cron expression, or at regular intervals.
 *
 * The main path: `keepSchedule`; ticks.ts runs the ticks that are due.
 */
import {
  type Backoff,
  display,
  duration,
  fitting,
  MisuseError,
  oneOf,
  optional,
  type Readers,
  readOptions,
  withDefault,
} from '@holdfast/kernel';
import { Cron } from 'croner';
import { requireKeyName } from './keys.js';
import { type KeptOptions, keptOptions, TASK } from './task-options.js';

export interface Schedule {
  /** A cron expression of five fields, or six with seconds first: `0 9 * * MON-FRI`. Either this or `every`. */
  readonly cron?: string;
  /** The interval in ms, from 100: ticks are at whole multiples of it since 1970. */
  readonly every?: number;
  /** The time zone of the expression, such as `Europe/Berlin`. Default UTC. */
  readonly timezone?: string;
  /**
   * The tasks to add for missed ticks, at whose time no worker ran: "once": one task for all of them; "all": one for
   * each; "skip": none. A tick at whose time a worker ran is never missed, however busy the worker was; a worker that
   * died counts as running until its lease is over, and one that begins within a second after a tick counts as running
   * at its time. Default "once".
   */
  readonly missed?: 'once' | 'all' | 'skip';
  /** For each task, as with `add`. */
  readonly priority?: number;
  readonly attempts?: number;
  readonly backoff?: Backoff;
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
  cron: optional(
    fitting<string>('an expression such as "0 9 * * MON-FRI"', (cron) => typeof cron === 'string'),
  ),
  every: optional(duration({ min: 100 })),
  // Croner would search for a time in a nonsensical zone forever.
  timezone: optional(fitting<string>('a name such as "Europe/Berlin"', isTimezone)),
  missed: withDefault(oneOf('once', 'all', 'skip'), 'once'),
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
  const { cron, every } = settings;
  if ((cron === undefined) === (every === undefined)) {
    throw new MisuseError('A schedule has either cron, such as "0 9 * * MON-FRI", or every, in ms.');
  }
  const next = tickAfter(schedule, now);
  if (next === undefined) throw new MisuseError(`The cron expression ${display(cron)} has no time to come.`);
  const options = keptOptions(defaults, settings, { isWhole: false, trace: undefined });
  const under = options === '' ? '' : `,"o":${options}`;
  return { kept: `{"schedule":${JSON.stringify(schedule)},"data":${data}${under}}`, next };
}

function isTimezone(timezone: unknown): boolean {
  if (typeof timezone !== 'string' || timezone === '') return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
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

/** The first tick after a time, both in ms since the epoch; undefined if there is none. Throws MisuseError. */
export function tickAfter({ cron, every, timezone = 'UTC' }: Schedule, time: number): number | undefined {
  if (every !== undefined) return Math.floor(time / every) * every + every;
  try {
    return new Cron(cron ?? '', { timezone }).nextRun(new Date(time))?.getTime();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MisuseError(
      `${display(cron)} in the time zone ${display(timezone)} is not a schedule: ${why}`,
      {
        cause,
      },
    );
  }
}
