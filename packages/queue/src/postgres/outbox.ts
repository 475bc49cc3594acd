/**
 * Tasks that are added in a transaction of PostgreSQL: they appear in the queue if and only if it commits.
 *
 * Guarantees: what `add` wrote is moved to Redis by a relay after the commit, and once: a row is deleted in the same
 * transaction in which it was moved, and one that is moved again after a crash finds its task there, or its deduplication
 * key, for a day. Rows of one relay are moved in order. Any number of relays may run.
 */
import type { PostgresSource } from '@holdfast/fence/postgres';
import { backoff, type Clock, pause, type Random, requireDuration, requireKnown } from '@holdfast/kernel';
import { type QueueParts, requireQueue } from '../parts.js';
import type { Queue } from '../queue.js';
import { check, encode } from '../schema.js';
import { type AddOptions, requireAddOptions, requireCount } from '../task-options.js';
import { inTransaction, run, tableName } from './statements.js';

export interface OutboxOptions<Data> {
  /** A `Pool` of pg (or one connected `Client`), or what `postgres()` of postgres.js returns. It stays yours to close. */
  readonly sql: PostgresSource;
  // biome-ignore lint/suspicious/noExplicitAny: what its workers see does not matter here.
  readonly queue: Queue<Data, any>;
  /** The table of tasks to be moved, as name or schema.name. Default "holdfast_outbox". */
  readonly table?: string;
}

export interface RelayOptions {
  /** Tasks that are moved in one transaction. Default 100. */
  readonly batch?: number;
  /** How often the table is looked at when it was empty, in ms. Default 200. */
  readonly poll?: number;
  /** Told when moving fails; it is tried again. Default: emits a process warning. */
  readonly onError?: (error: unknown) => void;
}

/** For how long a task that was moved is not moved again, in ms. */
const REMEMBERED = 86_400_000;

/** An outbox. Throws MisuseError; connects on first use. */
export function createOutbox<Data>(options: OutboxOptions<Data>): Outbox<Data> {
  requireKnown('createOutbox', options, ['sql', 'queue', 'table']);
  return new Outbox(options);
}

/** Made by `createOutbox`. */
export class Outbox<Data> {
  readonly #options: OutboxOptions<Data>;
  readonly #parts: QueueParts;
  readonly #table: string;

  /** @internal */
  constructor(options: OutboxOptions<Data>) {
    this.#options = options;
    this.#parts = requireQueue(options.queue);
    this.#table = tableName('table', options.table ?? 'holdfast_outbox');
  }

  /** Makes the table where it is missing. May run at every start. Throws the errors of PostgreSQL. */
  async migrate(): Promise<void> {
    await run(
      this.#options.sql,
      `CREATE TABLE IF NOT EXISTS ${this.#table} (number bigserial PRIMARY KEY, queue text NOT NULL, id text NOT NULL,
       data jsonb NOT NULL, options jsonb NOT NULL, added_at timestamptz NOT NULL DEFAULT now())`,
    );
  }

  /**
   * Adds a task in the transaction `tx` of yours: the client of pg, or the `sql` of postgres.js's begin(). Resolves to its
   * id. Throws MisuseError for data or options that cannot work, and the errors of PostgreSQL.
   */
  async add(tx: unknown, data: Data, options: AddOptions = {}): Promise<string> {
    const { name, settings, schema, adding } = this.#parts;
    requireAddOptions(options);
    const text = encode(data, settings.maxBytes, 'The data of a task');
    if (schema) await check(schema, data, 'the task');
    const { id = adding.random.id() } = options;
    const row = [name, id, text, JSON.stringify({ ...options, id })];
    const statement = `INSERT INTO ${this.#table} (queue, id, data, options) VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb)`;
    await run(tx, statement, row);
    return id;
  }

  /** Starts to move tasks to the queue, until it is stopped. Throws MisuseError. */
  relay(options: RelayOptions = {}): Relay {
    requireKnown('relay', options, ['batch', 'poll', 'onError']);
    const batch = requireCount('batch', options.batch ?? 100, { min: 1, max: 10_000 });
    const poll = requireDuration('poll', options.poll ?? 200, { min: 1 });
    const { onError = warn } = options;
    const ending = new AbortController();
    const { clock, random } = this.#parts.adding;
    const running = follow(() => this.#move(batch), {
      ...{ poll, onError, clock, random },
      signal: ending.signal,
    });
    return new Relay(ending, running);
  }

  /** Moves some tasks, the oldest first; resolves to how many. */
  #move(batch: number): Promise<number> {
    const { sql, queue } = this.#options;
    return inTransaction(sql, async (tx) => {
      const rows = await run(
        tx,
        `SELECT number, id, data, options FROM ${this.#table} WHERE queue = $1 ORDER BY number LIMIT $2
         FOR UPDATE SKIP LOCKED`,
        [queue.name, batch],
      );
      for (const { number, data, options } of rows) {
        const deduplicate = { key: `outbox:${this.#table}:${String(number)}`, within: REMEMBERED };
        await queue.add(data as Data, { deduplicate, ...(options as AddOptions) });
      }
      const numbers = rows.map(({ number }) => String(number));
      if (numbers.length > 0) {
        await run(tx, `DELETE FROM ${this.#table} WHERE number = ANY($1::text[]::bigint[])`, [numbers]);
      }
      return rows.length;
    });
  }
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

  /** Resolves when what was being moved is moved. Never rejects. */
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

/** Moves until `signal` aborts. Never rejects. */
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
