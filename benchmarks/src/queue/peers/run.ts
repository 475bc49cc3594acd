/**
 * `npm run bench -- queue-peers`: task queues on Redis, RabbitMQ and PostgreSQL, interleaved round by round.
 *
 * Guarantees: within a round each peer has processes of its own and a broker that has nothing else to do, from which the
 * peer's tasks are removed before and after. Every task that was added is handled, or the run rejects. What was started is
 * ended by `stop`.
 */
import { onStand, type Stand } from '../../features/stand.js';
import { MeasuringProcess, processFile } from '../../harness/process.js';
import { bestOf, tableOf, valuesOf } from '../../harness/results.js';
import { pairedRatio, quantile } from '../../harness/statistics.js';
import { atLeast, atMost } from '../../harness/targets.js';
import { turns } from '../../harness/turns.js';
import { manifestOf } from '../../versions.js';
import { peers } from './all.js';
import { BROKERS, type Broker, cpuOfTree, rabbitVersion } from './brokers.js';
import { PACKAGES, type Peer } from './peer.js';
import type { Answer, Request } from './process.js';

export const queuePeers = onStand({
  about: 'task queues on Redis, RabbitMQ and PostgreSQL: adds, tasks, latency, CPU of the broker',
  title: 'Task queues on several brokers',
  workloads: ['add', 'work', 'latency'],
  measure,
});

const IN_FLIGHT = 100;
const BATCH = 1_000;
const CONCURRENCIES = [10, 100] as const;
const PER_SECOND = 200;
const WARM = 200;
const [ours = ''] = peers.map(({ name }) => name);

type Brokers = ReadonlyMap<Peer['broker'], Broker>;

async function measure(stand: Stand) {
  const { rounds, workloads, progress } = stand.call;
  const brokers = new Map<Peer['broker'], Broker>();
  for (const [name, { start }] of Object.entries(BROKERS)) {
    progress(`starting ${name}`);
    const broker = await start();
    stand.later(() => broker.stop());
    brokers.set(name as Peer['broker'], broker);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const peer of turns(peers, round)) {
      progress(`round ${round + 1}: ${peer.name}`);
      if (workloads.has('add') || workloads.has('work')) {
        for (const concurrency of CONCURRENCIES) await addAndWork(stand, brokers, peer, concurrency);
      }
      if (workloads.has('latency')) await latency(stand, brokers, peer);
    }
  }
  return { targets: targetsOf(stand), tables: tablesOf(stand), remarks: remarks() };
}

/** A turn of a peer: two processes on an empty broker. */
async function onTurn(
  stand: Stand,
  broker: Broker,
  peer: Peer,
  use: (
    ask: (role: 'adding' | 'working', request: Request) => Promise<Answer>,
    cpu: () => number,
  ) => Promise<void>,
): Promise<void> {
  await peer.clear(broker.url);
  await peer.prepare(broker.url);
  const start = async (role: string): Promise<MeasuringProcess> => {
    const process = new MeasuringProcess(processFile(import.meta.url, 'process'), [
      peer.name,
      broker.url,
      role,
    ]);
    stand.later(() => process.stop());
    await process.started();
    return process;
  };
  const processes = { adding: await start('adding'), working: await start('working') };
  await use(
    (role, request) => processes[role].ask<Answer>(request),
    () => cpuOfTree(broker.pid),
  );
  for (const process of Object.values(processes)) {
    await process.ask({ do: 'rest' });
    process.stop();
  }
  await peer.clear(broker.url);
}

async function addAndWork(
  stand: Stand,
  brokers: Brokers,
  peer: Peer,
  concurrency: (typeof CONCURRENCIES)[number],
): Promise<void> {
  const broker = brokerOf(brokers, peer);
  const count = stand.pick(2_000, 200) * peer.pace;
  await onTurn(stand, broker, peer, async (ask, cpu) => {
    await ask('adding', { do: 'add', count: WARM, most: IN_FLIGHT });
    await ask('working', { do: 'work', concurrency });
    await ask('working', { do: 'handle', count: WARM });
    await ask('working', { do: 'rest' });
    const before = cpu();
    const added = await ask('adding', { do: 'add', count, most: IN_FLIGHT });
    const between = cpu();
    let all = count;
    if (concurrency === 10 && stand.call.workloads.has('add')) {
      const batches = stand.pick(4, 1) * peer.pace;
      const inBatches = await ask('adding', { do: 'add in batches', count: batches * BATCH, batch: BATCH });
      all += batches * BATCH;
      stand.note('add', peer.name, {
        [`adds/s, ${IN_FLIGHT} in flight`]: (count / added.took) * 1_000,
        [`adds/s, ${BATCH} a call`]: ((batches * BATCH) / inBatches.took) * 1_000,
        'broker CPU µs/add': (between - before) / count,
        'client CPU µs/add': added.cpu / count,
      });
    }
    // What is handled while the worker connects is not counted.
    const head = Math.round(all / 10);
    await ask('working', { do: 'work', concurrency });
    await ask('working', { do: 'handle', count: head });
    const began = cpu();
    const { handled, took, cpu: spent } = await ask('working', { do: 'handle', count: all });
    const ended = cpu();
    if (!stand.call.workloads.has('work')) return;
    stand.note('work', peer.name, {
      [`tasks/s, concurrency ${concurrency}`]: (handled / took) * 1_000,
      [`broker CPU µs/task, concurrency ${concurrency}`]: (ended - began) / handled,
      [`worker CPU µs/task, concurrency ${concurrency}`]: spent / handled,
    });
  });
}

