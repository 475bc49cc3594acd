/** A handle for an exclusive lease that was granted elsewhere: not valid before it is extended. */
import { HeldLease, type LeaseContext } from './lease.js';
import { exclusive } from './modes.js';

export function adoptLease(
  context: LeaseContext,
  { resource, token, owner, ttl }: Pick<HeldLease, 'resource' | 'token' | 'owner' | 'ttl'>,
): HeldLease {
  const mode = exclusive(context.members, resource);
  const keys = context.members.deployment.lockKeys(resource);
  const target = { verbs: mode.verbs, keys, value: `${token} ${owner}` };
  const since = context.clock.now() - ttl;
  return new HeldLease(context, {
    kind: mode.kind,
    resource,
    token,
    owner,
    ttl,
    since,
    target,
    queued: false,
  });
}
