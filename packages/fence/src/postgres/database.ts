/**
 * The interface that the guard needs from a PostgreSQL library, and the shapes by which the libraries are told apart.
 *
 * Guarantees: libraries are told apart by shape, not by class, so several copies in one program do no harm. Their types
 * are described here, not imported, because a program has only one of them installed.
 */
import { display, MisuseError } from '@holdfast/kernel';

/** A `Pool` of `pg`. */
export interface PgPool {
  // biome-ignore lint/suspicious/noExplicitAny: the library's overloads differ between its versions
  connect(...args: any[]): any;
  readonly totalCount: number;
}

/** A connected `Client` of `pg`: one transaction after another, and no other use of the client meanwhile. */
export interface PgClient {
  // biome-ignore lint/suspicious/noExplicitAny: the library's overloads differ between its versions
  query(...args: any[]): any;
  escapeLiteral(text: string): string;
}

/** The `sql` that `postgres()` of postgres.js returns. */
export interface PostgresJs {
  // biome-ignore lint/suspicious/noExplicitAny: the library's types are generic
  begin(...args: any[]): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: the library's types are generic
  reserve(): Promise<any>;
}

export type PostgresSource = PgPool | PgClient | PostgresJs;

const has = (source: unknown, ...methods: readonly string[]): boolean =>
  methods.every((method) => typeof Object(source)[method] === 'function');

export const isPostgresJs = (source: PostgresSource): source is PostgresJs => has(source, 'begin', 'reserve');

export const isPool = (source: PostgresSource): source is PgPool =>
  has(source, 'connect') && typeof Object(source).totalCount === 'number';

/** @internal Reads an option `sql`. A string is not shown: it may be a URL with a password. Throws MisuseError. */
export function postgresSource(option: string, value: unknown): PostgresSource {
  const source = value as PostgresSource;
  if (isPostgresJs(source) || isPool(source) || has(source, 'query', 'escapeLiteral')) return source;
  throw new MisuseError(
    `${option} is a Pool or Client of pg, or what postgres() of postgres.js returns; got ${typeof value === 'string' ? 'a string' : display(value)}.`,
  );
}

/** A transaction in the user's library: a `PoolClient`, the `Client`, or postgres.js's transaction `sql`. */
export type TransactionOf<Source> = Source extends { reserve(): unknown; begin: infer Begin }
  ? // biome-ignore lint/suspicious/noExplicitAny: it matches the library's generic overloads
    Begin extends (options: string, work: (tx: infer Tx) => any) => any
    ? Tx
    : never
  : Source extends { readonly totalCount: number; connect: infer Connect }
    ? // biome-ignore lint/suspicious/noExplicitAny: it matches the library's overloads, of which the promise is first
      Connect extends { (): Promise<infer Client>; (...args: any[]): any }
      ? Client
      : never
    : Source;

/** The outcome of one statement. */
export interface Outcome {
  /** The command tag, such as "COMMIT". */
  readonly command: string;
  /** The values of each row, in the order of its columns. */
  readonly rows: readonly (readonly unknown[])[];
}

/** One connection, for one transaction. */
export interface Session<Tx> {
  /** The transaction that the user's code gets. */
  readonly tx: Tx;
  /** Sends statements in one message, and so in one round trip; resolves to their outcomes. */
  run(text: string): Promise<readonly Outcome[]>;
  /** Gives the connection back. One with an `error` is not used again. */
  release(error?: Error): void;
}

export interface Database<Tx> {
  /** Rejects with the library's error if there is no connection. */
  open(): Promise<Session<Tx>>;
}
