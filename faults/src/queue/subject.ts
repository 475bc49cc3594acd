/**
 * A queue under faults: processes add and handle tasks, on one server that keeps what it acknowledges, or on one with
 * replicas that take over; then all tasks must end.
 */
import { seededRandom } from '@holdfast/kernel';
import { createQueue } from '@holdfast/queue';
import { connect } from '@holdfast/redis';
import { deployCluster } from '../deployment/cluster.js';
import type { Deployed } from '../deployment/deployment.js';
import { deployQuorum } from '../deployment/quorum.js';
import { deploySentinel } from '../deployment/sentinel.js';
import { readHistories } from '../history/read.js';
import { oneAtATime } from '../nemesis/one-at-a-time.js';
import { drawSchedule } from '../nemesis/schedule.js';
import type { Judged, Subject } from '../subject.js';
import { programBeside } from '../traffic/clients.js';
import { effectsKey, type QueueAssignment, type QueueRecord } from './assignment.js';
import { judgeQueue } from './judge.js';

const QUEUE = 'faults';
const DURATION = 30_000;
const ENDS_WITHIN = 60_000;

/** Those that have nothing to do with a queue, or whose outcome is plain: a server that is emptied has no tasks. */
const LEFT_OUT = /ledger|clock|disk|flush/;

export const queueSubject: Subject<Omit<QueueAssignment, 'name' | 'history' | 'seed'>> = {
  stage: Number.POSITIVE_INFINITY,

  deploy({ topology, clients }) {
    const options = { nodes: 1, clients, clocks: false };
    if (topology === 'sentinel') return deploySentinel({ ...options, persistence: 'everysec' });
    if (topology === 'cluster')
      return deployCluster({ ...options, persistence: 'everysec', key: `{queue:${QUEUE}}:meta` });
    return deployQuorum({ ...options, persistence: 'synchronous' });
  },

  prepare({ number, seed, clients, deployed }) {
    const queue = `${QUEUE}@${number}`;
    // Whether the server keeps what it has acknowledged, so that nothing may be lost and nobody doubted.
    const durable = deployed.parameters.persistence === 'synchronous';
    const endsWithin = ENDS_WITHIN + deployed.settling;
    return {
      duration: DURATION,
      program: programBeside(import.meta.url),
      finishWithin: 2 * endsWithin,
      assign: (client) => ({ reach: deployed.reach(client), queue, replicas: durable ? 0 : 1, endsWithin }),
      drawSchedule(duration) {
        const schedule = drawSchedule(seededRandom(seed), {
          kinds: deployed.kinds.filter((kind) => !LEFT_OUT.test(kind)),
          duration,
          clients,
          mayForget: false,
          nodes: deployed.nodes.length,
          watchers: deployed.watchers.length,
        });
        return durable ? schedule : oneAtATime(schedule);
      },
      judge: (folder) => judge(readHistories<QueueRecord>(folder), { deployed, name: queue, durable }),
    };
  },

  summarize(counts) {
    const of = (name: string): number => counts.get(name) ?? 0;
    return `${of('tasks added')} tasks added, ${of('deliveries')} deliveries, ${of('stale deliveries')} of them stale, ${of('tasks lost')} tasks lost`;
  },
};

/** Looks where a client looks, when all faults are over. */
async function judge(
  records: readonly QueueRecord[],
  { deployed, name, durable }: { deployed: Deployed; name: string; durable: boolean },
): Promise<Judged> {
  const [url = ''] = deployed.reach(0).nodes;
  await using queue = createQueue({ redis: url, name, callTimeout: 10_000 });
  const connection = connect(url, { key: effectsKey(name) });
  await connection.open();
  const effectsOf = async (id: string): Promise<number> =>
    Number(await connection.send('HGET', [effectsKey(name), id]));
  try {
    return await judgeQueue(records, { queue, effectsOf, durable });
  } finally {
    connection.close();
  }
}
