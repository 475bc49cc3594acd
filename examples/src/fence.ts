/**
 * A holder that outlived its lease is refused at the resource. The sample of the README of @holdfast/fence.
 */
import { createLocks } from '@holdfast/lock';
import { data, nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });

// #region readme
import { StaleTokenError } from '@holdfast/fence';
import { createRedisGuard } from '@holdfast/fence/redis';

const guard = createRedisGuard({ redis: data }); // 'redis://…', where the data lives
const early = await guard.seal(await locks.acquire('account:42', { ttl: 200 })); // and never extended
const later = await guard.seal(await locks.acquire('account:42')); // granted when that has run out
await later.write([['SET', 'balance:42', 5]]);
await early.write([['SET', 'balance:42', 1]]).catch((error: unknown) => {
  if (error instanceof StaleTokenError) console.log(`refused: ${error.offered} is below ${error.seen}`);
});
await guard.close();
// #endregion readme

await locks.close();
await stop();
