/**
 * The deadlines of calls that are all given the same time: one timer for as many as are under way.
 *
 * Guarantees: a call that has not ended within the time is told so, after the input that had arrived by then was read: a
 * stall of this process is not mistaken for silence of the server. A call that has ended is not kept.
 */
import type { Clock } from '@holdfast/kernel';

/** A call that is under way. */
export interface Timed {
  /** By the monotonic clock, in ms. */
  readonly deadline: number;
  expire(): void;
}

export class Deadlines {
  readonly #clock: Clock;
  /** In the order in which they began, and so of their deadlines. */
  readonly #calls = new Set<Timed>();
  #isWatching = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(call: Timed): void {
    this.#calls.add(call);
    if (!this.#isWatching) this.#watch(call.deadline);
  }

  ended(call: Timed): void {
    this.#calls.delete(call);
  }

  /** Tells every call that is under way that its time is over. */
  expireAll(): void {
    for (const call of this.#calls) {
      this.#calls.delete(call);
      call.expire();
    }
  }

  #watch(deadline: number): void {
    this.#isWatching = true;
    const look = (): void => this.#clock.afterInput(() => this.#look());
    this.#clock.after(Math.max(1, deadline - this.#clock.now()), look, { keepAlive: false });
  }

  #look(): void {
    this.#isWatching = false;
    const now = this.#clock.now();
    for (const call of this.#calls) {
      if (call.deadline > now) {
        this.#watch(call.deadline);
        return;
      }
      this.#calls.delete(call);
      call.expire();
    }
  }
}
