/** BullMQ: a job that keeps its step in its data, as its documentation on process-step jobs has it. */
import { setTimeout } from 'node:timers/promises';
import { type Job, Queue, Worker } from 'bullmq';
import { type Engine, STEPS, type Subject } from './subject.js';

/** Of a worker's lock, and between checks for stalled jobs, in ms. */
const LOCK = 500;

interface Data {
  readonly run: string;
  readonly step: number;
  /** Who has done each of the steps so far. */
  readonly by: readonly string[];
}

export const bullmq: Subject = {
  name: 'BullMQ',
  package: 'bullmq',
  takesOver: `by itself, when the lock of ${LOCK} ms is over and a check for stalled jobs comes`,
  isStartedAnew: false,
  share: 0.1,
  async open({ redis }, effects): Promise<Engine> {
    const { hostname: host, port } = new URL(redis);
    const connection = { host, port: Number(port), maxRetriesPerRequest: null };
    let working = 0;
    const handle = async (job: Job<Data>): Promise<readonly string[]> => {
      working += 1;
      try {
        while (job.data.step < STEPS) {
          await effects.moment();
          await effects.write(job.data.run);
          await effects.moment();
          const { run, step, by } = job.data;
          await job.updateData({ run, step: step + 1, by: [...by, effects.worker] });
        }
        return job.data.by;
      } finally {
        working -= 1;
      }
    };
    // Each run has a queue of its own, so that the second process gets nothing before it is to take over.
    const work = async (run: string): Promise<Queue<Data>> => {
      const options = { connection, lockDuration: LOCK, stalledInterval: LOCK, maxStalledCount: 10 };
      const worker = new Worker<Data>(run, handle, options);
      worker.on('error', () => {}); // a lock that is lost is told here
      await worker.waitUntilReady();
      return new Queue<Data>(run, { connection });
    };
    // Asked for again and again: an event is missed by a process that is frozen before it listens.
    const ended = async (run: string): Promise<void> => {
      const queue = new Queue<Data>(run, { connection });
      const job = await queue.getJob(run);
      while (job && !(await job.isCompleted()) && !(await job.isFailed())) await setTimeout(50);
      await queue.close();
    };
    return {
      run: async (run) => {
        const queue = await work(run);
        await queue.add('zombie', { run, step: 0, by: [] }, { jobId: run });
        await ended(run);
        while (working > 0) await effects.moment();
      },
      takeOver: async (run) => {
        await work(run);
        await ended(run);
      },
      kept: async (run) => {
        const queue = new Queue<Data>(run, { connection });
        const job = await queue.getJob(run);
        await queue.close();
        return JSON.stringify([job?.data, job?.returnvalue]);
      },
    };
  },
};
