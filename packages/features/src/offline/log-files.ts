/**
 * Accepted rows as Parquet files: a column for each feature, and columns whose names begin with "@" for where a row comes
 * from. Features never have such names.
 *
 * Guarantees: a file has all rows that it was given, once, under the types of the view, or it was not made. A row that
 * is torn, or has a schema that is not known, is counted and left out.
 */
import type { StoredField, StoredView } from '../definition/stored.js';
import type { Kind } from '../definition/types.js';
import { RowReader } from '../row/decode.js';
import { readHeader } from '../row/header.js';
import { type Appender, type DuckDb, inTurn, named, quoted } from './duckdb.js';

/** A row as the log of a partition has it. */
export interface LoggedRow {
  readonly partition: number;
  /** The name of the span in which one server answers that has forgotten nothing. */
  readonly epoch: string;
  readonly generation: string;
  /** The place in the log, as microseconds: later entries have higher ones, also when a server's clock is set back. */
  readonly place: number;
  /** Which row of its entry it is: 0 to 255. */
  readonly seat: number;
  /** The id of the entity, as it stands in the Redis key. */
  readonly id: string;
  readonly row: Uint8Array;
}

/** How many rows a file has, and how many were left out. */
export interface FileReport {
  readonly rows: number;
  readonly torn: number;
  readonly unknown: number;
  /** Those that were left out. */
  readonly undecoded: readonly LoggedRow[];
}

/** How the values of a type come into a file. */
interface Column {
  /** The type of the column while rows are appended. */
  readonly staged: string;
  readonly append: (appender: Appender, value: never, column: number) => void;
  /** What makes of it the type in the file. */
  readonly made: (field: StoredField) => string;
}

const asIs = ({ name }: StoredField): string => named(name);

function appendNumbers(appender: Appender, value: Iterable<number>, column: number): void {
  appender.appendList([...value], appender.columnType(column) as never);
}

const COLUMN: Readonly<Record<Kind, Column>> = {
  int: {
    staged: 'BIGINT',
    append: (appender, value: number) => appender.appendBigInt(BigInt(value)),
    made: asIs,
  },
  float64: {
    staged: 'DOUBLE',
    append: (appender, value: number) => appender.appendDouble(value),
    made: asIs,
  },
  float32: {
    staged: 'DOUBLE',
    append: (appender, value: number) => appender.appendDouble(value),
    made: ({ name }) => `CAST(${named(name)} AS FLOAT)`,
  },
  bool: {
    staged: 'BOOLEAN',
    append: (appender, value: boolean) => appender.appendBoolean(value),
    made: asIs,
  },
  string: {
    staged: 'VARCHAR',
    append: (appender, value: string) => appender.appendVarchar(value),
    made: asIs,
  },
  timestamp: {
    staged: 'BIGINT',
    append: (appender, value: Date) => appender.appendBigInt(BigInt(value.getTime())),
    made: ({ name }) => `make_timestamp(${named(name)} * 1000)`,
  },
  vector: {
    staged: 'DOUBLE[]',
    append: appendNumbers,
    made: ({ name, size }) => `CAST(${named(name)} AS FLOAT[${size}])`,
  },
  list: { staged: 'DOUBLE[]', append: appendNumbers, made: asIs },
};

/** The type that a feature has in a file; a vector is there a list. */
export function typeInFile(kind: Kind): string {
  if (kind === 'vector') return 'FLOAT[]';
  if (kind === 'float32') return 'FLOAT';
  return kind === 'timestamp' ? 'TIMESTAMP' : COLUMN[kind].staged;
}

/** Where a row comes from, with the type of each column. */
export const ORIGIN = {
  '@partition': 'INTEGER',
  '@epoch': 'VARCHAR',
  '@generation': 'VARCHAR',
  '@place': 'BIGINT',
  '@seat': 'INTEGER',
  '@id': 'VARCHAR',
  '@time': 'BIGINT',
  '@rank': 'INTEGER',
  '@token': 'BIGINT',
};

/** The columns that a header has. */
const OF_HEADER: readonly string[] = ['@time', '@rank', '@token'];
/** The columns of a file of bytes. */
export const RAW_COLUMNS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(ORIGIN).filter(([name]) => !OF_HEADER.includes(name))),
  '@bytes': 'BLOB',
};
/** The table of a file of bytes. */
const RAW = 'raw log';

/** Writes rows of one view into a new file. */
export function writeLogFile(
  duckdb: DuckDb,
  view: StoredView,
  rows: Iterable<LoggedRow>,
  file: string,
): Promise<FileReport> {
  return inTurn(duckdb, () => writeRows(duckdb, { view, rows, file }));
}

interface Written {
  readonly view: StoredView;
  readonly rows: Iterable<LoggedRow>;
  readonly file: string;
}

