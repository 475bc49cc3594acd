/**
 * A task that is cancelled while a worker has it, and one whose handler takes longer than it may. A sample of the README
 * of @holdfast/queue.
 */

// #region readme
import { setTimeout } from 'node:timers/promises';
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from './nodes.js';

const films = createQueue<{ minutes: number }>({ redis: data, name: 'films', timeout: 200, attempts: 1 });
const worker = createWorker({
  queue: films,
  concurrency: 2,
  handler: async ({ data: { minutes }, signal }) => setTimeout(minutes * 60_000, 'cut', { signal }),
});

const { id } = await films.add({ minutes: 90 }, { timeout: 3_600_000 });
const slow = await films.add({ minutes: 120 });
const [ends, fails] = [id, slow.id].map((each) => films.wait(each).catch(({ message }: Error) => message));
console.log((await fails)?.toString().includes('has not ended within 200 ms'));
await films.cancel(id, { reason: 'its rights were sold' }); // wherever it runs
console.log(await ends);
// #endregion readme
await worker.stop();
await films.close();
await stop();
