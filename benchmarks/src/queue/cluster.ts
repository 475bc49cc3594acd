/**
 * `npm run bench -- queue-cluster`: a partitioned queue over a Cluster of three masters, whose tasks are handled by one, two
 * and four processes. On a machine with few cores it shows what a task costs each of them, from which follows what binds on a
 * larger one.
 *
 * Guarantees: every task that was added is handled, or the run rejects; but for `loss`, where those that are not are counted.
 */
import { setTimeout } from 'node:timers/promises';
import { onStand, type Stand } from '../features/stand.js';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { tableOf, valuesOf } from '../harness/results.js';
import { quantile, spread } from '../harness/statistics.js';
import { atMost, never } from '../harness/targets.js';
import { NodeObserver } from '../redis-info.js';
import { type Masters, startMasters } from '../scenarios/masters.js';
import type { ClusterAnswer, ClusterRequest } from './cluster-process.js';

const MASTERS = 3;
const PROCESSES = [1, 2, 4] as const;
const CONCURRENCY = 50;
const PER_SECOND = 5_000;
/** How long a master is away, in ms. */
const AWAY = 2_000;
/** Within which time all tasks have been handled after the last add, in ms. */
const PATIENCE = 120_000;

export const queueCluster = onStand({
  about:
    'a partitioned queue on three masters with 1, 2 and 4 worker processes, and a master that dies meanwhile',
  title: 'A queue on a Cluster of three masters',
  workloads: ['backlog', 'rate', 'loss'],
  rounds: 3,
  measure,
});

type Role = 'adding' | 'working';

interface Scene {
  readonly stand: Stand;
  readonly masters: Masters;
  readonly observer: NodeObserver;
  readonly adding: Place;
  readonly working: readonly Place[];
}

interface Place {
  ask(request: ClusterRequest): Promise<ClusterAnswer>;
}

async function measure(stand: Stand) {
  const { rounds, workloads, progress } = stand.call;
  const scene = await open(stand);
  for (let round = 0; round <= rounds; round += 1) {
    for (const count of PROCESSES) {
      progress(`round ${round}: ${count} worker processes`);
      const isWarmup = round === 0;
      if (workloads.has('backlog') || isWarmup) await backlog(scene, count, isWarmup);
      if (workloads.has('rate') && !isWarmup) await atARate(scene, count);
    }
    if (workloads.has('loss') && round > 0) await loss(scene);
  }
  return { targets: targetsOf(stand), tables: tablesOf(stand), remarks: REMARKS };
}

async function open(stand: Stand): Promise<Scene> {
  // What is acknowledged outlives a crash.
  const args = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--cluster-require-full-coverage', 'no'];
  const masters = await startMasters(MASTERS, args);
  stand.later(() => masters.nodes.stop());
  const observer = new NodeObserver(masters.nodes.urls);
  stand.later(() => observer.close());
  const start = async (role: Role): Promise<Place> => {
    const process = new MeasuringProcess(processFile(import.meta.url, 'cluster-process'), [
      masters.url,
      role,
    ]);
    stand.later(() => process.stop());
    await process.started();
    return { ask: (request) => process.ask<ClusterAnswer>(request) };
  };
  const adding = await start('adding');
  const working = await Promise.all(Array.from({ length: Math.max(...PROCESSES) }, () => start('working')));
  return { stand, masters, observer, adding, working };
}

const nameOf = (processes: number): string => `${processes} ${processes === 1 ? 'process' : 'processes'}`;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const askAll = (places: readonly Place[], request: ClusterRequest): Promise<ClusterAnswer[]> =>
  Promise.all(places.map((place) => place.ask(request)));

/** What is handled of tasks that wait already. */
async function backlog({ stand, observer, adding, working }: Scene, count: number, isWarmup: boolean) {
  const workers = working.slice(0, count);
  const tasks = stand.pick(isWarmup ? 10_000 : 120_000, 1_000);
  await adding.ask({ do: 'add', count: tasks, perSecond: undefined });
  const [before, servers] = [await askAll(workers, { do: 'look' }), await observer.cpuOfEach()];
  const began = performance.now();
  await askAll(workers, { do: 'work', concurrency: CONCURRENCY });
  const after = await untilHandled(workers, tasks);
  const took = performance.now() - began;
  const cpus = (await observer.cpuOfEach()).map((cpu, at) => cpu - (servers[at] ?? 0));
  await askAll(workers, { do: 'rest' });
  if (isWarmup) return;
  const spent = after.map(({ cpu }, at) => cpu - (before[at]?.cpu ?? 0));
  stand.note('backlog', nameOf(count), {
    'tasks/s of a backlog': (tasks / took) * 1_000,
    'workers, µs a task': sum(spent) / tasks,
    'all masters, µs a task': sum(cpus) / tasks,
    'the busiest master, µs a task': Math.max(...cpus) / tasks,
  });
}

