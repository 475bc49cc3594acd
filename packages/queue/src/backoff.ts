/**
 * How long a task waits after a failed attempt.
 */
import { display, MisuseError, type Random, requireDuration, requireKnown } from '@holdfast/kernel';
import type { Report } from './health.js';
import { messageOf } from './thrown.js';

export interface Backoff {
  /** "constant": always `delay`; "linear": `delay` times the attempt; "exponential": doubled each time. */
  readonly type: 'constant' | 'linear' | 'exponential';
  /** In ms, of the first retry. */
  readonly delay: number;
  /** In ms, the longest. Default 3600000. */
  readonly limit?: number;
  /** The part of the delay that is left to chance, from 0 to 1, so that those who failed together do not come back together. Default 0.5. */
  readonly jitter?: number;
}

/**
 * Gives the delay in ms before attempt number `attempt + 1`, from the error of attempt number `attempt`. A negative one is
 * 0. Where it throws, or gives what is no number, such as a promise, the queue's backoff takes its place, and the worker's
 * `onError` is told.
 */
export type CustomBackoff = (attempt: number, error: unknown) => number;

export const DEFAULT_BACKOFF: Backoff = { type: 'exponential', delay: 1_000 };

const TYPES: readonly unknown[] = ['constant', 'linear', 'exponential'];

/** Throws MisuseError if it is none. */
export function requireBackoff(backoff: Backoff): Backoff {
  if (typeof backoff !== 'object' || backoff === null || !TYPES.includes(backoff.type)) {
    const shown = typeof backoff === 'object' && backoff !== null ? backoff.type : backoff;
    throw new MisuseError(`backoff.type is one of ${TYPES.join(', ')}; got ${display(shown)}.`);
  }
  requireKnown('backoff', backoff, ['type', 'delay', 'limit', 'jitter']);
  requireDuration('backoff.delay', backoff.delay);
  if (backoff.limit !== undefined) requireDuration('backoff.limit', backoff.limit);
  const { jitter = 0 } = backoff;
  if (typeof jitter !== 'number' || !(jitter >= 0 && jitter <= 1)) {
    throw new MisuseError(`backoff.jitter is a number from 0 to 1; got ${display(jitter)}.`);
  }
  return backoff;
}

/** In ms, after attempt number `attempt` (from 1) failed. */
function delayAfter(backoff: Backoff, attempt: number, random: Random): number {
  const { type, delay, limit = 3_600_000, jitter = 0.5 } = backoff;
  const times = type === 'constant' ? 1 : type === 'linear' ? attempt : 2 ** Math.min(attempt - 1, 40);
  const full = Math.min(limit, delay * times);
  return Math.round(full * (1 - jitter * random.unit()));
}

interface FailedAttempt {
  readonly attempt: number;
  readonly error: unknown;
  /** In place of a custom backoff that gives no delay. */
  readonly fallback: Backoff;
  readonly random: Random;
  readonly report: Report;
}

/** In ms. Never throws. */
export function delayFor(backoff: Backoff | CustomBackoff, failed: FailedAttempt): number {
  const { attempt, error, fallback, random, report } = failed;
  if (typeof backoff !== 'function') return delayAfter(backoff, attempt, random);
  try {
    const delay: unknown = backoff(attempt, error);
    if (typeof delay === 'number' && Number.isFinite(delay)) return Math.max(0, Math.round(delay));
    Promise.resolve(delay).catch(() => {}); // nobody else waits for a promise that it may be
    throw new MisuseError(`it gave ${display(delay)}`);
  } catch (cause) {
    const what = 'backoff is a function that returns a finite number of milliseconds, not a promise';
    report(new MisuseError(`${what}: ${messageOf(cause)}. The queue's backoff took its place.`, { cause }));
    return delayAfter(fallback, attempt, random);
  }
}
