/**
 * The guard for data in PostgreSQL: marks live in a table beside the data, and change in the transaction that they
 * guard.
 *
 * Guarantees: those of the contract (guard.ts), at every isolation level. A transaction raises the mark before it runs
 * any code of the user, and holds the lock on the mark until it ends; so transactions on a resource come one after
 * another, and each sees all that the earlier ones committed. The code is run at most once. When the connection is lost
 * during the commit, it is not known whether the commit happened; the error says so.
 */
import {
  type ClaimOptions,
  display,
  duration,
  MisuseError,
  oneOf,
  optional,
  passedOn,
  type Readers,
  readOptions,
  requireClaim,
  requireName,
  type Settings,
  type TokenClaim,
  UnavailableError,
} from '@holdfast/kernel';
import type { Guard, Sealed } from '../guard.js';
import { changedMark, handedOver, otherIssuer, staleToken } from '../refused.js';
import {
  type Database,
  isPool,
  isPostgresJs,
  type Outcome,
  type PostgresSource,
  postgresSource,
  type Session,
  type TransactionOf,
} from './database.js';
import { isAnswer, isConnectionLoss, isSerializationFailure, refusedBy, unavailable } from './failures.js';
import { MARKS, Marks, type MarksTable, type Memory, memoryOf, type Raised, raisedBy } from './marks.js';
import { fromClient, fromPool } from './pg.js';
import { fromPostgresJs } from './postgres-js.js';

export interface PostgresGuardOptions<Source extends PostgresSource> extends MarksTable {
  /** A `Pool` of pg (or one connected `Client`), or the `sql` of postgres.js. It stays yours to close. */
  readonly sql: Source;
  /**
   * How long to wait for the open transaction of an earlier holder, in ms. Default: the server's `lock_timeout`, which
   * by default has no limit.
   */
  readonly lockTimeout?: number;
}

export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

export interface PostgresTransactionOptions extends ClaimOptions {
  /** Default: the connection's `default_transaction_isolation`, usually read committed. */
  readonly isolation?: IsolationLevel;
}

/** The statements of a guarded transaction; `tx` is the transaction of the user's library. */
export type PostgresWrite<Tx> = (tx: Tx) => Promise<unknown>;

/** Runs one statement, which has no parameters, in the caller's transaction; resolves to its rows. */
export type PostgresQuery = (text: string) => PromiseLike<readonly object[]>;

const GUARD = {
  sql: postgresSource,
  lockTimeout: optional(duration({ min: 1 })),
  ...MARKS,
} satisfies Readers<PostgresGuardOptions<PostgresSource>>;

const TRANSACTION = {
  resource: passedOn<string | undefined>(),
  isolation: optional(oneOf('read committed', 'repeatable read', 'serializable')),
} satisfies Readers<PostgresTransactionOptions>;

/** How often a raise is repeated. Each time, another transaction on the resource has committed meanwhile. */
const MOST_RAISES = 100;

/** Creates a guard for data in PostgreSQL. Throws MisuseError for options that cannot work; connects on first use. */
export function createPostgresGuard<Source extends PostgresSource>(
  options: PostgresGuardOptions<Source>,
): PostgresGuard<TransactionOf<Source>> {
  return new PostgresGuard(readOptions('createPostgresGuard', options, GUARD));
}

function databaseOf<Tx>(source: PostgresSource): Database<Tx> {
  if (isPostgresJs(source)) return fromPostgresJs(source);
  return isPool(source) ? fromPool(source) : fromClient(source);
}

/** Made by `createPostgresGuard`. */
export class PostgresGuard<Tx> implements Guard<PostgresWrite<Tx>, unknown> {
  readonly #database: Database<Tx>;
  readonly #marks: Marks;
  readonly #lockTimeout: number | undefined;

  /** @internal */
  constructor({ sql, lockTimeout, ...table }: Settings<typeof GUARD>) {
    this.#database = databaseOf(sql);
    this.#marks = new Marks(table);
    this.#lockTimeout = lockTimeout;
  }

  /**
   * Runs `work` in a transaction that raises the mark to the holder's token before anything else. It commits when
   * `work` resolves. When `work` rejects, it rolls back and rejects with the same error. Throws, before `work`,
   * StaleTokenError if a later holder has sealed, IssuerMismatchError, MisuseError; UnavailableError, whose message
   * says whether the commit may have happened.
   */
  async transaction<T>(
    holder: TokenClaim,
    work: (tx: Tx) => Promise<T>,
    options: PostgresTransactionOptions = {},
  ): Promise<T> {
    const { isolation, resource } = readOptions('transaction', options, TRANSACTION);
    const claim = requireClaim(holder, { resource });
    if (typeof work !== 'function') {
      throw new MisuseError(`transaction takes a function of the transaction; got ${display(work)}.`);
    }
    const begin = isolation === undefined ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`;
    const session = await this.#open();
    try {
      await this.#raise(session, claim, begin);
      const result = await runWork(session, work);
      await commit(session);
      session.release();
      return result;
    } catch (error) {
      await rollBack(session);
      throw error;
    }
  }

  /** Raises the mark in a transaction of its own. Call it before you read the data that you are going to change. */
  async seal(holder: TokenClaim, options?: ClaimOptions): Promise<Sealed<PostgresWrite<Tx>, unknown>> {
    const claim = requireClaim(holder, options);
    await this.transaction(claim, async () => {});
    return { ...claim, write: (work) => this.transaction(claim, work) };
  }

  async transfer(resource: string, holder: TokenClaim): Promise<Sealed<PostgresWrite<Tx>, unknown>> {
    const claim = requireClaim(holder, { resource: requireName('resource', resource) });
    const session = await this.#open();
    try {
      const { mark } = memoryOf(find(await session.run(this.#marks.remember(resource)), 'SELECT'));
      if (mark?.issuer !== undefined && mark.issuer !== claim.issuer) {
        const freed = await session.run(`BEGIN; ${this.#marks.free(resource, mark)}`);
        if (find(freed, 'UPDATE').length === 0) throw changedMark(claim, undefined);
        const text = this.#marks.raise(claim, this.#lockTimeout);
        await this.#judged(session, claim, raisedBy(find(await session.run(text), 'SELECT')));
        await commit(session);
      }
    } catch (error) {
      await rollBack(session);
      throw isSerializationFailure(error)
        ? changedMark(claim, undefined)
        : refusedBy(error, this.#marks.name);
    }
    session.release();
    return handedOver(claim, this.seal(claim));
  }

