/**
 * The deadlines of calls, or of waits, that are all given the same time: one timer for as many as are under way.
 *
 * Guarantees: a call that has not ended within the time is expired, after the input that had arrived by then was read:
 * a stall of this process is not mistaken for silence of the server. A call that has ended is not kept.
 */
import type { Clock } from '@holdfast/kernel';

/** A call that is under way. It is a link in the list of them itself, because there may be thousands. */
export abstract class Timed {
  /** By the monotonic clock, in ms. */
  readonly deadline: number;
  /** @internal */
  before: Timed | undefined;
  /** @internal */
  after: Timed | undefined;

  constructor(deadline: number) {
    this.deadline = deadline;
  }

  abstract expire(): void;
}

export class Deadlines {
  readonly #clock: Clock;
  /** The head of the list of calls, which is in the order in which they began, and so in that of their deadlines. */
  #first: Timed | undefined;
  #last: Timed | undefined;
  #isWatching = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(call: Timed): void {
    call.before = this.#last;
    if (this.#last) this.#last.after = call;
    else this.#first = call;
    this.#last = call;
    if (!this.#isWatching) this.#watch(call.deadline);
  }

  /** A call may end twice: one that has expired may still be answered. */
  ended(call: Timed): void {
    const { before, after } = call;
    if (before === undefined && this.#first !== call) return;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    call.before = undefined;
    call.after = undefined;
  }

  /** Expires every call that is under way. */
  expireAll(): void {
    for (let call = this.#first; call; call = this.#first) this.#expire(call);
  }

  #expire(call: Timed): void {
    this.ended(call);
    call.expire();
  }

  #watch(deadline: number): void {
    this.#isWatching = true;
    const look = (): void => this.#clock.afterInput(() => this.#look());
    this.#clock.after(Math.max(1, deadline - this.#clock.now()), look, { keepAlive: false });
  }

  #look(): void {
    this.#isWatching = false;
    const now = this.#clock.now();
    for (let call = this.#first; call; call = this.#first) {
      if (call.deadline > now) {
        this.#watch(call.deadline);
        return;
      }
      this.#expire(call);
    }
  }
}
