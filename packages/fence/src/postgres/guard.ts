/**
 * The guard for data in PostgreSQL: marks live in a table beside the data, and change in the transaction that they guard.
 *
 * Guarantees: those of the contract (guard.ts), at every isolation level. A transaction raises the mark before it runs
 * any code of the user, and holds the lock on the mark until it ends; so transactions on a resource come one after
 * another, and each sees all that the earlier ones committed. The code is run at most once. When the connection is lost
 * during the commit, it is not known whether the commit happened; the error says so.
 */
import {
  display,
  MisuseError,
  requireDuration,
  requireKnown,
  requireName,
  requireToken,
  type StaleTokenError,
  type TokenClaim,
} from '@holdfast/kernel';
import type { Guard, Sealed } from '../guard.js';
import { staleToken } from '../refused.js';
import type {
  Database,
  Outcome,
  PgClient,
  PgPool,
  PostgresJs,
  PostgresSource,
  Session,
  TransactionOf,
} from './database.js';
import { isAnswer, isConnectionLoss, isSerializationFailure, refusedBy, unavailable } from './failures.js';
import {
  literal,
  MARKS_OPTIONS,
  Marks,
  type MarksTable,
  type Memory,
  memoryOf,
  type Raised,
  raisedBy,
} from './marks.js';
import { fromClient, fromPool } from './pg.js';
import { fromPostgresJs } from './postgres-js.js';

export interface PostgresGuardOptions<Source extends PostgresSource> extends MarksTable {
  /** A `Pool` of pg (or one connected `Client`), or what `postgres()` of postgres.js returns. It stays yours to close. */
  readonly sql: Source;
  /**
   * How long to wait for the open transaction of an earlier holder, in ms. Default: as the server's `lock_timeout`
   * says, which by default is without end.
   */
  readonly timeout?: number;
}

export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

export interface PostgresTransactionOptions {
  /** Default: as the connection's `default_transaction_isolation` says, usually read committed. */
  readonly isolation?: IsolationLevel;
}

/** The statements of a guarded transaction; `tx` is what the user's library gives. */
export type PostgresWrite<Tx> = (tx: Tx) => Promise<unknown>;

/** Runs one statement, which has no parameters, in the caller's transaction; resolves to its rows. */
export type PostgresQuery = (text: string) => PromiseLike<readonly object[]>;

const OPTIONS: readonly string[] = ['sql', 'timeout', ...MARKS_OPTIONS];
const ISOLATION: readonly unknown[] = [
  'read committed',
  'repeatable read',
  'serializable',
] satisfies IsolationLevel[];

/** How often a raise is repeated. Each time, another transaction on the resource has committed meanwhile. */
const MOST_RAISES = 100;

/** A guard for data in PostgreSQL. Throws MisuseError for options that cannot work; connects on first use. */
export function createPostgresGuard<Source extends PostgresSource>(
  options: PostgresGuardOptions<Source>,
): PostgresGuard<TransactionOf<Source>> {
  requireKnown('createPostgresGuard', options, OPTIONS);
  return new PostgresGuard(options);
}

function databaseOf<Tx>(source: PostgresSource): Database<Tx> {
  const shape = Object(source) as Partial<PgPool & PgClient & PostgresJs>;
  if (typeof shape.begin === 'function' && typeof shape.reserve === 'function') {
    return fromPostgresJs(source as PostgresJs);
  }
  if (typeof shape.connect === 'function' && typeof shape.totalCount === 'number')
    return fromPool(source as PgPool);
  if (typeof shape.query === 'function' && typeof shape.escapeLiteral === 'function') {
    return fromClient(source as PgClient);
  }
  throw new MisuseError(
    `sql is a Pool or Client of pg, or what postgres() of postgres.js returns; got ${typeof source === 'string' ? 'a string' : display(source)}.`,
  );
}

