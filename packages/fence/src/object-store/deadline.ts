/**
 * Work on a store that ends in time: when the time is up, the requests that are still under way are given up.
 */
import { setMaxListeners } from 'node:events';
import { type Clock, within } from '@holdfast/kernel';

/** Settles as `work` does, or rejects with an Error of `message` after `limit` ms; then aborts `work`'s signal. */
export async function withSignal<T>(
  clock: Clock,
  limit: number,
  work: (signal: AbortSignal) => Promise<T>,
  message: string,
): Promise<T> {
  const abort = new AbortController();
  // A client may add a listener for each request, and work is many requests.
  setMaxListeners(0, abort.signal);
  try {
    return await within(clock, limit, work(abort.signal), message);
  } finally {
    abort.abort();
  }
}
