/** A handle for an exclusive lease that was granted elsewhere: not valid before it is extended. */
import { propose } from './attempt.js';
import { HeldLease, type LeaseContext } from './lease.js';
import { exclusive } from './modes.js';

export function adoptLease(
  context: LeaseContext,
  { resource, token, owner, ttl }: Pick<HeldLease, 'resource' | 'token' | 'owner' | 'ttl'>,
): HeldLease {
  const mode = exclusive(context.members, resource);
  const since = context.clock.now() - ttl;
  return new HeldLease(context, propose({ mode, owner, ttl, place: undefined }, token, since));
}
