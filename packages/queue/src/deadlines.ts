/**
 * The deadlines of calls that are all given the same time: one timer for as many as are under way.
 *
 * Guarantees: what has not been settled within the time is told so, when the input that had arrived by then was looked at:
 * a stall of this process is not mistaken for silence of the server.
 */
import type { Clock } from '@holdfast/kernel';

/** A call that is under way. */
export interface Timed {
  readonly settled: boolean;
  expire(): void;
}

/** How many that are settled may stand in front before they are forgotten. */
const MOST = 1_000;

export class Deadlines {
  readonly #clock: Clock;
  /** In ms. */
  readonly #timeout: number;
  /** In the order in which they began, and so of their deadlines. */
  #waiting: { readonly call: Timed; readonly at: number }[] = [];
  /** How many in front are settled. */
  #settled = 0;
  #isWatching = false;

  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  add(call: Timed): void {
    this.#pass();
    this.#waiting.push({ call, at: this.#clock.now() + this.#timeout });
    if (!this.#isWatching) this.#watch(this.#timeout);
  }

  #pass(): void {
    while (this.#waiting[this.#settled]?.call.settled) this.#settled += 1;
    if (this.#settled <= MOST) return;
    this.#waiting = this.#waiting.slice(this.#settled);
    this.#settled = 0;
  }

  #watch(delay: number): void {
    this.#isWatching = true;
    const look = (): void => this.#clock.afterInput(() => this.#look());
    this.#clock.after(Math.max(1, delay), look, { keepAlive: false });
  }

  #look(): void {
    this.#isWatching = false;
    const now = this.#clock.now();
    for (;;) {
      this.#pass();
      const next = this.#waiting[this.#settled];
      if (next === undefined) break;
      if (next.at > now) {
        this.#watch(next.at - now);
        break;
      }
      next.call.expire();
    }
  }
}