/** Made by `createPostgresGuard`. */
export class PostgresGuard<Tx> implements Guard<PostgresWrite<Tx>, unknown> {
  readonly #database: Database<Tx>;
  readonly #marks: Marks;
  readonly #timeout: number | undefined;

  /** @internal */
  constructor(options: PostgresGuardOptions<PostgresSource>) {
    this.#database = databaseOf(options.sql);
    this.#marks = new Marks(options);
    if (options.timeout !== undefined)
      this.#timeout = requireDuration('timeout', options.timeout, { min: 1 });
  }

  /**
   * Runs `work` in a transaction that raises the mark of `resource` to the lease's token before anything else. It
   * commits when `work` resolves. When `work` rejects, it rolls back and rejects with the same error.
   * Throws StaleTokenError, before `work`, if a later holder has sealed; MisuseError; UnavailableError, whose message
   * says whether the commit may have happened.
   */
  async transaction<T>(
    resource: string,
    lease: Pick<Pick<TokenClaim, 'resource' | 'token'>, 'token'>,
    work: (tx: Tx) => Promise<T>,
    options: PostgresTransactionOptions = {},
  ): Promise<T> {
    const holder = holderOf(resource, lease);
    requireKnown('transaction', options, ['isolation']);
    const { isolation } = options;
    if (isolation !== undefined && !ISOLATION.includes(isolation)) {
      throw new MisuseError(`isolation is one of ${ISOLATION.join(', ')}; got ${display(isolation)}.`);
    }
    const begin = isolation === undefined ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`;
    const session = await this.#open();
    try {
      await this.#raise(session, holder, begin);
      const result = await runWork(session, work);
      await commit(session);
      session.release();
      return result;
    } catch (error) {
      await rollBack(session);
      throw error;
    }
  }

  /** Raises the mark in a transaction of its own. Call it before you read what you are going to change. */
  async seal(
    holder: Pick<TokenClaim, 'resource' | 'token'>,
    resource: string = holder.resource,
  ): Promise<Sealed<PostgresWrite<Tx>, unknown>> {
    await this.transaction(resource, holder, async () => {});
    const { token } = holder;
    return { resource, token, write: (work) => this.transaction(resource, { token }, work) };
  }

  /**
   * Raises the mark inside a transaction that you have opened, by any library: as its first statement, so that all you
   * read is read after it. Let its errors through, so that your transaction rolls back.
   * Throws StaleTokenError, MisuseError, and UnavailableError if the mark changed while your transaction began, or the
   * server does not answer: then run the whole transaction again.
   */
  async sealWithin(
    query: PostgresQuery,
    resource: string,
    lease: Pick<Pick<TokenClaim, 'resource' | 'token'>, 'token'>,
  ): Promise<void> {
    const holder = holderOf(resource, lease);
    const ask = async (text: string): Promise<unknown[][]> =>
      (await query(text)).map((row) => Object.values(row));
    const name = literal(holder.resource);
    try {
      const raised = raisedBy(await ask(this.#marks.raise(name, String(holder.token), this.#timeout)));
      if (raised === 'raised') return;
      judge(holder, raised, memoryOf(await ask(this.#marks.remember(name))));
    } catch (error) {
      if (!isSerializationFailure(error)) throw refusedBy(error, this.#marks.name);
      throw unavailable(
        `The mark of "${resource}" changed while the transaction began; run all of it again`,
        error,
      );
    }
  }

  /**
   * Makes the table where it is missing. May run at every start, and in several processes at once. A table that it
   * makes, or finds emptied, refuses tokens until two windows from then (10 s); see `initialize`. Throws MisuseError if
   * the role may not, UnavailableError.
   */
  async migrate(): Promise<void> {
    await this.#administer(this.#marks.migration());
  }

  /**
   * Declares that no token was accepted before the table was made: once, when the data are new, too. Throws MisuseError
   * if there is no table, UnavailableError.
   */
  async initialize(): Promise<void> {
    await this.#administer(this.#marks.initialization());
  }

  async #administer(text: string): Promise<void> {
    const session = await this.#open();
    try {
      await session.run(`BEGIN; ${text}; COMMIT`);
      session.release();
    } catch (error) {
      await rollBack(session);
      throw refusedBy(error, this.#marks.name);
    }
  }

  async #open(): Promise<Session<Tx>> {
    try {
      return await this.#database.open();
    } catch (error) {
      throw unavailable('The guard could not connect to PostgreSQL; nothing was changed', error);
    }
  }

  /** Begins the transaction and raises the mark. No code of the user has run yet, so it may be repeated. */
  async #raise(
    session: Session<Tx>,
    holder: Pick<TokenClaim, 'resource' | 'token'>,
    begin: string,
  ): Promise<void> {
    const resource = literal(holder.resource);
    const text = `${begin}; ${this.#marks.raise(resource, String(holder.token), this.#timeout)}`;
    try {
      for (let raises = 1; ; raises += 1) {
        try {
          const raised = raisedBy(find(await session.run(text), 'SELECT'));
          if (raised === 'raised') return;
          const memory = await session.run(this.#marks.remember(resource));
          return judge(holder, raised, memoryOf(find(memory, 'SELECT')));
        } catch (error) {
          if (!isSerializationFailure(error) || raises === MOST_RAISES) throw error;
          await session.run('ROLLBACK');
        }
      }
    } catch (error) {
      throw refusedBy(error, this.#marks.name);
    }
  }
}

function holderOf(
  resource: string,
  lease: Pick<Pick<TokenClaim, 'resource' | 'token'>, 'token'>,
): Pick<TokenClaim, 'resource' | 'token'> {
  return { resource: requireName('resource', resource), token: requireToken(lease.token) };
}

const find = (outcomes: readonly Outcome[], command: string): Outcome['rows'] =>
  outcomes.find((outcome) => outcome.command === command)?.rows ?? [];

/** Throws if what the table remembers speaks against the holder. */
function judge(
  { resource, token }: Pick<TokenClaim, 'resource' | 'token'>,
  raised: Raised,
  { mark, record }: Memory,
): void {
  const stale = (seen: number, why: string): StaleTokenError =>
    staleToken('postgres', `Token ${token} for "${resource}" is stale: ${why}.`, {
      resource,
      offered: token,
      seen,
    });
  if (raised === 'refused' && mark !== undefined) {
    throw stale(requireToken(mark), `the guard has already accepted ${mark}`);
  }
  if (record === undefined) {
    throw new MisuseError(
      'The table of marks was emptied, or made without its record; run guard.migrate(), and if the data are new, too, guard.initialize().',
    );
  }
  if (token > record) return;
  const why = `the guard's table is new and may have lost a higher one; it can judge tokens above ${record}. If the data are new, call initialize() once`;
  throw stale(record, why);
}

/** The error of the user's code as it is, except that of a lost connection. */
async function runWork<Tx, T>({ tx }: Session<Tx>, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await work(tx);
  } catch (error) {
    if (!isConnectionLoss(error)) throw error;
    throw unavailable('The connection to PostgreSQL was lost; nothing was committed', error);
  }
}

async function commit(session: Session<unknown>): Promise<void> {
  let outcome: Outcome | undefined;
  try {
    [outcome] = await session.run('COMMIT');
  } catch (error) {
    if (isAnswer(error)) throw error; // a deferred constraint, or a serialization failure: it is rolled back
    throw unavailable(
      'The connection to PostgreSQL was lost during the commit; whether it was carried out is not known',
      error,
    );
  }
  if (outcome?.command === 'COMMIT') return;
  throw new MisuseError(
    'The transaction was rolled back: one of its statements had failed, and its error was caught. Let it through, or use a savepoint.',
  );
}

/** Ends the transaction and gives the connection back; one that does not answer is not used again. */
async function rollBack(session: Session<unknown>): Promise<void> {
  try {
    await session.run('ROLLBACK');
    session.release();
  } catch (error) {
    session.release(error as Error);
  }
}
