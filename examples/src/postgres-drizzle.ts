/**
 * The guard inside a transaction of Drizzle.
 */
import { createLocks } from '@holdfast/lock';
import { Pool } from 'pg';
import { database, stopDatabase } from './database.js';
import { nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });
const pool = new Pool({ connectionString: database });

// #region readme
import type { TokenHolder } from '@holdfast/fence';
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';

const accounts = pgTable('accounts', { id: text().primaryKey(), balance: integer().notNull() });
const db = drizzle(pool);
const guard = createPostgresGuard({ sql: pool });

const deposit = (lease: TokenHolder, amount: number) =>
  db.transaction(async (tx) => {
    const query = async (text: string) => (await tx.execute(sql.raw(text))).rows;
    await guard.sealWithin(lease, query); // first of all, and its errors are let through
    const [account] = await tx.select().from(accounts).where(eq(accounts.id, 'account:42'));
    const balance = (account?.balance ?? 0) + amount;
    await tx.update(accounts).set({ balance }).where(eq(accounts.id, 'account:42'));
  });
// #endregion readme

const early = await locks.acquire('account:42', { ttl: 200 });
const later = await locks.acquire('account:42');
await deposit(later, 5);
await deposit(early, 100).catch((error: Error) => console.log(error.name));
const { rows } = await pool.query('SELECT balance FROM accounts');
console.log(`balance ${rows[0].balance}`);
await pool.end();
await locks.close();
await stop();
await stopDatabase();
