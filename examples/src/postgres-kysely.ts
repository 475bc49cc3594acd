/**
 * The guard inside a transaction of Kysely.
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
import { Kysely, PostgresDialect, sql } from 'kysely';

const db = new Kysely<{ accounts: { id: string; balance: number } }>({
  dialect: new PostgresDialect({ pool }),
});
const guard = createPostgresGuard({ sql: pool });

const deposit = (lease: TokenHolder, amount: number) =>
  db.transaction().execute(async (tx) => {
    const query = async (text: string) => (await sql.raw<object>(text).execute(tx)).rows;
    await guard.sealWithin(lease, query); // first of all, and its errors are let through
    const account = tx.selectFrom('accounts').select('balance').where('id', '=', 'account:42');
    const { balance } = await account.executeTakeFirstOrThrow();
    await tx
      .updateTable('accounts')
      .set({ balance: balance + amount })
      .where('id', '=', 'account:42')
      .execute();
  });
// #endregion readme

const early = await locks.acquire('account:42', { ttl: 200 });
const later = await locks.acquire('account:42');
await deposit(later, 5);
await deposit(early, 100).catch((error: Error) => console.log(error.name));
const { rows } = await pool.query('SELECT balance FROM accounts');
console.log(`balance ${rows[0].balance}`);
await db.destroy();
await locks.close();
await stop();
await stopDatabase();
