/** What Redis says of the shop at the end, for the verdict. */

import type { Features } from '@holdfast/features';
import type { Redis } from 'ioredis';
import type { Booking } from '../accounts.js';
import { CUSTOMERS } from '../catalogue.js';
import { countedPurchases } from '../recommendations.js';
import type { Facts } from './verdict.js';

export async function readFacts(
  redis: Redis,
  store: Features,
): Promise<Pick<Facts, 'bookings' | 'owed' | 'pictures' | 'counted'>> {
  const lines = await redis.lrange('bookings', 0, -1);
  const owed = await Promise.all(
    CUSTOMERS.map(async ({ id }) => [id, Number(await redis.hget(`account:${id}`, 'owed'))] as const),
  );
  return {
    bookings: lines.map((line): Booking => JSON.parse(line)),
    owed: new Map(owed.filter(([, sum]) => sum !== 0)),
    pictures: new Set(await redis.hkeys('pictures')),
    counted: await countedPurchases(store),
  };
}
