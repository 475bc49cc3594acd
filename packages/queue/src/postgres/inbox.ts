/**
 * Effects exactly once: a task's effect in PostgreSQL, committed in one transaction with the note that it happened.
 *
 * Guarantees: of all deliveries of a task, one commits its effect. A later one is given that one's result instead, and
 * only acknowledges. A stale worker is refused by the guard before its code runs, and commits nothing. Two simultaneous
 * deliveries are carried out one after the other, because both raise the mark of the task.
 */
import {
  createPostgresGuard,
  type PostgresGuard,
  type PostgresSource,
  postgresSource,
  type TransactionOf,
} from '@holdfast/fence/postgres';
import {
  display,
  duration,
  MisuseError,
  type Readers,
  readOptions,
  type Settings,
  withDefault,
} from '@holdfast/kernel';
import type { Task } from '../task.js';
import { run, tableName } from './statements.js';

export interface InboxOptions<Source extends PostgresSource> {
  /** A `Pool` of pg (or one connected `Client`), or the `sql` of postgres.js. It stays yours to close. */
  readonly sql: Source;
  /** The table of finished work, as name or schema.name. Default "holdfast_inbox". The marks are in holdfast_marks. */
  readonly table?: string;
}

const INBOX = {
  sql: postgresSource,
  table: withDefault(tableName, 'holdfast_inbox'),
} satisfies Readers<InboxOptions<PostgresSource>>;

const PURGE = { olderThan: duration({ min: 1, max: Number.MAX_SAFE_INTEGER }) };

/** Creates an inbox. Throws MisuseError; connects on first use. */
export function createInbox<Source extends PostgresSource>(
  options: InboxOptions<Source>,
): Inbox<TransactionOf<Source>> {
  return new Inbox(readOptions('createInbox', options, INBOX));
}

/** Made by `createInbox`. */
export class Inbox<Tx> {
  readonly #sql: PostgresSource;
  readonly #guard: PostgresGuard<Tx>;
  readonly #table: string;

  /** @internal */
  constructor({ sql, table }: Settings<typeof INBOX>) {
    this.#sql = sql;
    this.#table = table;
    this.#guard = createPostgresGuard({ sql }) as PostgresGuard<Tx>;
  }

  /** Creates the tables if they are missing. May run at every start. Throws MisuseError, UnavailableError. */
  async migrate(): Promise<void> {
    await this.#guard.migrate();
    await run(
      this.#sql,
      `CREATE TABLE IF NOT EXISTS ${this.#table} (queue text, id text, token bigint NOT NULL, result jsonb,
       done_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (queue, id))`,
    );
  }

  /**
   * Declares that the data are new, so that no mark can have been lost. Call it once. Without it, tokens of the next 10
   * s are refused.
   */
  async initialize(): Promise<void> {
    await this.#guard.initialize();
  }

  /**
   * Runs `work` and records that it was done, in one transaction under the task's token; or, if an earlier delivery has
   * committed it, only returns the result of that. Return the result from the handler.
   * Throws what `work` throws, StaleTokenError, MisuseError, UnavailableError.
   */
  async once<T>(task: Pick<Task, 'resource' | 'token' | 'issuer'>, work: (tx: Tx) => Promise<T>): Promise<T> {
    const [queue, id] = placeOf(task.resource);
    return this.#guard.transaction(task, async (tx) => {
      const [done] = await run(tx, `SELECT result FROM ${this.#table} WHERE queue = $1 AND id = $2`, [
        queue,
        id,
      ]);
      if (done) return done['result'] as T;
      const result = await work(tx);
      await run(
        tx,
        `INSERT INTO ${this.#table} (queue, id, token, result) VALUES ($1, $2, $3, $4::text::jsonb)`,
        [...[queue, id, String(task.token), JSON.stringify(result ?? null)]],
      );
      return result;
    });
  }

  /**
   * Deletes the records of work that was done more than `olderThan` ms ago: give more than a task may live, with all
   * its attempts. Resolves to how many it deleted. Throws MisuseError, and the errors of PostgreSQL.
   */
  async purge(options: { readonly olderThan: number }): Promise<number> {
    const { olderThan } = readOptions('purge', options, PURGE);
    const rows = await run(
      this.#sql,
      `WITH gone AS (DELETE FROM ${this.#table} WHERE done_at < now() - $1 * interval '1 millisecond' RETURNING 1)
       SELECT count(*)::integer AS count FROM gone`,
      [olderThan],
    );
    return Number(rows[0]?.['count'] ?? 0);
  }
}

/** The queue and the id of a task, from "queue:<queue>/<id>". */
function placeOf(resource: string): readonly [queue: string, id: string] {
  const place = /^queue:([^/]*(?:\/(?=.*\/)[^/]*)*)\/(.+)$/s.exec(resource);
  if (!place) throw new MisuseError(`once takes a task; its resource is ${display(resource)}.`);
  return [place[1] ?? '', place[2] ?? ''];
}
