/** The guard for data in PostgreSQL: the contract with both drivers, isolation, lost connections, and its table. */
import { MisuseError, StaleTokenError, UnavailableError } from '@holdfast/fence';
import {
  createPostgresGuard,
  type IsolationLevel,
  type PostgresGuard,
  type PostgresGuardOptions,
  type PostgresSource,
  postgresMigration,
} from '@holdfast/fence/postgres';
import { systemClock } from '@holdfast/kernel';
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import { Client, Pool, type PoolClient } from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { guardContract } from './contract.js';
import { holder } from './holder.js';

let server: LocalPostgres;
let pool: Pool;
let tables = 0;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url, max: 30 });
  pool.on('error', () => {}); // connections are ended on purpose
  await pool.query('CREATE TABLE numbers (name text PRIMARY KEY, value integer NOT NULL)');
});

afterAll(async () => {
  await pool?.end();
  await server?.stop();
});

type Options = Omit<PostgresGuardOptions<Pool>, 'sql'>;

/** A guard with a table of its own. */
async function newGuard(options: Options = {}): Promise<PostgresGuard<PoolClient>> {
  const guard = createPostgresGuard({ sql: pool, table: `marks_${++tables}`, ...options });
  await guard.migrate();
  await guard.initialize();
  return guard;
}

const SET = 'INSERT INTO numbers VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2';

async function numberOf(name: string): Promise<number> {
  const { rows } = await pool.query('SELECT value FROM numbers WHERE name = $1', [name]);
  return rows[0]?.value ?? 0;
}

async function countOf(sql: string): Promise<number> {
  return Number((await pool.query(`SELECT count(*) FROM ${sql}`)).rows[0].count);
}

/** How many connections wait for a lock. */
const waiting = (): Promise<number> => countOf(`pg_stat_activity WHERE wait_event_type = 'Lock'`);

