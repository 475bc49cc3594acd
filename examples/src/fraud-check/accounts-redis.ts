/**
 * The accounts in Redis.
 *
 * Guarantees: a step seals its order first, and reads then. Whatever an earlier attempt has written by then is seen; whatever
 * it writes later is refused. So "not charged yet" stays true until the step writes, and the order is charged once. An undo
 * seals too: a charge that was frozen on its way does not come after it.
 *
 * The resource is the order, of which there is one run, and not the account, of which there are many: orders of one account do
 * not wait for one another, and nothing here depends on the partition in which their runs live.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import type { Step } from '@holdfast/workflow';
import type { Redis } from 'ioredis';
import type { Accounts, Authorise, Order } from './fraud-check.js';

export function redisAccounts(guard: RedisGuard, redis: Redis, authorise: Authorise): Accounts {
  const sealed = async (step: Step, { id }: Order) => {
    const { write } = await guard.seal(step, { resource: `order:${id}` });
    return { write, charged: Number(await redis.hget('charged', id)) };
  };
  const booking = (kind: 'charge' | 'give back', { id, amount }: Order, { token }: Step) =>
    JSON.stringify({ order: id, kind, amount, token });
  return {
    async charge(step, order) {
      const { id, account, amount } = order;
      const { write, charged } = await sealed(step, order);
      if (charged > 0) return; // by an attempt that did not live to say so
      await authorise(order); // however long it takes, and whoever has the run by then: a stale write is refused
      await write([
        ['HSET', 'charged', id, amount],
        ['HINCRBY', 'balances', account, -amount],
        ['RPUSH', 'bookings', booking('charge', order, step)],
      ]);
    },
    async giveBack(step, order) {
      const { id, account, amount } = order;
      const { write, charged } = await sealed(step, order);
      if (charged === 0) return;
      await write([
        ['HSET', 'charged', id, 0],
        ['HINCRBY', 'balances', account, amount],
        ['RPUSH', 'bookings', booking('give back', order, step)],
      ]);
    },
  };
}
