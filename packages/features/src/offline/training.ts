/**
 * Training sets: labels, each with the features that a service served at its time, or would have.
 *
 * Guarantees: the file has one row for each label, in their order, or it was not made. Features are derived by the
 * service's own function.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Service, Views } from '../definition/service.js';
import type { View } from '../definition/view.js';
import { DERIVED, deriveFeatures } from './derived.js';
import { type DuckDb, filesOf, named, quoted } from './duckdb.js';
import { foundBy, type Join, type JoinedView, joinSql, NUMBER } from './joins.sql.js';

/** Where the accepted rows of a view are, as `writeLogFile` has written them. */
export interface ViewFiles {
  /** Parquet files; each may be a pattern, as "profile/*.parquet". */
  readonly files: readonly string[];
  /** Which generation of the view was live from when on, the earliest first. */
  readonly live: readonly { readonly since: Date | number; readonly generation: string }[];
}

export interface TrainingSetOptions<V extends Views> {
  /** A connection of `@duckdb/node-api`. */
  readonly duckdb: DuckDb;
  readonly service: Service<string, V>;
  /**
   * Parquet files of labels. They have a column for each part of an id, and for what the schema of requests asks for;
   * all columns are kept.
   */
  readonly labels: readonly string[];
  /** The column with the time of a label, a TIMESTAMP in UTC. */
  readonly at: string;
  /** The Parquet file that is made. */
  readonly out: string;
  /** Default `as-served`. */
  readonly join?: Join;
  /** Whether labels have the column "<view>@place" for each view; see `Join`. Default false. */
  readonly places?: boolean;
  /** For each view of the service. */
  readonly rows: { readonly [Alias in keyof V]: ViewFiles };
}

export interface TrainingReport {
  readonly labels: number;
  /** For how many labels a view had no row, or none that was young enough, by the name of the view in the service. */
  readonly without: Readonly<Record<string, number>>;
}

const JOINED = named('joined labels');

/** Makes a training set. Throws MisuseError for labels without a column that is needed. */
export async function trainingSet<V extends Views>(options: TrainingSetOptions<V>): Promise<TrainingReport> {
  const { duckdb, labels, at, out, join = 'as-served', places = false } = options;
  const service = options.service as unknown as Service;
  const views = Object.entries(service.views).map(([alias, view]) =>
    joinedView(alias, view, options.rows[alias]),
  );
  const wanted = [at, ...views.flatMap(({ parts }) => parts)];
  await requireColumns(duckdb, labels, [
    ...wanted,
    ...(places ? views.map(({ alias }) => `${alias}@place`) : []),
  ]);
  try {
    await duckdb.run(
      `CREATE OR REPLACE TEMP TABLE ${JOINED} AS ${joinSql({ labels, at, join, places, views })}`,
    );
    const derives = await deriveFeatures(duckdb, service, JOINED);
    const report = await reportOf(duckdb, views);
    const hidden = [NUMBER, ...views.map(({ alias }) => foundBy(alias))].map(named).join(', ');
    const columns = derives ? `, derived.* EXCLUDE (${named(NUMBER)})` : '';
    const others = derives ? ` LEFT JOIN ${DERIVED} derived USING (${named(NUMBER)})` : '';
    const select = `SELECT joined.* EXCLUDE (${hidden})${columns} FROM ${JOINED} joined${others} ORDER BY joined.${named(NUMBER)}`;
    await duckdb.run(`COPY (${select}) TO ${quoted(out)} (FORMAT parquet, COMPRESSION zstd)`);
    return report;
  } finally {
    for (const table of [JOINED, DERIVED]) await duckdb.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

function joinedView(alias: string, view: View, rows: ViewFiles | undefined): JoinedView {
  if (view.kind !== 'rows') {
    throw new MisuseError(
      `"${alias}" is a view of ${view.kind}, of which no training set can be made yet; leave it out of the service.`,
    );
  }
  if (rows === undefined || rows.files.length === 0 || rows.live.length === 0) {
    throw new MisuseError(
      `rows.${alias} has files, and the generations that were live; got ${display(rows?.files)}.`,
    );
  }
  const live = rows.live.map(({ since, generation }) => ({ since: Number(since) * 1_000, generation }));
  const { parts } = view.entity;
  return { alias, parts, fields: Object.keys(view.fields), files: rows.files, ttl: view.ttl ?? null, live };
}

async function requireColumns(
  duckdb: DuckDb,
  labels: readonly string[],
  wanted: readonly string[],
): Promise<void> {
  const described = await duckdb.runAndReadAll(`DESCRIBE SELECT * FROM ${filesOf(labels)}`);
  const columns = described.getRowObjectsJS().map((row) => String(row['column_name']));
  const missing = wanted.find((column) => !columns.includes(column));
  if (missing === undefined) return;
  throw new MisuseError(
    `The labels have no column ${display(missing)}; they have ${columns.join(', ')}. Add it, or name another as \`at\`.`,
  );
}

async function reportOf(duckdb: DuckDb, views: readonly JoinedView[]): Promise<TrainingReport> {
  const without = views.map(
    ({ alias }) => `count(*) FILTER (NOT ${named(foundBy(alias))}) AS ${named(alias)}`,
  );
  const select = `SELECT ${['count(*) AS "@labels"', ...without].join(', ')} FROM ${JOINED}`;
  const [counted] = (await duckdb.runAndReadAll(select)).getRowObjectsJS();
  const counts = views.map(({ alias }) => [alias, Number(counted?.[alias])] as const);
  return { labels: Number(counted?.['@labels']), without: Object.fromEntries(counts) };
}
