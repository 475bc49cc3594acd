/** A lease whose owner writes behind a guard. A sample of the README of the repository. */
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { data, nodes } from '../nodes.js';

const guard = createRedisGuard({ redis: data });

// #region readme
const locks = createLocks({ nodes }); // five independent Redis servers
await locks.using('account:42', { ttl: 10_000 }, async (lease) => {
  const account = await guard.seal(lease); // from here on, no earlier owner can write
  await account.write([['INCRBY', 'balance:42', 100]]); // refused once a later owner has sealed
});
// #endregion readme

const redis = new Redis(data);
console.log(await redis.get('balance:42'));
await Promise.all([locks.close(), guard.close(), redis.quit()]);
