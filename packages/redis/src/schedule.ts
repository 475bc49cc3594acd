/**
 * The ticks of schedules: the times of a cron expression, or regular intervals; and which of those are run at whose time no
 * worker ran.
 *
 * Guarantees: the ticks of a schedule are the same for everybody who computes them.
 */
import {
  display,
  duration,
  fitting,
  MisuseError,
  oneOf,
  optional,
  type Readers,
  withDefault,
} from '@holdfast/kernel';
import { Cron } from 'croner';

export interface ScheduleTimes {
  /** A cron expression of five fields, or six with seconds first: `0 9 * * MON-FRI`. Either this or `every`. */
  readonly cron?: string;
  /** The interval in ms, from 100: ticks are at whole multiples of it since 1970. */
  readonly every?: number;
  /** The time zone of the expression, such as `Europe/Berlin`. Default UTC. */
  readonly timezone?: string;
  /**
   * The missed ticks to run, at whose time no worker ran: "once": one for all of them; "all": each; "skip": none. A tick
   * at whose time a worker ran is never missed, however busy the worker was; a worker that died counts as running until
   * its lease is over, and one that begins within a second after a tick counts as running at its time. Default "once".
   */
  readonly missed?: 'once' | 'all' | 'skip';
}

/** Times, and the span in which they are. */
export interface ScheduleSpan extends ScheduleTimes {
  /** No tick is before this; a number is in ms since the epoch. Default: none. */
  readonly start?: Date | number;
  /** No tick is after this; a number is in ms since the epoch. Default: none. */
  readonly end?: Date | number;
}

export const SCHEDULE_TIMES = {
  cron: optional(
    fitting<string>('an expression such as "0 9 * * MON-FRI"', (cron) => typeof cron === 'string'),
  ),
  every: optional(duration({ min: 100 })),
  // Croner would search for a time in a nonsensical zone forever.
  timezone: optional(fitting<string>('a name such as "Europe/Berlin"', isTimezone)),
  missed: withDefault(oneOf('once', 'all', 'skip'), 'once'),
} satisfies Readers<ScheduleTimes>;

/** The first tick after `now`, in ms since the epoch. Throws MisuseError for a schedule that has none. */
export function firstTick(schedule: ScheduleSpan, now: number): number {
  const { cron, every } = schedule;
  if ((cron === undefined) === (every === undefined)) {
    throw new MisuseError('A schedule has either cron, such as "0 9 * * MON-FRI", or every, in ms.');
  }
  const next = tickAfter(schedule, now);
  if (next === undefined) throw new MisuseError(`The cron expression ${display(cron)} has no time to come.`);
  return next;
}

/** The first tick after a time, both in ms since the epoch; undefined if there is none. Throws MisuseError. */
export function tickAfter(schedule: ScheduleSpan, time: number): number | undefined {
  const { start, end } = schedule;
  const next = anyTickAfter(schedule, start === undefined ? time : Math.max(time, Number(start) - 1));
  return next === undefined || (end !== undefined && next > Number(end)) ? undefined : next;
}

function anyTickAfter({ cron, every, timezone = 'UTC' }: ScheduleTimes, time: number): number | undefined {
  if (every !== undefined) return Math.floor(time / every) * every + every;
  try {
    return new Cron(cron ?? '', { timezone }).nextRun(new Date(time))?.getTime();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MisuseError(
      `${display(cron)} in the time zone ${display(timezone)} is not a schedule: ${why}`,
      { cause },
    );
  }
}

/** The most ticks that one call runs. */
const MOST_TICKS = 100;

/**
 * The ticks from `at` on that are run, a limited number at a time, and the tick after them. `since`: from then on there has
 * always been a worker.
 */
export function ticksOf(
  schedule: ScheduleSpan,
  { at, now, since }: { readonly at: number; readonly now: number; readonly since: number },
): { readonly times: readonly number[]; readonly next: number | undefined } {
  const { missed = 'once' } = schedule;
  const times: number[] = [];
  let next: number | undefined = at;
  if (missed !== 'all' && at < since) {
    if (missed === 'once') times.push(at);
    next = tickAfter(schedule, Math.min(since - 1, now));
  }
  while (next !== undefined && next <= now && times.length < MOST_TICKS) {
    times.push(next);
    next = tickAfter(schedule, next);
  }
  return { times, next };
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
