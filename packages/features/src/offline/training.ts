/**
 * Training sets: labels, each with the features that a service served at its time, or would have.
 *
 * Guarantees: the file has one row for each label, in their order, or it was not made. Features are derived by the
 * service's own function. With a store, every row that was accepted before the call counts once, whether it is still in the
 * log or in files of an exporter, also while one is at work.
 */
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { display, MisuseError } from '@holdfast/kernel';
import type { WindowType } from '../definition/aggregates.js';
import type { Service, Views } from '../definition/service.js';
import type { View } from '../definition/view.js';
import type { Features } from '../features.js';
import { DERIVED, deriveFeatures } from './derived.js';
import { type DuckDb, filesOf, inTurn, named, quoted } from './duckdb.js';
import {
  foundBy,
  type Join,
  type JoinedView,
  joinSql,
  NUMBER,
  numberedLabels,
  placeBy,
  placedViews,
  uncertainBy,
  windowsTable,
} from './joins.sql.js';
import { requireExportOf } from './manifest.js';
import { identityOf, partsOf } from './parts.js';
import { replayWindows } from './replay.js';
import { type Joined, viewsOfStore } from './stored-views.js';

/** Where the accepted rows of a view are, as `writeLogFile` has written them. */
export interface ViewFiles {
  /** Parquet files; each may be a pattern, as "profile/*.parquet". */
  readonly files: readonly string[];
  /** Which generation of the view was live from when on, the earliest first. */
  readonly live: readonly { readonly since: Date | number; readonly generation: string }[];
}

interface CommonOptions<V extends Views> {
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
  /**
   * Whether labels have, for each view but those of flags, a column "<view>@place" with the `place` that the read has answered, as
   * JSON: then they get exactly what that read has seen, and the flags of its instant. Null where there is none. Default false.
   */
  readonly places?: boolean;
}

interface StoreTrainingOptions<V extends Views> extends CommonOptions<V> {
  /** Whose rows they are: those of its logs, and those of `dir`. */
  readonly store: Features;
  /** The folder of its exporter. Leave it out only where there is none. */
  readonly dir?: string;
  readonly rows?: undefined;
}

interface FileTrainingOptions<V extends Views> extends CommonOptions<V> {
  /** The rows of each view of the service, where no store is at hand. */
  readonly rows: { readonly [Alias in keyof V]: ViewFiles };
  readonly store?: undefined;
  readonly dir?: undefined;
}

export type TrainingSetOptions<V extends Views> = StoreTrainingOptions<V> | FileTrainingOptions<V>;

/** Counts of labels, by the name of a view in the service. */
type Counts = Readonly<Record<string, number>>;

export interface TrainingReport {
  readonly labels: number;
  /** For how many labels a view had no row, or none that was young enough. */
  readonly without: Counts;
  /**
   * For how many labels their time does not quite say what was served: programs may have read, for a second after another
   * generation or TTL took effect, by the one before. A place says it exactly.
   */
  readonly uncertain: Counts;
  /** How many parts of logs others had trimmed before they were exported: their rows are missing. */
  readonly lost: number;
  /** Features that a generation has as another type, and that are null in its rows: "<feature> of generation <generation>". */
  readonly otherTypes: readonly string[];
}

const LABELS = named('numbered labels');
const JOINED = named('joined labels');
/** How often a set is begun again because files were replaced by compaction meanwhile. */
const TRIES = 5;

/**
 * Makes a training set. Throws MisuseError for labels without a column that is needed, for a view without history, and for
 * the folder of another store; UnavailableError.
 */
