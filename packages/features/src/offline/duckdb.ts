/**
 * What is used of DuckDB. A program that trains brings `@duckdb/node-api`, which has a binary of 70 MB, and passes a
 * connection; nothing else needs it.
 */

/** A connection of `@duckdb/node-api`. */
export interface DuckDb {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<Reading>;
  createAppender(table: string): Promise<Appender>;
}

interface Reading {
  getRowObjectsJS(): Record<string, unknown>[];
}

/** Of `@duckdb/node-api`: it appends rows to a table, value by value. */
export interface Appender {
  columnType(index: number): unknown;
  appendBigInt(value: bigint): void;
  appendBlob(value: Uint8Array): void;
  appendBoolean(value: boolean): void;
  appendDouble(value: number): void;
  appendInteger(value: number): void;
  appendList(value: readonly (number | string)[], type?: never): void;
  appendNull(): void;
  appendVarchar(value: string): void;
  endRow(): void;
  closeSync(): void;
}

const turns = new WeakMap<DuckDb, Promise<unknown>>();

/** Does what makes tables of its own, once all that was begun before on the connection has ended: the tables have the same names. */
export function inTurn<T>(duckdb: DuckDb, work: () => Promise<T>): Promise<T> {
  const done = (turns.get(duckdb) ?? Promise.resolve()).then(work);
  turns.set(
    duckdb,
    done.catch(() => {}),
  );
  return done;
}

/** A name as SQL takes it. */
export const named = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Text as SQL takes it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The rows of files, of which each may be a pattern. */
export const filesOf = (files: readonly string[]): string =>
  `read_parquet([${files.map(quoted).join(', ')}], union_by_name = true, hive_partitioning = false)`;
