/** What takes in the entries of a program in another language. */

// #region readme
import { createFeatures, entity, redisStream, t, view } from '@holdfast/features';
import { createLocks } from '@holdfast/lock';
import { Redis } from 'ioredis';
import { data, nodes, stop } from '../nodes.js';

const profile = view('profile', {
  entity: entity('user'),
  fields: { age: t.int(), tier: t.string() },
});
const store = createFeatures({ redis: data, name: 'shop', views: [profile] });
await store.apply();

const locks = createLocks({ nodes });
const election = locks.election('profiles'); // one process writes; when it dies, the next goes on where it was
const lane = await store.open(profile, { lane: 'stream', holder: await election.campaign() });
const follower = lane.follow(redisStream({ redis: data, streams: ['profiles'] }), (entry) => {
  const { id, age, tier, at } = entry as Record<'id' | 'age' | 'tier' | 'at', string>;
  return { id, time: Number(at), values: { age: Number(age), tier } };
});
// #endregion readme

// What the program in Go does
const redis = new Redis(data);
const at = Date.now() - 60_000;
await redis.xadd('profiles', '*', 'id', 'u1', 'age', 41, 'tier', 'gold', 'at', at);
await redis.xadd('profiles', '*', 'id', 'u1', 'age', 40, 'tier', 'none', 'at', at - 1_000); // it comes too late

while (lane.stats().accepted + lane.stats().older < 2)
  await new Promise((resolve) => setTimeout(resolve, 20));
console.log(lane.stats().older, (await store.rows(profile, ['u1']))[0]?.values);
await follower.stop();
await election.resign();
redis.disconnect();
await store.close();
await locks.close();
await stop();