/** Something to wait for that another step decides. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

const base = systemClock.wall();

guardContract('pg', async () => {
  const table = 'marks_of_the_contract_pg';
  const first = createPostgresGuard({ sql: pool, table });
  const second = new Pool({ connectionString: server.url, max: 3 });
  await first.migrate();
  await first.initialize();
  return {
    guards: [first, createPostgresGuard({ sql: second, table })],
    set: (resource, value) => (tx) => tx.query(SET, [`pg ${resource}`, value]),
    read: (resource) => numberOf(`pg ${resource}`),
    token: (step) => base + step,
    async markWithoutIssuer(resource, token) {
      await pool.query(`INSERT INTO ${table} (resource, token) VALUES ($1, $2)`, [resource, token]);
    },
    [Symbol.asyncDispose]: () => second.end(),
  };
});

guardContract('a client of pg', async () => {
  const table = 'marks_of_the_contract_client';
  const clients = [new Client(server.url), new Client(server.url)] as const;
  for (const client of clients) await client.connect();
  const guards = [
    createPostgresGuard({ sql: clients[0], table }),
    createPostgresGuard({ sql: clients[1], table }),
  ] as const;
  await guards[0].migrate();
  await guards[0].initialize();
  return {
    guards,
    set: (resource, value) => (tx) => tx.query(SET, [`client ${resource}`, value]),
    read: (resource) => numberOf(`client ${resource}`),
    token: (step) => base + step,
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.end();
    },
  };
});

guardContract('postgres.js', async () => {
  const table = 'marks_of_the_contract_postgres_js';
  const [one, two] = [postgres(server.url, { max: 5 }), postgres(server.url, { max: 3, prepare: false })];
  const first = createPostgresGuard({ sql: one, table });
  await first.migrate();
  await first.initialize();
  return {
    guards: [first, createPostgresGuard({ sql: two, table })],
    set: (resource, value) => async (tx) => {
      const row = { name: `js ${resource}`, value };
      await tx`INSERT INTO numbers ${tx(row)} ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
    },
    read: (resource) => numberOf(`js ${resource}`),
    token: (step) => base + step,
    async [Symbol.asyncDispose]() {
      await Promise.all([one.end(), two.end()]);
    },
  };
});

describe.each<IsolationLevel>(['read committed', 'repeatable read', 'serializable'])('at %s', (isolation) => {
  const name = `isolated ${isolation}`;

  it('a holder that began before the newer one committed is refused, and runs nothing', async () => {
    const guard = await newGuard();
    const [entered, leave] = [gate(), gate()];
    const newer = guard.transaction(
      holder(name, 2),
      async (tx) => {
        await tx.query(SET, [name, 2]);
        entered.open();
        await leave.passed;
      },
      { isolation },
    );
    await entered.passed;
    const work = vi.fn();
    const older = guard.transaction(holder(name, 1), work, { isolation }).catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await waiting()).toBe(1), 20_000);
    leave.open();
    await newer;
    expect(await older).toBeInstanceOf(StaleTokenError);
    expect(work).not.toHaveBeenCalled();
    expect(await numberOf(name)).toBe(2);
  });

  it('a transaction that was opened before the newer one committed is refused, too', async () => {
    const guard = await newGuard();
    const client = await pool.connect();
    try {
      await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
      await client.query('SELECT count(*) FROM numbers'); // takes the snapshot where there is one
      await guard.transaction(holder(name, 2), async () => {});
      const query = async (text: string) => (await client.query(text)).rows;
      const outcome = await guard.sealWithin(holder(name, 1), query).catch((error: unknown) => error);
      if (isolation === 'read committed') expect(outcome).toBeInstanceOf(StaleTokenError);
      else expect(outcome).toBeInstanceOf(UnavailableError); // run all of it again
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });

  it('no update of twenty holders at once is lost', async () => {
    const guard = await newGuard();
    const counter = `${name} counter`;
    const rounds = Array.from({ length: 20 }, () =>
      guard.transaction(
        holder(counter, 7),
        async (tx) => {
          const { rows } = await tx.query('SELECT value FROM numbers WHERE name = $1', [counter]);
          await tx.query(SET, [counter, (rows[0]?.value ?? 0) + 1]);
        },
        { isolation },
      ),
    );
    await Promise.all(rounds);
    expect(await numberOf(counter)).toBe(20);
  });
});

describe('a transaction', () => {
  it('gives the result of its work, and commits', async () => {
    const guard = await newGuard();
    const result = await guard.transaction(holder('result', 1), async (tx) => {
      await tx.query(SET, ['result', 5]);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await numberOf('result')).toBe(5);
  });

  it('rolls back when its work rejects, and rejects with the same error', async () => {
    const guard = await newGuard();
    const reason = new Error('no');
    const work = async (tx: PoolClient): Promise<void> => {
      await tx.query(SET, ['rejected', 5]);
      throw reason;
    };
    await expect(guard.transaction(holder('rejected', 1), work)).rejects.toBe(reason);
    expect(await numberOf('rejected')).toBe(0);
  });

  it('does not pass for committed when the error of a statement was swallowed', async () => {
    const guard = await newGuard();
    const work = async (tx: PoolClient): Promise<void> => {
      await tx.query(SET, ['swallowed', 5]);
      await tx.query('SELECT 1 / 0').catch(() => {});
    };
    await expect(guard.transaction(holder('swallowed', 1), work)).rejects.toThrow(/was rolled back/);
    expect(await numberOf('swallowed')).toBe(0);
  });

  it('waits for an earlier one no longer than the timeout, which then does not bind its own statements', async () => {
    const guard = await newGuard({ lockTimeout: 50 });
    const [entered, leave] = [gate(), gate()];
    const first = guard.transaction(holder('slow', 1), async (tx) => {
      const { rows } = await tx.query('SHOW lock_timeout');
      expect(rows).toEqual([{ lock_timeout: '0' }]);
      entered.open();
      await leave.passed;
    });
    await entered.passed;
    const second = guard.transaction(holder('slow', 2), async () => {});
    await expect(second).rejects.toThrow(UnavailableError);
    await expect(second).rejects.toThrow(/still has its transaction open/);
    leave.open();
    await first;
  });

  it('runs again, and only once, on a connection that was lost before', async () => {
    const guard = await newGuard();
    const client = await pool.connect();
    client.on('error', () => {});
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    client.release();
    await pool.query('SELECT pg_terminate_backend($1) WHERE $1 <> pg_backend_pid()', [rows[0].pid]);
    await vi.waitFor(() => guard.transaction(holder('again', 1), async () => {}), 20_000);
  });

  it.each(['pg', 'postgres.js'])(
    'with %s says that nothing was committed when its connection is lost',
    async (driver) => {
      const sql = postgres(server.url, { max: 2 });
      const table = `marks_${++tables}`;
      const guards = {
        pg: createPostgresGuard({ sql: pool, table }),
        js: createPostgresGuard({ sql, table }),
      };
      await guards.pg.migrate();
      await guards.pg.initialize();
      const die = 'SELECT pg_terminate_backend(pg_backend_pid())';
      const name = `lost ${driver}`;
      const set = `INSERT INTO numbers VALUES ('${name}', 1)`;
      const outcome =
        driver === 'pg'
          ? guards.pg.transaction(holder(name, 1), async (tx) => {
              await tx.query(set);
              await tx.query(die);
            })
          : guards.js.transaction(holder(name, 1), async (tx) => {
              await tx.unsafe(set);
              await tx.unsafe(die).catch(() => {});
              await tx.unsafe(set); // the library has another connection by now, outside of the transaction
            });
      await expect(outcome).rejects.toThrow(UnavailableError);
      await expect(outcome).rejects.toThrow(/nothing (of the transaction )?was committed/);
      expect(await numberOf(name)).toBe(0);
      await guards.pg.transaction(holder(name, 1), async (tx) => tx.query(set));
      await sql.end({ timeout: 0 });
    },
  );

  it.each(['pg', 'postgres.js'])(
    'with %s says that it does not know when the commit gets no answer',
    async (driver) => {
      const sql = postgres(server.url, { max: 2 });
      const table = `marks_${++tables}`;
      const guards = {
        pg: createPostgresGuard({ sql: pool, table }),
        js: createPostgresGuard({ sql, table }),
      };
      await guards.pg.migrate();
      await guards.pg.initialize();
      await pool.query(`
      CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
      CREATE TABLE deaths_${tables} (n integer);
      CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON deaths_${tables} DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die()`);
      const insert = `INSERT INTO deaths_${tables} VALUES (1)`;
      const outcome =
        driver === 'pg'
          ? guards.pg.transaction(holder('commit', 1), async (tx) => tx.query(insert))
          : guards.js.transaction(holder('commit', 1), async (tx) => tx.unsafe(insert));
      await expect(outcome).rejects.toThrow(UnavailableError);
      await expect(outcome).rejects.toThrow(/whether it was carried out is not known/);
      await sql.end({ timeout: 0 });
    },
  );

  it('of postgres.js has savepoints, and carries out nothing once it is over', async () => {
    const sql = postgres(server.url, { max: 2 });
    const guard = createPostgresGuard({ sql, table: `marks_${++tables}` });
    await guard.migrate();
    await guard.initialize();
    let late: typeof sql | undefined;
    await guard.transaction(holder('savepoints', 1), async (tx) => {
      late = tx as unknown as typeof sql;
      await tx`INSERT INTO numbers VALUES ('savepoints', 1)`;
      await tx
        .savepoint(async (inner) => {
          await inner`UPDATE numbers SET value = 2 WHERE name = 'savepoints'`;
          throw new Error('back');
        })
        .catch(() => {});
    });
    expect(await numberOf('savepoints')).toBe(1);
    const after = (async () => late?.unsafe(`UPDATE numbers SET value = 3 WHERE name = 'savepoints'`))();
    await expect(after).rejects.toThrow(/The transaction is over/);
    expect(await numberOf('savepoints')).toBe(1);
    await sql.end({ timeout: 0 });
  });

  it('takes names as they are', async () => {
    const guard = await newGuard({ schema: 'odd "schema"; --' }).catch((error: unknown) => error);
    expect(guard).toBeInstanceOf(MisuseError);
    expect(String(guard)).toMatch(/its schema does not exist/);
    await pool.query('CREATE SCHEMA "odd ""schema""; --"');
    const odd = await newGuard({ schema: 'odd "schema"; --', table: `Marks' of "us"` });
    for (const resource of [`o'hare`, '\\', `\\'; DROP TABLE numbers; --`, '日本 🎉', '$1']) {
      await odd.seal(holder(resource, 2));
      await expect(odd.seal(holder(resource, 1))).rejects.toThrow(StaleTokenError);
    }
  });
});

describe('the table of marks', () => {
  it('is made once, also by many at once', async () => {
    const table = `marks_${++tables}`;
    const guards = Array.from({ length: 5 }, () => createPostgresGuard({ sql: pool, table }));
    await Promise.all(guards.map((guard) => guard.migrate()));
    expect(await countOf(table)).toBe(1);
  });

  it('is made by the SQL, for who has a tool for migrations', async () => {
    const table = `marks_${++tables}`;
    await pool.query(postgresMigration({ table }));
    const guard = createPostgresGuard({ sql: pool, table });
    await guard.initialize();
    await guard.seal(holder('r', 1));
  });

  it('of before, which has no issuers, is given them, and keeps its marks', async () => {
    const table = `marks_${++tables}`;
    await pool.query(`
      CREATE TABLE ${table} (
        resource text COLLATE "C" PRIMARY KEY,
        token bigint NOT NULL CHECK (token BETWEEN 0 AND 9007199254740991),
        previous bigint NOT NULL DEFAULT 0
      ) WITH (fillfactor = 50);
      INSERT INTO ${table} (resource, token) VALUES ('', 0), ('r', 5);
      CREATE FUNCTION ${table}_raise(of_resource text, to_token bigint, wait_ms integer) RETURNS text
      LANGUAGE sql AS 'SELECT NULL'`);
    const guard = createPostgresGuard({ sql: pool, table });
    await expect(guard.seal(holder('r', 6))).rejects.toThrow(/run guard\.migrate\(\)/);
    await guard.migrate();
    await guard.migrate();
    await expect(guard.seal(holder('r', 4))).rejects.toMatchObject({ seen: 5, reason: 'lower' });
    await guard.seal(holder('r', 5));
    await expect(guard.seal(holder('r', 6, 'queue:q'))).rejects.toThrow(/guard\.transfer\("r", holder\)/);
    // A program of before is refused, not let through unseen.
    const old = pool.query(`SELECT ${table}_raise('r', 7, NULL)`);
    await expect(old).rejects.toMatchObject({ code: '42883' });
  });

  it('must be there: the error says what to do', async () => {
    const guard = createPostgresGuard({ sql: pool, table: 'nowhere' });
    await expect(guard.seal(holder('r', 1))).rejects.toThrow(MisuseError);
    await expect(guard.seal(holder('r', 1))).rejects.toThrow(/run guard\.migrate\(\)/);
  });

  it('that is new refuses tokens that an earlier one may have passed, until it is told that there was none', async () => {
    const guard = createPostgresGuard({ sql: pool, table: `marks_${++tables}`, window: 50 });
    await guard.migrate();
    const before = holder('r', systemClock.wall());
    await expect(guard.seal(before)).rejects.toThrow(StaleTokenError);
    await expect(guard.seal(before)).rejects.toThrow(/call initialize\(\) once/);
    await expect(guard.seal(before)).rejects.toMatchObject({ reason: 'forgotten' });
    await vi.waitFor(() => guard.seal(holder('s', systemClock.wall())), 20_000);
    await expect(guard.seal(before)).rejects.toThrow(StaleTokenError);
    await guard.initialize();
    await guard.seal(before);
  });

  it('that was emptied is noticed', async () => {
    const guard = await newGuard();
    await guard.seal(holder('r', 5));
    await pool.query(`TRUNCATE marks_${tables}`);
    await expect(guard.seal(holder('r', 4))).rejects.toThrow(/was emptied/);
    await guard.migrate();
    await expect(guard.seal(holder('r', 4))).rejects.toThrow(StaleTokenError);
  });

  it('keeps a mark that was raised when a later transaction fails', async () => {
    const guard = await newGuard();
    const sealed = await guard.seal(holder('kept', 5));
    await expect(sealed.write(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(guard.seal(holder('kept', 4))).rejects.toThrow(StaleTokenError);
  });
});

it.each<[Record<string, unknown>, RegExp]>([
  [{ sql: {} }, /sql is a Pool or Client of pg/],
  [{ sql: 'postgres://me:s3cret@host/db' }, /sql is a Pool or Client of pg/],
  [{ sql: null }, /sql is a Pool or Client of pg/],
  [{ table: '' }, /table is a well-formed string/],
  [{ table: 'x'.repeat(58) }, /at most 57 bytes/],
  [{ lockTimeout: 0 }, /lockTimeout/],
  [{ timeout: 5 }, /"timeout"/],
])('%j is refused', (options, message) => {
  const make = (): unknown => createPostgresGuard({ sql: pool as PostgresSource, ...options } as never);
  expect(make).toThrow(MisuseError);
  expect(make).toThrow(message);
  expect(make).not.toThrow(/s3cret/);
});

it('an unknown isolation level is refused before anything is sent', async () => {
  const guard = createPostgresGuard({ sql: pool, table: 'nowhere' });
  const bad = { isolation: 'chaos' as IsolationLevel };
  await expect(guard.transaction(holder('r', 1), async () => {}, bad)).rejects.toThrow(/"chaos"/);
});

it('a server that does not answer is unavailable, and the error has no password', async () => {
  await using other = await startPostgres();
  const gone = new Pool({
    connectionString: other.url.replace('@', ':s3cret@'),
    connectionTimeoutMillis: 2_000,
  });
  await other.stop();
  const error = await createPostgresGuard({ sql: gone })
    .seal(holder('r', 1))
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnavailableError);
  expect(String(error)).not.toMatch(/s3cret/);
  await gone.end();
});
