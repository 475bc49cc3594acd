/**
 * `npm run faults -- queue`: processes that add and handle tasks, under real faults of theirs, of Redis and of the links.
 *
 * Guarantees: as for the locks: the schedule depends on the seed and the episode's number, and nothing is left running.
 */

import { setMaxListeners } from 'node:events';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause, seededRandom, systemClock } from '@holdfast/kernel';
import { createQueue } from '@holdfast/queue';
import { connect } from '@holdfast/redis';
import { deployCluster } from '../deployment/cluster.js';
import type { Deployed } from '../deployment/deployment.js';
import { deployQuorum } from '../deployment/quorum.js';
import { deploySentinel } from '../deployment/sentinel.js';
import type { PlannedFault } from '../nemesis/fault.js';
import { Nemesis } from '../nemesis/nemesis.js';
import { drawSchedule } from '../nemesis/schedule.js';
import { type Call, seedOf } from '../options.js';
import { ClientProcesses } from '../traffic/clients.js';
import { effectsKey, type QueueAssignment, type QueueRecord } from './assignment.js';
import { judgeQueue, type QueueVerdict } from './judge.js';

const QUEUE = 'faults';
const DURATION = 30_000;
const ENDS_WITHIN = 60_000;

/** Until a failover is over and the replicas follow again, in ms. */
const RECOVERY = 8_000;

/** Those that have nothing to do with a queue, or whose outcome is plain: a server that is emptied has no tasks. */
const LEFT_OUT = /ledger|clock|disk|flush/;

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const PROGRAM = fileURLToPath(new URL(`client-process${extension}`, import.meta.url));

export interface QueueEpisode {
  readonly number: number;
  readonly seed: number;
  readonly clients: number;
  readonly deployed: Deployed;
  readonly durable: boolean;
  readonly folder: string;
  /** Whether its folder stays if nothing was violated; default false. */
  readonly keep?: boolean;
  readonly duration?: number;
  /** Instead of a drawn one. */
  readonly schedule?: readonly PlannedFault[];
}

export interface QueueOutcome extends QueueVerdict {
  readonly injected: ReadonlyMap<string, number>;
}

/** One server that keeps what it acknowledges, or one with replicas that take over. */
export function deployForQueue({ topology, clients }: Pick<Call, 'topology' | 'clients'>): Promise<Deployed> {
  const options = { nodes: 1, clients, clocks: false };
  if (topology === 'sentinel') return deploySentinel({ ...options, persistence: 'everysec' });
  if (topology === 'cluster')
    return deployCluster({ ...options, persistence: 'everysec', key: `{queue:${QUEUE}}:meta` });
  return deployQuorum({ ...options, persistence: 'synchronous' });
}

/** Resolves to whether nothing was violated. */
export async function runQueue(call: Call, interrupted: AbortSignal): Promise<boolean> {
  const begin = systemClock.now();
  const sum = { episodes: 0, faults: 0, added: 0, deliveries: 0, stale: 0, lost: 0, violations: 0 };
  console.log(`Seed ${call.seed}.`);
  const deployed = await deployForQueue(call);
  try {
    for (let number = call.first; number < call.first + call.episodes; number += 1) {
      const minutes = (systemClock.now() - begin) / 60_000;
      if (interrupted.aborted || (minutes >= call.minutes && sum.episodes > 0)) break;
      const folder = resolve(join(call.folder, `queue-${call.topology}-${call.seed}-${number}`));
      const outcome = await runQueueEpisode(
        {
          ...{ number, seed: seedOf(call.seed, number), clients: call.clients, deployed, folder },
          durable: call.topology === 'quorum',
          keep: call.keep,
        },
        interrupted,
      );
      sum.episodes += 1;
      sum.faults += [...outcome.injected.values()].reduce((all, count) => all + count, 0);
      for (const what of ['added', 'deliveries', 'stale', 'lost'] as const) sum[what] += outcome[what];
      sum.violations += outcome.violations.length;
      if (outcome.lost > 0)
        console.log(`episode ${number}: ${outcome.lost} of ${outcome.added} acknowledged tasks were lost`);
      for (const { rule, message } of outcome.violations.slice(0, 5))
        console.log(`VIOLATION of ${rule} in episode ${number}, see ${folder}: ${message}`);
    }
  } finally {
    await deployed.stop();
  }
  const minutes = (systemClock.now() - begin) / 60_000;
  console.log(
    `${minutes.toFixed(1)} min, ${call.topology}: ${sum.episodes} episodes, ${sum.faults} faults, ${sum.added} tasks added, ${sum.deliveries} deliveries, ${sum.stale} of them stale, ${sum.lost} tasks lost, ${sum.violations} violations`,
  );
  return sum.violations === 0;
}

