/**
 * `npm run bench -- features-freshness`: how long it takes from an event that is appended to a stream until what is served has
 * it, while 20,000 events come in each second.
 */
import { number } from '../harness/report.js';
import { tableOf } from '../harness/results.js';
import { quantile } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { FOLLOWING, STREAMS } from './freshness-roles.js';
import { onStand, type Stand } from './stand.js';

export const featuresFreshness = onStand({
  about: 'from an event in a stream to the value that is served, at 20,000 events a second',
  title: 'Freshness',
  workloads: ['freshness'],
  rounds: 3,
  measure,
});

const RATE = 20_000;
const MEDIAN = 'p50, ms';
const HIGH = 'p99, ms';

interface Usage {
  readonly cpu: number;
  readonly peak: number;
}

async function measure(stand: Stand) {
  const { rounds, progress } = stand.call;
  const rate = stand.pick(RATE, 500);
  const last = stand.pick(10_000, 1_000);
  const contestants = [];
  for (const name of FOLLOWING) {
    const server = await stand.server();
    const following = await stand.play('following', name, server.url);
    const [appending, probing] = [
      await stand.play('appending', server.url),
      await stand.play('probing', name, server.url),
    ];
    contestants.push({ name, server, following, appending, probing });
  }
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, server, following, appending, probing } of turns(contestants, round)) {
      const [before, used] = [(await server.observer.counters()).cpu, await following.ask<Usage>('usage')];
      const [events, took] = await Promise.all([
        appending.ask<number>({ rate, last }),
        probing.ask<number[]>({ last }),
      ]);
      // Until the last event of each stream is served.
      for (const _ of STREAMS) await probing.ask<number[]>({ last: 1 });
      const [after, uses] = [(await server.observer.counters()).cpu, await following.ask<Usage>('usage')];
      // What was taken in is trimmed, but for some entries, which show that nothing else is gone.
      for (const stream of STREAMS) await server.redis.xtrim(stream, 'MAXLEN', 20_000);
      for (const log of await server.redis.keys('*:log')) await server.redis.xtrim(log, 'MAXLEN', 0);
      if (round === 0) continue;
      stand.note('freshness', name, {
        [MEDIAN]: quantile(took, 0.5),
        [HIGH]: quantile(took, 0.99),
        'events/s': events / (last / 1_000),
        'events that were followed to the end': took.length,
        'CPU of the process, µs an event': (uses.cpu - used.cpu) / events,
        'CPU of Redis, µs an event': (after - before) / events,
        'peak memory of the process, MB': uses.peak,
      });
    }
    progress(`round ${round} of ${rounds}`);
  }
  return {
    targets: [
      atMost('windows: p50, ms', stand.spread(MEDIAN, 'windows'), 10),
      atMost('windows: p99, ms', stand.spread(HIGH, 'windows'), 50),
    ],
    tables: [
      tableOf(stand.results, {
        workload: 'freshness',
        about: `${number(rate)} events a second of 10,000 users in three streams, for ${last / 1_000} s a round; meanwhile one event after another of a user of its own is appended, and asked for until it is served. One process appends, one takes in, one asks. Median of the rounds (min–max). Less is better.`,
        contestants: FOLLOWING,
        isCompared: false,
      }),
    ],
    remarks: [
      'Windows: four numbers over two hours, with history; each event once. XREAD and HINCRBY: a loop for each stream, which counts and sums into fields of a hash in pipelines, and keeps nowhere how far it has come.',
      'The CPU of Redis includes that of appending and asking.',
    ],
  };
}