export async function trainingSet<V extends Views>(options: TrainingSetOptions<V>): Promise<TrainingReport> {
  const service = options.service as unknown as Service;
  const { store, dir, rows } = options;
  if (rows !== undefined && store === undefined)
    return inTurn(options.duckdb, () => makeSet(options, service, joinedFiles(service, rows)));
  if (rows !== undefined || store === undefined) {
    throw new MisuseError('A training set is made of a `store`, or of `rows`: give one of them.');
  }
  const parts = partsOf(store);
  if (dir !== undefined) await requireExportOf(dir, await identityOf(parts));
  const scratch = await mkdtemp(joinPath(tmpdir(), 'holdfast-training-'));
  try {
    for (let tries = 1; ; tries += 1) {
      const { duckdb, join = 'as-served' } = options;
      const joined = await viewsOfStore(service, { store: parts, duckdb, dir, scratch, join });
      try {
        return await inTurn(duckdb, () => makeSet(options, service, joined));
      } catch (error) {
        if (tries === TRIES || (await areThere(joined.files))) throw error;
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeSet<V extends Views>(
  { duckdb, labels, at, out, join = 'as-served', places = false }: CommonOptions<V>,
  service: Service,
  { views, lost, otherTypes }: Joined,
): Promise<TrainingReport> {
  const wanted = [at, ...views.flatMap(({ parts }) => parts)];
  await requireColumns(duckdb, labels, [
    ...wanted,
    ...(places ? placedViews(views).map(({ alias }) => placeBy(alias)) : []),
  ]);
  const request = { labels: LABELS, join, places, views };
  const windows = views.flatMap((view) => (view.windows === undefined ? [] : [view]));
  try {
    await duckdb.run(`CREATE OR REPLACE TEMP TABLE ${LABELS} AS ${numberedLabels(labels, at)}`);
    for (const view of windows) {
      await replayWindows(duckdb, view, featuresOf(view.alias, service), request);
    }
    await duckdb.run(`CREATE OR REPLACE TEMP TABLE ${JOINED} AS ${joinSql(request)}`);
    const derives = await deriveFeatures(duckdb, service, JOINED);
    const counts = await countsOf(duckdb, views);
    const hidden = [NUMBER, ...views.flatMap(({ alias }) => [foundBy(alias), uncertainBy(alias)])];
    const columns = derives ? `, derived.* EXCLUDE (${named(NUMBER)})` : '';
    const others = derives ? ` LEFT JOIN ${DERIVED} derived USING (${named(NUMBER)})` : '';
    const select = `SELECT joined.* EXCLUDE (${hidden.map(named).join(', ')})${columns} FROM ${JOINED} joined${others} ORDER BY joined.${named(NUMBER)}`;
    await duckdb.run(`COPY (${select}) TO ${quoted(out)} (FORMAT parquet, COMPRESSION zstd)`);
    return { ...counts, lost, otherTypes };
  } finally {
    const ofWindows = windows.map(({ alias }) => windowsTable(alias));
    for (const table of [LABELS, ...ofWindows, JOINED, DERIVED])
      await duckdb.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

/** The features of a view of windows, and what their windows say. */
function featuresOf(alias: string, { views }: Service) {
  return Object.entries(views[alias]?.fields ?? {}).map(([name, type]) => ({
    name: `${alias}.${name}`,
    kind: (type as WindowType<unknown>).aggregate.kind,
  }));
}

function joinedFiles(service: Service, rows: Readonly<Record<string, ViewFiles>>): Joined {
  const views = Object.entries(service.views).map(([alias, view]) => joinedView(alias, view, rows[alias]));
  return { views, lost: 0, otherTypes: [], files: [] };
}

function joinedView(alias: string, view: View, rows: ViewFiles | undefined): JoinedView {
  if (view.kind !== 'rows') {
    throw new MisuseError(
      `"${alias}" is a view of ${view.kind}, of which \`rows\` make no training set; give the \`store\`, or leave the view out of the service.`,
    );
  }
  if (rows === undefined || rows.files.length === 0 || rows.live.length === 0) {
    throw new MisuseError(
      `rows.${alias} has files, and the generations that were live; got ${display(rows?.files)}.`,
    );
  }
  const ttl = view.ttl ?? null;
  const live = rows.live.map(({ since, generation }) => ({
    ...{ n: 0, since: Number(since) * 1_000, generation, ttl },
  }));
  const { parts } = view.entity;
  const fields = Object.keys(view.fields);
  const others = { windows: undefined, timelines: undefined, isFlags: false };
  return { alias, parts, fields, rows: filesOf(rows.files), live, ...others };
}

async function areThere(files: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
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

async function countsOf(
  duckdb: DuckDb,
  views: readonly JoinedView[],
): Promise<Pick<TrainingReport, 'labels' | 'without' | 'uncertain'>> {
  const names = views.flatMap(({ alias }) => [foundBy(alias), uncertainBy(alias)]);
  const counts = names.map((name) => `count(*) FILTER (${named(name)}) AS ${named(name)}`);
  const select = `SELECT ${['count(*) AS "@labels"', ...counts].join(', ')} FROM ${JOINED}`;
  const [counted] = (await duckdb.runAndReadAll(select)).getRowObjectsJS();
  const labels = Number(counted?.['@labels']);
  const count = (by: (alias: string) => string): Counts =>
    Object.fromEntries(views.map(({ alias }) => [alias, Number(counted?.[by(alias)])]));
  const found = Object.entries(count(foundBy)).map(([alias, number]) => [alias, labels - number] as const);
  return { labels, without: Object.fromEntries(found), uncertain: count(uncertainBy) };
}
