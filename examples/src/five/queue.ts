/** A task in the background. A sample of the README of the repository. */
import { createQueue, createWorker } from '@holdfast/queue';
import { data } from '../nodes.js';

// #region readme
const images = createQueue<{ url: string }>({ redis: data, name: 'images' });
const handler = async (task: { data: { url: string } }) => `small ${task.data.url}`;
const worker = createWorker({ queue: images, concurrency: 10, handler }); // here, or anywhere
const { id } = await images.add({ url: 'cat.png' }, { attempts: 5 });
console.log(await images.wait(id)); // a worker that has lost the task cannot complete it
// #endregion readme

await worker.stop();
await images.close();
