/**
 * The rows of a view as a relation of DuckDB, out of the files of its generations.
 *
 * Guarantees: every feature has the type that the program declares. Where a generation has it as another type, or not at all,
 * it is null in its rows, and that is told.
 */
import type { Shape } from '../definition/types.js';
import type { View } from '../definition/view.js';
import { type DuckDb, filesOf, named, quoted } from './duckdb.js';
import { ORIGIN, RAW_COLUMNS, typeInFile } from './log-files.js';
import type { StoredRows } from './stored-rows.js';
import { isErasedSql } from './tombstones.js';

export interface Relation {
  /** What follows FROM. */
  readonly sql: string;
  /** Features that a generation has as another type: "<feature> of generation <generation>". */
  readonly otherTypes: readonly string[];
}

/** The rows of a view that is written as rows, or the changes of its flags. */
export async function rowsRelation(duckdb: DuckDb, view: View, stored: StoredRows): Promise<Relation> {
  const parts: string[] = [];
  const otherTypes: string[] = [];
  for (const { generation, files } of generationsOf(view, stored)) {
    const found = await columnsOf(duckdb, [...files.exported, ...files.logged]);
    const columns = Object.entries(view.fields).map(([field, type]) => {
      const wanted = typeOf(type);
      const has = found.get(field);
      // The length of a vector is no part of its type in a file.
      if (has === wanted && type.kind === 'vector')
        return `CASE WHEN len(${named(field)}) = ${type.size} THEN ${named(field)} END AS ${named(field)}`;
      if (has === wanted) return named(field);
      if (has !== undefined) otherTypes.push(`${field} of generation ${generation}`);
      return `NULL::${wanted} AS ${named(field)}`;
    });
    parts.push(...selects([...Object.keys(ORIGIN).map(named), ...columns], files, stored));
  }
  const none = [
    ...Object.entries(ORIGIN).map(([name, type]) => `NULL::${type} AS ${named(name)}`),
    ...Object.entries(view.fields).map(([field, type]) => `NULL::${typeOf(type)} AS ${named(field)}`),
  ];
  parts.push(`SELECT ${none.join(', ')} WHERE false`);
  return { sql: kept(view, parts, stored), otherTypes };
}

/** The additions to a view of windows, as bytes. */
export function additionsRelation(view: View, stored: StoredRows): string {
  const parts = generationsOf(view, stored).flatMap(({ files }) =>
    selects(Object.keys(RAW_COLUMNS).map(named), files, stored),
  );
  const none = Object.entries(RAW_COLUMNS).map(([name, type]) => `NULL::${type} AS ${named(name)}`);
  return kept(view, [...parts, `SELECT ${none.join(', ')} WHERE false`], stored);
}

/** Of rows in parts, those whose entity is not erased. */
function kept(view: View, parts: readonly string[], { erased }: StoredRows): string {
  const all = `(${parts.join(' UNION ALL ')})`;
  const isErased = isErasedSql(erased, view.entity.parts);
  return isErased === undefined ? all : `(SELECT * FROM ${all} WHERE NOT (${isErased}))`;
}

function generationsOf(view: View, { files }: StoredRows) {
  return [...files].flatMap(([name, each]) => {
    const dot = name.indexOf('.');
    return name.slice(0, dot) === view.name ? [{ generation: name.slice(dot + 1), files: each }] : [];
  });
}

/** Of files that an exporter has made all rows; of those of a log, what no manifest has. */
function selects(
  columns: readonly string[],
  { exported, logged }: { readonly exported: readonly string[]; readonly logged: readonly string[] },
  { exportedThrough }: StoredRows,
): string[] {
  const select = `SELECT ${columns.join(', ')} FROM`;
  const parts: string[] = [];
  if (exported.length > 0) parts.push(`${select} ${filesOf(exported)}`);
  if (logged.length > 0) {
    const exports = exportedThrough.map(
      ({ partition, epoch, through }) => `(${partition}, ${quoted(epoch)}, ${through}::BIGINT)`,
    );
    const values = exports.length > 0 ? exports.join(', ') : `(-1, '', 0::BIGINT)`;
    parts.push(
      `${select} ${filesOf(logged)} row LEFT JOIN (VALUES ${values}) has(partition, epoch, through) ON row."@partition" = has.partition AND row."@epoch" = has.epoch WHERE has.through IS NULL OR row."@place" > has.through`,
    );
  }
  return parts;
}

async function columnsOf(duckdb: DuckDb, files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const described = await duckdb.runAndReadAll(`DESCRIBE SELECT * FROM ${filesOf(files)}`);
  return new Map(
    described.getRowObjectsJS().map((row) => [String(row['column_name']), String(row['column_type'])]),
  );
}

const typeOf = ({ kind }: Shape): string => typeInFile(kind);
