/** E-mails with retries. A recipe of docs/COOKBOOK.md. */
import { data, stop } from '../nodes.js';

const sent: string[] = [];
const calls = new Map<string, number>();

/** A provider that fails the first time, asks to wait the first time, or refuses an address. */
async function sendMail(to: string): Promise<{ status: number; retryAfter?: number }> {
  const call = (calls.get(to) ?? 0) + 1;
  calls.set(to, call);
  if (!to.includes('@')) return { status: 400 };
  if (to.startsWith('busy') && call === 1) return { status: 429, retryAfter: 50 };
  if (to.startsWith('shaky') && call < 3) throw new Error('connection reset');
  sent.push(to);
  return { status: 200 };
}

// #region readme
import { createQueue, createWorker, NonRetryableError } from '@holdfast/queue';

const mails = createQueue<{ to: string; template: string }>({
  ...{ redis: data, name: 'mails', attempts: 8, timeout: 30_000 },
  backoff: { type: 'exponential', delay: 20, limit: 3_600_000, jitter: 0.5 }, // in production, from a second on
});
const worker = createWorker({
  queue: mails,
  concurrency: 20,
  handler: async (task) => {
    const { status, retryAfter = 1_000 } = await sendMail(task.data.to);
    if (status === 429) return task.defer(retryAfter); // not yet: no attempt is used up
    if (status >= 400 && status < 500) throw new NonRetryableError(`refused with ${status}`);
    return status;
  },
});

// The id makes a request that is repeated the same mail.
const welcome = (to: string) => mails.add({ to, template: 'welcome' }, { id: `welcome:${to}` });
// #endregion readme

const all = ['ann@example.org', 'ann@example.org', 'busy@example.org', 'shaky@example.org', 'nobody'];
const added = await Promise.all(all.map(welcome));
const ends = await Promise.all(
  added.map(({ id }) => mails.wait(id).catch((error: Error) => error.constructor.name)),
);
const shaky = await mails.get('welcome:shaky@example.org');
console.log(ends.join(' '), sent.length, shaky?.attempt);
await worker.stop();
await mails.close();
await stop();
