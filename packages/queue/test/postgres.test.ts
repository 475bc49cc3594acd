/** Effects exactly once, and tasks that appear if their transaction commits: on a real PostgreSQL, with both libraries. */
import { StaleTokenError } from '@holdfast/fence';
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import type { Task } from '@holdfast/queue';
import { createInbox, createOutbox } from '@holdfast/queue/postgres';
import { Pool } from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { client, eventually, later, queueOf, useRedis, workerOf } from './setting.js';

useRedis();

let server: LocalPostgres;
let pool: Pool;
let sql: postgres.Sql;

beforeAll(async () => {
  server = await startPostgres();
  pool = new Pool({ connectionString: server.url });
  pool.on('error', () => {});
  sql = postgres(server.url, { onnotice: () => {} });
});
beforeEach(async () => {
  await pool.query('DROP TABLE IF EXISTS effects, holdfast_inbox, holdfast_outbox, holdfast_marks CASCADE');
  await pool.query('CREATE TABLE effects (id text)');
});
afterAll(async () => {
  await sql?.end();
  await pool?.end();
  await server?.stop();
});

const effects = async (): Promise<string[]> =>
  (await pool.query('SELECT id FROM effects ORDER BY id')).rows.map(({ id }) => id);
const INSERT = 'INSERT INTO effects VALUES ($1)';

