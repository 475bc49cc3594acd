/**
 * The server's time, as it can be known here.
 *
 * Guarantees: `now` is never behind the server's time, as long as its clock is not set forward, and ahead of it by no more
 * than an answer took. So what expires is not shown after its time.
 */
import type { Clock } from '@holdfast/kernel';

/** Answers that count: after so many, a clock that was set is followed. */
const LATEST = 4;

export class ServerTime {
  readonly #clock: Clock;
  readonly #offsets: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A call that was sent at `sent`, by the clock here, was answered with the server's time in whole ms. */
  note(sent: number, time: number): void {
    this.#offsets.push(time + 1 - sent);
    if (this.#offsets.length > LATEST) this.#offsets.shift();
  }

  /** In ms since the epoch of time. */
  now(): number {
    return this.#clock.now() + Math.min(...this.#offsets);
  }
}
