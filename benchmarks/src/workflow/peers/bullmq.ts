/** BullMQ: a flow, which is a parent with one child a step; the children may go on side by side, which is in its favour. */
import { FlowProducer, type JobsOptions, QueueEvents, Worker } from 'bullmq';
import type { Peer } from './peer.js';

const QUEUE = 'bench';
const CONCURRENCY = 200;
/** As a long-lived server is run: what has ended is not kept for ever. */
const OPTIONS: JobsOptions = { removeOnComplete: { count: 10_000 }, removeOnFail: { count: 10_000 } };

export const bullmq: Peer = {
  name: 'BullMQ flow',
  package: 'bullmq',
  isSplit: true,
  async open({ redis }, role) {
    const { hostname: host, port } = new URL(redis);
    const connection = { host, port: Number(port), maxRetriesPerRequest: null };
    const closing: (() => Promise<unknown>)[] = [];
    if (role !== 'client') {
      const worker = new Worker(
        QUEUE,
        async (job) =>
          job.name === 'step' ? 1 : Object.values(await job.getChildrenValues<number>()).length,
        { connection, concurrency: CONCURRENCY },
      );
      worker.on('error', () => {});
      await worker.waitUntilReady();
      closing.push(() => worker.close(true));
    }
    const flows = new FlowProducer({ connection });
    const events = new QueueEvents(QUEUE, { connection });
    flows.setMaxListeners(0);
    events.setMaxListeners(0);
    await Promise.all([flows.waitUntilReady(), events.waitUntilReady()]);
    closing.push(
      () => flows.close(),
      () => events.close(),
    );
    const step = { name: 'step', queueName: QUEUE, opts: OPTIONS };
    return {
      run: async (steps) => {
        const { job } = await flows.add({
          ...{ name: 'run', queueName: QUEUE, opts: OPTIONS },
          children: Array.from({ length: steps }, () => step),
        });
        return job.waitUntilFinished(events);
      },
      close: async () => {
        for (const close of closing) await close();
      },
    };
  },
};
