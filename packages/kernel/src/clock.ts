/**
 * Time, as a value that is passed in. The system clock below is the only place in Holdfast that reads the
 * machine's time or sets a timer; the simulator and the tests pass another clock.
 *
 * Guarantees: `now` never goes backwards; `wall` may, and nothing but the proposal of tokens reads it.
 */

/** A timer that has not fired yet. */
export interface Timer {
  cancel(): void;
}

export interface TimerOptions {
  /** Whether the pending timer keeps the process alive. Default true. */
  readonly keepAlive?: boolean;
}

export interface Clock {
  /** Milliseconds on a monotonic clock of unspecified origin, with fractions. Validity is measured on it. */
  now(): number;
  /** Microseconds since the Unix epoch by the machine's wall clock, an integer. */
  wall(): number;
  /** Calls `callback` once, not before `delay` milliseconds. */
  after(delay: number, callback: () => void, options?: TimerOptions): Timer;
  /** Calls `callback` once input that has already arrived at the process has been handled. */
  afterInput(callback: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  after(delay, callback, options) {
    const timer = setTimeout(callback, delay);
    if (options?.keepAlive === false) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  afterInput(callback) {
    setImmediate(callback);
  },
};
