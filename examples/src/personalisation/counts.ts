/**
 * What was shown to whom, in Redis.
 *
 * Guarantees: a request is counted once. Of the runs of one user, one at a time goes on, because the user is their key; so the
 * user is what the step seals, and nobody else writes about the user between what it reads and what it writes.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import type { Redis } from 'ioredis';
import type { Parts } from './personalise.js';

export const countsIn =
  (guard: RedisGuard, redis: Redis): Parts['count'] =>
  async (step, { user, request }, items) => {
    const { write } = await guard.seal(step, { resource: `user:${user}` });
    if ((await redis.hexists(`served:${user}`, request)) === 1) return;
    await write([
      ['HSET', `served:${user}`, request, items.join(' ')],
      ...items.map((item) => ['HINCRBY', `seen:${user}`, item, 1] as const),
    ]);
  };
