/** When the next node may be restarted without the loss of a renewed lease: from the facts, and in words. */

import { formatDuration } from '@holdfast/kernel';
import { restartIn } from '../restarts.js';
import type { Facts, NodeFacts } from './facts.js';
import type { Finding } from './findings.js';
import { readParameters } from './parameters.js';

/** Undefined while a node is away or cannot vote for a reason other than a quarantine, or if no node can be spared. */
export function restartFrom({ nodes, deployment }: Facts, found: readonly Finding[]): number | undefined {
  const isSynchronous = readParameters(deployment.parameters).get('persistence') === 'synchronous';
  const stateOf = ({ node, record }: NodeFacts) => {
    const stopping = found.filter((finding) => finding.stopsVotes && finding.node === node);
    const votesIn = typeof record === 'object' ? record.votesIn : undefined;
    if (stopping.length === 0) return { state: 'voting', votesIn } as const;
    const forgot = record === 'none' || stopping.every(({ check }) => check === 'quarantine');
    if (!forgot) return { state: 'unreachable' } as const;
    return votesIn !== undefined && votesIn > 0
      ? ({ state: 'quarantined', votesIn } as const)
      : ({ state: 'unadmitted' } as const);
  };
  return restartIn(nodes.map(stateOf), isSynchronous ? 0 : deployment.quarantine);
}

export function sayRestart(delay: number | undefined): string {
  if (delay === undefined) return 'No node may be restarted now: a renewed lease could be lost.';
  return delay === 0
    ? 'A node may be restarted now.'
    : `The next node may be restarted in ${formatDuration(Math.ceil(delay / 100) * 100)}, if it is the only one until then.`;
}
