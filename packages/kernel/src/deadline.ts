/**
 * Waiting that ends: by a time, by the caller's signal, or by success, whichever comes first.
 */
import type { Clock, Timer } from './clock.js';
import { AbortedError } from './errors.js';

/**
 * The listeners to a caller's signal: our only listener on it calls them all, as Node takes more than ten for a leak.
 */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `listener`, which must not throw, when `signal` aborts. Returns a function that ends that. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  const all = listeners.get(signal) ?? listenTo(signal);
  all.add(listener);
  return () => {
    all.delete(listener);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  listeners.set(signal, all);
  signal.addEventListener('abort', () => all.forEach((listener) => void listener()), { once: true });
  return all;
}

/** Throws AbortedError if `signal` is aborted; `doing` completes "Aborted while …". */
export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw new AbortedError(`Aborted while ${doing}.`, signal.reason);
}

/**
 * Settles as `work` does, or rejects with AbortedError as soon as `signal` aborts; `doing` completes "Aborted while …". Work that goes
 * on is dropped, and so is its error.
 */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  doing: string,
  work: Promise<T>,
): Promise<T> {
  if (signal === undefined) return work;
  let leave = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(new AbortedError(`Aborted while ${doing}.`, signal.reason));
    if (signal.aborted) abort();
    else leave = onAbort(signal, abort);
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    leave();
  }
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
      for (const leave of heard) leave();
      resolve();
    };
    const timer = clock.after(delay, done);
    const heard = signals.map((signal) => onAbort(signal, done));
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
