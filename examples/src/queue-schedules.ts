/** Schedules: within a span, without overlap, and run now. The sample of the README of @holdfast/queue. */

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { data, stop } from './nodes.js';

const reports = createQueue<{ kind: string }>({ redis: data, name: 'reports' });
await reports.schedule(
  'nightly',
  { kind: 'sales' },
  { cron: '0 3 * * *', timezone: 'Europe/Berlin', end: Date.UTC(2099, 0), overlap: 'skip' },
);
await reports.schedule('thrice', { kind: 'trial' }, { every: 100, count: 3 });
const id = await reports.runSchedule('nightly'); // now, and at 3 o'clock all the same

const kinds: string[] = [];
const worker = createWorker({ queue: reports, handler: ({ data: { kind } }) => kinds.push(kind) });
// #endregion readme

console.log(await reports.wait(id ?? ''));
while (kinds.length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
console.log(
  kinds.sort(),
  (await reports.schedules()).map(({ name }) => name),
);
await worker.stop();
await reports.close();
await stop();
