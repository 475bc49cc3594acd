/**
 * A row that only the latest holder can change. The sample of the README of @holdfast/fence for PostgreSQL.
 */
import { createLocks } from '@holdfast/lock';
import { Pool } from 'pg';
import { database, stopDatabase } from './database.js';
import { nodes, stop } from './nodes.js';

const locks = createLocks({ nodes });
const pool = new Pool({ connectionString: database });

// #region readme
import { StaleTokenError } from '@holdfast/fence';
import { createPostgresGuard } from '@holdfast/fence/postgres';

const guard = createPostgresGuard({ sql: pool }); // a Pool of pg, or what postgres() of postgres.js returns
await guard.migrate(); // makes the table of marks where it is missing
const early = await locks.acquire('account:42', { ttl: 200 }); // and never extended
const later = await locks.acquire('account:42'); // granted when that has run out
const deposit = `UPDATE accounts SET balance = balance + 5 WHERE id = 'account:42'`;
await guard.transaction(later, (tx) => tx.query(deposit));
await guard
  .transaction(early, (tx) => tx.query(deposit))
  .catch((error: unknown) => {
    if (error instanceof StaleTokenError) console.log(`refused: ${error.offered} is below ${error.seen}`);
  });
// #endregion readme

const { rows } = await pool.query('SELECT balance FROM accounts');
console.log(`balance ${rows[0].balance}`);
await pool.end();
await locks.close();
await stop();
await stopDatabase();