  /**
   * Raises the mark inside a transaction that you have opened, with any library. Make it the first statement, so that
   * everything you read is read after it. Let its errors through, so that your transaction rolls back.
   * Throws StaleTokenError, IssuerMismatchError, MisuseError, and UnavailableError if the mark changed while your
   * transaction began, or the server does not answer: then run the whole transaction again.
   */
  async sealWithin(holder: TokenClaim, query: PostgresQuery, options?: ClaimOptions): Promise<void> {
    const claim = requireClaim(holder, options);
    if (typeof query !== 'function') {
      throw new MisuseError(`sealWithin takes a function that runs a statement; got ${display(query)}.`);
    }
    const ask = async (text: string): Promise<unknown[][]> =>
      (await query(text)).map((row) => Object.values(row));
    try {
      const raised = raisedBy(await ask(this.#marks.raise(claim, this.#lockTimeout)));
      if (raised === 'raised') return;
      judge(claim, raised, memoryOf(await ask(this.#marks.remember(claim.resource))));
    } catch (error) {
      if (!isSerializationFailure(error)) throw refusedBy(error, this.#marks.name);
      throw unavailable(
        `The mark of "${claim.resource}" changed while the transaction began; run all of it again`,
        error,
      );
    }
  }

  /**
   * Creates the table if it is missing. May run at every start, and in several processes at once. A table that it
   * creates, or finds emptied, refuses tokens until two windows from then (10 s); see `initialize`. Throws MisuseError
   * if the role has no right to, UnavailableError.
   */
  async migrate(): Promise<void> {
    await this.#administer(this.#marks.migration());
  }

  /**
   * Declares that no token was accepted before the table was created. Call it once, when the data are new too. Throws
   * MisuseError if there is no table, UnavailableError.
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

  /** Begins the transaction and raises the mark. No code of the user has run yet, so this may be repeated. */
  async #raise(session: Session<Tx>, claim: TokenClaim, begin: string): Promise<void> {
    const text = `${begin}; ${this.#marks.raise(claim, this.#lockTimeout)}`;
    try {
      for (let raises = 1; ; raises += 1) {
        try {
          return await this.#judged(session, claim, raisedBy(find(await session.run(text), 'SELECT')));
        } catch (error) {
          if (!isSerializationFailure(error) || raises === MOST_RAISES) throw error;
          await session.run('ROLLBACK');
        }
      }
    } catch (error) {
      throw refusedBy(error, this.#marks.name);
    }
  }

  /** Throws if the raise was refused, or if the table's memory speaks against the claim. */
  async #judged(session: Session<Tx>, claim: TokenClaim, raised: Raised): Promise<void> {
    if (raised === 'raised') return;
    const memory = await session.run(this.#marks.remember(claim.resource));
    judge(claim, raised, memoryOf(find(memory, 'SELECT')));
  }
}

const find = (outcomes: readonly Outcome[], command: string): Outcome['rows'] =>
  outcomes.find((outcome) => outcome.command === command)?.rows ?? [];

/** Throws if the table's memory speaks against the claim. */
function judge(claim: TokenClaim, raised: Raised, { mark, record }: Memory): void {
  if (typeof raised === 'number') throw staleToken('postgres', claim, { reason: 'ahead', seen: raised });
  if (raised === 'refused') {
    if (mark === undefined) {
      throw new UnavailableError(`The mark of "${claim.resource}" was deleted meanwhile; call again.`, []);
    }
    if (mark.issuer !== undefined && mark.issuer !== claim.issuer) throw otherIssuer('postgres', claim, mark);
    throw staleToken('postgres', claim, { reason: 'lower', seen: mark.token });
  }
  if (record === undefined) {
    throw new MisuseError(
      'The table of marks was emptied, or made without its record; run guard.migrate(), and if the data are new, too, guard.initialize().',
    );
  }
  if (claim.token > record) return;
  throw staleToken('postgres', claim, { reason: 'forgotten', seen: record, store: 'table of marks' });
}

/** Passes errors of the user's code on as they are, except those of a lost connection. */
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

/** Ends the transaction and gives the connection back; a connection that does not answer is not used again. */
async function rollBack(session: Session<unknown>): Promise<void> {
  try {
    await session.run('ROLLBACK');
    session.release();
  } catch (error) {
    session.release(error as Error);
  }
}
