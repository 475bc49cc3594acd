/**
 * Audit of logged reads: what a store has answered, beside what a training set has for the place of that answer.
 *
 * Guarantees: every feature of every read is compared, those that are derived included, but for flags, of whose reads no place
 * is known; each that differs is told with both values. Reads about entities that were erased since differ, and are counted by themselves.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkData,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { isFlags } from '../definition/flags.js';
import type { Service, Views } from '../definition/service.js';
import type { Kind } from '../definition/types.js';
import type { View } from '../definition/view.js';
import type { Features } from '../features.js';
import type { ReadPlace } from '../read/service.js';
import { featuresOf } from './derived.js';
import { type DuckDb, inTurn, named, quoted } from './duckdb.js';
import { placeBy } from './joins.sql.js';
import { latestManifest } from './manifest.js';
import { erasuresIn, partsOf, type StoreParts } from './parts.js';
import { eraser, mergeTombstones } from './tombstones.js';
import { trainingSet } from './training.js';

/** A read as a program has logged it, also as JSON: what `get` was given, and one of its answers with `meta` and `place`. */
export interface LoggedRead {
  readonly ids: Readonly<Record<string, string>>;
  /** Undefined for a service that takes none. */
  readonly request?: unknown;
  readonly answer: Readonly<Record<string, unknown>>;
  readonly views: Readonly<Record<string, { readonly place?: ReadPlace }>>;
}

export interface AuditOptions<V extends Views> {
  /** A connection of `@duckdb/node-api`. */
  readonly duckdb: DuckDb;
  readonly store: Features;
  /** The folder of its exporter. Leave it out only where there is none. */
  readonly dir?: string;
  /** By which the reads were answered. */
  readonly service: Service<string, V>;
  readonly reads: Iterable<LoggedRead> | AsyncIterable<LoggedRead>;
  /** How many differences are told at most, 1 to 10000; all are counted. Default 100. */
  readonly most?: number;
}

/** A feature of a read that a training set has otherwise. */
interface Difference {
  /** Which read it was, from 0. */
  readonly read: number;
  readonly ids: LoggedRead['ids'];
  readonly feature: string;
  readonly answered: unknown;
  readonly trained: unknown;
}

export interface AuditReport {
  readonly reads: number;
  /** Reads of which every feature is equal. */
  readonly equal: number;
  /** Reads that differ and are about an entity that was erased since. */
  readonly erased: number;
  /** Reads that differ otherwise: each is a defect, or its rows are lost. */
  readonly different: number;
  readonly differences: readonly Difference[];
}

const AUDIT = {
  most: withDefault(whole(1, 10_000), 100),
  dir: optional(text('the path of a folder')),
} satisfies Readers<Pick<AuditOptions<Views>, 'most' | 'dir'>>;

/** How many reads are compared at a time. */
const BATCH = 50_000;
const LABELS = 'audited reads';

/**
 * Compares logged reads with a training set. Throws MisuseError for a read without places, and what `trainingSet` throws.
 */
