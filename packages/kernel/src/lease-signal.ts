/**
 * The AbortSignal of a lease: aborts a little before the lease's validity ends.
 *
 * Guarantees: `aborted` and `reason` tell the truth at the moment they are read, even when the process was paused and
 * no timer has run since. A signal that nobody asked for costs nothing: no controller, no timer.
 */
import type { Clock, Timer } from './clock.js';
import type { HoldfastError } from './errors.js';

export interface LeaseSignalOptions {
  /** Returns the monotonic time, in ms, at which the signal is to abort; it may move while the signal lives. */
  readonly ends: () => number;
  readonly reason: () => HoldfastError;
  readonly onAbort: (reason: HoldfastError) => void;
}

export class LeaseSignal {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #options: LeaseSignalOptions;
  #timer: Timer | undefined;

  constructor(clock: Clock, options: LeaseSignalOptions) {
    this.#clock = clock;
    this.#options = options;
    const read = (name: 'aborted' | 'reason') => ({
      configurable: true,
      get: () => {
        this.check();
        return Reflect.get(AbortSignal.prototype, name, this.#controller.signal);
      },
    });
    Object.defineProperties(this.#controller.signal, { aborted: read('aborted'), reason: read('reason') });
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts if the time has come; returns whether the signal is aborted. */
  check(): boolean {
    const { signal } = this.#controller;
    if (Reflect.get(AbortSignal.prototype, 'aborted', signal)) return true;
    if (this.#clock.now() < this.#options.ends()) return false;
    this.abort(this.#options.reason());
    return true;
  }

  abort(reason: HoldfastError): void {
    this.stop();
    this.#controller.abort(reason);
    this.#options.onAbort(reason);
  }

  /** Ends the watch without aborting, because the work under the lease has ended well. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    const delay = Math.max(0, this.#options.ends() - this.#clock.now());
    this.#timer = this.#clock.after(
      delay,
      () => {
        if (!this.check()) this.#arm();
      },
      { keepAlive: false },
    );
  }
}
