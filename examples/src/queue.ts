/**
 * A task queue and a worker; every delivery is a lease with a token. The sample of the README of @holdfast/queue.
 */

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from './nodes.js';

const images = createQueue<{ url: string }>({ redis: data, name: 'images' }); // 'redis://…'
const worker = createWorker({
  queue: images,
  concurrency: 10,
  handler: async (task) => `${task.data.url}: attempt ${task.attempt}`, // it has a token and a signal, as a lease has
});
const { id } = await images.add({ url: 'https://example.org/cat.png' }, { attempts: 5 });
console.log(await images.wait(id));
await worker.stop(); // what cannot finish is handed back, and goes on elsewhere at once
await images.close();
// #endregion readme

await stop();