export async function audit<V extends Views>(options: AuditOptions<V>): Promise<AuditReport> {
  const { duckdb, store, reads } = options;
  const { most, dir } = readOptions('audit()', { most: options.most, dir: options.dir }, AUDIT);
  const service = options.service as unknown as Service;
  if (placedOf(service).length === 0) {
    throw new MisuseError(
      `The service "${service.name}" has nothing but flags, of whose reads no place is known; it cannot be audited.`,
    );
  }
  const report = { reads: 0, equal: 0, erased: 0, different: 0, differences: [] as Difference[] };
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
  const compare = async (batch: readonly LoggedRead[]): Promise<void> => {
    const rows = await trainedRows({ duckdb, store, dir, service, scratch }, batch);
    const isErased = await erasedReads(partsOf(store), service, dir);
    for (const [at, read] of batch.entries()) {
      const trained = await trainedAnswer(service, read, rows[at] ?? {});
      const found = differencesOf(service, read, trained);
      if (found.length === 0) report.equal += 1;
      else if (isErased(read)) report.erased += 1;
      else {
        report.different += 1;
        const room = most - report.differences.length;
        const told = found
          .slice(0, room)
          .map((each) => ({ read: report.reads + at, ids: read.ids, ...each }));
        report.differences.push(...told);
      }
    }
    report.reads += batch.length;
  };
  try {
    let batch: LoggedRead[] = [];
    let index = 0;
    for await (const read of reads) {
      batch.push(requirePlaces(service, read, index++));
      if (batch.length < BATCH) continue;
      await compare(batch);
      batch = [];
    }
    if (batch.length > 0) await compare(batch);
    return report;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The views whose reads have a place, by their names in the service: flags have none. */
const placedOf = ({ views }: Service): readonly [string, View][] =>
  Object.entries(views).filter(([, view]) => !isFlags(view));

function requirePlaces(service: Service, read: LoggedRead, index: number): LoggedRead {
  const missing = placedOf(service)
    .map(([alias]) => alias)
    .find((alias) => Object(read?.views?.[alias]).place === undefined);
  if (missing === undefined && typeof read.answer === 'object') return read;
  throw new MisuseError(
    `reads[${index}] has no place of the view "${missing ?? ''}", so nothing says what it has seen; log what get() answers with meta: true and place: true.`,
  );
}

interface Training {
  readonly duckdb: DuckDb;
  readonly store: Features;
  readonly dir: string | undefined;
  readonly service: Service;
  readonly scratch: string;
}

/** What a training set has for each read, without what is derived. */
async function trainedRows(
  { duckdb, store, dir, service, scratch }: Training,
  reads: readonly LoggedRead[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const views = placedOf(service);
  const parts = [...new Set(views.flatMap(([, view]) => view.entity.parts))];
  const columns = [...parts, ...views.map(([alias]) => placeBy(alias))];
  const [labels, out] = [join(scratch, 'labels.parquet'), join(scratch, 'set.parquet')];
  await inTurn(duckdb, () => writeLabels(duckdb, { reads, parts, views, columns, labels }));
  // Derived features need the request, which a read has as it was.
  const plain = {
    ...{ ...service, views: Object.fromEntries(views) },
    ...{ request: undefined, derive: undefined },
  };
  await trainingSet({
    ...{ duckdb, store, service: plain, labels: [labels], at: '@audited', out, places: true },
    ...(dir !== undefined && { dir }),
  });
  return (await duckdb.runAndReadAll(`SELECT * FROM ${quoted(out)}`)).getRowObjectsJS();
}

interface Labelling {
  readonly reads: readonly LoggedRead[];
  /** The parts of ids, the views by their names in the service, and the columns that both become. */
  readonly parts: readonly string[];
  readonly views: readonly (readonly [string, View])[];
  readonly columns: readonly string[];
  readonly labels: string;
}

/** Makes a file of labels of what was read. */
async function writeLabels(
  duckdb: DuckDb,
  { reads, parts, views, columns, labels }: Labelling,
): Promise<void> {
  const table = columns.map((name) => `${named(name)} VARCHAR`).join(', ');
  await duckdb.run(`CREATE OR REPLACE TEMP TABLE ${named(LABELS)} (${table})`);
  try {
    const appender = await duckdb.createAppender(LABELS);
    for (const read of reads) {
      for (const part of parts) appender.appendVarchar(read.ids[part] ?? '');
      for (const [alias] of views) appender.appendVarchar(JSON.stringify(read.views[alias]?.place));
      appender.endRow();
    }
    appender.closeSync();
    await duckdb.run(
      `COPY (SELECT *, make_timestamp(0) AS "@audited" FROM ${named(LABELS)}) TO ${quoted(labels)} (FORMAT parquet)`,
    );
  } finally {
    await duckdb.run(`DROP TABLE IF EXISTS ${named(LABELS)}`);
  }
}

/** All features of a service, made of a row of a training set. */
async function trainedAnswer(
  service: Service,
  { request, answer }: LoggedRead,
  row: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const features = { ...featuresOf(service, row), ...flagsIn(service, answer) };
  const { name, request: schema, derive } = service;
  if (derive === undefined) return features;
  const of = { of: 'the request of a logged read', owner: `service "${name}"` };
  const checked = schema === undefined ? undefined : await checkData(schema, request, of);
  return { ...features, ...derive(features as never, checked as never) };
}

/** The flags of an answer, which are taken as they are. */
function flagsIn({ views }: Service, answer: LoggedRead['answer']): Readonly<Record<string, unknown>> {
  const names = Object.entries(views).flatMap(([alias, view]) =>
    isFlags(view) ? Object.keys(view.fields).map((flag) => `${alias}.${flag}`) : [],
  );
  return Object.fromEntries(names.map((name) => [name, answer[name]]));
}

function differencesOf(
  service: Service,
  { answer }: LoggedRead,
  trained: Readonly<Record<string, unknown>>,
): Pick<Difference, 'feature' | 'answered' | 'trained'>[] {
  const kinds = new Map<string, Kind>();
  for (const [alias, view] of Object.entries(service.views)) {
    for (const [field, { kind }] of Object.entries((view as View).fields))
      kinds.set(`${alias}.${field}`, kind);
  }
  const names = new Set([...Object.keys(trained), ...Object.keys(answer)]);
  return [...names].flatMap((feature) => {
    const [one, other] = [answer[feature], trained[feature]].map((value) =>
      comparable(value, kinds.get(feature)),
    );
    return one === other ? [] : [{ feature, answered: answer[feature], trained: trained[feature] }];
  });
}

/** A value as text that is the same before and after it was JSON. */
function comparable(value: unknown, kind: Kind | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (kind === 'timestamp') return String(new Date(value as string).getTime());
  if (kind === 'vector') return JSON.stringify(Object.values(value as object));
  return JSON.stringify(value);
}

/** Says of reads whether a row of theirs was erased since. */
async function erasedReads(
  store: StoreParts,
  { views }: Service,
  dir: string | undefined,
): Promise<(read: LoggedRead) => boolean> {
  const tombstones = await Promise.all(
    store.partitions.map(async ({ number }) => {
      const manifest = dir === undefined ? undefined : await latestManifest(dir, number);
      return mergeTombstones(manifest?.erased ?? [], await erasuresIn(store, number), number);
    }),
  );
  const erasers = Object.entries(views).map(([alias, { entity }]) => ({
    alias,
    byPartition: tombstones.map((each) => eraser(each, entity.parts)),
  }));
  return (read) =>
    erasers.some(({ alias, byPartition }) => {
      const place = read.views[alias]?.place;
      if (place === undefined) return false;
      const seen = Number(place.at.split(' ')[1] ?? 0);
      return byPartition[place.partition]?.({ id: place.id, place: seen }) ?? false;
    });
}
