/** Calls that are repeated as a good client repeats them. */
import { ProblemError, UnreachableError } from '@holdfast/client';

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Nothing more is asked: the run was stopped, or has failed. */
export class RunOverError extends Error {
  override readonly name = 'RunOverError';
}

/** Before the next try, in ms, where the server does not say when. */
const AGAIN = 200;
/** The longest pause, in ms, so that a run ends soon. */
const LONGEST = 1_000;

/**
 * Repeats an idempotent call until it is answered. Throws what trying again does not change; and, when `until` aborts, what it
 * was answered last.
 */
export async function insist<T>(call: () => Promise<T>, until?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!mayPass(error) || until?.aborted === true) throw error;
      await pause(Math.min((error instanceof ProblemError && error.retryAfter) || AGAIN, LONGEST));
    }
  }
}

/** Whether the server is away or busy. */
export const mayPass = (error: unknown): boolean =>
  (error instanceof UnreachableError && !(error.cause instanceof RunOverError)) ||
  (error instanceof ProblemError && (error.status === 429 || error.status >= 500));

export const isStatus = (error: unknown, ...statuses: readonly number[]): boolean =>
  error instanceof ProblemError && statuses.includes(error.status);

/** Whether a store of tokens may have forgotten some with its restart: it accepts those that are issued some seconds later. */
export const isForgotten = (error: unknown): boolean =>
  error instanceof ProblemError && error.status === 412 && error.problem['reason'] === 'forgotten';
