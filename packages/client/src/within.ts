/** A call that is given up, so that it can be repeated while that helps. */

/**
 * Calls with a signal that aborts after `ms`, or with `signal`. What is given up may have been done.
 */
export async function within<Result>(
  ms: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const give = (): void => controller.abort(signal.reason);
  const timer = setTimeout(
    () => controller.abort(new Error(`there was no answer within ${Math.round(ms)} ms`)),
    ms,
  );
  signal.addEventListener('abort', give);
  try {
    return await call(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', give);
  }
}
