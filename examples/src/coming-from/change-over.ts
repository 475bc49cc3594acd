/** While old and new programs run side by side: whoever is new takes both locks, always ours first. */

// #region readme
import { createLocks } from '@holdfast/lock';
import Redlock from 'redlock';
import { nodes } from '../nodes.js';
import { clients, counter, end, increment, TASKS } from './job.js';

const redlock = new Redlock(clients, { retryCount: 100, retryDelay: 20, retryJitter: 20 });
const locks = createLocks({ nodes });

const asBefore = () => redlock.using(['counter'], 2_000, increment);
const asDuring = () => locks.using('counter', { ttl: 2_000, wait: 10_000 }, asBefore);
const asAfter = () => locks.using('counter', { ttl: 2_000, wait: 10_000 }, increment);

await Promise.all(TASKS.map((task) => (task % 2 === 0 ? asBefore() : asDuring()))); // the first release
console.log(await counter());
await Promise.all(TASKS.map((task) => (task % 2 === 0 ? asDuring() : asAfter()))); // the second one
console.log(await counter());
// #endregion readme

await locks.close();
await end();
