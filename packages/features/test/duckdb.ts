/** A DuckDB for tests, in memory, with a folder for its files. It is loaded only where a test needs it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { DuckDb } from '../src/offline/duckdb.js';

const require = createRequire(import.meta.url);

interface Module {
  readonly DuckDBInstance: {
    create(path: string, options: Record<string, string>): Promise<{ connect(): Promise<Connection> }>;
  };
}

interface Connection extends DuckDb {
  closeSync(): void;
}

let connection: Connection;
let folder = '';

/** Call it in a test file. */
export function useDuckDb(): void {
  beforeAll(async () => {
    const { DuckDBInstance } = require('@duckdb/node-api') as Module;
    const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '500MB' });
    connection = await instance.connect();
    folder = await mkdtemp(join(tmpdir(), 'holdfast-features-'));
  });
  afterAll(async () => {
    connection?.closeSync();
    await rm(folder, { recursive: true, force: true });
  });
}

export const duckdb = (): DuckDb => connection;
export const fileFor = (name: string): string => join(folder, name);
