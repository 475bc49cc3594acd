/**
 * One server that keeps data, alone, behind sentinels, or with nearly all slots of a Cluster, and the faults that it is put under.
 *
 * Guarantees: alone it takes turns, stage by stage: it keeps what it acknowledges, or forgets up to a second of that with its
 * power. It is never emptied, since what is left of data then is plain.
 */
import { seededRandom } from '@holdfast/kernel';
import type { PlannedFault } from '../nemesis/fault.js';
import { oneAtATime } from '../nemesis/one-at-a-time.js';
import { drawSchedule } from '../nemesis/schedule.js';
import type { Call } from '../options.js';
import type { Episode } from '../subject.js';
import { deployCluster } from './cluster.js';
import { ANY_SLOT, type Deployed } from './deployment.js';
import { deployQuorum } from './quorum.js';
import { deploySentinel } from './sentinel.js';

/** Those that have nothing to do with data on one server, or whose outcome is plain. */
const LEFT_OUT = /ledger|clock|disk|flush/;

export function deployOneServer({ topology, clients }: Call, stage: number): Promise<Deployed> {
  const options = { nodes: 1, clients, clocks: false };
  if (topology === 'sentinel') return deploySentinel({ ...options, persistence: 'everysec' });
  if (topology === 'cluster') return deployCluster({ ...options, persistence: 'everysec', key: ANY_SLOT });
  return deployQuorum({ ...options, persistence: stage % 2 === 0 ? 'synchronous' : 'everysec' });
}

export function drawServerFaults(
  { seed, clients, deployed }: Episode,
  duration: number,
): readonly PlannedFault[] {
  const schedule = drawSchedule(seededRandom(seed), {
    kinds: deployed.kinds.filter((kind) => !LEFT_OUT.test(kind)),
    duration,
    clients,
    mayForget: false,
    nodes: deployed.nodes.length,
    watchers: deployed.watchers.length,
  });
  return deployed.watchers.length > 0 ? oneAtATime(schedule) : schedule;
}
