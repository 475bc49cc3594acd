/** How much is measured: the full plan, and a quick one that only shows that it runs. */

export interface Plan {
  readonly quick: boolean;
  readonly rounds: number;
  /** Of a closed loop, in ms. */
  readonly warm: number;
  readonly time: number;
  /** Steps of the run whose steps are timed. */
  readonly laps: number;
}

export const planOf = (rounds: number, quick: boolean): Plan =>
  quick
    ? { quick, rounds: 1, warm: 200, time: 300, laps: 200 }
    : { quick, rounds, warm: 1_000, time: 3_000, laps: 5_000 };
