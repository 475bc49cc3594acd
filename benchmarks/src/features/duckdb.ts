/** DuckDB in this process, on two threads. */
import { createRequire } from 'node:module';
import type { DuckDb } from '@holdfast/features/offline';

interface Module {
  readonly DuckDBInstance: {
    create(path: string, options: Record<string, string>): Promise<{ connect(): Promise<Connection> }>;
  };
}

export interface Connection extends DuckDb {
  closeSync(): void;
}

export async function openDuckDb(): Promise<Connection> {
  const { DuckDBInstance } = createRequire(import.meta.url)('@duckdb/node-api') as Module;
  const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '6GB' });
  return instance.connect();
}

/** Text as SQL takes it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
