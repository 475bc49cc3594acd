/** Two kinds of task in one queue, with their types. The sample on kinds in the README of @holdfast/queue. */
// #region readme
import { createQueue, createWorker, defineKind, type Task } from '@holdfast/queue';
import { data, stop } from './nodes.js';

const welcome = defineKind('welcome', {
  handler: async ({ data: { to } }: Task<{ to: string }>) => ({ sent: `welcome, ${to}` }),
});
const invoice = defineKind('invoice', {
  handler: async ({ data: { cents } }: Task<{ cents: number }>) => cents / 100,
});

const mails = createQueue({ redis: data, name: 'post' });
const worker = createWorker({ queue: mails, kinds: [welcome, invoice], concurrency: 10 });

const { id } = await mails.kind(welcome).add({ to: 'Ann' });
const { sent } = await mails.kind(welcome).wait(id); // a string, by the type of the handler
const due = await mails.kind(invoice).add({ cents: 1250 }, { attempts: 5 });
console.log(sent, await mails.kind(invoice).wait(due.id));
// #endregion readme
await worker.stop();
await mails.close();
await stop();
