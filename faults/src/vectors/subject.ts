/**
 * An index of vectors under faults: processes write its documents, under rights that they take from each other, follow it, and search,
 * on one server that keeps what it acknowledges, on one that forgets its last second with its power, or on one with replicas that take
 * over; then every process must know what is left, and that must be what was acknowledged.
 */
import { execFileSync } from 'node:child_process';
import { pause, systemClock, UnavailableError } from '@holdfast/kernel';
import { findServer } from '@holdfast/local';
import type { NodeSource } from '@holdfast/redis';
import { deployOneServer, drawServerFaults } from '../deployment/one-server.js';
import { readHistories } from '../history/read.js';
import type { PlannedFault } from '../nemesis/fault.js';
import type { Subject } from '../subject.js';
import { programBeside } from '../traffic/clients.js';
import type { VectorsAssignment, VectorsRecord } from './assignment.js';
import { ALL, indexOf, type Making } from './definitions.js';
import { type Judging, judgeVectors } from './judge.js';

const DURATION = 30_000;
/** How long the processes may take to end, and then Redis to answer, in ms. */
const ENDS_WITHIN = 60_000;

export const vectorsSubject: Subject<Omit<VectorsAssignment, 'name' | 'history' | 'seed'>> = {
  stage: 2,

  deploy: deployOneServer,

  prepare(episode) {
    const { number, clients, deployed } = episode;
    const index = `faults-${number}`;
    const making = makingOf(number);
    const endsWithin = ENDS_WITHIN + deployed.settling;
    return {
      duration: DURATION,
      program: programBeside(import.meta.url),
      finishWithin: endsWithin,
      assign: (client) => ({ reach: deployed.reach(client), index, clients, ...making }),
      drawSchedule: (duration) => drawServerFaults(episode, duration).map(older),
      async judge(folder) {
        const records = readHistories<VectorsRecord>(folder);
        const [url = ''] = deployed.reach(0).nodes;
        return judgeVectors(records, {
          ...making,
          left: await leftIn(url, index, making, endsWithin),
          durable: deployed.parameters.persistence === 'synchronous',
        });
      },
    };
  },

  summarize(counts) {
    const of = (name: string): number => counts.get(name) ?? 0;
    return `${of('writes written')} writes, ${of('calls without an answer')} calls without an answer, ${of('writes older')} older, ${of('searches')} searches, ${of('searches after a place')} of them after a place, ${of('places lost')} places lost, ${of('refused because of a higher token')} refused, ${of('models that went live')} models live, ${of('processes that know all in the end')} processes compared`;
  },
};

/** Of every eight episodes, where the server can search, the first four have it search; every second one has models. */
function makingOf(episode: number): Making {
  const isOnServer = hasSets() && (episode - 1) % 8 < 4;
  return { engine: isOnServer ? 'server' : 'memory', hasModels: episode % 2 === 0 };
}

let areSetsThere: boolean | undefined;

/** Whether the server that is under faults has vector sets: Redis 8 and later. */
function hasSets(): boolean {
  areSetsThere ??= /^Redis server v=(?:[89]|\d\d)\./.test(
    execFileSync(findServer(), ['--version'], { encoding: 'utf8' }),
  );
  return areSetsThere;
}

/** Half of the servers that lose their power come back with what they had some seconds before, as from an old snapshot. */
function older(planned: PlannedFault, place: number): PlannedFault {
  const { fault } = planned;
  if (fault.kind !== 'cut-power' || place % 2 === 0) return planned;
  return { ...planned, fault: { ...fault, forgets: 8 * fault.forgets } };
}

/** What a process that begins then reads. */
async function leftIn(
  redis: NodeSource,
  name: string,
  making: Making,
  within: number,
): Promise<Judging['left']> {
  const index = indexOf(redis, name, making);
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
