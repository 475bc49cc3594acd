/**
 * Tasks that are added in a transaction of PostgreSQL: they appear in the queue if and only if it commits.
 *
 * Guarantees: a row that `add` wrote is moved to Redis by a relay after the commit, and once: it is deleted in the same
 * transaction in which it was moved, and a row that is moved again after a crash finds its task there, or its
 * deduplication key, for a day. Rows of one relay are moved in order. Any number of relays may run. A row that can
 * never be moved, such as one that no longer fits the queue's schema, is set aside with the reason, and those behind it
 * go on.
 */
import { type PostgresSource, postgresSource } from '@holdfast/fence/postgres';
import {
  backoff,
  type Clock,
  callback,
  duration,
  MisuseError,
  messageOf,
  passedOn,
  pause,
  type Random,
  type Readers,
  readOptions,
  requireName,
  type Settings,
  throwIfAborted,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { encodeTask } from '../adding.js';
import { type QueueParts, requireQueue } from '../parts.js';
import { FOLLOW, type Queue } from '../queue.js';
import type { AddOptions } from '../task-options.js';
import { put } from '../verbs.js';
import { inTransaction, type Row, run, tableName } from './statements.js';

export interface OutboxOptions<Data> {
  /** A `Pool` of pg (or one connected `Client`), or the `sql` of postgres.js. It stays yours to close. */
  readonly sql: PostgresSource;
  // biome-ignore lint/suspicious/noExplicitAny: what its workers see does not matter here.
  readonly queue: Queue<Data, any>;
  /** The table of tasks to be moved, as name or schema.name. Default "holdfast_outbox". */
  readonly table?: string;
}

export interface RelayOptions {
  /** How many tasks are moved in one transaction. Default 100. */
  readonly batch?: number;
  /** How often the table is looked at when it was empty, in ms. Default 200. */
  readonly poll?: number;
  /**
   * Called when moving fails, and is tried again; and for each row that is set aside. Default: emits a process warning.
   */
  readonly onError?: (error: unknown) => void;
}

const OUTBOX = {
  sql: postgresSource,
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  queue: passedOn<Queue<any, any>>(),
  table: withDefault(tableName, 'holdfast_outbox'),
} satisfies Readers<OutboxOptions<unknown>>;

const RELAY = {
  batch: withDefault(whole(1, 10_000), 100),
  poll: withDefault(duration({ min: 1 }), 200),
  onError: withDefault(callback<(error: unknown) => void>('an error'), warn),
} satisfies Readers<RelayOptions>;

/** How often an awaited task is looked for in the table, in ms. */
const LOOK_AGAIN = 50;

/** How long a task that was moved is not moved again, in ms. */
const REMEMBERED = 86_400_000;

/** Creates an outbox. Throws MisuseError; connects on first use. */
export function createOutbox<Data>(options: OutboxOptions<Data>): Outbox<Data> {
  return new Outbox(readOptions('createOutbox', options, OUTBOX));
}

/** Made by `createOutbox`. */
export class Outbox<Data> {
  readonly #options: Settings<typeof OUTBOX>;
  readonly #parts: QueueParts;
  readonly #table: string;

  /** @internal */
  constructor(options: Settings<typeof OUTBOX>) {
    this.#options = options;
    this.#parts = requireQueue(options.queue);
    this.#table = options.table;
  }

  /** Creates the table if it is missing. May run at every start. Throws the errors of PostgreSQL. */
  async migrate(): Promise<void> {
    const { sql } = this.#options;
    await run(
      sql,
      `CREATE TABLE IF NOT EXISTS ${this.#table} (number bigserial PRIMARY KEY, queue text NOT NULL, id text NOT NULL,
       data jsonb NOT NULL, options jsonb NOT NULL, added_at timestamptz NOT NULL DEFAULT now())`,
    );
    await run(sql, `ALTER TABLE ${this.#table} ADD COLUMN IF NOT EXISTS problem text`);
  }

  /**
   * Adds a task in your transaction `tx`: the client of pg, or the `sql` of postgres.js's begin(). Resolves to its id.
   * Throws MisuseError for data or options that cannot work, and the errors of PostgreSQL.
   */
  async add(tx: unknown, data: Data, options: AddOptions = {}): Promise<string> {
    const { name, adding } = this.#parts;
    const text = await encodeTask(this.#parts, data, options);
    const { id = adding.random.id() } = options;
    const row = [name, id, text, JSON.stringify({ ...options, id })];
    const statement = `INSERT INTO ${this.#table} (queue, id, data, options) VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb)`;
    await run(tx, statement, row);
    return id;
  }

  /**
   * Like `wait` of the queue, for a task of this outbox whose transaction has committed: waits until a relay has moved
   * it, and then for its result. Also throws MisuseError if the task was set aside, and the errors of PostgreSQL.
   */
  async wait(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
    const { signal } = readOptions('wait', options, FOLLOW);
    const { sql, queue } = this.#options;
    const where = [this.#parts.name, requireName('id', id)];
    for (;;) {
      throwIfAborted(signal, `waiting for task ${id}`);
      const [row] = await run(
        sql,
        `SELECT problem FROM ${this.#table} WHERE queue = $1 AND id = $2 LIMIT 1`,
        where,
      );
      if (row === undefined) return queue.wait(id, options);
      if (row['problem'] !== null) throw setAside(id, String(row['problem']));
      await pause(this.#parts.adding.clock, LOOK_AGAIN, signal);
    }
  }

  /**
   * Lets rows that were set aside be moved, once the cause is fixed. Resolves to how many. Throws the errors of
   * PostgreSQL.
   */
  async retry(): Promise<number> {
    const rows = await run(
      this.#options.sql,
      `UPDATE ${this.#table} SET problem = NULL WHERE queue = $1 AND problem IS NOT NULL RETURNING number`,
      [this.#parts.name],
    );
    return rows.length;
  }

  /** Starts moving tasks to the queue, until the relay is stopped. Throws MisuseError. */
  relay(options: RelayOptions = {}): Relay {
    const { batch, poll, onError } = readOptions('relay', options, RELAY);
    const ending = new AbortController();
    const { clock, random } = this.#parts.adding;
    const running = follow(() => this.#move(batch, onError), {
      ...{ poll, onError, clock, random },
      signal: ending.signal,
    });
    return new Relay(ending, running);
  }

  /** Moves some tasks, the oldest first; resolves to how many rows it is done with. */
  async #move(batch: number, onError: (error: unknown) => void): Promise<number> {
    const { moved, aside, failure } = await inTransaction(this.#options.sql, async (tx) => {
      const rows = await run(
        tx,
        `SELECT number, id, data, options FROM ${this.#table} WHERE queue = $1 AND problem IS NULL
         ORDER BY number LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [this.#parts.name, batch],
      );
      const done = await this.#add(rows);
      if (done.moved.length > 0) {
        await run(tx, `DELETE FROM ${this.#table} WHERE number = ANY($1::text[]::bigint[])`, [done.moved]);
      }
      for (const { number, problem } of done.aside) {
        await run(tx, `UPDATE ${this.#table} SET problem = $2 WHERE number = $1::text::bigint`, [
          number,
          problem,
        ]);
      }
      return done;
    });
    for (const { id, problem } of aside) onError(setAside(id, problem));
    if (failure !== undefined) throw failure;
    return moved.length + aside.length;
  }

  /** Adds tasks in order, many in one call, until adding fails. */
  async #add(rows: readonly Row[]): Promise<Done> {
    const moved: string[] = [];
    const aside: Done['aside'][number][] = [];
    for (let start = 0; start < rows.length; start += put.most) {
      const some = rows.slice(start, start + put.most);
      const checks = await Promise.allSettled(
        some.map(({ data, options }) => encodeTask(this.#parts, data, options as AddOptions)),
      );
      const good = some.filter((_, index) => checks[index]?.status === 'fulfilled');
      for (const [index, { number, id }] of some.entries()) {
        const checked = checks[index];
        if (checked?.status === 'rejected')
          aside.push({ number: String(number), id: String(id), problem: messageOf(checked.reason) });
      }
      const adds = await Promise.allSettled(good.map((row) => this.#addRow(row)));
      for (const [index, { number }] of good.entries()) {
        if (adds[index]?.status === 'fulfilled') moved.push(String(number));
      }
      const failed = adds.find((add) => add.status === 'rejected');
      if (failed) return { moved, aside, failure: failed.reason };
    }
    return { moved, aside, failure: undefined };
  }

  #addRow({ number, data, options }: Row): Promise<unknown> {
    const deduplicate = { key: `outbox:${this.#table}:${String(number)}`, within: REMEMBERED };
    return this.#options.queue.add(data as Data, { deduplicate, ...(options as AddOptions) });
  }
}

/** The outcome of moving some rows. */
interface Done {
  /** Their numbers. */
  readonly moved: readonly string[];
  readonly aside: readonly { readonly number: string; readonly id: string; readonly problem: string }[];
  /** Why the other rows stay, and are tried again. */
  readonly failure: unknown;
}

function setAside(id: string, problem: string): MisuseError {
  return new MisuseError(
    `Task ${id} cannot be moved from the outbox to its queue, and is set aside there: ${problem} Mend that and call outbox.retry(), or delete the row.`,
  );
}

/** Made by `outbox.relay`. */
export class Relay implements AsyncDisposable {
  readonly #ending: AbortController;
  readonly #running: Promise<void>;

  /** @internal */
  constructor(ending: AbortController, running: Promise<void>) {
    this.#ending = ending;
    this.#running = running;
  }

  /** Resolves when the rows that are being moved have been moved. Never rejects. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

interface Following {
  readonly poll: number;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Moves rows until `signal` aborts. Never rejects. */
async function follow(
  move: () => Promise<number>,
  { poll, onError, clock, random, signal }: Following,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      const moved = await move();
      failures = 0;
      if (moved === 0) await pause(clock, poll, signal);
    } catch (error) {
      if (failures === 0) onError(error);
      failures += 1;
      await pause(clock, backoff(random, failures, { base: poll, limit: 10_000 }), signal);
    }
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error.message : String(error), 'HoldfastQueueWarning');
}
