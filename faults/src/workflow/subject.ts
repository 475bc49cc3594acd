/**
 * An app of workflows under faults: processes start runs and let them go on, on one server, or on one with replicas that take
 * over; then all runs must end.
 */
import { seededRandom } from '@holdfast/kernel';
import { connect } from '@holdfast/redis';
import { openWorkflows } from '@holdfast/workflow';
import { deployCluster } from '../deployment/cluster.js';
import type { Deployed } from '../deployment/deployment.js';
import { deployQuorum } from '../deployment/quorum.js';
import { deploySentinel } from '../deployment/sentinel.js';
import type { HistoryEvent } from '../history/event.js';
import { readHistories } from '../history/read.js';
import type { FaultKind } from '../nemesis/fault.js';
import { oneAtATime } from '../nemesis/one-at-a-time.js';
import { drawSchedule } from '../nemesis/schedule.js';
import type { Judged, Subject } from '../subject.js';
import { programBeside } from '../traffic/clients.js';
import { judgeLedger } from '../validation/ledger.js';
import {
  APP,
  effectsKey,
  prefixOf,
  SLOT,
  type WorkflowAssignment,
  type WorkflowRecord,
} from './assignment.js';
import { LOG } from './function.js';
import { judgeWorkflows } from './judge.js';
import type { Kept, KeptRun, Promised } from './kept.js';
import { endOf } from './starter.js';

const DURATION = 30_000;
const ENDS_WITHIN = 60_000;

/** Those that have nothing to do with workflows, or whose outcome is plain: a server that is emptied has no runs. */
const LEFT_OUT = /clock|disk|flush|rolling/;

/** What matters most here, where it is possible: what happens to workers, what a server forgets, and its successors. */
const MORE: readonly FaultKind[] = [
  ...(['freeze-client', 'freeze-client', 'kill-client', 'kill-client'] as const),
  ...(['kill-node', 'cut-power', 'cut-power', 'failover', 'failover', 'freeze-node'] as const),
];

/** All replicas, so that none can take over that lacks what somebody was told. */
const REPLICAS = 2;

export const workflowSubject: Subject<Omit<WorkflowAssignment, 'name' | 'history' | 'seed'>> = {
  stage: 2,

  deploy({ topology, clients, persistence }, stage) {
    const options = { nodes: 1, clients, clocks: false };
    if (topology === 'quorum') {
      const drawn = stage % 2 === 0 ? 'synchronous' : 'everysec';
      return deployQuorum({ ...options, persistence: persistence === 'mixed' ? drawn : persistence });
    }
    // A master that is killed and comes back before another has taken over must not have forgotten what its replicas have.
    const replicated = { ...options, persistence: 'synchronous' } as const;
    if (topology === 'sentinel') return deploySentinel(replicated);
    return deployCluster({ ...replicated, key: `${SLOT}:meta` });
  },

  prepare({ number, seed, clients, deployed }) {
    const episode = `e${number}`;
    const takesOver = deployed.watchers.length > 0;
    const replicas = takesOver && number % 2 === 0 ? REPLICAS : 0;
    const durable = deployed.parameters.persistence === 'synchronous';
    const endsWithin = ENDS_WITHIN + deployed.settling;
    return {
      duration: DURATION,
      program: programBeside(import.meta.url),
      finishWithin: 2 * endsWithin,
      assign: (client) => ({
        ...{ reach: deployed.reach(client), episode, replicas, endsWithin },
        ledger: `redis://127.0.0.1:${deployed.ledgerLinks[client]?.port}`,
      }),
      drawSchedule(duration) {
        const schedule = drawSchedule(seededRandom(seed), {
          kinds: [...deployed.kinds, ...MORE.filter((kind) => deployed.kinds.includes(kind))].filter(
            (kind) => !LEFT_OUT.test(kind),
          ),
          duration,
          clients,
          mayForget: false,
          nodes: deployed.nodes.length,
          watchers: deployed.watchers.length,
        });
        return takesOver ? oneAtATime(schedule) : schedule;
      },
      async judge(folder) {
        const promised: Promised = {
          keeps: durable || replicas > 0,
          exclusive: durable,
          ordered: !takesOver || replicas > 0,
        };
        return judge(readHistories<HistoryEvent | WorkflowRecord>(folder), { deployed, episode, promised });
      },
    };
  },

  summarize(counts) {
    const of = (name: string): number => counts.get(name) ?? 0;
    return [
      `${of('runs started')} runs, ${of('steps done')} steps, ${of('stale bodies')} stale bodies`,
      `lost: ${of('starts lost')} starts, ${of('ends lost')} ends, ${of('bodies of once again')} times once`,
    ].join('; ');
  },
};

interface Judging {
  readonly deployed: Deployed;
  readonly episode: string;
  readonly promised: Promised;
}

/** A line is a record, or an event of the guarded writes. */
async function judge(
  lines: readonly (HistoryEvent | WorkflowRecord)[],
  { deployed, episode, promised }: Judging,
): Promise<Judged> {
  const records = lines.filter((line): line is WorkflowRecord => 'e' in line);
  const events = lines.filter((line): line is HistoryEvent => !('e' in line));
  const kept = await keptIn(deployed, episode);
  const judged = judgeWorkflows(records, kept, promised);
  const writes = new Set(
    events.flatMap((event) =>
      event.type === 'invoke' && event.operation.f === 'write' ? [event.operation.resource] : [],
    ),
  );
  const ledger = await judgeLedger(deployed.ledger, { entries: episode, resources: [...writes], events });
  const counts = new Map(judged.counts);
  for (const type of ['ok', 'refused', 'unknown'] as const)
    counts.set(`guarded writes ${type}`, events.filter((event) => event.type === type).length);
  if (!promised.keeps) counts.set('runs started, may be lost', counts.get('runs started') ?? 0);
  return { violations: [...judged.violations, ...ledger], counts };
}

/** Looks where a client looks, when all faults are over. */
async function keptIn(deployed: Deployed, episode: string): Promise<Kept> {
  const [url = ''] = deployed.reach(0).nodes;
  await using app = await openWorkflows({
    ...{ redis: url, name: APP, prefix: prefixOf(episode), callTimeout: 10_000 },
  });
  const runs = new Map<string, KeptRun>();
  for await (const { workflow, id, key } of app.list()) {
    const run = app.get(workflow, id, key === undefined ? {} : { key });
    const journal = await run.history();
    const isOver = journal.at(-1)?.kind === 'end';
    const chunks: [string, string][] = [];
    if (isOver) {
      for await (const item of run.stream<string>(LOG))
        if (item.kind === 'chunk') chunks.push([item.step, item.chunk]);
    }
    runs.set(id, { id, workflow, journal, chunks, told: isOver ? await endOf(run) : undefined });
  }
  const key = effectsKey(episode);
  const connection = connect(url, { key });
  await connection.open();
  try {
    const pairs = (await connection.send('HGETALL', [key])) as string[];
    const effects = new Map<string, number>();
    for (let at = 0; at < pairs.length; at += 2) effects.set(pairs[at] ?? '', Number(pairs[at + 1]));
    return { runs, effects };
  } finally {
    connection.close();
  }
}
