/**
 * How many requests a caller may make in a time, counted in the memory of this process.
 *
 * Guarantees: no more than `count` in any span of `per` after a pause, and as many on average (the generic cell rate
 * algorithm). The memory is bounded: whoever has not asked for longest is forgotten, and begins anew.
 */
import type { Clock } from '@holdfast/kernel';
import { RateLimitedError } from '../errors.js';

export interface Rate {
  readonly count: number;
  /** In ms. */
  readonly per: number;
}

const MOST_CALLERS = 10_000;

export class RateLimit {
  readonly #clock: Clock;
  readonly #rate: Rate;
  /** By when each would have asked so often, had it asked steadily; whoever asked longest ago comes first. */
  readonly #steady = new Map<string, number>();

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Counts a request. Throws RateLimitedError. */
  count(caller: string): void {
    this.require(caller);
    const { count, per } = this.#rate;
    const now = this.#clock.now();
    const steady = Math.max(now, this.#steady.get(caller) ?? 0) + per / count;
    this.#steady.delete(caller);
    this.#steady.set(caller, steady);
    if (this.#steady.size > MOST_CALLERS) this.#steady.delete(this.#steady.keys().next().value as string);
  }

  /** Throws RateLimitedError if another request would be one too many. */
  require(caller: string): void {
    const { count, per } = this.#rate;
    const now = this.#clock.now();
    const early = Math.max(now, this.#steady.get(caller) ?? 0) + per / count - now - per;
    // Fractions of a millisecond are those of the arithmetic.
    if (early > 0.001) throw new RateLimitedError(Math.ceil(early));
  }
}
