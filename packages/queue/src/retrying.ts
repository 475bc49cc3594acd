/**
 * Repeating an add while Redis is away: `retry: { within }` of a queue.
 *
 * Guarantees: the task is added once, however many calls have arrived, and however late: all of them carry one
 * deduplication key. An add that was given one of its own is repeated where that speaks for it, or where nothing was
 * done. Any other error, and one after the time, is thrown.
 */
import { backoff, pause, UnavailableError } from '@holdfast/kernel';
import type { QueuePort } from './port.js';
import type { Retry } from './queue-options.js';
import type { AddSettings } from './task-options.js';

/** For how long after the last repetition an earlier call may still arrive, in ms. */
export const LATE = 60_000;

/** The options of an add that may be repeated. */
export function repeatable(options: AddSettings, { within }: Retry, port: QueuePort): AddSettings {
  const { id = port.random.id(), deduplicate } = options;
  const key = `retry:${port.random.id()}`;
  const own = { key, within: within + LATE, keep: 'first', until: undefined } as const;
  return { ...options, id, deduplicate: deduplicate ?? own };
}

/** Repeats `add` until it succeeds, fails for good, or the time is over. */
export async function withinTime<T>(
  add: () => Promise<T>,
  options: Pick<AddSettings, 'deduplicate'>,
  { within }: Retry,
  port: QueuePort,
): Promise<T> {
  const { clock, random } = port;
  const end = clock.now() + within;
  for (let tries = 1; ; tries += 1) {
    try {
      return await add();
    } catch (error) {
      const left = end - clock.now();
      if (left <= 0 || port.closed.aborted || !mayRepeat(error, options, within)) throw error;
      await pause(clock, Math.min(left, backoff(random, tries, { base: 20, limit: 500 })), port.closed);
    }
  }
}

function mayRepeat(
  error: unknown,
  { deduplicate }: Pick<AddSettings, 'deduplicate'>,
  within: number,
): boolean {
  if (!(error instanceof UnavailableError)) return false;
  if (/nothing was done/.test(error.message)) return true;
  // A window that ends with its task may be over by then.
  if (deduplicate === undefined || deduplicate.until !== undefined) return false;
  return deduplicate.keep === 'first' && deduplicate.within > within;
}
