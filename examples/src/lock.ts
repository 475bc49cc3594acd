/**
 * A lease from its beginning to its end. The sample of the README of @holdfast/lock.
 */
import { nodes, stop } from './nodes.js';
// The servers are there now; the sample begins.

// #region readme
import { createLocks } from '@holdfast/lock';

const locks = createLocks({ nodes }); // 'redis://…', an odd number of independent servers
{
  await using lease = await locks.acquire('invoice:42', { ttl: 10_000, wait: 5_000 });
  console.log(`token ${lease.token}, valid for ${Math.round(lease.remaining())} ms`);
  console.log(await locks.tryAcquire('invoice:42')); // null: somebody holds it
  console.log(await lease.extend()); // 'kept': ten more seconds under the same token
} // released here, whatever happened
await locks.close();
// #endregion readme

await stop();
