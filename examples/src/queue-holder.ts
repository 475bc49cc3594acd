/**
 * Tasks that are added under a lease: the holder that was overtaken adds nothing more. A sample of the README of
 * @holdfast/queue.
 */

// #region readme
import { createLocks } from '@holdfast/lock';
import { createQueue } from '@holdfast/queue';
import { data, nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });
const mails = createQueue<{ text: string }>({ redis: data, name: 'mails' });
await mails.guard.initialize(); // once, when its Redis is new: it has lost no mark

const first = await locks.acquire('invoice:42');
await mails.add({ text: 'Your invoice' }, { holder: first });
await first.release(); // or it runs out, while its holder stands still

const second = await locks.acquire('invoice:42');
await mails.add({ text: 'Your corrected invoice' }, { holder: second });
await mails.add({ text: 'A reminder' }, { holder: first }).catch(({ name }: Error) => console.log(name)); // StaleTokenError
// #endregion readme
console.log((await mails.counts()).waiting);
await mails.close();
await locks.close();
await stop();
