/** Tenants that do not get in each other's way. A recipe of docs/COOKBOOK.md. */
import { setTimeout } from 'node:timers/promises';
// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from '../nodes.js';

const imports = createQueue<{ tenant: string; row: number }>({
  ...{ redis: data, name: 'imports' },
  // Of each tenant two tasks at a time, and 100 a second; of all together 50 at a time.
  limits: { concurrency: 50, keys: { concurrency: 2, rate: { max: 100, per: 1_000 } } },
});
const add = (tenant: string, row: number) => imports.add({ tenant, row }, { key: tenant });
// #endregion readme

const order: string[] = [];
let [most, running] = [0, 0];
const rows = Array.from({ length: 30 }, (_, row) => row);
await Promise.all(rows.map((row) => add('large', row)));
await add('small', 0); // it does not wait behind the thirty
const worker = createWorker({
  queue: imports,
  concurrency: 10,
  handler: async ({ data: { tenant } }) => {
    order.push(tenant);
    if (tenant === 'large') running += 1;
    most = Math.max(most, running);
    await setTimeout(2);
    if (tenant === 'large') running -= 1;
  },
});
while ((await imports.counts()).totals.completed < 31) await setTimeout(10);
console.log(most, order.indexOf('small') < 5);
await worker.stop();
await imports.close();
await stop();
