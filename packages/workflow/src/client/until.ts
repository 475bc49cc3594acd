/**
 * What ends a wait before its time: the caller's signal, or that the app is closed.
 *
 * Guarantees: a wait that begins on a closed app is a MisuseError. One that is under way ends at once, also while Redis does
 * not answer, with an AbortedError that says which of the two ended it. What it was waiting for goes on, and is not heard.
 */
import { AbortedError, MisuseError, onAbort, throwIfAborted } from '@holdfast/kernel';

/** Throws MisuseError. `closed`: of a store of the app. */
export function requireOpen(closed: AbortSignal): void {
  if (closed.aborted) {
    throw new MisuseError('The workflow app is closed; create or open another.');
  }
}

export class Until {
  /** Aborts when the wait ends before its time. */
  readonly signal: AbortSignal;
  readonly #doing: string;
  readonly #own: AbortSignal | undefined;

  /** Throws MisuseError, AbortedError. `doing` completes "Aborted while …". */
  constructor(doing: string, closed: AbortSignal, own: AbortSignal | undefined) {
    requireOpen(closed);
    throwIfAborted(own, doing);
    this.signal = own ? AbortSignal.any([own, closed]) : closed;
    this.#doing = doing;
    this.#own = own;
  }

  get error(): AbortedError {
    if (this.#own?.aborted) return new AbortedError(`Aborted while ${this.#doing}.`, this.#own.reason);
    return new AbortedError(`Aborted while ${this.#doing}: the app was closed.`, this.signal.reason);
  }

  /** The same for work that itself ends when the app is closed. */
  async ofEnding<T>(work: Promise<T>): Promise<T> {
    if (this.#own) return this.of(work);
    try {
      return await work;
    } catch (error) {
      throw this.signal.aborted ? this.error : error;
    }
  }

  /** Settles as `work` does, or rejects with AbortedError if the wait ends first. */
  async of<T>(work: Promise<T>): Promise<T> {
    let leave = (): void => {};
    const ended = new Promise<never>((_, reject) => {
      const end = (): void => reject(this.error);
      if (this.signal.aborted) end();
      else leave = onAbort(this.signal, end);
    });
    try {
      return await Promise.race([ended, work]);
    } finally {
      leave();
    }
  }
}