export async function runQueueEpisode(
  episode: QueueEpisode,
  interrupted?: AbortSignal,
): Promise<QueueOutcome> {
  const { number, seed, deployed, folder, clients: count, durable, duration = DURATION } = episode;
  mkdirSync(folder, { recursive: true });
  const queue = `${QUEUE}@${number}`;
  const endsWithin = ENDS_WITHIN + deployed.settling;
  const clients = new ClientProcesses<Omit<QueueAssignment, 'name' | 'history' | 'seed'>>({
    ...{ count, folder, seed, program: PROGRAM },
    assign: (client) => ({ reach: deployed.reach(client), queue, replicas: durable ? 0 : 1, endsWithin }),
  });
  const nemesis = new Nemesis({
    ...deployed,
    clients,
    log: (line) => appendFileSync(join(folder, 'faults.log'), `${JSON.stringify(line)}\n`),
  });
  try {
    await clients.start();
    const schedule = episode.schedule ?? draw(episode, duration);
    const stop = interrupted ?? new AbortController().signal;
    setMaxListeners(0, stop); // one a planned fault
    await Promise.all([nemesis.run(schedule, stop), pause(systemClock, duration, stop)]);
    await clients.finish(2 * endsWithin);
  } finally {
    await clients.stop();
  }
  const verdict = await judge(readRecords(folder), { deployed, name: queue, durable });
  const violations = [...clients.violations, ...verdict.violations];
  if (violations.length === 0 && !episode.keep) rmSync(folder, { recursive: true });
  else writeFileSync(join(folder, 'violations.json'), `${JSON.stringify(violations, null, 2)}\n`);
  return { ...verdict, violations, injected: nemesis.injected };
}

function draw({ deployed, clients, seed, durable }: QueueEpisode, duration: number): readonly PlannedFault[] {
  const kinds = deployed.kinds.filter((kind) => !LEFT_OUT.test(kind));
  const schedule = drawSchedule(seededRandom(seed), {
    ...{ kinds, duration, clients, mayForget: false },
    nodes: deployed.nodes.length,
    watchers: deployed.watchers.length,
  });
  return durable ? schedule : oneAtATime(schedule);
}

/**
 * Leaves out faults of a server while another has one, or has just had: Redis may then make a replica the master that is
 * being filled anew, and lose everything.
 */
function oneAtATime(schedule: readonly PlannedFault[]): readonly PlannedFault[] {
  let free = 0;
  return [...schedule]
    .sort((one, two) => one.from - two.from)
    .filter(({ from, until, fault }) => {
      if (!/-node$|^failover$/.test(fault.kind)) return true;
      if (from < free) return false;
      free = until + RECOVERY;
      return true;
    });
}

/** Looks where a client looks, when all faults are over. */
async function judge(
  records: readonly QueueRecord[],
  { deployed, name, durable }: { deployed: Deployed; name: string; durable: boolean },
): Promise<QueueVerdict> {
  const [url = ''] = deployed.reach(0).nodes;
  await using queue = createQueue({ redis: url, name, timeout: 10_000 });
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

function readRecords(folder: string): QueueRecord[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.jsonl'));
  const lines = files.flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  return lines
    .flatMap((line): QueueRecord[] => {
      try {
        return [JSON.parse(line)];
      } catch {
        return []; // the line that was being written when its process was killed
      }
    })
    .sort((one, two) => one.at - two.at);
}
