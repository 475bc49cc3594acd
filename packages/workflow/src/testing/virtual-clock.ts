/**
 * A clock for tests: time passes only when nothing else is left to do, and then jumps to the next timer.
 *
 * Guarantees: a test over virtual days takes as long as its code. What a body does outside of the clock (a file, a socket)
 * is not waited for: replace it in tests.
 */
import { type Clock, systemClock, type Timer } from '@holdfast/kernel';

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Turns of the event loop without anything that the clock knows of, after which time passes. */
const QUIET = 20;

export class VirtualClock implements Clock {
  /** In ms since the epoch. */
  #time: number;
  #timers: Waiting[] = [];
  #made = 0;
  /** Something has been asked for since it was last looked at. */
  #isBusy = false;

  constructor(start = 1_700_000_000_000) {
    this.#time = start;
  }

  now(): number {
    return this.#time;
  }

  wall(): number {
    return this.#time * 1_000;
  }

  after(delay: number, callback: () => void): Timer {
    this.#made += 1;
    this.#isBusy = true;
    const timer = { at: this.#time + Math.max(0, Math.ceil(delay)), order: this.#made, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      },
    };
  }

  afterInput(callback: () => void): void {
    this.#isBusy = true;
    systemClock.afterInput(callback);
  }

  /**
   * Lets everything happen until `isDone`, and no time pass once that is so. Throws an Error if time has to pass beyond
   * `limit` ms for it.
   */
  async until(isDone: () => boolean, limit: number): Promise<void> {
    const end = this.#time + limit;
    while (!isDone()) {
      if (!(await this.#isQuiet(isDone))) continue;
      if (!this.#ring(end)) throw new Error(`nothing more happens within ${limit} ms of virtual time`);
    }
  }

  /** Lets `delay` ms pass, and everything happen in them. */
  async pass(delay: number): Promise<void> {
    const end = this.#time + delay;
    do {
      await this.#isQuiet(() => false);
    } while (this.#ring(end));
    this.#time = end;
  }

  /** Lets time pass until the next timer fires; false if there is none up to `end`. */
  #ring(end: number): boolean {
    const next = this.#timers.reduce<Waiting | undefined>(
      (first, each) => (first && isBefore(first, each) ? first : each),
      undefined,
    );
    if (next === undefined || next.at > end) return false;
    this.#timers = this.#timers.filter((each) => each !== next);
    this.#time = Math.max(this.#time, next.at);
    next.callback();
    return true;
  }

  /** Resolves to true when nothing has happened for some turns of the event loop. */
  async #isQuiet(isDone: () => boolean): Promise<boolean> {
    for (let quiet = 0; quiet < QUIET; quiet += 1) {
      this.#isBusy = false;
      await new Promise<void>((resolve) => systemClock.afterInput(resolve));
      if (isDone()) return false;
      if (this.#isBusy) quiet = -1;
    }
    return true;
  }
}

const isBefore = (one: Waiting, other: Waiting): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
