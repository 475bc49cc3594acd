/**
 * Whose token a task is added under: a lease, or a task that a remote worker has, by its handle.
 *
 * Guarantees: the token is one that was granted to the caller, who may still hold such a lease or work on that queue. The queue
 * compares it in the step in which it adds. That the lease is valid is not asked: a higher token tells who is late.
 */
import type { TokenClaim } from '@holdfast/kernel';
import { RequestError } from '../errors.js';
import { deliveryOf } from './claims.js';
import { heldBy } from './leases.js';
import type { Call } from './operation.js';
import type { Holder } from './tasks.js';

/** Throws RequestError, ForbiddenError. */
export function holderOf(
  { systems, caller }: Pick<Call, 'systems' | 'caller'>,
  { lease, claim, resource }: Holder,
): TokenClaim {
  if ((lease === undefined) === (claim === undefined)) {
    throw new RequestError('A holder is a lease or a claim: give the handle of one of them.', {
      fields: [{ field: 'body.holder', message: 'has not exactly one of "lease" and "claim"' }],
    });
  }
  const held =
    claim === undefined ? ofLease({ systems, caller, lease }) : ofClaim({ systems, caller, lease: claim });
  const found = held.find((each) => resource === undefined || each.resource === resource);
  if (found) return found;
  throw new RequestError('The holder does not hold this resource.', {
    fields: [{ field: 'body.holder.resource', message: 'is not among those of the holder' }],
  });
}

type Holding = Pick<Call, 'systems' | 'caller' | 'lease'>;

function ofLease(call: Holding): readonly TokenClaim[] {
  const { leases, issuer } = heldBy(call);
  return leases.map(({ resource, token }) => ({ resource, token, issuer }));
}

function ofClaim(call: Holding): readonly TokenClaim[] {
  const { ref, issuer } = deliveryOf(call);
  if (issuer !== undefined) return [{ resource: `${issuer}/${ref.id}`, token: ref.token, issuer }];
  throw new RequestError('The claim is of an earlier version of the server; claim tasks again.');
}