async function writeRows(duckdb: DuckDb, { view, rows, file }: Written): Promise<FileReport> {
  const table = named(`log of ${view.name}`);
  const columns = [
    ...Object.entries(ORIGIN).map(([name, type]) => `${named(name)} ${type}`),
    ...view.fields.map(({ name, kind }) => `${named(name)} ${COLUMN[kind].staged}`),
  ];
  await duckdb.run(`CREATE OR REPLACE TEMP TABLE ${table} (${columns.join(', ')})`);
  try {
    const appender = await duckdb.createAppender(`log of ${view.name}`);
    const report = view.kind === 'flags' ? appendFlags(appender, view, rows) : append(appender, view, rows);
    const origin = Object.keys(ORIGIN).map(named);
    const made = view.fields.map((field) => `${COLUMN[field.kind].made(field)} AS ${named(field.name)}`);
    const select = `SELECT ${[...origin, ...made].join(', ')} FROM ${table}`;
    await duckdb.run(`COPY (${select}) TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd)`);
    return report;
  } finally {
    await duckdb.run(`DROP TABLE ${table}`);
  }
}

function append(appender: Appender, view: StoredView, rows: Iterable<LoggedRow>): FileReport {
  const reader = new RowReader(view.schemas, view.fields);
  const first = Object.keys(ORIGIN).length;
  const report = { rows: 0, torn: 0, unknown: 0, undecoded: [] as LoggedRow[] };
  for (const logged of rows) {
    const values: Record<string, unknown> = {};
    const word = reader.read(logged.row, values);
    if (word !== 'whole') {
      report[word === 'unknown' ? word : 'torn'] += 1;
      report.undecoded.push(logged);
      continue;
    }
    appendOrigin(appender, logged);
    view.fields.forEach((field, at) => {
      const value = values[field.name];
      if (value === null) appender.appendNull();
      else COLUMN[field.kind].append(appender, value as never, first + at);
    });
    appender.endRow();
    report.rows += 1;
  }
  appender.closeSync();
  return report;
}

/** Changes of flags: true for one that was set, false for one that was cleared, null for one that stayed as it was. */
function appendFlags(appender: Appender, view: StoredView, rows: Iterable<LoggedRow>): FileReport {
  const report = { rows: 0, torn: 0, unknown: 0, undecoded: [] };
  for (const logged of rows) {
    const words = new Set(Buffer.from(logged.row).toString().split(' '));
    appendPlace(appender, logged);
    // They have no event time: what counts is when they arrived.
    appender.appendBigInt(BigInt(logged.place));
    appender.appendNull(); // no rank
    appender.appendNull(); // no token
    for (const { name } of view.fields) {
      if (words.has(`${name}+`)) appender.appendBoolean(true);
      else if (words.has(`${name}-`)) appender.appendBoolean(false);
      else appender.appendNull();
    }
    appender.endRow();
    report.rows += 1;
  }
  appender.closeSync();
  return report;
}

/** Writes additions to windows, or rows that cannot be decoded, as bytes into a new file. Returns how many. */
export function writeRawFile(duckdb: DuckDb, rows: readonly LoggedRow[], file: string): Promise<number> {
  return inTurn(duckdb, () => writeRaw(duckdb, rows, file));
}

async function writeRaw(duckdb: DuckDb, rows: readonly LoggedRow[], file: string): Promise<number> {
  const columns = Object.entries(RAW_COLUMNS).map(([name, type]) => `${named(name)} ${type}`);
  await duckdb.run(`CREATE OR REPLACE TEMP TABLE ${named(RAW)} (${columns.join(', ')})`);
  try {
    const appender = await duckdb.createAppender(RAW);
    for (const logged of rows) {
      appendPlace(appender, logged);
      appender.appendBlob(logged.row);
      appender.endRow();
    }
    appender.closeSync();
    await duckdb.run(`COPY ${named(RAW)} TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd)`);
    return rows.length;
  } finally {
    await duckdb.run(`DROP TABLE ${named(RAW)}`);
  }
}

function appendOrigin(appender: Appender, logged: LoggedRow): void {
  const { time, rank, token } = readHeader(logged.row);
  appendPlace(appender, logged);
  appender.appendBigInt(BigInt(time));
  appender.appendInteger(rank);
  appender.appendBigInt(BigInt(token));
}

function appendPlace(appender: Appender, logged: LoggedRow): void {
  appender.appendInteger(logged.partition);
  appender.appendVarchar(logged.epoch);
  appender.appendVarchar(logged.generation);
  appender.appendBigInt(BigInt(logged.place));
  appender.appendInteger(logged.seat);
  appender.appendVarchar(logged.id);
}
