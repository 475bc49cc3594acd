/**
 * Restarting the nodes of a deployment one after another: when the next one may be restarted.
 *
 * Guarantees: while no node is restarted sooner than this says, a lease that is renewed keeps a majority of nodes that
 * have it: renewals bring it back to a node as soon as the node votes again. Nothing is changed, with one exception: a
 * node that has restarted is asked for a vote, as by any client, because without clients its quarantine would never
 * begin. A deployment whose nodes are all new is left to `initialize` and to clients, since the first vote fixes its
 * parameters.
 */
import { inspectLock, type NodeState } from './inspect.js';
import type { Members } from './members.js';

/** The nodes of a deployment, and what restarting one of them would do. */
export interface NodesState {
  readonly nodes: readonly NodeState[];
  /**
   * In how many ms a node may be restarted without the loss of a renewed lease, if nothing happens until then; 0 for
   * now. Undefined while a node is away or does not fit, and if there are too few nodes to do without one.
   */
  readonly restartIn: number | undefined;
}

/** How long renewals are given to bring their leases to a node that votes again, in ms. */
const HEALED = 1_000;

/** @internal For tools of Holdfast. `readmission` is how long a node that has restarted votes on nothing, in ms. */
export function restartIn(
  nodes: readonly Pick<NodeState, 'state' | 'votesIn'>[],
  readmission: number,
): number | undefined {
  if (nodes.length < 3) return undefined;
  if (nodes.some(({ state }) => state === 'unreachable' || state === 'misfit')) return undefined;
  return Math.max(0, ...nodes.map(({ votesIn = readmission }) => votesIn + HEALED));
}

/** Looks at every node, by means of a lock whose name no real one can have. */
export async function inspectNodes(members: Members, timeout: number): Promise<NodesState> {
  let { nodes } = await inspectLock(members, timeout, '');
  const known = nodes.filter(({ state }) => state === 'voting' || state === 'quarantined').length;
  if (known >= members.deployment.quorum && nodes.some(({ state }) => state === 'unadmitted')) {
    await admit(members, timeout);
    ({ nodes } = await inspectLock(members, timeout, ''));
  }
  return { nodes, restartIn: restartIn(nodes, members.deployment.readmission) };
}

/** Asks every node for a vote that takes nothing. */
async function admit(members: Members, timeout: number): Promise<void> {
  const { lockKey } = members.deployment.lockKeys('');
  await members.ask(timeout * 5, {
    verb: members.verbs.survey,
    request: { lockKeys: [lockKey] },
    subject: lockKey,
    isDecided: (votes) => !votes.includes(undefined),
  });
}
