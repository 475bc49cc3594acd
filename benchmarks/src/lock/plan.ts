/**
 * How long and how often everything is measured: the full plan, and a quick one that only shows that it runs.
 *
 * Guarantees: the numbers of the quick plan are good for nothing but smoke; the report says which plan was used.
 */

export interface Plan {
  readonly quick: boolean;
  readonly rounds: number;
  /** Pairs of acquire and release a contestant and round, one in flight. */
  readonly pairs: number;
  /** Milliseconds a contestant and round with many in flight. */
  readonly duration: number;
  /** How many are in flight. */
  readonly inFlight: readonly number[];
  /** Acquisitions a contestant, round and condition at the least, for the comparison with a frozen node. */
  readonly acquisitions: number;
  /** How long that goes on at the least, in ms: long enough for a contestant to notice the node and react. */
  readonly acquiring: number;
  /** How long one acquisition may take before it counts as stalled, in ms. */
  readonly patience: number;
  /** Numbers of leases that are held. */
  readonly leases: readonly number[];
  /** Their TTL, in ms. */
  readonly leaseTtl: number;
  /** How long the held leases are watched, in TTLs. */
  readonly watched: number;
}

export function planOf(rounds: number, quick: boolean): Plan {
  const full: Plan = {
    quick,
    rounds,
    pairs: 2_000,
    duration: 1_000,
    inFlight: [64, 1_024],
    acquisitions: 2_000,
    acquiring: 1_500,
    patience: 6_000,
    leases: [100, 1_000, 10_000],
    leaseTtl: 10_000,
    watched: 1,
  };
  if (!quick) return full;
  return {
    ...full,
    pairs: 40,
    duration: 60,
    acquisitions: 40,
    acquiring: 60,
    patience: 400,
    leases: [20, 100],
    leaseTtl: 900,
  };
}
