/**
 * Calls that are under way when the locks are closed.
 *
 * Guarantees: they reject with an AbortedError that says so, and not as if the nodes were away; a call that failed for
 * another reason keeps its own error.
 */
import { AbortedError, LeaseLostError, UnavailableError } from '@holdfast/kernel';

/** For a call that began before the locks were closed, and would go on. Throws AbortedError. */
export function throwIfClosed(closing: AbortSignal, doing: string): void {
  if (closing.aborted) throw new AbortedError(`The locks were closed while ${doing}.`, closing.reason);
}

/** Resolves as `work` does, unless it failed because the locks were closed meanwhile. */
export async function unlessClosed<T>(closing: AbortSignal, doing: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof LeaseLostError) throwIfClosed(closing, doing);
    throw error;
  }
}
