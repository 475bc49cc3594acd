/** One event for several services, and one job in many parts. A recipe of docs/COOKBOOK.md. */

// #region readme
import { createQueue, createWorker, type Task } from '@holdfast/queue';
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

// In many parts, and a task that joins them when all have ended, whichever processes die meanwhile.
type Page = { page: number } | { book: string };
const pages = createQueue<Page>({ redis: data, name: 'pages' });
const handler = async (task: Task<Page>) => {
  if ('page' in task.data) return task.data.page ** 2;
  let sum = 0;
  for await (const outcome of task.outcomes())
    if (outcome.state === 'completed') sum += Number(outcome.result); // or failed, cancelled, removed
  return sum;
};
workers.push(createWorker({ queue: pages, concurrency: 10, handler }));
const parts = Array.from({ length: 100 }, (_, page) => ({ data: { page } }));
const { id } = await pages.addMany(parts, {
  followUp: { data: { book: 'book-1' }, options: { id: 'book-1' } }, // with an id, the call may be repeated
});
const sum = await pages.wait(id);
// #endregion readme

while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
console.log(sum, seen.sort());
await Promise.all(workers.map((worker) => worker.stop()));
await Promise.all([orders.close(), pages.close()]);
await stop();
