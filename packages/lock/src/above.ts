/**
 * Acquiring a lease whose token is above a given one: for a guard that has forgotten its marks, and accepts only tokens
 * that were certainly issued since (StaleTokenError, reason "forgotten").
 *
 * Guarantees: the lease that is returned has a higher token. Tokens are times, so one that is too low is given back, and
 * asked for again when the nodes' clocks have passed the given one; if that is after the caller's `wait`, at once an error.
 */
import { type Clock, pause, throwIfAborted, UnavailableError } from '@holdfast/kernel';
import type { HeldLease } from './lease.js';
import type { TokenClock } from './token-clock.js';

/** Between two tries where the token is too low although its time has come, as that of a group of readers, in ms. */
const AGAIN = 25;

interface Context {
  readonly clock: Clock;
  readonly tokens: TokenClock;
  readonly closing: AbortSignal;
}

interface Request {
  readonly above?: number | undefined;
  readonly resource: string;
  readonly wait: number;
  readonly signal: AbortSignal | undefined;
}

/** Throws as `acquire` does, and UnavailableError if there is no such token within `wait`. */
export async function acquireAbove<R extends Request>(
  { clock, tokens, closing }: Context,
  request: R,
  acquire: (request: R) => Promise<HeldLease>,
): Promise<HeldLease> {
  const { above = 0, resource, signal } = request;
  const deadline = clock.now() + request.wait;
  for (;;) {
    const lease = await acquire({ ...request, wait: Math.max(0, deadline - clock.now()) });
    if (lease.token > above) return lease;
    await lease.release();
    const early = Math.max(AGAIN, Math.ceil((above - tokens.estimate()) / 1_000) + 1);
    if (early >= deadline - clock.now()) {
      throw new UnavailableError(
        `A lease on "${resource}" with a token above ${above} can be granted in ${early} ms; give a longer wait.`,
        [],
      );
    }
    await pause(clock, early, signal, closing);
    throwIfAborted(signal, `acquiring "${resource}"`);
  }
}
