/**
 * The locks under faults: clients ask for leases, extend, write under a guard, release or forget; then every client
 * must be granted every resource, and the history must be linearizable.
 */
import { seededRandom } from '@holdfast/kernel';
import { checkHistory } from '../check/index.js';
import { deployCluster } from '../deployment/cluster.js';
import type { Deployed, DeployOptions, Persistence } from '../deployment/deployment.js';
import { deployQuorum } from '../deployment/quorum.js';
import { deploySentinel } from '../deployment/sentinel.js';
import type { HistoryEvent } from '../history/event.js';
import { readHistories } from '../history/read.js';
import { drawSchedule } from '../nemesis/schedule.js';
import type { Call } from '../options.js';
import { increase, type Subject } from '../subject.js';
import { judgeLedger } from '../validation/ledger.js';
import { type Assignment, LEDGERS, SEMAPHORES } from './assignment.js';
import { programBeside } from './clients.js';

/** Besides the quarantine and the TTLs, what every client may have to wait at the end for each resource, in ms. */
const PATIENCE = 12_000;

const SHORTEST = 15_000;
const LONGEST = 40_000;

const PERSISTENCES: readonly Persistence[] = ['everysec', 'none', 'synchronous'];
const DEPLOYERS: Record<Call['topology'], (options: DeployOptions) => Promise<Deployed>> = {
  quorum: deployQuorum,
  sentinel: deploySentinel,
  cluster: deployCluster,
};

export const locks: Subject<Omit<Assignment, 'name' | 'history' | 'seed'>> = {
  stage: 3,

  deploy({ topology, nodes, clients, persistence }, stage) {
    // A deployment in which replicas may take over cannot be called synchronous.
    const kinds = topology === 'quorum' ? PERSISTENCES : PERSISTENCES.slice(0, 2);
    const drawn = kinds[stage % kinds.length] ?? 'none';
    return DEPLOYERS[topology]({
      nodes,
      clients,
      persistence: persistence === 'mixed' ? drawn : persistence,
      clocks: stage % 2 === 0,
    });
  },

  prepare({ number, seed, clients, workers, deployed }) {
    const entries = `episode-${number}`;
    const grantedWithin = 2 * deployed.parameters.maxTtl + PATIENCE + deployed.settling;
    return {
      duration: SHORTEST + seededRandom(seed ^ 1).unit() * (LONGEST - SHORTEST),
      program: programBeside(import.meta.url),
      finishWithin: 2 * grantedWithin,
      assign: (client) => ({
        reach: deployed.reach(client),
        ledger: `redis://127.0.0.1:${deployed.ledgerLinks[client]?.port}`,
        entries,
        parameters: deployed.parameters,
        workers,
        shares: deployed.clocks === undefined,
        grantedWithin,
      }),
      drawSchedule: (duration) =>
        drawSchedule(seededRandom(seed), {
          ...deployed,
          duration,
          nodes: deployed.nodes.length,
          watchers: deployed.watchers.length,
          clients,
        }),
      async judge(folder) {
        const events = readHistories(folder);
        return {
          counts: countOperations(events),
          violations: [
            ...checkHistory(events, { permits: SEMAPHORES }),
            ...(await judgeLedger(deployed.ledger, { entries, resources: LEDGERS, events })),
          ],
        };
      },
    };
  },

  summarize(counts) {
    const of = (name: string): number => counts.get(name) ?? 0;
    return [
      `${grantsIn(counts)} leases`,
      `extends ${of('extend kept')} kept, ${of('extend resumed')} resumed, ${of('extend lost')} lost`,
      `writes ${of('write ok')} accepted, ${of('write refused')} refused`,
    ].join('; ');
  },
};

export const grantsIn = (counts: ReadonlyMap<string, number>): number =>
  ['exclusive', 'shared', 'permit'].reduce((sum, kind) => sum + (counts.get(`acquire ${kind} ok`) ?? 0), 0);

function countOperations(events: readonly HistoryEvent[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const kinds = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'invoke') {
      const { operation } = event;
      kinds.set(event.id, operation.f === 'acquire' ? `acquire ${operation.kind}` : operation.f);
      continue;
    }
    const how = event.type === 'ok' && event.result.how;
    const lost = event.type === 'refused' && event.error.startsWith('LeaseLostError') ? 'lost' : event.type;
    increase(counts, `${kinds.get(event.id)} ${how || lost}`, 1);
  }
  return counts;
}
