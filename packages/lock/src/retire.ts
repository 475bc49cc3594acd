/**
 * The end of a lease for good, whoever has its handle: afterwards nobody extends, resumes or adopts it.
 *
 * Guarantees: once it resolves, fewer nodes than a majority keep the lease or vouch for its token, and none of the
 * others will again. If too few nodes answer it rejects, and the lease may go on: then it is called again.
 */
import { display, MisuseError, requireName, requireToken, UnavailableError } from '@holdfast/kernel';
import type { LeaseKeys } from './deployment.js';
import { HeldLease, type Lease, misfit } from './lease.js';
import type { Members } from './members.js';
import { forbidden } from './rights.js';
import type { LeaseKind } from './telemetry.js';
import { count, isDecided } from './votes.js';

/** What identifies a lease in every process. */
export type Handle = Pick<Lease, 'resource' | 'token' | 'owner'>;

/** The checked parts of a handle. Throws MisuseError; also for a lease of this process that is of another kind. */
export function requireHandle(verb: string, holder: Handle, kind: LeaseKind): Handle {
  if (typeof holder !== 'object' || holder === null) {
    throw new MisuseError(`${verb} takes the resource, token and owner of a lease; got ${display(holder)}.`);
  }
  if (holder instanceof HeldLease && holder.kind !== kind) {
    throw new MisuseError(
      `${verb} takes leases of the kind ${kind}; "${holder.resource}" is of the kind ${holder.kind}.`,
    );
  }
  return {
    resource: requireName('resource', holder.resource),
    owner: requireName('owner', holder.owner),
    token: requireToken(holder.token),
  };
}

/** Throws UnavailableError, MisuseError. */
export async function retireLease(
  members: Members,
  { resource, token, owner }: Handle,
  keys: LeaseKeys,
): Promise<void> {
  const { deployment, verbs } = members;
  const { quorum } = deployment;
  const votes = await members.ask(deployment.maxTtl, {
    verb: verbs.retire,
    request: { target: { verbs: verbs.exclusive, keys, value: `${token} ${owner}` } },
    subject: keys.lockKey,
    isDecided: (cast) => isDecided(cast, quorum, 'retired'),
  });
  members.audit.requireDistinct();
  if (count(votes, 'retired') >= quorum) return;
  const reasons = members.reasons(votes);
  if (count(votes, 'misfit') > votes.length - quorum) throw misfit(reasons);
  if (count(votes, 'window') > votes.length - quorum) {
    throw new MisuseError(
      `token ${token} is ahead of the nodes' time, so it belongs to no lease on "${resource}"; give the one of the lease.`,
    );
  }
  if (count(votes, 'held') > votes.length - quorum) {
    throw new MisuseError(
      `token ${token} of "${resource}" is that of readers or of another owner; give those of an exclusive lease.`,
    );
  }
  const denied = forbidden(reasons, quorum);
  if (denied) throw denied;
  throw new UnavailableError(
    `Too few nodes answered to retire the lease on "${resource}"; it may go on, so try again.`,
    reasons,
  );
}
