/**
 * Clients that the program already has, of both libraries, side by side. Holdfast uses them and never closes them.
 */
import { data, nodes, stop } from './nodes.js';
// The servers are there now; the sample begins.

// #region readme
import { createRedisGuard } from '@holdfast/fence/redis';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

const ours = await createClient({ url: data }).connect(); // node-redis: connect it yourself
const theirs = nodes.map((url) => new Redis(url)); // ioredis: connects by itself
const locks = createLocks({ nodes: theirs });
const guard = createRedisGuard({ redis: ours });
await locks.using('stock:7', { ttl: 5_000 }, async (lease) => {
  const stock = await guard.seal(lease);
  await stock.write([['HINCRBY', 'stock:7', 'reserved', 1]]);
});
console.log(`reserved ${await ours.hGet('stock:7', 'reserved')}`);
await locks.close();
await Promise.all([ours.close(), ...theirs.map((client) => client.quit())]); // yours to close
// #endregion readme

await stop();
