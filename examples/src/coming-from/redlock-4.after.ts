/** The same with Holdfast. */

// #region readme
import { createLocks } from '@holdfast/lock';
import { nodes } from '../nodes.js';
import { counter, end, increment, TASKS } from './job.js';

const locks = createLocks({ nodes }); // URLs, or your clients

await Promise.all(
  TASKS.map(async () => {
    const lease = await locks.acquire('counter', { ttl: 2_000 });
    await increment();
    await lease.release();
  }),
);
console.log(await counter());

const lease = await locks.acquire('report', { ttl: 2_000 });
await lease.extend();
if ((await locks.tryAcquire('report')) === null) console.log('busy');
await lease.release();
// #endregion readme

await locks.close();
await end();
