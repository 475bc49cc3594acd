/**
 * The accounts in PostgreSQL. The transaction of a step raises the mark of its order before it does anything else, so what it
 * reads is what all earlier attempts have left, and none of them commits after it.
 */
import type { PostgresGuard } from '@holdfast/fence/postgres';
import type { Step } from '@holdfast/workflow';
import type { PoolClient } from 'pg';
import type { Accounts, Authorise, Order } from './fraud-check.js';

export const TABLES = `
  CREATE TABLE IF NOT EXISTS balances (account text PRIMARY KEY, balance bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS bookings (
    id bigserial PRIMARY KEY, order_id text NOT NULL, kind text NOT NULL, amount bigint NOT NULL, token bigint NOT NULL)`;

const BOOK = 'INSERT INTO bookings (order_id, kind, amount, token) VALUES ($1, $2, $3, $4)';
const CHARGED = `SELECT coalesce(sum(CASE kind WHEN 'charge' THEN amount ELSE -amount END), 0)::int AS charged
  FROM bookings WHERE order_id = $1`;
const CHANGE = `INSERT INTO balances VALUES ($1, $2)
  ON CONFLICT (account) DO UPDATE SET balance = balances.balance + $2`;

export function postgresAccounts(guard: PostgresGuard<PoolClient>, authorise: Authorise): Accounts {
  const book = (step: Step, order: Order, kind: 'charge' | 'give back'): Promise<void> => {
    const { id, account, amount } = order;
    const work = async (tx: PoolClient): Promise<void> => {
      const { rows } = await tx.query<{ charged: number }>(CHARGED, [id]);
      const isCharged = (rows[0]?.charged ?? 0) > 0;
      if (isCharged === (kind === 'charge')) return; // it is as it is to be
      await tx.query(BOOK, [id, kind, amount, step.token]);
      await tx.query(CHANGE, [account, kind === 'charge' ? -amount : amount]);
    };
    return guard.transaction(step, work, { resource: `order:${id}` });
  };
  return {
    async charge(step, order) {
      await authorise(order); // no transaction is open meanwhile
      await book(step, order, 'charge');
    },
    giveBack: (step, order) => book(step, order, 'give back'),
  };
}
