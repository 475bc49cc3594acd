/**
 * The PostgreSQL that the examples run on: that of DATABASE_URL, or else one that is started on this machine for as
 * long as the example runs. It has a table of accounts, with one account of nothing.
 *
 * Guarantees: importing this waits until the database can be used. `stopDatabase` ends what was started here, and
 * nothing else.
 */
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { startPostgres } from '@holdfast/local/postgres';
import { Pool } from 'pg';

const given = process.env['DATABASE_URL'];
const started = given ? undefined : await startPostgres();

/** As a URL. */
export const database: string = given || (started?.url ?? '');

const setup = new Pool({ connectionString: database });
await setup.query('CREATE TABLE IF NOT EXISTS accounts (id text PRIMARY KEY, balance integer NOT NULL)');
await setup.query(`INSERT INTO accounts VALUES ('account:42', 0) ON CONFLICT (id) DO UPDATE SET balance = 0`);
const guard = createPostgresGuard({ sql: setup });
await guard.migrate();
await guard.initialize(); // the data are new: no mark was lost
await setup.end();

export async function stopDatabase(): Promise<void> {
  await started?.stop();
}
