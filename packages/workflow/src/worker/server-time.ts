/**
 * The server's time, as far as this process knows it: all deadlines are in it, so that they mean the same to every worker.
 *
 * Guarantees: never ahead of the server's clock, by more than the two clocks drift apart between two answers; behind it by
 * at most the time that an answer was on its way.
 */
import type { Clock } from '@holdfast/kernel';

export class ServerTime {
  readonly #clock: Clock;
  #told = 0;
  #at = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server has told its time, in ms since the epoch. */
  told(now: number): void {
    this.#told = now;
    this.#at = this.#clock.now();
  }

  now(): number {
    return this.#told + this.#clock.now() - this.#at;
  }
}
