/** The task queues that are on Redis. */
import { createQueue, createWorker } from '@holdfast/queue';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Payload, Peer } from './peer.js';

const NAME = 'bench';

async function flush(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushall();
  redis.disconnect();
}

const onRedis = { prepare: flush, clear: flush };

const holdfast: Peer = {
  ...{ name: 'Holdfast', broker: 'redis', pace: 8, ...onRedis },
  adding: async (url) => {
    const queue = createQueue<Payload>({ redis: url, name: NAME });
    return {
      add: (payload) => queue.add(payload),
      addMany: (payloads) => queue.addMany(payloads.map((data) => ({ data }))),
      close: () => queue.close(),
    };
  },
  working: async (url, concurrency, handle) => {
    const queue = createQueue<Payload>({ redis: url, name: NAME });
    const worker = createWorker<Payload, void>({
      ...{ queue, concurrency, grace: 1_000 },
      handler: ({ data }) => handle(data),
    });
    return { close: () => worker.stop().finally(() => queue.close()) };
  },
};

const bullmq: Peer = {
  ...{ name: 'BullMQ', broker: 'redis', pace: 2, ...onRedis },
  adding: async (url) => {
    const queue = new Queue(NAME, { connection: connectionOf(url) });
    await queue.waitUntilReady();
    return {
      add: (payload) => queue.add('task', payload),
      addMany: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'task', data }))),
      close: () => queue.close(),
    };
  },
  working: async (url, concurrency, handle) => {
    const worker = new Worker(NAME, async ({ data }) => handle(data as Payload), {
      connection: connectionOf(url),
      concurrency,
    });
    worker.on('error', () => {});
    await worker.waitUntilReady();
    return { close: () => worker.close() };
  },
};

function connectionOf(url: string) {
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port), maxRetriesPerRequest: null };
}

/** The last one is Holdfast, too: acknowledged tasks are on the disk. */
export const redisPeers: readonly Peer[] = [
  holdfast,
  bullmq,
  { ...holdfast, name: 'Holdfast, fsync', broker: 'redis, fsync' },
];
