/**
 * Schedules of a partition in memory. For tests of workflows only.
 */
import type { KeptSchedule, Schedules } from './schedule-store.js';

export class MemorySchedules {
  readonly #now: () => number;
  readonly #schedules = new Map<string, KeptSchedule>();
  /** Since when there has been a worker at all times, in ms. */
  since = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A session begins, or goes on, while all others are over. */
  begin(): void {
    this.since = this.#now();
  }

  schedule(schedule: KeptSchedule): void {
    if (this.#schedules.get(schedule.name)?.kept !== schedule.kept)
      this.#schedules.set(schedule.name, schedule);
  }

  unschedule(name: string): boolean {
    return this.#schedules.delete(name);
  }

  schedules(which: 'due' | 'all'): Schedules {
    const now = this.#now();
    const all = [...this.#schedules.values()].sort((one, other) => one.at - other.at);
    const isListed = ({ at }: KeptSchedule): boolean => which === 'all' || at <= now;
    const next = all.find((each) => !isListed(each))?.at;
    return { now, since: this.since, next, schedules: all.filter(isListed) };
  }

  tick({ name, at, next }: { name: string; at: number; next: number | undefined }): boolean {
    const known = this.#schedules.get(name);
    if (known?.at !== at) return false;
    if (next === undefined) this.#schedules.set(name, { ...known, at: Number.POSITIVE_INFINITY });
    else this.#schedules.set(name, { ...known, at: next });
    return true;
  }
}
