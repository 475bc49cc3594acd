/**
 * `npm run bench -- features-scale`: rows that are landed and read by one, two and four processes, on one server and on the
 * three masters of a Cluster. On a machine with few cores it shows what a row costs each of them, from which follows what
 * binds on a larger one.
 */
import { number } from '../harness/report.js';
import { tableOf } from '../harness/results.js';
import { turns } from '../harness/turns.js';
import { NodeObserver } from '../redis-info.js';
import { startMasters } from '../scenarios/masters.js';
import { openStore, type Share, type Shared } from './scale-roles.js';
import { onStand, type Stand } from './stand.js';

export const featuresScale = onStand({
  about: 'rows landed and read by 1, 2 and 4 processes, on one server and on three masters',
  title: 'Several processes, several masters',
  workloads: ['land', 'read'],
  rounds: 3,
  measure,
});

const PROCESSES = [1, 2, 4] as const;
const MOST = 4;

interface Place {
  readonly name: string;
  readonly processes: readonly { ask<T>(request: object): Promise<T> }[];
  readonly observer: NodeObserver;
}

async function measure(stand: Stand) {
  const { rounds, progress } = stand.call;
  const workloads = (['land', 'read'] as const).filter((each) => stand.call.workloads.has(each));
  const places = [await onOne(stand), await onThree(stand)];
  const contestants = places.flatMap((place) => PROCESSES.map((count) => ({ place, count })));
  const nameOf = ({ place, count }: (typeof contestants)[0]): string => `${place.name}, ${count}`;
  const [rows, requests] = [stand.pick(102_400, 20_480), stand.pick(10_000, 500)];
  let time = Date.now() - 86_400_000;
  for (let round = 0; round <= rounds; round += 1) {
    // Reads need what was landed first.
    for (const workload of ['land', 'read'] as const) {
      if (!workloads.includes(workload) && (workload === 'read' || round > 0)) continue;
      const all = workload === 'land' ? rows : requests;
      for (const contestant of turns(contestants, round)) {
        const { place, count } = contestant;
        time += 1_000;
        const share: Share = { do: workload, count: all, time };
        const before = await place.observer.cpuOfEach();
        const shared = await Promise.all(
          place.processes.slice(0, count).map((process) => process.ask<Shared>(share)),
        );
        const cpus = (await place.observer.cpuOfEach()).map((cpu, at) => cpu - (before[at] ?? 0));
        if (round === 0) continue;
        const done = all * count;
        const sum = (of: readonly number[]): number => of.reduce((total, each) => total + each, 0);
        const what = workload === 'land' ? 'row' : 'request';
        stand.note(workload, nameOf(contestant), {
          [`${what}s/s`]: done / (Math.max(...shared.map(({ took }) => took)) / 1_000),
          [`CPU of the processes, µs a ${what}`]: sum(shared.map(({ cpu }) => cpu)) / done,
          [`CPU of all servers, µs a ${what}`]: sum(cpus) / done,
          [`CPU of the busiest server, µs a ${what}`]: Math.max(...cpus) / done,
          [`peak memory of a process, MB, after a ${what}`]: Math.max(...shared.map(({ peak }) => peak)),
        });
      }
    }
    progress(`round ${round} of ${rounds}`);
  }
  return {
    targets: [],
    tables: workloads.map((workload) =>
      tableOf(stand.results, {
        workload,
        about:
          workload === 'land'
            ? `${number(rows)} rows of 10 numbers by each process, checked, without history. Median of the rounds (min–max).`
            : `${number(requests)} requests for 10 users with 10 numbers each by each process, 16 under way. Median of the rounds (min–max).`,
        contestants: contestants.map(nameOf),
        isCompared: false,
      }),
    ),
    remarks: [
      'A server is one thread: a million divided by the CPU that the busiest one needs for a row is the most that a store on these servers can take, with as many processes and cores as that needs.',
      'All processes and servers share the cores of this machine, so more processes are not faster here than what the cores allow.',
    ],
  };
}

async function onOne(stand: Stand): Promise<Place> {
  const { url, observer } = await stand.server();
  return { name: 'one server', processes: await start(stand, url), observer };
}

async function onThree(stand: Stand): Promise<Place> {
  const { url, nodes } = await startMasters(3);
  stand.later(() => nodes.stop());
  const observer = new NodeObserver(nodes.urls);
  stand.later(() => observer.close());
  return { name: 'three masters', processes: await start(stand, url), observer };
}

async function start(stand: Stand, url: string): Promise<Place['processes']> {
  await using store = openStore(url);
  await store.apply();
  return Promise.all(Array.from({ length: MOST }, (_, n) => stand.play('sharing', url, String(n))));
}
