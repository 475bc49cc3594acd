/** node-redlock 4. */

// #region readme
import Redlock from 'redlock-4'; // redlock 4: import Redlock from 'redlock'
import { clients, counter, end, increment, TASKS } from './job.js';

const redlock = new Redlock(clients, { driftFactor: 0.01, retryCount: 100, retryDelay: 20, retryJitter: 20 });

await Promise.all(
  TASKS.map(async () => {
    const lock = await redlock.lock('counter', 2_000);
    await increment();
    await lock.unlock();
  }),
);
console.log(await counter());

let lock = await redlock.lock('report', 2_000);
lock = await lock.extend(2_000);
const impatient = new Redlock(clients, { retryCount: 0 });
await impatient.lock('report', 2_000).catch(() => console.log('busy'));
await lock.unlock();
// #endregion readme

await end();
