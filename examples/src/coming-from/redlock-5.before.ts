/** node-redlock 5; the fork @sesamecare-oss/redlock is called in the same way. */

// #region readme
import Redlock from 'redlock'; // the fork: import { Redlock } from '@sesamecare-oss/redlock'
import { clients, counter, end, increment, TASKS } from './job.js';

const redlock = new Redlock(clients, { retryCount: 100, retryDelay: 20, retryJitter: 20 });

await Promise.all(TASKS.map(() => redlock.using(['counter'], 2_000, increment)));
console.log(await counter());

let lock = await redlock.acquire(['a', 'b'], 2_000);
lock = await lock.extend(2_000);
await redlock.acquire(['b'], 2_000, { retryCount: 0 }).catch(() => console.log('busy'));
await lock.release();
// #endregion readme

await end();
