/**
 * The features that a service derives, for the rows of a training set: by the same function that serves them.
 *
 * Guarantees: the function is given what it would have been given when it serves: the same types, the same names, and a
 * request that the schema has made. Memory does not grow with the number of labels.
 */
import { checkData, display, MisuseError } from '@holdfast/kernel';
import type { Derived, Service } from '../definition/service.js';
import type { Kind } from '../definition/types.js';
import type { View } from '../definition/view.js';
import { type Appender, type DuckDb, named } from './duckdb.js';
import { foundBy, NUMBER, uncertainBy } from './joins.sql.js';

type SqlRow = Readonly<Record<string, unknown>>;

/** How many labels are read at a time. */
const SLICE = 10_000;
const NAME = 'derived features';
/** The table that `deriveFeatures` makes. */
export const DERIVED = named(NAME);

/** The types of derived features. */
const TYPES: Readonly<Record<string, string>> = { number: 'DOUBLE', string: 'VARCHAR', boolean: 'BOOLEAN' };

/**
 * Makes the table of the features that are derived from the rows of `joined`, by their number. Returns false if there are
 * none. Throws MisuseError for labels whose columns do not fit the schema of requests.
 */
export async function deriveFeatures(duckdb: DuckDb, service: Service, joined: string): Promise<boolean> {
  const { derive } = service;
  if (derive === undefined) return false;
  const [counted] = (await duckdb.runAndReadAll(`SELECT count(*) AS n FROM ${joined}`)).getRowObjectsJS();
  const labels = Number(counted?.['n']);
  let table: Table | undefined;
  for (let from = 1; from <= labels; from += SLICE) {
    const slice = `SELECT * FROM ${joined} WHERE ${named(NUMBER)} BETWEEN ${from} AND ${from + SLICE - 1} ORDER BY ${named(NUMBER)}`;
    const rows = (await duckdb.runAndReadAll(slice)).getRowObjectsJS();
    const derived: Derived[] = [];
    for (const row of rows) {
      const { features, label } = partsOf(service, row);
      derived.push(derive(features as never, (await requestOf(service, label)) as never));
    }
    table ??= await openTable(duckdb, derived);
    table.append(from, derived);
  }
  table?.appender.closeSync();
  return table !== undefined;
}

interface Table {
  readonly appender: Appender;
  append(from: number, derived: readonly Derived[]): void;
}

/** The columns follow from the first rows: each feature has the type of its first value. */
async function openTable(duckdb: DuckDb, first: readonly Derived[]): Promise<Table> {
  const types = new Map(Object.keys(first[0] ?? {}).map((name) => [name, 'number']));
  for (const name of types.keys()) {
    const value = first.map((row) => row[name]).find((each) => each !== null && each !== undefined);
    if (value !== undefined && value !== null) types.set(name, typeof value);
  }
  const columns = [...types].map(([name, type]) => `${named(name)} ${TYPES[type] ?? 'VARCHAR'}`);
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE ${DERIVED} (${[`${named(NUMBER)} BIGINT`, ...columns].join(', ')})`,
  );
  const appender = await duckdb.createAppender(NAME);
  const append = (from: number, derived: readonly Derived[]): void => {
    derived.forEach((row, at) => {
      appender.appendBigInt(BigInt(from + at));
      for (const [name, type] of types) appendDerived(appender, { name, type, value: row[name] });
      appender.endRow();
    });
  };
  return { appender, append };
}

function appendDerived(
  appender: Appender,
  { name, type, value }: { readonly name: string; readonly type: string; readonly value: unknown },
): void {
  if (value === null || value === undefined) appender.appendNull();
  else if (typeof value !== type) {
    throw new MisuseError(
      `The derived feature "${name}" was a ${type} before; got ${display(value)}. Derive one type, or null.`,
    );
  } else if (typeof value === 'number') appender.appendDouble(value);
  else if (typeof value === 'boolean') appender.appendBoolean(value);
  else appender.appendVarchar(String(value));
}

/** The features of a row of a training set, as they are served. */
export const featuresOf = (service: Service, row: SqlRow): SqlRow => partsOf(service, row).features;

/** The features as they are served, and the columns of the label. */
function partsOf({ views }: Service, row: SqlRow): { readonly features: SqlRow; readonly label: SqlRow } {
  const features: Record<string, unknown> = {};
  const others = new Set([NUMBER]);
  for (const [alias, view] of Object.entries(views)) {
    others.add(foundBy(alias)).add(uncertainBy(alias));
    for (const [field, { kind }] of Object.entries((view as View).fields)) {
      const name = `${alias}.${field}`;
      others.add(name);
      const value = row[name];
      features[name] = value === null ? null : served(kind, value);
    }
  }
  const label = Object.fromEntries(Object.entries(row).filter(([name]) => !others.has(name)));
  return { features, label };
}

/** A value as it is served; DuckDB gives whole numbers as bigint, and vectors as lists. */
function served(kind: Kind, value: unknown): unknown {
  if (kind === 'int') return Number(value);
  return kind === 'vector' ? Float32Array.from(value as number[]) : value;
}

async function requestOf({ name, request: schema }: Service, label: SqlRow): Promise<unknown> {
  if (schema === undefined) return undefined;
  return checkData(schema, label, { of: 'a label, as a request,', owner: `service "${name}"` });
}
