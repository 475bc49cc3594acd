/**
 * Leases, tasks, runs, rows, documents and requests, so that every metric has something to tell.
 */
import { createFeatures, entity, metricsText as featuresText, t, view } from '@holdfast/features';
import { createLocks } from '@holdfast/lock';
import { createQueue, createWorker, metricsText as queueText } from '@holdfast/queue';
import { createServer } from '@holdfast/server';
import { listen } from '@holdfast/telemetry';
import { createIndex, metricsText as indexText } from '@holdfast/vectors';
import { createWorkflows, defineWorkflow, metricsText as workflowText } from '@holdfast/workflow';

/** Something of everything, and the ports where it is told. `ends` gets what is to be ended. */
export async function producing(
  nodes: readonly string[],
  redis: string,
  ends: (() => unknown)[],
): Promise<{ endpoints: readonly number[]; server: string }> {
  const server = createServer({ redis, port: 0 });
  const locks = createLocks({ nodes });
  await locks.initialize();
  const queue = createQueue<number>({ redis, name: 'done' });
  const order = defineWorkflow({ name: 'order' }, async (ctx) => ctx.receive('approval'));
  const workflows = createWorkflows({ redis, workflows: [order] });
  const rows = view('profile', { entity: entity('user'), ttl: 86_400_000, fields: { age: t.int() } });
  const store = createFeatures({ redis, name: 'shop', views: [rows] });
  const index = createIndex({ redis, name: 'kb', vectors: { dimensions: 2 } });
  const metrics = [
    () => queueText([queue]),
    () => workflowText([workflows]),
    () => featuresText([store]),
    () => indexText([index]),
  ];
  const endpoints = await listen(0, { metrics });
  ends.push(...[endpoints, server, locks, queue, workflows, store, index].map((each) => () => each.close()));
  const url = await server.listen();
  await store.apply();
  await locks.using('profiles', {}, async (lease) => {
    const lane = await store.open(rows, { holder: lease });
    await lane.land([{ id: 'u1', time: Date.now(), values: { age: 41 } }]);
  });
  const held = await locks.acquire('held');
  ends.push(() => held.release());
  const worker = createWorker({ queue, handler: async () => {} });
  ends.push(() => worker.stop());
  await queue.add(1);
  workflows.work();
  await workflows.start(order, undefined, { id: 'o1' });
  await index.put({ id: 'a', vector: [1, 0] });
  // Again and again, so that there is a rate.
  const again = setInterval(() => {
    void index.search({ vector: [1, 0] }).catch(() => {});
    void locks.using('often', {}, async () => {}).catch(() => {});
    void queue.add(1).catch(() => {});
    void locks.acquire('held', { wait: 50 }).catch(() => {}); // a wait that ends
  }, 300);
  ends.push(() => clearInterval(again));
  return { endpoints: [endpoints.port, Number(new URL(url).port)], server: url };
}
