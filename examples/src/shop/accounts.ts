/**
 * Charges orders: the reason why there is a lease, and a guard.
 *
 * Guarantees: an order is charged once, and what an account owes is the sum of its orders, whichever workers freeze, die or are
 * replaced on the way. The lease lets one worker at a time change an account. The guard refuses a worker that has lost the lease
 * and does not know it: once another has sealed the account, nothing of it is written. Without the guard (`isFenced`), such a
 * worker charges an order that is charged already, and overwrites what the account owes.
 */
import { StaleTokenError } from '@holdfast/fence';
import type { RedisCommand, RedisGuard } from '@holdfast/fence/redis';
import type { Lease, Locks } from '@holdfast/lock';
import type { Step } from '@holdfast/workflow';
import type { Redis } from 'ioredis';
import type { Accounts, Order } from '../fraud-check/fraud-check.js';
import { PURCHASES } from './recommendations.js';
import { TTL } from './setting.js';

/** One charge, as it stands in the list `bookings`. */
export interface Booking {
  readonly order: string;
  readonly account: string;
  readonly amount: number;
  readonly token: number;
}

interface AccountsParts {
  readonly locks: Locks;
  readonly guard: RedisGuard;
  readonly redis: Redis;
  /** Whether writes go through the guard. */
  readonly isFenced: () => boolean;
  /** The bank: however long it takes. */
  readonly authorise: (lease: Lease, order: Order) => Promise<void>;
  readonly onCharged: (booking: Booking) => void;
  readonly onRefused: (lease: Lease, order: Order, error: StaleTokenError) => void;
}

export function accountsIn(parts: AccountsParts): Accounts {
  const underLease = (change: typeof charge) => (step: Step, order: Order) => {
    const terms = { ttl: TTL, wait: 30_000, signal: step.signal };
    return parts.locks.using(`account:${order.account}`, terms, (lease) =>
      change(parts, lease, order).catch((error: unknown) => {
        if (error instanceof StaleTokenError) parts.onRefused(lease, order, error);
        throw error; // the step is tried again, and finds what became of the order
      }),
    );
  };
  return { charge: underLease(charge), giveBack: underLease(giveBack) };
}

async function charge(parts: AccountsParts, lease: Lease, order: Order): Promise<void> {
  const account = await open(parts, lease, order);
  if (account.charged > 0) return; // by an attempt that did not live to say so
  await parts.authorise(lease, order);
  await account.book(order.amount);
  parts.onCharged({ order: order.id, account: order.account, amount: order.amount, token: lease.token });
}

async function giveBack(parts: AccountsParts, lease: Lease, order: Order): Promise<void> {
  const account = await open(parts, lease, order);
  if (account.charged > 0) await account.book(-account.charged);
}

/** Seals the account, reads it, and gives the way to write to it. */
async function open({ guard, redis, isFenced }: AccountsParts, lease: Lease, order: Order) {
  const sealed = isFenced() ? await guard.seal(lease) : undefined; // from here on, no earlier holder can write
  const [charged, [owed, last]] = await Promise.all([
    redis.hget('charged', order.id),
    redis.hmget(`account:${order.account}`, 'owed', 'last'),
  ]);
  const book = async (amount: number): Promise<void> => {
    const { id, account, product = '' } = order;
    const booking: Booking = { order: id, account, amount, token: lease.token };
    const purchase = { product, with: last ?? '', at: Date.now() };
    const commands: RedisCommand[] = [
      ['HSET', 'charged', id, Number(charged) + amount],
      ['HSET', `account:${account}`, 'owed', Number(owed) + amount, 'last', product],
      ['RPUSH', 'bookings', JSON.stringify(booking)],
      // In one step with the charge: what is recommended is counted from this stream, and misses no order.
      ...(amount > 0 ? [['XADD', PURCHASES, '*', 'json', JSON.stringify(purchase)] as const] : []),
    ];
    if (sealed) await sealed.write(commands);
    else await redis.multi(commands.map(([name, ...words]) => [name.toLowerCase(), ...words])).exec();
  };
  return { charged: Number(charged), book };
}