describe('the inbox', () => {
  const cases = [
    ['pg', () => createInbox({ sql: pool }), (tx: never, id: string) => (tx as Pool).query(INSERT, [id])],
    [
      'postgres.js',
      () => createInbox({ sql }),
      (tx: never, id: string) => (tx as postgres.Sql).unsafe(INSERT, [id]),
    ],
  ] as const;

  it.each(cases)('commits the effect of a task once, with %s', async (_, create, insert) => {
    const inbox = create();
    await inbox.migrate();
    await inbox.migrate();
    await inbox.initialize();
    const task = (token: number) => ({ resource: 'queue:q/a/b', issuer: 'queue:images', token });
    const work = (result: string) =>
      inbox.once(task(5), async (tx: unknown) => {
        await insert(tx as never, 'a');
        return { result };
      });
    await expect(
      inbox.once(task(5), async (tx: unknown) => {
        await insert(tx as never, 'broken');
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    expect(await Promise.all([work('x'), work('x')])).toEqual([{ result: 'x' }, { result: 'x' }]);
    expect(await inbox.once(task(9), () => Promise.reject(new Error('never')))).toEqual({ result: 'x' });
    await expect(inbox.once(task(8), () => Promise.resolve(1))).rejects.toThrow(StaleTokenError);
    expect(await effects()).toEqual(['a']);
    expect(await inbox.purge({ olderThan: 3_600_000 })).toBe(0);
    await pool.query("UPDATE holdfast_inbox SET done_at = now() - interval '2 hours'");
    expect(await inbox.purge({ olderThan: 3_600_000 })).toBe(1);
  });

  it('a task whose effect is committed is only acknowledged when it is delivered again', async () => {
    const inbox = createInbox({ sql: pool });
    await inbox.migrate();
    await inbox.initialize();
    const queue = queueOf<string>({ attempts: 3, backoff: { type: 'constant', delay: 0 } });
    const { id } = await queue.add('x');
    workerOf({
      queue,
      handler: async (task: Task<string>) => {
        const result = await inbox.once(task, async (tx) => {
          await tx.query(INSERT, [task.id]);
          return `of attempt ${task.attempt}`;
        });
        if (task.attempt < 3) throw new Error('after the commit');
        return result;
      },
    });
    expect(await queue.wait(id)).toBe('of attempt 1');
    expect(await effects()).toEqual([id]);
  });
});

describe('the outbox', () => {
  it.each(['pg', 'postgres.js'])(
    'moves what was committed, and nothing else, once; with %s',
    async (library) => {
      const queue = queueOf<number>();
      const outbox = createOutbox({ sql: library === 'pg' ? pool : sql, queue });
      await outbox.migrate();
      const inTransaction = async (n: number, commit: boolean): Promise<void> => {
        if (library === 'postgres.js') {
          const work = sql.begin(async (tx) => {
            await outbox.add(tx, n, { id: `n${n}`, priority: 1 });
            if (!commit) throw new Error('rolled back');
          });
          await work.catch(() => {});
          return;
        }
        const tx = await pool.connect();
        await tx.query('BEGIN');
        await outbox.add(tx, n, { id: `n${n}`, priority: 1 });
        await tx.query(commit ? 'COMMIT' : 'ROLLBACK');
        tx.release();
      };
      const relays = [outbox.relay({ poll: 5, batch: 3 }), outbox.relay({ poll: 5, batch: 3 })];
      for (const relay of relays) later(() => relay.stop());
      for (let n = 0; n < 20; n += 1) await inTransaction(n, n % 4 !== 0);
      const seen: number[] = [];
      workerOf({ queue, concurrency: 5, handler: ({ data }: Task<number>) => void seen.push(data) });
      await eventually(() => seen.length, 15);
      await eventually(
        async () => (await pool.query('SELECT count(*)::int AS n FROM holdfast_outbox')).rows[0].n,
        0,
      );
      expect(seen.sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, n) => n).filter((n) => n % 4 !== 0),
      );
      await eventually(async () => (await queue.counts()).completed, 15);
    },
  );

  it('a relay that fails between the add and the delete moves nothing twice', async () => {
    const queue = queueOf<string>();
    const outbox = createOutbox({ sql: pool, queue });
    await outbox.migrate();
    await pool.query(`CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN RAISE EXCEPTION ''the relay dies here''; END'`);
    await pool.query(
      'CREATE TRIGGER t BEFORE DELETE ON holdfast_outbox FOR EACH ROW EXECUTE FUNCTION refuse()',
    );
    await outbox.add(pool, 'x');
    const errors: unknown[] = [];
    const relay = outbox.relay({ poll: 5, onError: (error) => errors.push(error) });
    later(() => relay.stop());
    let handled = 0;
    workerOf({
      queue,
      handler: () => {
        handled += 1;
      },
    });
    await eventually(() => handled, 1);
    await eventually(() => errors.length, 1);
    await pool.query('DROP TRIGGER t ON holdfast_outbox');
    await eventually(
      async () => (await pool.query('SELECT count(*)::int AS n FROM holdfast_outbox')).rows[0].n,
      0,
    );
    expect(handled).toBe(1);
    expect((await queue.counts()).completed).toBe(1);
    expect(String(errors[0])).toContain('the relay dies here');
  });

  it('refuses what the queue would refuse, and writes nothing', async () => {
    const queue = queueOf({ schema: z.strictObject({ n: z.number() }) as never });
    const outbox = createOutbox({ sql: pool, queue });
    await outbox.migrate();
    await expect(outbox.add(pool, { n: 'x' })).rejects.toThrow(/do not fit the queue's schema/);
    await expect(outbox.add(pool, { n: 1 }, { priority: 11 })).rejects.toThrow(/priority/);
    await expect(outbox.add('tx', { n: 1 })).rejects.toThrow(/A transaction is what pg or postgres.js gives/);
    expect(() => createOutbox({ sql: undefined as never, queue })).toThrow(
      'sql is a Pool or Client of pg, or what postgres() of postgres.js returns; got undefined.',
    );
    expect(() => createOutbox({ sql: pool, queue, table: 'a; drop' })).toThrow(
      /table is the name of a table/,
    );
    expect((await pool.query('SELECT count(*)::int AS n FROM holdfast_outbox')).rows[0].n).toBe(0);
    expect(await client().keys('*')).toEqual([]);
  });

  it('sets aside what can never be moved, and goes on with what is behind it', async () => {
    const before = createOutbox({ sql: pool, queue: queueOf<unknown>() });
    await before.migrate();
    const schema = z.strictObject({ n: z.number() });
    const queue = queueOf({ schema: schema as never });
    const outbox = createOutbox({ sql: pool, queue });
    for (let n = 0; n < 60; n += 1) await before.add(pool, { n: n % 20 === 7 ? 'x' : n }, { id: `n${n}` });
    const errors: unknown[] = [];
    const relay = outbox.relay({ poll: 5, onError: (error) => errors.push(error) });
    later(() => relay.stop());
    await eventually(async () => (await queue.counts()).waiting, 57);
    const { tasks } = await queue.list('waiting');
    expect(tasks.map(({ data }) => (data as { n: number }).n)).toEqual(
      Array.from({ length: 60 }, (_, n) => n).filter((n) => n % 20 !== 7),
    );
    await eventually(() => errors.length, 3);
    expect(String(errors[0])).toMatch(/Task n7 cannot be moved .* set aside .*do not fit the queue's schema/);
    await expect(outbox.wait('n7')).rejects.toThrow(/n7 cannot be moved/);
    await pool.query(`UPDATE holdfast_outbox SET data = '{"n": 7}'`);
    expect(await outbox.retry()).toBe(3);
    await eventually(async () => (await queue.counts()).waiting, 60);
  });

  it('adds many in one call, and leaves what finds no room for later, in order', async () => {
    const full = queueOf<number>({ limits: { waiting: 100 } });
    const outbox = createOutbox({ sql: pool, queue: full });
    await outbox.migrate();
    await pool.query(`INSERT INTO holdfast_outbox (queue, id, data, options)
      SELECT 'q', 'n' || n, to_jsonb(n), jsonb_build_object('id', 'n' || n) FROM generate_series(0, 299) n`);
    await client().config('RESETSTAT');
    const errors: unknown[] = [];
    const relay = outbox.relay({ poll: 5, batch: 300, onError: (error) => errors.push(error) });
    later(() => relay.stop());
    await eventually(async () => (await full.counts()).waiting, 100);
    const stats = String(await client().info('commandstats'));
    expect(Number(/cmdstat_fcall:calls=(\d+)/.exec(stats)?.[1])).toBeLessThan(60);
    const seen: number[] = [];
    workerOf({ queue: full, handler: ({ data }: Task<number>) => void seen.push(data) });
    await eventually(() => seen.length, 300);
    expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => n));
    expect(String(errors[0])).toContain('is full');
  });

  it('gives the result of a task also to a caller that waits right after the commit', async () => {
    const queue = queueOf<number>();
    const outbox = createOutbox({ sql: pool, queue });
    await outbox.migrate();
    const id = await outbox.add(pool, 4);
    const result = outbox.wait(id);
    const relay = outbox.relay({ poll: 5 });
    later(() => relay.stop());
    workerOf({ queue, handler: ({ data }: Task<number>) => data * data });
    expect(await result).toBe(16);
    expect(await outbox.wait(id)).toBe(16);
    const other = await outbox.add(pool, 5, { delay: 60_000 });
    await expect(outbox.wait(other, { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
