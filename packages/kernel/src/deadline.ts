/**
 * Waiting that ends: by a time, by the caller's signal, or by success, whichever comes first.
 */
import type { Clock, Timer } from './clock.js';
import { AbortedError } from './errors.js';

/** Throws AbortedError if `signal` is aborted; `doing` completes "Aborted while …". */
export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw new AbortedError(`Aborted while ${doing}.`, signal.reason);
}

/** Resolves after `delay` milliseconds, or as soon as one of `signals` aborts; never rejects. */
export function pause(
  clock: Clock,
  delay: number,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<void> {
  return new Promise((resolve) => {
    if (signals.some((signal) => signal?.aborted)) return resolve();
    const done = (): void => {
      timer.cancel();
      for (const signal of signals) signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(delay, done);
    for (const signal of signals) signal?.addEventListener('abort', done, { once: true });
  });
}

/** Settles as `work` does, or rejects with an Error of `message` after `limit` milliseconds. */
export async function within<T>(clock: Clock, limit: number, work: Promise<T>, message: string): Promise<T> {
  let timer: Timer | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = clock.after(limit, () => clock.afterInput(() => reject(new Error(message))));
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    timer?.cancel();
  }
}
