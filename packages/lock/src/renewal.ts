/**
 * Renewal in the background: extends a lease every third of its TTL until it is stopped.
 *
 * Guarantees: at most one extension is under way. A failed one is repeated, with jitter, for as long as the lease is
 * valid and no longer. On a healthy deployment it costs three commands per node and TTL. The end of the lease is the
 * business of its signal, which does not wait for any renewal.
 */
import { backoff, type Clock, LeaseLostError, type Random, type Timer } from '@holdfast/kernel';
import type { HeldLease } from './lease.js';

export class Renewal {
  readonly #lease: HeldLease;
  readonly #clock: Clock;
  readonly #random: Random;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(lease: HeldLease, clock: Clock, random: Random) {
    this.#lease = lease;
    this.#clock = clock;
    this.#random = random;
  }

  start(): void {
    this.#after(this.#lease.ttl / 3);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #after(delay: number, failures = 0): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.after(delay, () => void this.#renew(failures), { keepAlive: false });
  }

  async #renew(failures: number): Promise<void> {
    const { signal, ttl } = this.#lease;
    if (signal.aborted) return;
    const began = this.#clock.now();
    try {
      await this.#lease.extend();
      this.#after(Math.max(0, ttl / 3 - (this.#clock.now() - began)));
    } catch (error) {
      if (error instanceof LeaseLostError || signal.aborted) return;
      this.#after(backoff(this.#random, failures, { base: ttl / 20, limit: ttl / 6 }), failures + 1);
    }
  }
}
