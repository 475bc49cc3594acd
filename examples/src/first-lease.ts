/**
 * The first program: change an account under a lease, behind a guard. The sample of the root README.
 */
import { stop } from './nodes.js';
// The servers are there now; the sample begins.

// #region readme
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';

const locks = createLocks({ nodes: process.env['HOLDFAST_NODES']!.split(',') }); // five Redis servers
const redis = new Redis(process.env['REDIS_URL']!); // where the account lives
const guard = createRedisGuard({ redis });

await locks.using('account:42', { ttl: 10_000 }, async (lease) => {
  const account = await guard.seal(lease); // from here on, no earlier holder can write
  const balance = Number(await redis.get('balance:42'));
  await account.write([['SET', 'balance:42', balance + 100]]); // refused once a later holder has sealed
  console.log(`token ${lease.token}: balance ${balance} -> ${balance + 100}`);
});
await Promise.all([locks.close(), guard.close(), redis.quit()]);
// #endregion readme

await stop();
