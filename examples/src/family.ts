/**
 * The other kinds of lease: several at once, shared, permits, leadership. A sample of the README of @holdfast/lock.
 */
import { createLocks } from '@holdfast/lock';
import { nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });

// #region readme
const transfer = await locks.acquire(['account:1', 'account:2']); // both or neither, in any order
console.log(Object.keys(transfer.tokens).length, transfer.of('account:1').token < Date.now() * 2000);
await transfer.release();

const readers = [await locks.acquireShared('report'), await locks.acquireShared('report')];
console.log(readers[0]?.token === readers[1]?.token, await locks.tryAcquire('report')); // a writer waits
for (const reader of readers) await reader.release();

const workers = locks.semaphore('workers', { permits: 2 }); // at most two at once, over the quorum
await workers.using({ ttl: 5_000 }, (permit) => console.log(`${permit.resource.slice(0, -1)} 1 of 2`));

const election = locks.election('scheduler', { ttl: 5_000 });
const leadership = await election.campaign(); // renewed until election.resign()
console.log(leadership.token === (await election.leader())?.token);
await election.resign();
// #endregion readme

await locks.close();
await stop();
