/**
 * Work that a caller no longer waits for once the caller's signal has aborted.
 *
 * Guarantees: a signal that has aborted before begins nothing. Work that has begun goes on, and what it gives is dropped.
 */
import { AbortedError, onAbort, throwIfAborted } from '@holdfast/kernel';

/** Settles as the work does, or rejects with AbortedError; `doing` completes "Aborted while …". */
export async function untilAborted<T>(
  signal: AbortSignal | undefined,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal, doing);
  if (signal === undefined) return work();
  let leave = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    leave = onAbort(signal, () => reject(new AbortedError(`Aborted while ${doing}.`, signal.reason)));
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    leave();
  }
}
