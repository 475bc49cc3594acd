/**
 * A lease that was granted elsewhere, continued here: a handle that is not valid before it is extended.
 *
 * Guarantees: the lease is returned only if the nodes have extended it; otherwise its handle is of no use to anybody.
 */
import { propose } from './attempt.js';
import { HeldLease, type LeaseContext } from './lease.js';
import type { Mode } from './modes.js';
import type { Handle } from './retire.js';

/** Throws as `lease.extend` does. */
export async function adoptLease(
  context: LeaseContext,
  mode: Mode,
  { token, owner, ttl }: Handle & Pick<HeldLease, 'ttl'>,
): Promise<HeldLease> {
  const since = context.clock.now() - ttl;
  const lease = new HeldLease(context, propose({ mode, owner, ttl, place: undefined }, token, since));
  try {
    await lease.extend(ttl);
    return lease;
  } catch (error) {
    lease.disown(lease.error('could not be adopted', { cause: error }));
    throw error;
  }
}
