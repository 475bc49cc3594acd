/**
 * How long and how often everything is measured: the full plan, and a quick one that only shows that it runs.
 *
 * Guarantees: the numbers of the quick plan are good for nothing but smoke; the report says which plan was used.
 */

export interface Plan {
  readonly quick: boolean;
  readonly rounds: number;
  /** Numbers of waiters in one process, for the commands that a hand-over takes. */
  readonly waiters: readonly number[];
  /** Waiters when the contestants are compared, and in how many processes they are. */
  readonly crowd: number;
  readonly processes: readonly number[];
  /** How long each holds the lock, in ms. */
  readonly holds: readonly number[];
  /** How long a crowd contends before it is counted, and how long it is counted, in ms. */
  readonly settling: number;
  readonly duration: number;
  /** By how many later requests an acquisition may be overtaken. */
  readonly allowed: number;
  /** Waiters for a lease that stays held. */
  readonly idle: number;
  /** How often and how long they are watched, in ms. */
  readonly windows: number;
  readonly window: number;
}

export function planOf(rounds: number, quick: boolean): Plan {
  const full: Plan = {
    quick,
    rounds,
    waiters: [10, 100, 1_000],
    crowd: 60,
    processes: [1, 4],
    holds: [0, 2],
    settling: 500,
    duration: 1_000,
    allowed: 10,
    idle: 1_000,
    windows: 3,
    window: 7_000,
  };
  if (!quick) return full;
  return {
    ...full,
    rounds: 1,
    waiters: [5, 20],
    crowd: 8,
    processes: [1, 2],
    holds: [0],
    settling: 100,
    duration: 100,
    idle: 50,
    window: 300,
  };
}

/** One way in which the contestants are compared. */
export interface Case {
  readonly processes: number;
  readonly hold: number;
}

export const casesOf = ({ processes, holds }: Plan): Case[] =>
  holds.flatMap((hold) => processes.map((count) => ({ processes: count, hold })));
