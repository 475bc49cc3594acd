/** The queue of Holdfast in the place of one of BullMQ. */

// #region readme
import { createQueue, createWorker, NonRetryableError } from '@holdfast/queue';
import { data, stop } from '../nodes.js';
import { end, type Mail, send, sent } from './mails.js';

const mails = createQueue<Mail>({
  redis: data,
  name: 'mails',
  ...{ attempts: 3, backoff: { type: 'exponential', delay: 10 } },
});
const worker = createWorker({
  queue: mails,
  concurrency: 10,
  handler: async ({ data: mail }) => {
    if (!mail.to.includes('@')) throw new NonRetryableError('no address');
    return send(mail);
  },
});

await mails.add({ to: 'ann@example.org' }, { id: 'welcome-ann' });
await mails.add({ to: 'ann@example.org' }, { id: 'welcome-ann' }); // does nothing
const slow = await mails.add({ to: 'slow@example.org' }, { delay: 20, priority: 9 });
console.log(await mails.wait(slow.id));
const wrong = await mails.add({ to: 'nobody' });
console.log(await mails.wait(wrong.id).catch(({ message }: Error) => message.includes('no address')));
console.log(await sent());
// #endregion readme

await worker.stop();
await mails.close();
end();
await stop();
