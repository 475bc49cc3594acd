/**
 * Windows in a training set: the additions to each entity are added again in the order of the log, as far as a label reaches,
 * and the features are what the windows say then.
 *
 * Guarantees: the rings are those that were served, by the functions that serve them, and so are the features, sums included.
 * Each addition and each label is looked at once, and one ring is kept at a time.
 */
import type { Aggregate } from '../definition/aggregates.js';
import type { StoredView } from '../definition/stored.js';
import { addToRing, emptyRing, type Ring, readAddition } from '../window/ring.js';
import { windowValues } from '../window/values.js';
import { type Appender, type DuckDb, named } from './duckdb.js';
import {
  askedSql,
  foundBy,
  type JoinedView,
  type JoinRequest,
  NUMBER,
  seenRows,
  uncertainBy,
  windowsTable,
} from './joins.sql.js';

/** How many additions and labels are read at a time. */
const SLICE = 10_000;

/** A feature: its column, and what its window says. */
interface Feature {
  readonly name: string;
  readonly kind: Aggregate['kind'];
}

/** An addition, or what a label asks. */
interface Step {
  readonly '@generation': string | null;
  readonly '@segment': string | null;
  readonly '@id': string;
  readonly '@bytes': Buffer | null;
  readonly '@n': bigint | null;
  readonly '@known': bigint | null;
  readonly '@uncertain': boolean | null;
}

/** Makes the table `windowsTable` of a view of windows. */
export async function replayWindows(
  duckdb: DuckDb,
  view: JoinedView,
  features: readonly Feature[],
  request: JoinRequest,
): Promise<void> {
  const { alias } = view;
  const steps = named(`steps of ${alias}`);
  const columns = [
    ...[`${named(NUMBER)} BIGINT`, ...features.map(({ name, kind }) => `${named(name)} ${typeOf(kind)}`)],
    ...[`${named(foundBy(alias))} BOOLEAN`, `${named(uncertainBy(alias))} BOOLEAN`],
  ];
  await duckdb.run(`CREATE OR REPLACE TEMP TABLE ${windowsTable(alias)} (${columns.join(', ')})`);
  try {
    await duckdb.run(`CREATE OR REPLACE TEMP TABLE ${steps} AS ${stepsSql(view, request)}`);
    const [counted] = (await duckdb.runAndReadAll(`SELECT count(*) AS n FROM ${steps}`)).getRowObjectsJS();
    const count = Number(counted?.['n']);
    const appender = await duckdb.createAppender(`windows of ${alias}`);
    const replay = new Replay(view, features, appender);
    for (let from = 1; from <= count; from += SLICE) {
      const slice = `SELECT * FROM ${steps} WHERE "@at" BETWEEN ${from} AND ${from + SLICE - 1} ORDER BY "@at"`;
      const rows = (await duckdb.runAndReadAll(slice)).getRowObjectsJS();
      for (const row of rows) replay.take(row as unknown as Step);
    }
    appender.closeSync();
  } finally {
    await duckdb.run(`DROP TABLE IF EXISTS ${steps}`);
  }
}

/** Additions and labels of each entity in turn, in the order of the log; a label comes after what it has seen. */
function stepsSql(view: JoinedView, request: JoinRequest): string {
  const same = ['@generation', '@segment', '@id'].map(named).join(', ');
  return `WITH labels AS (SELECT * FROM ${request.labels}), asked AS MATERIALIZED (${askedSql(view, request)})
    SELECT row_number() OVER (ORDER BY ${same}, "@key", "@n" NULLS FIRST) AS "@at", * FROM (
      SELECT ${same}, "@place" * 256 + "@seat" AS "@key", NULL::BIGINT AS "@n", NULL::BIGINT AS "@known", NULL::BOOLEAN AS "@uncertain", "@bytes"
      FROM ${seenRows(view)} WHERE "@id" IN (SELECT "@id" FROM asked)
      UNION ALL
      SELECT ${same}, "@reach" * 256 + 255, ${named(NUMBER)}, "@known", "@uncertain", NULL FROM asked)`;
}

class Replay {
  readonly #view: JoinedView;
  readonly #features: readonly Feature[];
  readonly #appender: Appender;
  /** Of which entity, generation and segment the ring is. */
  #of: Pick<Step, '@generation' | '@segment' | '@id'> | undefined;
  #ring: Ring | undefined;

  constructor(view: JoinedView, features: readonly Feature[], appender: Appender) {
    this.#view = view;
    this.#features = features;
    this.#appender = appender;
  }

  take(step: Step): void {
    const of = this.#of;
    const isSame =
      of?.['@id'] === step['@id'] &&
      of['@generation'] === step['@generation'] &&
      of['@segment'] === step['@segment'];
    if (!isSame) this.#ring = undefined;
    this.#of = step;
    const stored = this.#view.windows?.get(step['@generation'] ?? '');
    if (step['@bytes'] === null) this.#answer(step, stored);
    else if (stored?.ring) {
      const addition = readAddition(Buffer.from(step['@bytes']), stored.ring.plan);
      if (addition === null) return; // of another shape, which no ring has taken either
      this.#ring ??= emptyRing(stored.ring);
      addToRing(this.#ring, stored.ring, addition);
    }
  }

  #answer({ '@n': n, '@known': known, '@uncertain': uncertain }: Step, stored: StoredView | undefined): void {
    const ring = this.#ring;
    const counted = this.#features.map(({ name, kind }) => {
      const field = stored?.fields.find((each) => `${this.#view.alias}.${each.name}` === name);
      return field?.aggregate && typeOf(field.aggregate.kind) === typeOf(kind) ? field.aggregate : undefined;
    });
    const aggregates = counted.filter((each) => each !== undefined);
    const found =
      ring && stored?.ring ? windowValues(ring, stored.ring, aggregates, Number(known)) : undefined;
    this.#appender.appendBigInt(n ?? 0n);
    let at = 0;
    for (const [index, aggregate] of counted.entries()) {
      const value = aggregate === undefined ? null : (found?.[at++] ?? null);
      this.#append(value, index + 1);
    }
    this.#appender.appendBoolean(found !== undefined);
    this.#appender.appendBoolean(uncertain ?? false);
    this.#appender.endRow();
  }

  #append(value: unknown, column: number): void {
    const type = typeOf(this.#features[column - 1]?.kind ?? 'count');
    if (value === null) this.#appender.appendNull();
    else if (type === 'BIGINT') this.#appender.appendBigInt(BigInt(value as number));
    else if (type === 'DOUBLE') this.#appender.appendDouble(value as number);
    else this.#appender.appendList(value as string[], this.#appender.columnType(column) as never);
  }
}

/** The type of the column of a feature. */
function typeOf(kind: Aggregate['kind']): 'BIGINT' | 'DOUBLE' | 'VARCHAR[]' {
  if (kind === 'count' || kind === 'distinct') return 'BIGINT';
  return kind === 'latest' ? 'VARCHAR[]' : 'DOUBLE';
}
