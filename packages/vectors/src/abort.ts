/** Waiting that ends with a caller's signal. */
import { AbortedError, onAbort } from '@holdfast/kernel';

/** Settles as `work` does, or rejects with an AbortedError as soon as the caller's signal aborts. */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  doing: string,
  work: Promise<T>,
): Promise<T> {
  let leave = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(new AbortedError(`Aborted while ${doing}.`, signal?.reason));
    if (signal?.aborted) abort();
    else leave = onAbort(signal, abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    leave();
  }
}
