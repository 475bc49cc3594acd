/**
 * Fencing tokens and the clock that proposes them.
 *
 * A token is a ballot in the sense of Paxos: a positive safe integer, microseconds since the Unix epoch, made
 * monotonic by its proposer. It is exact as a JavaScript number, a Lua number, a PostgreSQL `bigint` and a JSON
 * number until the year 2255. Source of the clock: Kulkarni et al., "Logical Physical Clocks" (2014).
 *
 * Guarantees: one clock never proposes the same token twice, except after a correction, when the nodes' fences
 * refuse a repeated one. A wrong wall clock costs one refused round and cannot poison later tokens.
 */
import type { Clock } from './clock.js';
import { MisuseError } from './errors.js';
import { display } from './options.js';
import type { Random } from './random.js';

/** Returns `value` if it can be a token. Throws MisuseError naming it otherwise. */
export function requireToken(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new MisuseError(
    `A fencing token is a positive integer below 2^53, as lease.token gives it; got ${display(value)}.`,
  );
}

/**
 * How far above what it has seen a proposal may be, in microseconds: several clocks that are behind, and have seen the
 * same, do not propose the same.
 */
const SPREAD = 1_000;

/** Proposes tokens: the estimated node time, or a little above the last one seen. */
export class TokenClock {
  readonly #clock: Clock;
  readonly #random: Random;
  /** Microseconds by which the nodes' clocks are ahead of ours, as far as we know. */
  #offset = 0;
  /** The highest token that a node told us of. */
  #seen = 0;
  /** The highest token that we proposed on the present estimate of the nodes' clock. */
  #proposed = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Our estimate of the nodes' clock, in microseconds since the Unix epoch. */
  estimate(): number {
    return this.#clock.wall() + this.#offset;
  }

  next(): number {
    const estimate = this.estimate();
    const isBehind = estimate <= this.#seen;
    const fresh = isBehind ? this.#seen + 1 + Math.floor(this.#random.unit() * SPREAD) : estimate;
    this.#proposed = Math.max(fresh, this.#proposed + 1);
    return this.#proposed;
  }

  /** A node refused a proposal for this fence: propose above it from now on. */
  observe(fence: number): void {
    if (fence > this.#seen) this.#seen = fence;
  }

  /** Nodes refused a proposal as too far from their time: believe the median of what they say. */
  correct(nodeTimes: readonly number[]): void {
    const sorted = [...nodeTimes].sort((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    if (median === undefined) return;
    this.#offset = median - this.#clock.wall();
    this.#proposed = 0;
  }

  /**
   * A node that is needed refused a proposal as too far from its time: move the estimate by no more than what brings it
   * within `distance` microseconds of that time, which keeps it close to the nodes that did not refuse.
   */
  approach(nodeTime: number, distance: number): void {
    const ahead = this.estimate() - nodeTime;
    const excess = Math.abs(ahead) - distance;
    if (excess <= 0) return;
    this.#offset -= Math.sign(ahead) * excess;
    this.#proposed = 0;
  }
}
