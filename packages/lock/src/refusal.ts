/** The consequences of a failed attempt: how long to wait before the next one, and the error if there is none. */
import { BusyError, backoff, UnavailableError } from '@holdfast/kernel';
import type { AcquireCall, AcquireContext, Acquisition, Failure } from './call.js';
import { FALLBACK } from './line.js';
import { count } from './votes.js';

/** How long to wait before the next attempt, in ms: until the lock may be free, but never in step with others. */
export function delayAfter(
  { random, members }: AcquireContext,
  { mode }: AcquireCall,
  { why, votes }: Failure,
  tries: number,
): number {
  if (why === 'split' || why === 'behind' || why === 'window' || why === 'join' || why === 'introduce') {
    return backoff(random, tries, { base: 8, limit: 100 });
  }
  if (why === 'busy') {
    const held = votes.flatMap((vote) => (vote?.kind === 'held' ? vote : []));
    const fallback = FALLBACK * (0.75 + random.unit() / 2);
    // The end of a lease that is not released is watched by the first waiter alone.
    if (held.filter(({ first }) => first).length * 2 <= held.length) return fallback;
    const { nodes, quorum } = members.deployment;
    const longest = held.map(({ remaining }) => remaining ?? 0).sort((a, b) => b - a);
    const expiry = mode.freeIn ?? longest[nodes - quorum] ?? 0;
    return Math.min(fallback, expiry + 1 + backoff(random, 0, { base: 4, limit: 4 }));
  }
  return backoff(random, tries, { base: 25, limit: 500 });
}

export function refusal(
  { members }: AcquireContext,
  { resource, wait, ttl }: Acquisition,
  { why, votes }: Failure,
): Error {
  const waited = wait > 0 ? ` after waiting ${Math.round(wait)} ms` : '';
  if (why === 'busy' || why === 'split' || why === 'join') {
    const held = votes.find((vote) => vote?.kind === 'held');
    const details = {
      resource,
      ...(held?.kind === 'held' && { token: held.token }),
      ...(held?.kind === 'held' && held.remaining !== undefined && { remaining: held.remaining }),
    };
    return new BusyError(`"${resource}" is held by somebody else${waited}; try again later.`, details);
  }
  const reasons = members.reasons(votes);
  if (why === 'slow') {
    const took = `The nodes granted "${resource}", but took longer than its TTL of ${ttl} ms leaves`;
    return new UnavailableError(`${took}; ask for a longer one.`, reasons);
  }
  const uninitialized = count(votes, 'quarantined') > 0;
  const hint = uninitialized
    ? ' Wait out the quarantine; or, if you know that no lease can exist, call initialize() or run "holdfast init".'
    : '';
  return new UnavailableError(`Too few nodes could vote on "${resource}"${waited}.${hint}`, reasons);
}
