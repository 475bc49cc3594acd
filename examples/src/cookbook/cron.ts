/** A report each night. A recipe of docs/COOKBOOK.md. */
import { data, stop } from '../nodes.js';

const reports: string[] = [];

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';

const nightly = createQueue<{ report: string }>({ redis: data, name: 'nightly', timeout: 3_600_000 });
// Every process may do this when it starts: there is one schedule, and one task a tick.
await nightly.schedule(
  'sales',
  { report: 'sales' },
  { cron: '0 3 * * *', timezone: 'Europe/Berlin', missed: 'once', overlap: 'skip' },
);
const worker = createWorker({
  queue: nightly,
  handler: async (task) => {
    reports.push(task.data.report); // write it under task.token: a worker that was frozen meanwhile is refused
  },
});
const id = await nightly.runSchedule('sales'); // as after a mistake in the last one: now, beside the ticks
// #endregion readme

await nightly.wait(id ?? '');
const [next] = await nightly.schedules();
console.log(reports, next?.next.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' }));
await worker.stop();
await nightly.close();
await stop();