async function latency(stand: Stand, brokers: Brokers, peer: Peer): Promise<void> {
  const broker = brokerOf(brokers, peer);
  await onTurn(stand, broker, peer, async (ask, cpu) => {
    await ask('working', { do: 'work', concurrency: 10 });
    await ask('adding', { do: 'add at a rate', count: WARM, perSecond: PER_SECOND });
    await ask('working', { do: 'handle', count: WARM });
    const count = PER_SECOND * stand.pick(5, 1);
    const before = cpu();
    await ask('adding', { do: 'add at a rate', count, perSecond: PER_SECOND });
    const { latencies } = await ask('working', { do: 'handle', count: WARM + count });
    stand.note('latency', peer.name, {
      'start after add, p50 ms': quantile(latencies, 0.5),
      'start after add, p99 ms': quantile(latencies, 0.99),
      'broker CPU µs/task, added and handled': (cpu() - before) / count,
    });
  });
}

function brokerOf(brokers: Brokers, { broker }: Peer): Broker {
  const found = brokers.get(broker);
  if (found === undefined) throw new Error(`The broker ${broker} was not started.`);
  return found;
}

/** Twice the best of the others, or half of what it costs them. */
function targetsOf({ results }: Stand) {
  const others = peers.filter(({ name }) => !name.startsWith(ours)).map(({ name }) => name);
  return [...results.keys()].flatMap((metric) => {
    const isRate = metric.includes('/s');
    if (metric.startsWith('client') || metric.startsWith('worker')) return [];
    const best = bestOf(results, metric, others, isRate);
    if (best === undefined) return [];
    const measured = pairedRatio(valuesOf(results, metric, ours), valuesOf(results, metric, best));
    const name = `${metric}: to ${best}`;
    return [isRate ? atLeast(name, measured, 2) : atMost(name, measured, metric.includes(' ms') ? 1 : 0.5)];
  });
}

const ABOUT: Readonly<Record<string, string>> = {
  add: `Tasks of 200 bytes, added by one process: one a call, ${IN_FLIGHT} in flight, and ${BATCH.toLocaleString('en-US')} a call, one call after the other. An add is over when the broker has confirmed it.`,
  work: 'Tasks that do nothing, which wait when the measurement begins, handled by one process.',
  latency: `${PER_SECOND} tasks a second, one worker process with concurrency 10: from the call of add to the call of the handler, in another process.`,
};

function tablesOf(stand: Stand) {
  return ['add', 'work', 'latency']
    .filter((workload) => stand.call.workloads.has(workload))
    .map((workload) =>
      tableOf(stand.results, {
        ...{ workload, about: ABOUT[workload] ?? '', isCompared: false },
        contestants: peers.map(({ name }) => name),
      }),
    );
}

const remarks = (): string[] => [
  `Brokers: ${Object.entries(BROKERS)
    .map(([name, { about }]) => `${name} (${about})`)
    .join('; ')}. All run during the whole benchmark; a peer uses one of them at a time.`,
  `Versions: BullMQ ${manifestOf('bullmq').version}, rabbitmq-server ${rabbitVersion()}, ${PACKAGES.join(', ')}.`,
  'What is acknowledged outlives a crash of each broker. It outlives a power failure with RabbitMQ, which confirms what is on the disk, and with "Holdfast, fsync"; PostgreSQL is told not to wait for the disk, in favour of its peers.',
  'CPU of a broker is that of its process and its children, in clock ticks of 10 ms.',
  'RabbitMQ: a classic durable queue, persistent messages, a confirm channel, a prefetch of the concurrency. graphile-worker: batches by add_jobs; it deletes what is done. pg-boss: a batch of as many jobs as the concurrency, and it is told to ask at once where a batch was full; otherwise it asks twice a second, which is as often as it may. BullMQ, pg-boss and Holdfast keep what is done, as is their default.',
];
