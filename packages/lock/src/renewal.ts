/**
 * Renewal in the background: extends a lease every third of its validity until it is stopped, and also as soon as a
 * node's quarantine has ended, so that the node has the lease again before another one is restarted.
 *
 * Guarantees: at most one extension is under way. A failed one is repeated, with jitter, for as long as the lease is
 * valid and no longer. On a healthy deployment it costs three commands per node and validity. The end of the lease is
 * the business of its signal, which does not wait for any renewal.
 */
import { backoff, type Clock, LeaseLostError, type Random, type Timer } from '@holdfast/kernel';
import type { HeldLease } from './lease.js';

/** The time over which all renewals after a quarantine are spread, in ms, so that not all ask at once. */
const SPREAD = 50;

export class Renewal {
  readonly #lease: HeldLease;
  readonly #clock: Clock;
  readonly #random: Random;
  #timer: Timer | undefined;
  /** When the timer fires, on the monotonic clock. */
  #due = 0;
  /** When a node that was in quarantine has the vote again. */
  #readmission = Number.POSITIVE_INFINITY;
  #failures = 0;
  #stopped = false;

  constructor(lease: HeldLease, clock: Clock, random: Random) {
    this.#lease = lease;
    this.#clock = clock;
    this.#random = random;
  }

  start(): void {
    this.#lease.onQuarantine = (remaining) => this.#awaitReadmission(remaining);
    this.#at(this.#lease.renewalDue);
  }

  stop(): void {
    this.#stopped = true;
    this.#lease.onQuarantine = undefined;
    this.#timer?.cancel();
  }

  #awaitReadmission(remaining: number): void {
    const readmission = this.#clock.now() + remaining + 1 + this.#random.unit() * SPREAD;
    this.#readmission = Math.min(this.#readmission, readmission);
    // When the vote came late, the time of the next renewal is already set.
    if (this.#timer && this.#due > this.#readmission) this.#at(this.#readmission);
  }

  #at(time: number): void {
    if (this.#stopped) return;
    const now = this.#clock.now();
    this.#due = Math.max(now, Math.min(time, this.#readmission));
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#due - now, () => void this.#renew(), { keepAlive: false });
  }

  async #renew(): Promise<void> {
    const { signal, ttl } = this.#lease;
    if (signal.aborted) return;
    this.#timer = undefined;
    if (this.#readmission <= this.#clock.now()) this.#readmission = Number.POSITIVE_INFINITY;
    try {
      await this.#lease.extend();
      this.#failures = 0;
      this.#at(this.#lease.renewalDue);
    } catch (error) {
      if (error instanceof LeaseLostError || signal.aborted) return;
      const pause = backoff(this.#random, this.#failures, { base: ttl / 20, limit: ttl / 6 });
      this.#at(this.#clock.now() + pause);
      this.#failures += 1;
    }
  }
}
