/**
 * Letting the nodes vote at once, on the caller's word that no lease can exist.
 *
 * Guarantees: nodes that vote already are left as they are, and so are those with other parameters, unless these are to
 * be replaced. Reaching fewer than a majority is an error, and so is any node with other parameters.
 */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { type RedisNode, reasonOf } from '@holdfast/redis';
import type { Members } from './members.js';
import { forbidden } from './rights.js';
import { initializeScript } from './verbs.js';
import { describeMisfit } from './votes.js';

export interface InitializedNode {
  readonly node: string;
  /** "voting": it was voting already, and nothing was changed. */
  readonly outcome: 'initialized' | 'voting' | 'misfit' | 'unreachable';
  readonly reason?: string;
}

/** Throws UnavailableError, and MisuseError for nodes that have a record with other parameters or refuse the user. */
export async function initializeNodes(
  members: Members,
  timeout: number,
  replace: boolean,
): Promise<readonly InitializedNode[]> {
  const { quorum, recordKey, parameters } = members.deployment;
  const initialize = async (node: RedisNode): Promise<InitializedNode> => {
    await members.tried(node, timeout);
    const args = [parameters, replace ? '1' : '0'];
    const reply = await node.run(initializeScript, [recordKey], args, timeout);
    const [word, , detail] = Array.isArray(reply) ? reply : [];
    if (word === 'initialized' || word === 'voting') return { node: node.address, outcome: word };
    const reason = describeMisfit(String(detail), parameters);
    return { node: node.address, outcome: 'misfit', reason };
  };
  const outcomes = await Promise.all(
    members.nodes.map((node) =>
      initialize(node).catch((error: unknown) => ({
        node: node.address,
        outcome: 'unreachable' as const,
        reason: reasonOf(error),
      })),
    ),
  );
  const misfits = outcomes.filter(({ outcome }) => outcome === 'misfit');
  if (misfits.length > 0) {
    const lines = misfits.map(({ node, reason }) => `\n  ${node}: ${reason}`).join('');
    throw new MisuseError(
      `The deployment exists with other parameters; use those, or replace them when no client runs.${lines}`,
    );
  }
  const unreachable = outcomes.filter(({ outcome }) => outcome === 'unreachable');
  if (outcomes.length - unreachable.length >= quorum) return outcomes;
  const reasons = outcomes.map(({ node, outcome, reason }) => ({ node, reason: reason ?? outcome }));
  throw forbidden(reasons, quorum) ?? new UnavailableError('Too few nodes could be initialized.', reasons);
}