/** Tasks that are added at a rate, and handled at once. */
async function atARate({ stand, observer, adding, working }: Scene, count: number): Promise<void> {
  const workers = working.slice(0, count);
  const tasks = PER_SECOND * stand.pick(10, 1);
  await askAll(workers, { do: 'work', concurrency: CONCURRENCY });
  const [before, servers] = [await askAll([adding, ...workers], { do: 'look' }), await observer.cpuOfEach()];
  const began = performance.now();
  await adding.ask({ do: 'add', count: tasks, perSecond: PER_SECOND });
  const added = performance.now() - began;
  const after = await untilHandled(workers, tasks);
  const rest = performance.now() - began - added;
  const [producer] = await askAll([adding], { do: 'look' });
  const cpus = (await observer.cpuOfEach()).map((cpu, at) => cpu - (servers[at] ?? 0));
  await askAll(workers, { do: 'rest' });
  const latencies = after.flatMap((each) => [...each.latencies]);
  const spent = after.map(({ cpu }, at) => cpu - (before[at + 1]?.cpu ?? 0));
  stand.note('rate', nameOf(count), {
    'tasks/s that were added': (tasks / added) * 1_000,
    'start after add, p50 ms': quantile(latencies, 0.5),
    'start after add, p99 ms': quantile(latencies, 0.99),
    'from the last add to the last task, ms': rest,
    'producer, µs a task at this rate': ((producer?.cpu ?? 0) - (before[0]?.cpu ?? 0)) / tasks,
    'workers, µs a task at this rate': sum(spent) / tasks,
    'the busiest master, µs a task at this rate': Math.max(...cpus) / tasks,
  });
}

/** A master is killed while tasks are added, and comes back with its log. */
async function loss({ stand, masters, adding, working }: Scene): Promise<void> {
  const workers = working.slice(0, 2);
  const tasks = PER_SECOND * stand.pick(10, 2);
  const [victim] = masters.nodes.nodes;
  await askAll(workers, { do: 'work', concurrency: CONCURRENCY });
  const adds = adding.ask({ do: 'add', count: tasks, perSecond: PER_SECOND });
  await setTimeout((tasks / PER_SECOND) * 250);
  await victim?.kill();
  await setTimeout(AWAY);
  await victim?.start();
  await adds;
  const began = performance.now();
  const after = await untilHandled(workers, tasks).catch(() => askAll(workers, { do: 'look' }));
  const handled = after.flatMap((each) => [...each.handled]);
  await askAll(workers, { do: 'rest' });
  const latencies = after.flatMap((each) => [...each.latencies]);
  stand.note('loss', nameOf(2), {
    'tasks that were lost': tasks - new Set(handled).size,
    'handlers that began again': handled.length - new Set(handled).size,
    'p50 of start after add, ms': quantile(latencies, 0.5),
    'p99 of start after add, ms': quantile(latencies, 0.99),
    'until all were handled, ms': performance.now() - began,
  });
}

/** Resolves to what each has handled when that is all; rejects after a while. */
async function untilHandled(workers: readonly Place[], tasks: number): Promise<ClusterAnswer[]> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const answers = await askAll(workers, { do: 'look' });
    const numbers = new Set(answers.flatMap(({ handled }) => [...handled]));
    if (numbers.size === tasks) return answers;
    if (performance.now() > until)
      throw new Error(`${tasks - numbers.size} of ${tasks} tasks are not handled.`);
    await setTimeout(20);
  }
}

function targetsOf({ results }: Stand) {
  const of = (metric: string, processes: number) => spread(valuesOf(results, metric, nameOf(processes)));
  return [
    ...(results.has('start after add, p99 ms')
      ? PROCESSES.map((count) =>
          atMost(
            `start after add at ${PER_SECOND}/s, ${nameOf(count)}, p99 ms`,
            of('start after add, p99 ms', count),
            50,
          ),
        )
      : []),
    ...(results.has('tasks that were lost')
      ? [never('tasks that were lost', of('tasks that were lost', 2))]
      : []),
  ];
}

const ABOUT: Readonly<Record<string, string>> = {
  backlog: `Tasks that wait, handled by worker processes with concurrency ${CONCURRENCY} each; they do nothing.`,
  rate: `${PER_SECOND} tasks a second, ten in a call, added by one process while the others work.`,
  loss: `The same with two worker processes, while one master is killed (SIGKILL) and started again ${AWAY} ms later. Adds wait until they are acknowledged.`,
};

function tablesOf(stand: Stand) {
  return ['backlog', 'rate', 'loss']
    .filter((workload) => stand.call.workloads.has(workload))
    .map((workload) =>
      tableOf(stand.results, {
        ...{ workload, about: ABOUT[workload] ?? '', isCompared: false },
        contestants: PROCESSES.map(nameOf),
      }),
    );
}

const REMARKS = [
  'Three masters without replicas on loopback, appendonly yes, appendfsync everysec; 12 partitions.',
  'A master is one thread: a million divided by what the busiest one needs for a task is the most that these masters can take in a second, with as many processes and cores as that needs; a million divided by what workers need for a task is what a core of theirs handles.',
  'All processes and masters share the cores of this machine, so more processes are not faster here than what the cores allow.',
];
