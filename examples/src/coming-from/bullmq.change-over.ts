/** Jobs of BullMQ that wait are moved to a queue of Holdfast, those under way end where they are. */

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { Queue, Worker } from 'bullmq';
import { data, stop } from '../nodes.js';
import { end, type Mail, send, sent } from './mails.js';

const connection = { url: data };
const before = new Queue<Mail>('mails', { connection });
const after = createQueue<Mail>({ redis: data, name: 'mails' });

// Once all producers add to the new queue. It may be run again after it was interrupted: ids are the same.
async function moveOver(): Promise<number> {
  await before.pause(); // its workers end what they have, and take nothing more
  while ((await before.getActiveCount()) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  let moved = 0;
  for (const job of await before.getJobs(['wait', 'prioritized', 'delayed'])) {
    const delay = Math.max(0, job.timestamp + job.delay - Date.now());
    await after.add(job.data, { id: `mails:${job.id}`, delay, attempts: job.opts.attempts || 1 });
    await job.remove();
    moved += 1;
  }
  return moved;
}
// #endregion readme

let arrived: () => void = () => {};
let proceed: () => void = () => {};
const isUnderWay = new Promise<void>((resolve) => {
  arrived = resolve;
});
const mayEnd = new Promise<void>((resolve) => {
  proceed = resolve;
});
const old = new Worker<Mail>(
  'mails',
  async ({ data: mail }) => {
    arrived();
    await mayEnd;
    return send(mail);
  },
  { connection, concurrency: 1 },
);
await before.add('welcome', { to: 'ann@example.org' });
await isUnderWay;
await before.add('welcome', { to: 'ben@example.org' });
await before.add('welcome', { to: 'cleo@example.org' }, { delay: 50 });
const moving = moveOver();
while (!(await before.isPaused())) await new Promise((resolve) => setTimeout(resolve, 5));
proceed();
console.log(await moving);
const worker = createWorker({ queue: after, handler: ({ data: mail }) => send(mail) });
await Promise.all(['mails:2', 'mails:3'].map((id) => after.wait(id)));
console.log(await sent());

await Promise.all([old.close(), worker.stop()]);
await Promise.all([before.close(), after.close()]);
end();
await stop();
