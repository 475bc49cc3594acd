/**
 * Nodes that do not let this client's user do what it asks.
 *
 * Guarantees: such a user gets one error, wherever it is noticed: a MisuseError, as from guards and queues, because
 * retrying does not help.
 */
import type { MisuseError, NodeReason } from '@holdfast/kernel';
import { FORBIDDEN_ADVICE, isForbidden, MissingRightsError } from '@holdfast/redis';

/** The error if so many nodes refuse this user that no majority can answer; undefined if fewer do. */
export function forbidden(reasons: readonly NodeReason[], quorum: number): MisuseError | undefined {
  const refused = reasons.filter(({ reason }) => isForbidden(reason));
  if (refused.length <= reasons.length - quorum) return undefined;
  const lines = refused.map(({ node, reason }) => `\n  ${node}: ${reason}`).join('');
  return new MissingRightsError(`The nodes do not let this user do that. ${FORBIDDEN_ADVICE}${lines}`);
}
