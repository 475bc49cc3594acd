/**
 * `npm run bench -- server`: leases, tasks, features and searches over HTTP, beside the same calls within a process and beside a
 * bare handler of node:http that takes and answers the same bytes; and what those cost who wait.
 *
 * Guarantees: the server and the bare handler are processes of their own, which `stop` ends.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { onStand, type Stand } from '../features/stand.js';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { Asker } from './asker.js';
import { GrpcAsker } from './grpc.js';
import { type Askers, openReads, openSearches, READING, READS_UNDER_WAY, SEARCHING } from './reads.js';
import { POLLS, SLOWER, type Usage, VIEWERS, waiting } from './waiting.js';

const ADDING = ['holdfast', 'node:http'] as const;
const LEASING = ['HTTP', 'in process'] as const;
const UNDER_WAY = 64;
const BATCH = 100;
const MORE = 'lease: p50 more than in process, ms';

export const server = onStand({
  about:
    'calls over HTTP, beside calls in process and a bare handler of node:http, and by gRPC; and waiting ones',
  title: 'The server',
  workloads: ['lease', 'add', 'batch', 'read', 'search', 'waiting'],
  rounds: 5,
  measure,
});

interface Setting {
  readonly stand: Stand;
  readonly locks: Locks;
  readonly askers: Askers;
  /** The process of the server. */
  readonly process: MeasuringProcess;
  readonly redis: string;
}

async function measure(stand: Stand) {
  const setting = await open(stand);
  const { askers, redis } = setting;
  const { rounds, workloads, progress } = stand.call;
  const reads = workloads.has('read') ? await openReads(stand, askers, redis) : undefined;
  const searches = workloads.has('search') ? await openSearches(stand, askers, redis) : undefined;
  for (let round = 0; round <= rounds; round += 1) {
    const isWarmup = round === 0;
    if (workloads.has('lease')) await leases(setting, round, isWarmup);
    for (const workload of ['add', 'batch'] as const) {
      if (workloads.has(workload)) await adds(setting, workload, round);
    }
    await reads?.(round);
    await searches?.(round);
    if (workloads.has('waiting') && !isWarmup) await waiting(stand, setting.process, askers.holdfast);
    progress(`round ${round} of ${rounds}`);
  }
  return { targets: targetsOf(stand), tables: tablesOf(stand), remarks: REMARKS };
}

function targetsOf(stand: Stand) {
  const { workloads } = stand.call;
  const ratio = (metric: string, [one, other]: readonly [string, string]) =>
    pairedRatio(valuesOf(stand.results, metric, one), valuesOf(stand.results, metric, other));
  const target = (workload: string, made: () => ReturnType<typeof atLeast>) =>
    workloads.has(workload) ? [made()] : [];
  return [
    ...target('lease', () => atMost(MORE, stand.spread(MORE, 'HTTP'), 1.5)),
    ...target('add', () => atLeast('add: requests/s, to node:http', ratio('add: requests/s', ADDING), 0.6)),
    ...target('read', () =>
      atLeast('read: requests/s, to node:http', ratio('read: requests/s', ADDING), 0.5),
    ),
    ...target('search', () => atMost('search: p50, to in process', ratio('search: p50, ms', LEASING), 2)),
    ...target('waiting', () => atMost(SLOWER, stand.spread(SLOWER, 'holdfast'), 2)),
  ];
}

const REMARKS = [
  'node:http: a handler that reads the same bodies, parses them and answers the same JSON, without a check and without Redis: it is the limit of the module with this client on this machine. The client shares the machine with the servers.',
  'read: features of 10 users, 20 each; the bare handler has the bytes in its memory. search: the ten nearest of 50,000 vectors of 384 dimensions, which a request has as base64; one caller. gRPC: the same answers with their types, by the client of grpc-js and proto-loader.',
  'Leases are taken on five nodes without persistence, one after the other by one caller: acquire, extend, release. Over HTTP a release ends the lease for good (retire).',
];

