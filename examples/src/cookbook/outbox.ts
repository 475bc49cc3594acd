/** A task if and only if the transaction commits. A recipe of docs/COOKBOOK.md. */
import { Pool } from 'pg';
import { database, stopDatabase } from '../database.js';
import { data, stop } from '../nodes.js';

const pool = new Pool({ connectionString: database });

// #region readme
import { createQueue, createWorker } from '@holdfast/queue';
import { createInbox, createOutbox } from '@holdfast/queue/postgres';

const receipts = createQueue<{ amount: number }>({ redis: data, name: 'receipts' });
const outbox = createOutbox({ sql: pool, queue: receipts });
const inbox = createInbox({ sql: pool });
await outbox.migrate();
await inbox.migrate();
const relay = outbox.relay(); // in any number of processes

async function deposit(amount: number, fails = false): Promise<string> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(`UPDATE accounts SET balance = balance + $1 WHERE id = 'account:42'`, [amount]);
    const id = await outbox.add(client, { amount }); // committed with the deposit, or not at all
    if (fails) throw new Error('no');
    await client.query('COMMIT');
    return id;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

const worker = createWorker({
  queue: receipts,
  handler: (task) =>
    inbox.once(task, async (tx) => {
      // What is written here commits once for the task, however often it is delivered.
      const { rows } = await tx.query(`SELECT balance FROM accounts WHERE id = 'account:42'`);
      return rows[0]?.['balance'];
    }),
});
// #endregion readme

await deposit(5, true).catch(() => {});
const id = await deposit(7);
console.log(await outbox.wait(id), (await receipts.counts()).totals.completed);
await worker.stop();
await relay.stop();
await receipts.close();
await pool.end();
await stop();
await stopDatabase();
