/**
 * `npm run bench -- features-windows`: events that are counted in windows, each once, beside HINCRBY, which counts an event that
 * is sent again twice and never forgets an old tile.
 */
import { number } from '../harness/report.js';
import { tableOf } from '../harness/results.js';
import { atLeast } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { onStand, type Stand } from './stand.js';
import { COUNTING, type Counted, type Counting, TILES } from './windows-roles.js';

export const featuresWindows = onStand({
  about: 'events counted in windows, compared with HINCRBY',
  title: 'Windows over events',
  workloads: ['many', 'hot'],
  rounds: 3,
  measure,
});

const USERS = { many: 50_000, hot: 500 } as const;
const RATE = (workload: string): string => `${workload}: events/s`;

async function measure(stand: Stand) {
  const { rounds, progress } = stand.call;
  const workloads = (['many', 'hot'] as const).filter((each) => stand.call.workloads.has(each));
  const events = stand.pick(200_000, 20_000);
  for (const workload of workloads) {
    // A process and a server of its own for each, so that peak memory is its own.
    const contestants = [];
    for (const name of COUNTING) {
      const server = await stand.server();
      contestants.push({ name, server, process: await stand.play('counting', name, server.url) });
    }
    for (let round = 0; round <= rounds; round += 1) {
      for (const { name, server, process } of turns(contestants, round)) {
        const before = (await server.observer.counters()).cpu;
        const counted = await process.ask<Counted>({ events, users: USERS[workload] } satisfies Counting);
        const { cpu, memory } = await server.observer.counters();
        const logs = await server.redis.keys('*:log');
        if (logs.length > 0) await server.redis.del(logs);
        if (round === 0) continue; // until the code is compiled
        stand.note(workload, name, {
          [RATE(workload)]: events / (counted.took / 1_000),
          [`${workload}: CPU of the process, µs an event`]: counted.cpu / events,
          [`${workload}: CPU of Redis, µs an event`]: (cpu - before) / events,
          [`${workload}: peak memory of the process, MB`]: counted.peak,
          [`${workload}: memory of Redis, MB`]: memory / 2 ** 20,
        });
      }
      progress(`${workload}: round ${round} of ${rounds}`);
    }
  }
  return {
    targets: workloads.map((workload) =>
      atLeast(
        `${workload}: events/s`,
        stand.spread(RATE(workload), 'windows'),
        workload === 'hot' ? 1_000_000 : 120_000,
      ),
    ),
    tables: workloads.map((workload) =>
      tableOf(stand.results, {
        workload,
        about: `${number(events)} events of ${number(USERS[workload])} users over ${TILES} tiles of five minutes, in order, from one process. Median of the rounds (min–max). More events are better, less of the rest.`,
        contestants: COUNTING,
        isCompared: false,
      }),
    ),
    remarks: [
      'Windows: count, sum, least and greatest; the offset of the source is stored with them, so no event counts twice. HINCRBY: count and sum only, in pipelines of 512 commands, 16 under way.',
      'HINCRBY of sums: the events of a batch of 10,000 are summed up first for each user and tile, as windows do it.',
    ],
  };
}
