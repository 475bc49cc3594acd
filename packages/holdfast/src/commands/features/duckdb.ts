/** DuckDB, which the user brings: it reads and writes Parquet. */
import { messageOf } from '@holdfast/kernel';
import type { Arguments } from '../../arguments.js';

type Library = typeof import('@duckdb/node-api');
type Connection = Awaited<ReturnType<Awaited<ReturnType<Library['DuckDBInstance']['create']>>['connect']>>;

/** Gives a connection to a database in memory, and closes it. Throws UsageError where it is not installed. */
export async function withDuckDb<T>(args: Arguments, act: (duckdb: Connection) => Promise<T>): Promise<T> {
  const library = await import('@duckdb/node-api').catch((error: unknown) => {
    throw args.wrong(
      `Parquet needs DuckDB, which is not installed beside holdfast (npm install @duckdb/node-api): ${messageOf(error)}`,
    );
  });
  const instance = await library.DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return await act(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const named = (name: string): string => `"${name.replaceAll('"', '""')}"`;
