/**
 * `npm run bench -- queue-fairness`: 100 tenants of a queue, of whom one floods it: how long the tasks of the others wait.
 *
 * Guarantees: the flood is there before the first of the others' tasks, and is not worked off before the last of them has
 * begun; otherwise the measurement rejects. Add and begin are read on one clock.
 */
import { setTimeout } from 'node:timers/promises';
import { createQueue, createWorker, type Queue } from '@holdfast/queue';
import { onStand, type Stand } from '../features/stand.js';
import { tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { turns } from '../harness/turns.js';

/** Of whom one floods. */
const TENANTS = 100;
/** Tasks of the others a second, at the same distances. */
const PER_SECOND = 400;
const CONCURRENCY = 8;
/** Of a handler, in ms. */
const TAKES = 2;
/** In ms; and how many tasks the flood has for each second, which is more than the worker can begin. */
const MEASURED = 10_000;
const QUICK = 1_000;
const FLOOD = 6_000;

interface Task {
  /** When it was added, if its wait is measured. */
  readonly at?: number;
}

interface Condition {
  readonly name: string;
  readonly floods: boolean;
  readonly hasTenants: boolean;
}

const CALM: Condition = { name: 'no flood', floods: false, hasTenants: true };
const FAIR: Condition = { name: 'flood, tenants', floods: true, hasTenants: true };
const UNFAIR: Condition = { name: 'flood, no tenants', floods: true, hasTenants: false };

export const queueFairness = onStand({
  about: 'what 99 tenants of a queue wait while another one floods it',
  title: 'A queue that one tenant floods',
  workloads: ['flood'],
  measure: run,
});

async function run(stand: Stand) {
  const { rounds, progress } = stand.call;
  const { url } = await stand.server();
  const duration = stand.pick(MEASURED, QUICK);
  for (let round = -1; round < rounds; round += 1) {
    for (const condition of turns([CALM, FAIR, UNFAIR], Math.max(round, 0))) {
      progress(`round ${round + 1}: ${condition.name}`);
      const waits = await measure(url, condition, round < 0 ? QUICK : duration);
      if (round < 0) continue; // until the code is compiled
      stand.note('flood', condition.name, {
        'wait p50, ms': quantile(waits, 0.5),
        'wait p99, ms': quantile(waits, 0.99),
      });
    }
  }
  const p99 = (of: Condition): readonly number[] => valuesOf(stand.results, 'wait p99, ms', of.name);
  const about = `${TENANTS - 1} tenants add ${PER_SECOND} tasks a second together, whose waits are measured from before the add until the handler begins. One worker has ${CONCURRENCY} at a time, each for ${TAKES} ms. The flood is a backlog of another tenant that lasts longer than the measurement.`;
  return {
    targets: [
      atMost('wait of the others, p99, with the flood to without', pairedRatio(p99(FAIR), p99(CALM)), 2),
    ],
    tables: [
      tableOf(stand.results, {
        ...{ workload: 'flood', about, isCompared: false },
        contestants: [CALM, FAIR, UNFAIR].map(({ name }) => name),
      }),
    ],
    remarks: [
      'With the flood every slot is busy, so that a task waits for one; without it some are free.',
      'Producers and worker are one process, Redis is another.',
      'Without tenants, the tasks of the others stand behind the whole backlog: their waits grow with it, and those that had not begun when the measurement ended count with the wait that they had by then.',
    ],
  };
}

/** The waits of the others' tasks, in ms. */
async function measure(redis: string, condition: Condition, duration: number): Promise<number[]> {
  await using queue: Queue<Task, Task> = createQueue<Task>({
    redis,
    name: 'tenants',
    limits: { retain: { count: 0 } },
  });
  const { floods, hasTenants } = condition;
  const flood = floods ? Math.ceil((FLOOD * duration) / 1_000) : 0;
  const ofFlood = hasTenants ? { tenant: 'flood' } : {};
  for (let left = flood; left > 0; left -= 1_000) {
    const tasks = Array.from({ length: Math.min(left, 1_000) }, () => ({ data: {}, options: ofFlood }));
    await queue.addMany(tasks);
  }
  const waits: number[] = [];
  const waiting = new Set<number>();
  const worker = createWorker<Task, void>({
    queue,
    concurrency: CONCURRENCY,
    grace: 0,
    handler: async ({ data: { at } }) => {
      if (at !== undefined && waiting.delete(at)) waits.push(performance.now() - at);
      await setTimeout(TAKES);
    },
  });
  await setTimeout(duration / 10); // until the code is compiled
  const adds: Promise<unknown>[] = [];
  const began = performance.now();
  const count = Math.round((PER_SECOND * duration) / 1_000);
  for (let number = 0; number < count; number += 1) {
    const due = began + (number * 1_000) / PER_SECOND;
    if (due > performance.now()) await setTimeout(due - performance.now());
    const at = performance.now();
    waiting.add(at);
    adds.push(queue.add({ at }, hasTenants ? { tenant: `tenant-${number % (TENANTS - 1)}` } : {}));
  }
  await Promise.all(adds);
  const ended = performance.now();
  while (hasTenants && waiting.size > 0) await setTimeout(1);
  const { waiting: left } = await queue.counts();
  for (const at of waiting) waits.push(ended - at);
  await worker.stop();
  await queue.obliterate({ confirm: 'tenants', force: true });
  if (floods && left === 0) throw new Error('The flood was worked off before the measurement had ended.');
  return waits;
}
