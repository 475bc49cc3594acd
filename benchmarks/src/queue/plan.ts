/** How much is measured: the full plan, and a quick one that only shows that it runs. */

export interface Plan {
  readonly quick: boolean;
  readonly rounds: number;
  /** Tasks a measurement, of the slower contestant. */
  readonly tasks: number;
  /** For how long tasks are added at 500 a second. */
  readonly seconds: number;
  /** Waiting tasks of the full queue; a tenth as many are delayed, and a hundredth have keys. */
  readonly backlog: number;
}

export const planOf = (rounds: number, quick: boolean): Plan =>
  quick
    ? { quick, rounds: 1, tasks: 1_000, seconds: 1, backlog: 20_000 }
    : { quick, rounds, tasks: 10_000, seconds: 4, backlog: 1_000_000 };
