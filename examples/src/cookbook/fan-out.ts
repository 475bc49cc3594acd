/** One event for several services, and one job in many parts. A recipe of docs/COOKBOOK.md. */

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from '../nodes.js';

// To several services: each group has every task, with workers, attempts and dead letters of its own.
const orders = createQueue<{ order: number }>({ redis: data, name: 'orders', groups: ['billing', 'stock'] });
const seen: string[] = [];
const workers = ['billing', 'stock'].map((service) =>
  createWorker({
    queue: orders.group(service),
    handler: (task) => seen.push(`${service} ${task.data.order}`),
  }),
);
await orders.add({ order: 7 }); // both have it, or neither

// In many parts, which are joined when all have ended: one connection waits for all results.
const pages = createQueue<{ page: number }>({ redis: data, name: 'pages' });
workers.push(createWorker({ queue: pages, concurrency: 10, handler: ({ data: { page } }) => page * page }));
const parts = await pages.addMany(
  Array.from({ length: 100 }, (_, page) => ({ data: { page }, options: { id: `book-1:${page}` } })),
);
const results = (await Promise.all(parts.map(({ id }) => pages.wait(id)))) as number[];
const sum = results.reduce((before, result) => before + result, 0);
// #endregion readme

while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
console.log(sum, seen.sort());
await Promise.all(workers.map((worker) => worker.stop()));
await Promise.all([orders.close(), pages.close()]);
await stop();
