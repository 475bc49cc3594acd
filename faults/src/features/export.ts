/** Exports with DuckDB, which is loaded when it is first wanted. */
import type { Features } from '@holdfast/features';
import type { ExportReport } from '@holdfast/features/offline';
import type { TokenHolder } from '@holdfast/kernel';

type Library = typeof import('@duckdb/node-api');
type Connection = Awaited<ReturnType<Awaited<ReturnType<Library['DuckDBInstance']['create']>>['connect']>>;

let opened: Promise<Connection> | undefined;

export function duckdb(): Promise<Connection> {
  opened ??= import('@duckdb/node-api').then(async ({ DuckDBInstance }) =>
    (await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '200MB' })).connect(),
  );
  return opened;
}

export async function exportAll(store: Features, dir: string, holder: TokenHolder): Promise<ExportReport> {
  return store.exporter({ duckdb: (await duckdb()) as never, dir, holder }).run();
}