const tablesOf = (stand: Stand) => [
  ...tableIf(
    stand,
    'lease',
    LEASING,
    'acquire, extend and release, one caller; the time of all three together.',
  ),
  ...tableIf(stand, 'add', ADDING, `a task in each request, ${UNDER_WAY} under way.`),
  ...tableIf(stand, 'batch', ADDING, `${BATCH} tasks in each request, ${UNDER_WAY / 4} under way.`),
  ...tableIf(stand, 'read', READING, `features of ten users, ${READS_UNDER_WAY} under way.`),
  ...tableIf(stand, 'search', SEARCHING, 'one caller.'),
  ...tableIf(stand, 'waiting', ['holdfast'], `${POLLS} long polls and ${VIEWERS} viewers in one process.`),
];

const tableIf = (stand: Stand, workload: string, contestants: readonly string[], about: string) =>
  stand.call.workloads.has(workload)
    ? [
        tableOf(stand.results, {
          ...{ workload, contestants, isCompared: contestants.length > 1 },
          about: `${about} Median of the rounds (min–max).`,
        }),
      ]
    : [];

async function open(stand: Stand): Promise<Setting> {
  const { url } = await stand.server();
  const nodes: LocalNodes = await startNodes(5);
  stand.later(() => nodes.stop());
  const locks = createLocks({ nodes: nodes.urls });
  stand.later(() => locks.close());
  await locks.initialize();
  const started = ADDING.map(async (name) => {
    const process = new MeasuringProcess(processFile(import.meta.url, 'server-process'), [
      ...[name, url, nodes.urls.join(',')],
    ]);
    stand.later(() => process.stop());
    await process.started();
    const asker = new Asker((await process.ask<Usage>('usage')).port);
    stand.later(() => asker.close());
    return { name, process, asker };
  });
  const all = await Promise.all(started);
  const [{ grpcPort }] = (await Promise.all(all.map(({ process }) => process.ask<Usage>('usage')))) as [
    Usage,
  ];
  const gRPC = new GrpcAsker(grpcPort);
  stand.later(() => gRPC.close());
  const byName = Object.fromEntries(all.map(({ name, asker }) => [name, asker]));
  const askers = { ...byName, gRPC } as unknown as Askers;
  const [{ process }] = all as [(typeof all)[0]];
  return { stand, locks, askers, process, redis: url };
}

async function leases({ stand, locks, askers }: Setting, round: number, isWarmup: boolean): Promise<void> {
  const count = stand.pick(1_000, 20);
  const cycles: Record<(typeof LEASING)[number], (name: string) => Promise<unknown>> = {
    HTTP: (name) => askers.holdfast.lease(name),
    'in process': async (name) => {
      const lease = await locks.acquire(name);
      await lease.extend();
      await lease.release();
    },
  };
  const middle: Partial<Record<string, number>> = {};
  for (const name of turns(LEASING, round)) {
    const times = new Float64Array(count);
    for (let turn = 0; turn < count; turn += 1) {
      const began = performance.now();
      await cycles[name](`bench:${turn % 50}`);
      times[turn] = performance.now() - began;
    }
    middle[name] = quantile(times, 0.5);
    if (isWarmup) continue;
    stand.note('lease', name, {
      'lease: p50, ms': quantile(times, 0.5),
      'lease: p99, ms': quantile(times, 0.99),
    });
  }
  if (!isWarmup) stand.note('lease', 'HTTP', { [MORE]: (middle['HTTP'] ?? 0) - (middle['in process'] ?? 0) });
}

async function adds({ stand, askers }: Setting, workload: 'add' | 'batch', round: number): Promise<void> {
  const isBatch = workload === 'batch';
  const requests = isBatch ? stand.pick(1_000, 10) : stand.pick(20_000, 200);
  const task = { data: { url: 'https://example.org/cat.png', width: 100 } };
  const body = JSON.stringify(isBatch ? { tasks: Array.from({ length: BATCH }, () => task) } : task);
  const path = `/v1/queues/bench/tasks${isBatch ? ':batch' : ''}`;
  for (const name of turns(ADDING, round)) {
    const most = isBatch ? UNDER_WAY / 4 : UNDER_WAY;
    const { took, times } = await askers[name].postAll({ path, body, requests, most });
    if (round === 0) continue;
    const perSecond = requests / (took / 1_000);
    stand.note(workload, name, {
      [`${workload}: requests/s`]: perSecond,
      ...(isBatch && { 'batch: tasks/s': perSecond * BATCH }),
      [`${workload}: p50, ms`]: quantile(times, 0.5),
      [`${workload}: p99, ms`]: quantile(times, 0.99),
    });
  }
}
