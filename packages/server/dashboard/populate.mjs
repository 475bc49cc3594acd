/** What the pictures show: queues at work, some with trouble, on a Redis of their own, and the other systems. */

import { startNodes } from '@holdfast/local';
import { createQueue, createWorker } from '@holdfast/queue';
import { createServer } from '@holdfast/server';
import { populateFeatures, populateLocks, populateVectors, populateWorkflows } from './populate-systems.mjs';

/** Resolves to the URL of a server, and what stops everything. */
export async function populate() {
  const nodes = await startNodes(1);
  const [redis] = nodes.urls;
  const closes = [];
  const queueOf = (name) => {
    const queue = createQueue({ redis, name });
    closes.push(() => queue.close());
    return queue;
  };
  const images = queueOf('images');
  const mails = queueOf('mails');
  const embeddings = queueOf('embeddings');

  const failures = ['no cat in the picture', 'the picture is not a JPEG', 'no cat in the picture'];
  await Promise.all(
    failures.map((error, index) =>
      images.add(
        { url: `https://example.org/${index}.png`, error },
        { id: `cat-${7 + index}`, attempts: 2, backoff: { type: 'constant', delay: 1 } },
      ),
    ),
  );
  const worker = createWorker({
    queue: images,
    concurrency: 3,
    handler: async ({ data, signal }) => {
      if (data.error) throw new Error(data.error);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 300);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
      return { width: 200, height: 200 };
    },
  });
  closes.push(() => worker.stop());
  while ((await images.counts()).dead < failures.length)
    await new Promise((resolve) => setTimeout(resolve, 20));

  for (let index = 0; index < 400; index += 1) {
    await images.add({ url: `https://example.org/cats/${index}.png` }, { key: `user:${index % 9}` });
  }
  for (let index = 0; index < 12; index += 1) await mails.add({ to: `customer-${index}@example.org` });
  await embeddings.add({ document: 'a' }, { delay: 3_600_000 });

  const { locks, begun, stop: stopLocks } = await populateLocks(redis);
  closes.push(stopLocks, await populateWorkflows(redis), await populateFeatures(redis, locks));
  closes.push(await populateVectors(redis));
  const server = createServer({ redis, locks, port: 0 });
  const url = await server.listen();
  closes.push(await begun());
  return {
    url,
    async stop() {
      await server.close();
      for (const close of closes.reverse()) await close();
      await nodes.stop();
    },
  };
}
