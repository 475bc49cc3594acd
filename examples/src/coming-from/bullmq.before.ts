/** A queue of BullMQ: idempotent adds, attempts with backoff, a delay, the result of a job. */

// #region readme
import { Queue, QueueEvents, UnrecoverableError, Worker } from 'bullmq';
import { data, stop } from '../nodes.js';
import { end, type Mail, send, sent } from './mails.js';

const connection = { url: data };
const mails = new Queue<Mail, string>('mails', {
  connection,
  defaultJobOptions: { attempts: 3, backoff: { type: 'exponential', delay: 10 } },
});
const events = new QueueEvents('mails', { connection });
const worker = new Worker<Mail, string>(
  'mails',
  async ({ data: mail }) => {
    if (!mail.to.includes('@')) throw new UnrecoverableError('no address');
    return send(mail);
  },
  { connection, concurrency: 10 },
);

await mails.add('welcome', { to: 'ann@example.org' }, { jobId: 'welcome-ann' });
await mails.add('welcome', { to: 'ann@example.org' }, { jobId: 'welcome-ann' }); // does nothing
const slow = await mails.add('welcome', { to: 'slow@example.org' }, { delay: 20, priority: 1 });
console.log(await slow.waitUntilFinished(events));
const wrong = await mails.add('welcome', { to: 'nobody' });
console.log(
  await wrong.waitUntilFinished(events).catch(({ message }: Error) => message.includes('no address')),
);
console.log(await sent());
// #endregion readme

await Promise.all([worker.close(), events.close(), mails.close()]);
end();
await stop();
