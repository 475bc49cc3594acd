/**
 * `npm run bench -- queue-fan-in`: many tasks, and one that follows when all of them have ended: how long that takes, and how
 * much memory the process needs that reads how each has ended.
 *
 * Guarantees: the follow-up has read as many outcomes as there were tasks, or the measurement rejects.
 */
import { createQueue, createWorker } from '@holdfast/queue';
import { Redis } from 'ioredis';
import { onStand, type Stand } from '../features/stand.js';
import { type Numbers, tableOf } from '../harness/results.js';
import { atMost } from '../harness/targets.js';

const SIZES = [10_000, 100_000];
const QUICK = [500, 2_000];
const CONCURRENCY = 200;
/** Outcomes between two looks at the memory. */
const LOOK = 500;
const HEAP = 'heap while the follow-up reads, MB';

export const queueFanIn = onStand({
  about: 'a follow-up of 10,000 and of 100,000 tasks, and its memory',
  title: 'A follow-up of many tasks',
  workloads: ['fan-in'],
  rounds: 3,
  measure: run,
});

const contestantOf = (size: number): string => `${size.toLocaleString('en-US')} tasks`;

async function run(stand: Stand) {
  const { rounds, progress } = stand.call;
  const { url } = await stand.server();
  const sizes = stand.pick(SIZES, QUICK);
  for (let round = 0; round < rounds; round += 1) {
    for (const size of sizes) {
      progress(`round ${round + 1}: ${size} tasks`);
      stand.note('fan-in', contestantOf(size), await measure(url, size));
    }
  }
  const most = stand.spread(HEAP, contestantOf(Math.max(...sizes)));
  return {
    targets: [atMost(`${HEAP}, with the most tasks`, most, 16)],
    tables: [
      tableOf(stand.results, {
        ...{ workload: 'fan-in', contestants: sizes.map(contestantOf), isCompared: false },
        about: `One worker with ${CONCURRENCY} tasks at a time, whose handlers return a small object. The heap is the most above that before the follow-up began, after garbage collection each ${LOOK} outcomes.`,
      }),
    ],
    remarks: ['What Redis has is `used_memory` when the follow-up begins, above that of the empty server.'],
  };
}

async function measure(url: string, size: number): Promise<Numbers> {
  const redis = new Redis(url);
  await using queue = createQueue<number>({ redis: url, name: 'fans', limits: { retain: { count: 10 } } });
  const empty = await memoryOf(redis);
  let [most, read, ofRedis, begun] = [0, 0, 0, 0];
  await using _ = createWorker({
    queue,
    concurrency: CONCURRENCY,
    handler: async (task) => {
      if (task.id !== 'all') return { square: task.data ** 2 };
      begun = performance.now();
      ofRedis = (await memoryOf(redis)) - empty;
      const before = heap();
      for await (const outcome of task.outcomes()) {
        if (outcome.state === 'completed') read += 1;
        if (read % LOOK === 0) most = Math.max(most, heap() - before);
      }
      return { read };
    },
  });
  const began = performance.now();
  await addAll(queue, size);
  const added = performance.now();
  await queue.wait('all');
  const ended = performance.now();
  if (read !== size) throw new Error(`The follow-up has read ${read} outcomes of ${size}.`);
  await redis.flushall();
  redis.disconnect();
  return {
    'adding, s': (added - began) / 1_000,
    'from the last add until the follow-up begins, s': Math.max(0, begun - added) / 1_000,
    'reading the outcomes, s': (ended - begun) / 1_000,
    [HEAP]: most / 2 ** 20,
    'Redis, MB': ofRedis / 2 ** 20,
  };
}

/** In a function of its own, so that nothing of it is left. */
async function addAll(queue: ReturnType<typeof createQueue<number>>, size: number): Promise<void> {
  const tasks = Array.from({ length: size }, (_, data) => ({ data }));
  await queue.addMany(tasks, { followUp: { data: -1, options: { id: 'all' } } });
}

/** After garbage collection, in bytes. */
function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function memoryOf(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
}
