/**
 * The queues that are compared, each behind the same few calls, used as its README recommends.
 *
 * Guarantees: a contestant connects to the one Redis that it is given, and closes all that it opened.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { createQueue, createWorker } from '@holdfast/queue';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

/** A task, as its handler sees it. */
interface Delivery {
  readonly id: string;
  readonly data: { readonly at?: number };
  /** Counts up `effect:<id>`, protected as far as the contestant can. Rejects when it was refused. */
  effect(): Promise<void>;
  progress(value: unknown): Promise<void>;
}

interface Opened {
  add(data: object): Promise<string>;
  addMany(data: readonly object[]): Promise<void>;
  /** Begins to handle tasks. `lease` in ms is how long a worker may be silent. */
  work(options: WorkOptions): Promise<void>;
  /** The outcome of a task: its result, and its progress if that is still known. */
  outcome(id: string): Promise<{ result: unknown; progress: unknown }>;
  close(): Promise<void>;
}

interface WorkOptions {
  readonly concurrency: number;
  readonly lease?: number;
  readonly handle: (delivery: Delivery) => Promise<unknown> | unknown;
}

export interface Contestant {
  readonly name: string;
  readonly package: string;
  open(url: string): Promise<Opened>;
}

const NAME = 'bench';

const holdfast: Contestant = {
  name: 'Holdfast',
  package: '@holdfast/queue',
  async open(url) {
    const queue = createQueue<{ at?: number }>({
      redis: url,
      name: NAME,
      limits: { retain: { count: 1_000_000 } },
    });
    const guard = createRedisGuard({ redis: url, name: 'effects' });
    await guard.initialize(); // the Redis is new
    const workers: ReturnType<typeof createWorker>[] = [];
    return {
      add: async (data) => (await queue.add(data)).id,
      addMany: async (data) => {
        await queue.addMany(data.map((one) => ({ data: one })));
      },
      work: async ({ concurrency, lease = 30_000, handle }) => {
        const worker = createWorker({
          queue,
          concurrency,
          lease,
          grace: 100,
          onError: () => {},
          handler: (task) =>
            handle({
              id: task.id,
              data: task.data,
              effect: async () => {
                await (await guard.seal(task)).write([['INCR', `{effects}:effect:${task.id}`]]);
              },
              progress: (value) => task.progress(value),
            }),
        });
        workers.push(worker);
      },
      outcome: async (id) => {
        const info = await queue.get(id);
        return { result: info?.result, progress: info?.progress };
      },
      close: async () => {
        await Promise.all(workers.map((worker) => worker.stop()));
        await Promise.all([queue.close(), guard.close()]);
      },
    };
  },
};

const bullmq: Contestant = {
  name: 'BullMQ',
  package: 'bullmq',
  async open(url) {
    const { hostname: host, port } = new URL(url);
    const connection = { host, port: Number(port), maxRetriesPerRequest: null };
    const queue = new Queue(NAME, { connection });
    const redis = new Redis(url);
    const workers: Worker[] = [];
    await queue.waitUntilReady();
    return {
      add: async (data) => String((await queue.add('task', data)).id),
      addMany: async (data) => {
        await queue.addBulk(data.map((one) => ({ name: 'task', data: one })));
      },
      work: async ({ concurrency, lease = 30_000, handle }) => {
        const worker = new Worker(
          NAME,
          (job) =>
            Promise.resolve(
              handle({
                id: String(job.id),
                data: job.data,
                effect: async () => {
                  await redis.incr(`{effects}:effect:${job.id}`);
                },
                progress: (value) => job.updateProgress(value as object),
              }),
            ),
          { connection, concurrency, lockDuration: lease, stalledInterval: Math.min(30_000, lease / 2) },
        );
        worker.on('error', () => {});
        workers.push(worker);
        await worker.waitUntilReady();
      },
      outcome: async (id) => {
        const job = await queue.getJob(id);
        return { result: job?.returnvalue, progress: job?.progress };
      },
      close: async () => {
        await Promise.all(workers.map((worker) => worker.close(true)));
        await queue.close();
        redis.disconnect();
      },
    };
  },
};

export const contestants: readonly Contestant[] = [holdfast, bullmq];
