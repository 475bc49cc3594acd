/**
 * The end of a lease for good, whoever has its handle: afterwards nobody extends, resumes or adopts it.
 *
 * Guarantees: once it resolves, fewer nodes than a majority keep the lease or vouch for its token, and none of the
 * others will again. If too few nodes answer it rejects, and the lease may go on: then it is called again.
 */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { type Lease, misfit } from './lease.js';
import type { Members } from './members.js';
import { forbidden } from './rights.js';
import { count, isDecided } from './votes.js';

/** Throws UnavailableError, MisuseError. */
export async function retireLease(
  members: Members,
  { resource, token, owner }: Pick<Lease, 'resource' | 'token' | 'owner'>,
): Promise<void> {
  const { deployment, verbs } = members;
  const { quorum } = deployment;
  const keys = deployment.lockKeys(resource);
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
