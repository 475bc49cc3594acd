/**
 * An index of vectors under faults: processes write its documents, under rights that they take from each other, follow it, and search,
 * on one server that keeps what it acknowledges, on one that forgets its last second with its power, or on one with replicas that take
 * over; then every process must know what is left, and that must be what was acknowledged.
 */
import { MisuseError, pause, seededRandom, systemClock, UnavailableError } from '@holdfast/kernel';
import type { NodeSource } from '@holdfast/redis';
import { deployQuorum } from '../deployment/quorum.js';
import { deploySentinel } from '../deployment/sentinel.js';
import { readHistories } from '../history/read.js';
import { oneAtATime } from '../nemesis/one-at-a-time.js';
import { drawSchedule } from '../nemesis/schedule.js';
import type { Subject } from '../subject.js';
import { programBeside } from '../traffic/clients.js';
import type { VectorsAssignment, VectorsRecord } from './assignment.js';
import { ALL, indexOf } from './definitions.js';
import { type Judging, judgeVectors } from './judge.js';

const DURATION = 30_000;
/** How long the processes may take to end, and then Redis to answer, in ms. */
const ENDS_WITHIN = 60_000;

/** Those that have nothing to do with an index, or whose outcome is plain: a server that is emptied has nothing. */
const LEFT_OUT = /ledger|clock|disk|flush/;

export const vectorsSubject: Subject<Omit<VectorsAssignment, 'name' | 'history' | 'seed'>> = {
  stage: 2,

  deploy({ topology, clients }, stage) {
    const options = { nodes: 1, clients, clocks: false };
    if (topology === 'cluster')
      throw new MisuseError('The index of vectors is put under faults on quorum and sentinel; got cluster.');
    if (topology === 'sentinel') return deploySentinel({ ...options, persistence: 'everysec' });
    // With everysec, a server that loses its power comes back as it was up to a second ago.
    return deployQuorum({ ...options, persistence: stage % 2 === 0 ? 'synchronous' : 'everysec' });
  },

  prepare({ number, seed, clients, deployed }) {
    const index = `faults-${number}`;
    const endsWithin = ENDS_WITHIN + deployed.settling;
    return {
      duration: DURATION,
      program: programBeside(import.meta.url),
      finishWithin: endsWithin,
      assign: (client) => ({ reach: deployed.reach(client), index, clients }),
      drawSchedule(duration) {
        const schedule = drawSchedule(seededRandom(seed), {
          kinds: deployed.kinds.filter((kind) => !LEFT_OUT.test(kind)),
          duration,
          clients,
          mayForget: false,
          nodes: deployed.nodes.length,
          watchers: deployed.watchers.length,
        });
        return deployed.watchers.length > 0 ? oneAtATime(schedule) : schedule;
      },
      async judge(folder) {
        const records = readHistories<VectorsRecord>(folder);
        const [url = ''] = deployed.reach(0).nodes;
        return judgeVectors(records, {
          left: await leftIn(url, index, endsWithin),
          durable: deployed.parameters.persistence === 'synchronous',
        });
      },
    };
  },

  summarize(counts) {
    const of = (name: string): number => counts.get(name) ?? 0;
    return `${of('writes written')} writes, ${of('calls without an answer')} calls without an answer, ${of('writes older')} older, ${of('searches')} searches, ${of('searches after a place')} of them after a place, ${of('places lost')} places lost, ${of('refused because of a higher token')} refused, ${of('processes that know all in the end')} processes compared`;
  },
};

/** What a process that begins then reads. */
async function leftIn(redis: NodeSource, name: string, within: number): Promise<Judging['left']> {
  const index = indexOf(redis, name);
  const deadline = systemClock.now() + within;
  try {
    for (;;) {
      try {
        const { documents } = await index.scroll({ limit: ALL });
        return documents.map(({ id, attributes, time }) => ({
          ...{ id, value: String(attributes['value']), time: time.getTime() },
        }));
      } catch (error) {
        if (!(error instanceof UnavailableError) || systemClock.now() > deadline) throw error;
        await pause(systemClock, 200);
      }
    }
  } finally {
    await index.close();
  }
}
