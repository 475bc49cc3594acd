/**
 * How long failed work waits before it is tried again, as users define it: as data, or by a function of their own.
 *
 * Guarantees: `delayFor` returns a delay whatever a user's function does.
 */
import { MisuseError } from './errors.js';
import { duration, fitting, group, oneOf, optional, type Reader, type Readers } from './option-readers.js';
import { display } from './options.js';
import type { Random } from './random.js';
import { messageOf } from './thrown.js';

export interface Backoff {
  /** "constant": always `delay`; "linear": `delay` times the attempt; "exponential": doubled each time. */
  readonly type: 'constant' | 'linear' | 'exponential';
  /** The delay of the first retry, in ms. */
  readonly delay: number;
  /** The longest delay, in ms. Default 3600000. */
  readonly limit?: number;
  /**
   * The part of the delay that is random, from 0 to 1, so that work that failed together does not come back together.
   * Default 0.5.
   */
  readonly jitter?: number;
}

/**
 * Returns the delay in ms before attempt number `attempt + 1`, from the error of attempt number `attempt`. A negative
 * delay counts as 0. If the function throws, or returns something other than a number, such as a promise, the backoff
 * that it overrides takes its place, and `onError` is called.
 */
export type CustomBackoff = (attempt: number, error: unknown) => number;

export const DEFAULT_BACKOFF: Backoff = { type: 'exponential', delay: 1_000 };

const BACKOFF = group({
  type: oneOf('constant', 'linear', 'exponential'),
  delay: duration(),
  limit: optional(duration()),
  jitter: optional(
    fitting<number>('a number from 0 to 1', (value) => Number(value) === value && value >= 0 && value <= 1),
  ),
} satisfies Readers<Backoff>);

/** Reads a backoff as it is given, since it is kept: without defaults. */
export const readBackoff: Reader<Backoff> = (option, value) => {
  BACKOFF(option, value);
  return value as Backoff;
};

/** The delay in ms after attempt number `attempt` (from 1) has failed. */
function delayAfter(backoff: Backoff, attempt: number, random: Random): number {
  const { type, delay, limit = 3_600_000, jitter = 0.5 } = backoff;
  const times = type === 'constant' ? 1 : type === 'linear' ? attempt : 2 ** Math.min(attempt - 1, 40);
  const full = Math.min(limit, delay * times);
  return Math.round(full * (1 - jitter * random.unit()));
}

interface FailedAttempt {
  readonly attempt: number;
  readonly error: unknown;
  /** The backoff that replaces a custom one that returns no delay. */
  readonly fallback: Backoff;
  readonly random: Random;
  /** Called with the reason why a custom backoff returned no delay. */
  readonly report: (error: unknown) => void;
}

/** The delay before the next attempt, in ms. Never throws. */
export function delayFor(backoff: Backoff | CustomBackoff, failed: FailedAttempt): number {
  const { attempt, error, fallback, random, report } = failed;
  if (typeof backoff !== 'function') return delayAfter(backoff, attempt, random);
  try {
    const delay: unknown = backoff(attempt, error);
    if (typeof delay === 'number' && Number.isFinite(delay)) return Math.max(0, Math.round(delay));
    Promise.resolve(delay).catch(() => {}); // if it is a promise, nobody else waits for it
    throw new MisuseError(`it gave ${display(delay)}`);
  } catch (cause) {
    const what = 'backoff is a function that returns a finite number of milliseconds, not a promise';
    report(
      new MisuseError(`${what}: ${messageOf(cause)}. The backoff that it overrides took its place.`, {
        cause,
      }),
    );
    return delayAfter(fallback, attempt, random);
  }
}
