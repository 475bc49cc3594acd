/**
 * How long to wait before asking again: exponential growth with full jitter, so that clients that were refused
 * together do not come back together. Source: Brooker, "Exponential Backoff and Jitter" (2015).
 */
import type { Random } from './random.js';

export interface BackoffOptions {
  /** Milliseconds: the ceiling of the first delay. */
  readonly base: number;
  /** Milliseconds: the ceiling of every delay. */
  readonly limit: number;
}

/** A delay in milliseconds, uniform between a quarter of the ceiling and the ceiling of try `attempt` (from 0). */
export function backoff(random: Random, attempt: number, { base, limit }: BackoffOptions): number {
  const ceiling = Math.min(limit, base * 2 ** Math.min(attempt, 30));
  return ceiling * (0.25 + 0.75 * random.unit());
}
