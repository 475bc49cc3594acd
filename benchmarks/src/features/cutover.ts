/**
 * `npm run bench -- features-cutover`: a view with a million rows gets a new generation, which is filled, takes the place of the
 * old one, and lets it be deleted, while a process reads the view all the time.
 *
 * Guarantees: the new generation is filled at a rate that is held, so that reads are disturbed by what a job of that rate
 * costs, not by how fast this machine happens to be. Every answer is judged.
 */
import type { LaneOpenOptions } from '@holdfast/features';
import type { MeasuringProcess } from '../harness/process.js';
import { number, type Target } from '../harness/report.js';
import { tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile } from '../harness/statistics.js';
import { atMost, never } from '../harness/targets.js';
import { openStore, profile, type Reading, rowsOf, type Seen } from './cutover-roles.js';
import { onStand, type Server, type Stand, usage } from './stand.js';

export const featuresCutover = onStand({
  about: 'a generation of a million rows that takes the place of another, while it is read',
  title: 'A new generation under load',
  workloads: ['cutover'],
  rounds: 1,
  measure,
});

/** Rows in a second. */
const RATE = 40_000;
const CHUNK = 2_000;
const PARTITIONS = 16;
const logOf = (partition: number): string => `{feat:bench.${partition}}:log`;

const p99 = (phase: string): string => `${phase}: p99 of a read, ms`;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

async function measure(stand: Stand) {
  const { rounds, progress, size } = stand.call;
  const users = size ?? stand.pick(1_000_000, 4_000);
  const server = await stand.server();
  const store = openStore(server.url);
  stand.later(() => store.close());
  await store.apply();
  progress(`filling ${number(users)} rows`);
  const scene = { stand, server, store, users };
  await fill(scene, 0, { holder: holderOf(1) });
  const reading = await stand.play('reading', server.url);
  const seen: Seen[] = [];
  for (let round = 0; round < rounds; round += 1) {
    seen.push(...(await cutOver(scene, reading, round)));
    progress(`round ${round + 1} of ${rounds}`);
  }
  const reads = seen.reduce((sum, { times }) => sum + times.length, 0);
  return {
    targets: targetsOf(stand, seen),
    tables: [
      tableOf(stand.results, {
        workload: 'cutover',
        about: `${number(users)} rows of 10 numbers, filled at ${number(RATE)} a second by one process, while another one reads 10 rows at a time, 4 reads under way: ${number(reads)} reads in all. Median of the rounds (min–max). Less is better.`,
        contestants: ['Holdfast'],
        isCompared: false,
      }),
    ],
    remarks: [
      'Every feature of a row says of which generation it is, so each read is judged by itself.',
      'Deleting includes the second for which readers may still hold the earlier generation.',
    ],
  };
}

interface Scene {
  readonly stand: Stand;
  readonly server: Server;
  readonly store: ReturnType<typeof openStore>;
  readonly users: number;
}

const holderOf = (token: number) => ({ token, resource: 'bench', issuer: 'bench' });

async function fill(
  { store, server, users }: Scene,
  mark: number,
  options: Pick<LaneOpenOptions, 'holder' | 'generation'>,
): Promise<void> {
  const lane = await store.open(profile, options);
  const began = performance.now();
  for (let from = 0; from < users; from += CHUNK) {
    await lane.land(rowsOf(mark, from, Math.min(CHUNK, users - from)));
    await pause(began + ((from + CHUNK) / RATE) * 1_000 - performance.now());
    // What is logged is for training sets, which are not measured here.
    if ((from / CHUNK) % 20 === 0)
      for (let n = 0; n < PARTITIONS; n += 1) await server.redis.xtrim(logOf(n), 'MAXLEN', 0);
  }
  await lane.finish();
}

/** One round: the generation that is read is replaced by one with the other mark. */
async function cutOver(scene: Scene, reading: MeasuringProcess, round: number): Promise<Seen[]> {
  const { stand, server, store, users } = scene;
  const [mark, nextMark] = round % 2 === 0 ? [0, 0.5] : [0.5, 0];
  const holder = holderOf(round + 2);
  const phase = (name: string, ended?: number) =>
    reading.ask({ phase: name, users, ended } satisfies Reading);
  const still = stand.pick(5_000, 500);
  const before = (await server.observer.counters()).cpu;
  const [old] = (await store.generations(profile)).filter(({ state }) => state === 'live');
  await phase('before');
  await pause(still);
  await phase('filling');
  const began = performance.now();
  const next = await store.begin(profile, { holder });
  await fill(scene, nextMark, { holder, generation: next });
  const filled = performance.now();
  await phase('cut');
  await next.cut({ lanes: { batch: 'finished' } });
  const cut = performance.now();
  await phase('deleting');
  await (await store.generation(profile, old?.id ?? '', { holder })).retire();
  const deleted = performance.now();
  await phase('after', mark);
  await pause(still);
  const { seen, peak } = await reading.ask<{ seen: Seen[]; peak: number }>('end');
  const { cpu, memory } = await server.observer.counters();
  stand.note('cutover', 'Holdfast', {
    ...Object.fromEntries(seen.map(({ phase: of, times }) => [p99(of), quantile(times, 0.99)])),
    'reads in a second, before': (seen[0]?.times.length ?? 0) / (still / 1_000),
    'filling, s': (filled - began) / 1_000,
    'cut, s': (cut - filled) / 1_000,
    'deleting, s': (deleted - cut) / 1_000,
    'CPU of Redis, µs a row, reads included': (cpu - before) / users,
    'peak memory of the process that fills, MB': usage().peak,
    'peak memory of the process that reads, MB': peak,
    'memory of Redis after it, MB': memory / 2 ** 20,
  });
  return seen;
}

function targetsOf({ results }: Stand, seen: readonly Seen[]): Target[] {
  const total = (kind: 'missing' | 'mixed' | 'ended' | 'failed') => {
    const count = seen.reduce((sum, each) => sum + each[kind], 0);
    return { median: count, min: count, max: count };
  };
  const before = valuesOf(results, p99('before'), 'Holdfast');
  return [
    never('reads without a row', total('missing')),
    never('reads of two generations', total('mixed')),
    never('reads of a generation that has ended', total('ended')),
    never('reads that failed', total('failed')),
    ...['filling', 'cut', 'deleting'].map((each) =>
      atMost(
        `p99 while ${each}, to p99 before`,
        pairedRatio(valuesOf(results, p99(each), 'Holdfast'), before),
        2,
      ),
    ),
  ];
}
