/**
 * Acquiring a lease whose token is above a given one: for a guard that has forgotten its marks, and accepts only tokens
 * that were certainly issued since (StaleTokenError, reason "forgotten").
 *
 * Guarantees: the lease that is returned has a higher token. Tokens are times, so a lease whose token is too low is
 * given back, and asked for again when the nodes' clocks have passed the given token; if that is after the caller's
 * `wait`, an error is thrown at once.
 */
import { type Clock, pause, throwIfAborted, UnavailableError } from '@holdfast/kernel';
import type { HeldLease } from './lease.js';
import type { TokenClock } from './token-clock.js';

/** Between two tries when the token is too low although its time has come, as with a group of readers, in ms. */
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
    const early = Math.ceil((above - tokens.estimate()) / 1_000) + 1;
    const delay = Math.max(AGAIN, early);
    if (delay >= deadline - clock.now()) throw tooLow(request, lease.token, early);
    await pause(clock, delay, signal, closing);
    throwIfAborted(signal, `acquiring "${resource}"`);
  }
}

/** If the time of a higher token has come and it was not granted, readers hold the resource, and share their token. */
function tooLow({ above, resource, wait }: Request, token: number, early: number): UnavailableError {
  const what =
    early > 0
      ? `Tokens are times, and one above ${above} for "${resource}" can be granted in ${early} ms`
      : `"${resource}" is held by readers under token ${token}, which all who join them share; one above ${above} can be granted when they have released it`;
  return new UnavailableError(`${what}. Give a longer wait than ${Math.round(wait)} ms.`, []);
}
