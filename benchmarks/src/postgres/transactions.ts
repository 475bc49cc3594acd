/**
 * The same transaction twice, with a guard and without, as a ledger has it: read the balance of an account, write it
 * back with one more, add an entry.
 *
 * Guarantees: both send the same statements over connections of the same library; the guarded one raises a mark before.
 */
import { createPostgresGuard } from '@holdfast/fence/postgres';
import { Pool, type PoolClient } from 'pg';
import postgres from 'postgres';

/** Runs one transaction on the account of `worker`. */
export type Transaction = (worker: number) => Promise<unknown>;

export interface Library {
  readonly name: string;
  readonly unguarded: Transaction;
  readonly guarded: Transaction;
  close(): Promise<void>;
}

const TABLE = 'holdfast_marks';

const accountOf = (worker: number): string => `account:${worker}`;

export async function openPg(url: string, connections: number): Promise<Library> {
  const pool = new Pool({ connectionString: url, max: connections });
  const guard = await ready(createPostgresGuard({ sql: pool, table: TABLE }));
  const work = async (tx: PoolClient, worker: number): Promise<void> => {
    const id = accountOf(worker);
    const { rows } = await tx.query('SELECT balance FROM accounts WHERE id = $1', [id]);
    await tx.query('UPDATE accounts SET balance = $2 WHERE id = $1', [id, rows[0].balance + 1]);
    await tx.query('INSERT INTO entries (account, amount) VALUES ($1, $2)', [id, 1]);
  };
  return {
    name: 'pg',
    async unguarded(worker) {
      const client = await pool.connect();
      await client.query('BEGIN');
      await work(client, worker);
      await client.query('COMMIT');
      client.release();
    },
    guarded: (worker) => guard.transaction(holderOf(worker), (tx) => work(tx, worker)),
    close: () => pool.end(),
  };
}

export async function openPostgresJs(url: string, connections: number): Promise<Library> {
  const sql = postgres(url, { max: connections, onnotice: () => {} });
  const guard = await ready(createPostgresGuard({ sql, table: TABLE }));
  const work = async (tx: postgres.TransactionSql, worker: number): Promise<void> => {
    const id = accountOf(worker);
    const [account] = await tx`SELECT balance FROM accounts WHERE id = ${id}`;
    await tx`UPDATE accounts SET balance = ${account?.['balance'] + 1} WHERE id = ${id}`;
    await tx`INSERT INTO entries (account, amount) VALUES (${id}, ${1})`;
  };
  return {
    name: 'postgres.js',
    unguarded: (worker) => sql.begin((tx) => work(tx, worker)),
    guarded: (worker) => guard.transaction(holderOf(worker), (tx) => work(tx, worker)),
    close: () => sql.end(),
  };
}

const holderOf = (worker: number) => ({ resource: accountOf(worker), token: 1, issuer: 'benchmark' });

async function ready<Guard extends { migrate(): Promise<void>; initialize(): Promise<void> }>(guard: Guard) {
  await guard.migrate();
  await guard.initialize();
  return guard;
}

/** One account a worker, and marks of resources that nobody uses, as an older deployment has them. */
export async function prepare(url: string, workers: number, marks: number): Promise<number> {
  const pool = new Pool({ connectionString: url, max: 1 });
  try {
    await pool.query('CREATE TABLE accounts (id text PRIMARY KEY, balance integer NOT NULL)');
    await pool.query('CREATE TABLE entries (account text NOT NULL, amount integer NOT NULL)');
    await pool.query(`INSERT INTO accounts SELECT 'account:' || n, 0 FROM generate_series(0, $1 - 1) n`, [
      workers,
    ]);
    await ready(createPostgresGuard({ sql: pool, table: TABLE }));
    await pool.query(
      `INSERT INTO ${TABLE} SELECT 'resource:' || n, 1 FROM generate_series(1, $1::integer) n`,
      [marks],
    );
    await pool.query('VACUUM ANALYZE');
    const { rows } = await pool.query(`SELECT pg_total_relation_size('${TABLE}') AS bytes`);
    return Number(rows[0].bytes) / marks;
  } finally {
    await pool.end();
  }
}

/** The sum of all balances: how many transactions were committed. */
export async function committed(url: string): Promise<number> {
  const pool = new Pool({ connectionString: url, max: 1 });
  const { rows } = await pool.query('SELECT sum(balance) AS sum FROM accounts');
  await pool.end();
  return Number(rows[0].sum);
}
