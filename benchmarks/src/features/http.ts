/**
 * `npm run bench -- features-http`: features read through a bare handler of node:http, beside the same handler that has the same
 * bytes in memory, and beside hashes that are read by HMGET.
 */
import { number } from '../harness/report.js';
import { tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile } from '../harness/statistics.js';
import { atLeast } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { type Asking, bodyOf, fill, SERVING } from './http-roles.js';
import { onStand, type Stand } from './stand.js';

export const featuresHttp = onStand({
  about: 'features read over HTTP, beside the same bytes from memory and beside HMGET',
  title: 'Reads over HTTP',
  workloads: ['one', 'many'],
  rounds: 3,
  measure,
});

/** Requests under way. */
const MOST = { one: 1, many: 32 } as const;

interface Usage {
  readonly cpu: number;
  readonly peak: number;
  readonly port: number;
}

async function measure(stand: Stand) {
  const { rounds, progress } = stand.call;
  const workloads = (['one', 'many'] as const).filter((each) => stand.call.workloads.has(each));
  const server = await stand.server();
  await fill(server.url);
  const asking = await stand.play('asking');
  const contestants = [];
  for (const name of SERVING) {
    const process = await stand.play('serving', name, server.url);
    contestants.push({ name, process, port: (await process.ask<Usage>('usage')).port });
  }
  const bodies = await Promise.all(contestants.map(({ port }) => bodyOf(undefined, port, 7)));
  if (new Set(bodies).size > 1) throw new Error('The servers answer different bytes to the same request.');
  for (let round = 0; round <= rounds; round += 1) {
    for (const workload of workloads) {
      const requests = stand.pick(MOST[workload] === 1 ? 5_000 : 30_000, 500);
      for (const { name, process, port } of turns(contestants, round)) {
        const [before, used] = [(await server.observer.counters()).cpu, await process.ask<Usage>('usage')];
        const { took, times } = await asking.ask<{ took: number; times: Float64Array }>({
          ...{ port, requests, most: MOST[workload] },
        } satisfies Asking);
        const [after, uses] = [(await server.observer.counters()).cpu, await process.ask<Usage>('usage')];
        if (round === 0) continue;
        stand.note(workload, name, {
          [`${workload}: requests/s`]: requests / (took / 1_000),
          [`${workload}: p50, ms`]: quantile(times, 0.5),
          [`${workload}: p99, ms`]: quantile(times, 0.99),
          [`${workload}: CPU of the web server, µs a request`]: (uses.cpu - used.cpu) / requests,
          [`${workload}: CPU of Redis, µs a request`]: (after - before) / requests,
          [`${workload}: peak memory of the web server, MB`]: uses.peak,
        });
      }
    }
    progress(`round ${round} of ${rounds}`);
  }
  const ratio = (workload: string, to: string) => {
    const of = (name: string) => valuesOf(stand.results, `${workload}: requests/s`, name);
    return pairedRatio(of('get'), of(to));
  };
  return {
    targets: workloads.flatMap((workload) => [
      atLeast(`${workload}: requests/s, get to HMGET`, ratio(workload, 'HMGET'), 2),
      atLeast(`${workload}: requests/s, get to memory`, ratio(workload, 'memory'), 0.5),
    ]),
    tables: workloads.map((workload) =>
      tableOf(stand.results, {
        workload,
        about: `${number(stand.pick(MOST[workload] === 1 ? 5_000 : 30_000, 500))} requests for 10 users with 20 numbers each, ${MOST[workload]} under way over connections that stay open. One process asks, one answers. Median of the rounds (min–max).`,
        contestants: SERVING,
        isCompared: false,
      }),
    ),
    remarks: [
      'All three answer the same bytes, which was checked. Memory: the handler has them ready, which is the limit of node:http with this client on this machine.',
      'HMGET: a pipeline of ioredis, with the texts turned into numbers.',
    ],
  };
}
