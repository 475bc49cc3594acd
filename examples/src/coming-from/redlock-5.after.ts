/** The same with Holdfast. */

// #region readme
import { createLocks } from '@holdfast/lock';
import { nodes } from '../nodes.js';
import { counter, end, increment, TASKS } from './job.js';

const locks = createLocks({ nodes }); // URLs, or your clients

await Promise.all(TASKS.map(() => locks.using('counter', { ttl: 2_000 }, increment)));
console.log(await counter());

const lease = await locks.acquire(['a', 'b'], { ttl: 2_000 });
await lease.extend();
if ((await locks.tryAcquire('b')) === null) console.log('busy');
await lease.release();
// #endregion readme

await locks.close();
await end();
