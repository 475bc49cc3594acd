/**
 * One client of a queue: adds tasks, plain and with keys, and handles whatever the queue gives it, and records all of it.
 *
 * It is killed and stopped at any moment. It ends when it is told to finish, or when the harness is gone.
 */
import { HoldfastError, pause, seededRandom, systemClock, UnavailableError } from '@holdfast/kernel';
import { createQueue, createWorker } from '@holdfast/queue';
import { joinHarness } from '../traffic/harness.js';
import { connectNodes, disconnectNodes } from '../traffic/reach.js';
import { recordsIn } from '../traffic/recorder.js';
import { effectsKey, LEASE, type QueueAssignment, type QueueRecord } from './assignment.js';

const { assignment, finishing, say, leave } = joinHarness<QueueAssignment>();
const { name, seed, history, reach, replicas, endsWithin } = assignment;

const record = recordsIn<QueueRecord>(history, name);

const random = seededRandom(seed);
const [redis = ''] = connectNodes(reach);
const queue = createQueue<{ n: number }>({
  redis,
  name: assignment.queue,
  callTimeout: 1_000,
  attempts: 1_000,
  backoff: { type: 'constant', delay: 100 },
  ...(replicas > 0 && { replicas: { count: replicas, callTimeout: 1_000 } }),
});
const worker = createWorker({
  queue,
  name,
  lease: LEASE,
  concurrency: 4,
  grace: 1_000,
  onError: () => {},
  handler: async (task) => {
    record({ e: 'begins', id: task.id, token: task.token, attempt: task.attempt });
    let done = false;
    try {
      await pause(systemClock, random.unit() < 0.2 ? 300 * random.unit() : 3 * random.unit());
      if (random.unit() < 0.05) throw new Error('planned');
      task.effect('HINCRBY', effectsKey(assignment.queue), task.id, 1);
      done = true;
      return task.token;
    } finally {
      record({ e: 'ends', id: task.id, token: task.token, valid: task.lease.remaining() > 0, done });
    }
  },
});
say({ say: 'ready' });

/** Those of one key are added one after the other, so their order is known. */
async function add(n: number): Promise<void> {
  const id = `${name}-${n}`;
  const key = n % 3 === 0 ? `key-${name}` : undefined;
  for (;;) {
    try {
      await queue.add(
        { n },
        { id, deduplicate: { key: id, within: 600_000 }, ...(key !== undefined && { key }) },
      );
      record({ e: 'added', id, key });
      return;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      if (finishing.aborted) return record({ e: 'unsure', id });
      await pause(systemClock, 50);
    }
  }
}

for (let n = 0; !finishing.aborted; n += 1) {
  await add(n);
  await pause(systemClock, 60 * random.unit());
}

/** Whether nothing is left to do. */
async function isDrained(): Promise<boolean> {
  try {
    const { waiting, active, delayed } = await queue.counts();
    return waiting + active + delayed === 0;
  } catch (error) {
    if (error instanceof HoldfastError) return false;
    throw error;
  }
}

const deadline = systemClock.now() + endsWithin;
while (!(await isDrained())) {
  if (systemClock.now() > deadline) {
    say({ say: 'starved', resource: assignment.queue, error: worker.problem ?? 'tasks are left' });
    break;
  }
  await pause(systemClock, 100);
}
await worker.stop();
await queue.close();
disconnectNodes();
leave();
