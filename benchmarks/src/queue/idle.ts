/**
 * `npm run bench -- queue-idle`: what a task costs its workers in calls of scripts, with few and with many of them idle.
 *
 * Guarantees: calls are counted by the server (`INFO commandstats`), whoever sends them. A task is added when the one before
 * has completed, so that all workers are idle.
 */
import { createQueue, createWorker } from '@holdfast/queue';
import { Redis } from 'ioredis';
import { onStand, type Stand } from '../features/stand.js';
import { tableOf } from '../harness/results.js';
import { atMost } from '../harness/targets.js';

const WORKERS = [1, 10, 40];
const METRIC = 'script calls of the workers for a task';

export const queueIdle = onStand({
  about: 'script calls for a task with 1, 10 and 40 idle workers',
  title: 'Calls for a task, with idle workers',
  workloads: ['calls'],
  measure: run,
});

const contestantOf = (workers: number): string => `${workers} idle`;

async function run(stand: Stand) {
  const { rounds, progress } = stand.call;
  const { url } = await stand.server();
  for (let round = 0; round < rounds; round += 1) {
    for (const workers of WORKERS) {
      progress(`round ${round + 1}: ${workers} workers`);
      const calls = await measure(url, workers, stand.pick(500, 20));
      stand.note('calls', contestantOf(workers), { [METRIC]: calls });
    }
  }
  return {
    targets: WORKERS.map((workers) =>
      atMost(contestantOf(workers), stand.spread(METRIC, contestantOf(workers)), 2),
    ),
    tables: [
      tableOf(stand.results, {
        ...{ workload: 'calls', isCompared: false },
        about: 'Tasks are added one after the other; the call that adds one is not counted.',
        contestants: WORKERS.map(contestantOf),
      }),
    ],
    remarks: [
      'Renewals of the sessions of idle workers, three in a lease of 30 s for each, are counted too.',
    ],
  };
}

async function measure(url: string, workers: number, tasks: number): Promise<number> {
  const redis = new Redis(url);
  await using queue = createQueue<number>({ redis: url, name: 'idle' });
  let onDone = (): void => {};
  const queues = Array.from({ length: workers }, () => createQueue<number>({ redis: url, name: 'idle' }));
  const started = queues.map((each) => createWorker({ queue: each, grace: 0, handler: () => onDone() }));
  const handled = async (): Promise<void> => {
    const done = new Promise<void>((resolve) => {
      onDone = resolve;
    });
    await queue.add(0);
    await done;
    // Its end is in Redis, and whoever had it sleeps again.
    while ((await redis.xlen('{queue:idle}:ready:0')) > 0);
  };
  try {
    for (let task = 0; task < 2 * workers; task += 1) await handled();
    while ((await redis.zcard('{queue:idle}:sessions')) < workers);
    const before = await callsOf(redis);
    for (let task = 0; task < tasks; task += 1) await handled();
    return ((await callsOf(redis)) - before) / tasks - 1;
  } finally {
    await Promise.all(started.map((worker) => worker.stop()));
    await Promise.all(queues.map((each) => each.close()));
    await redis.flushall();
    redis.disconnect();
  }
}

/** Calls of scripts, and of functions, since the server began. */
async function callsOf(redis: Redis): Promise<number> {
  const info = await redis.info('commandstats');
  const counts = info.matchAll(/^cmdstat_(?:fcall|evalsha|eval):calls=(\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
