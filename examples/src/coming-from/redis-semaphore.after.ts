/** The same with Holdfast. */

// #region readme
import { createLocks } from '@holdfast/lock';
import { nodes } from '../nodes.js';
import { counter, end, increment, TASKS } from './job.js';

const locks = createLocks({ nodes }); // URLs, or your clients

await Promise.all(
  TASKS.map(() =>
    // Renewed, and released at the end. If it is lost: lease.signal in the routine, LeaseLostError here.
    locks.using('counter', { ttl: 2_000, wait: 10_000 }, increment),
  ),
);
console.log(await counter());

const workers = locks.semaphore('workers', { permits: 2 });
const slots = [await workers.tryAcquire(), await workers.tryAcquire()];
const got = slots.map((slot) => slot !== null);
console.log(got, (await workers.tryAcquire()) !== null);
await Promise.all(slots.map((slot) => slot?.release()));
// #endregion readme

await locks.close();
await end();
