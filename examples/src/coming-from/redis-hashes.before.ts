/** Features as hashes: one for each entity, as the documentation of Redis shows it. */

// #region readme
import { Redis } from 'ioredis';
import { data, stop } from '../nodes.js';
import { CUSTOMERS } from './customers.js';

const redis = new Redis(data);

// The nightly job
const pipeline = redis.pipeline();
for (const { id, age, tier } of CUSTOMERS) {
  pipeline.hset(`user:${id}`, { age, tier });
  pipeline.expire(`user:${id}`, 2 * 86_400);
}
await pipeline.exec();

// The request
const profileOf = async (id: string) => {
  const [age, tier] = await redis.hmget(`user:${id}`, 'age', 'tier');
  return { age: age === null ? null : Number(age), tier };
};
console.log(await profileOf('u1'), await profileOf('u9'));
// #endregion readme

redis.disconnect();
await stop();
