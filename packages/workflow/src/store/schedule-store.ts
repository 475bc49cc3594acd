/**
 * What schedules ask of the partition that has them.
 */

/** A schedule as it is kept, with its next tick, in ms since the epoch. */
export interface KeptSchedule {
  readonly name: string;
  readonly kept: string;
  readonly at: number;
}

export interface Schedules {
  /** The server's time, in ms. */
  readonly now: number;
  /** Since when there has been a worker at all times. */
  readonly since: number;
  /** The first tick that is not among these; undefined if there is none. */
  readonly next: number | undefined;
  readonly schedules: readonly KeptSchedule[];
}

export interface ScheduleStore {
  /** Sets it; one that is set again as it was keeps its next tick. */
  schedule(schedule: KeptSchedule): Promise<void>;
  /** Whether there was one. */
  unschedule(name: string): Promise<boolean>;
  /** Those that are due, or all. */
  schedules(which: 'due' | 'all'): Promise<Schedules>;
  /** Sets the next tick, if `at` still is that. Whether it was. */
  tick(tick: {
    readonly name: string;
    readonly at: number;
    readonly next: number | undefined;
  }): Promise<boolean>;
}
