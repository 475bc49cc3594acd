/**
 * The joins of a training set, as SQL for DuckDB: labels on one side, the accepted rows of views on the other.
 *
 * Guarantees: every label gives exactly one row, in the order of the labels, with null for what it would not have been
 * served. A row past its TTL at the time of the label gives nulls.
 */
import { filesOf, named, quoted } from './duckdb.js';

/**
 * Which row of an entity a label gets.
 * - `as-served`: the one that was served at the time of the label: of those that had arrived, the last one.
 * - `event-time`: the one with the latest event time up to that of the label, also if it arrived later, out of the
 *   generation that is live now. It knows what nobody knew at that time.
 * - `known-at`: the same among the rows that had arrived.
 */
export type Join = 'as-served' | 'event-time' | 'known-at';

/** A view of a service, and where its rows are. */
export interface JoinedView {
  /** With which the names of its features begin. */
  readonly alias: string;
  /** The names of the parts of its ids, which are columns of the labels. */
  readonly parts: readonly string[];
  readonly fields: readonly string[];
  /** Parquet files of accepted rows; each may be a pattern. */
  readonly files: readonly string[];
  /** In milliseconds; null for ever. */
  readonly ttl: number | null;
  /** Which generation was live from when on, in microseconds; the earliest first. */
  readonly live: readonly { readonly since: number; readonly generation: string }[];
}

export interface JoinRequest {
  /** Parquet files of labels. */
  readonly labels: readonly string[];
  /** The column with the time of a label, a TIMESTAMP. */
  readonly at: string;
  readonly join: Join;
  readonly views: readonly JoinedView[];
  /**
   * Whether labels have columns "<alias>@place" with the place in the log that a read answered, which is more exact
   * than its time; null where there was none. Only for `as-served`.
   */
  readonly places: boolean;
}

/** The number of a label, from 1; the first column of the answer. */
export const NUMBER = '@n';
/** The name of the column that says whether a view had a row for a label. */
export const foundBy = (alias: string): string => `${alias}@found`;

/** The columns of the labels, those of features as `alias.field`, and for each view whether it had a row. */
export function joinSql({ labels, at, join, views, places }: JoinRequest): string {
  const known = `epoch_us(${named(at)})`;
  const numbered = `SELECT row_number() OVER () AS ${named(NUMBER)}, ${known} AS "@known", * FROM ${filesOf(labels)}`;
  const parts = views.flatMap((view, index) => viewParts(view, index, join, places));
  const joined = views.map((_, index) => `JOIN view${index} USING (${named(NUMBER)})`).join(' ');
  const columns = views.map((_, index) => `view${index}.* EXCLUDE (${named(NUMBER)})`);
  const placed = places ? views.map(({ alias }) => named(`${alias}@place`)) : [];
  const hidden = ['"@known"', ...placed].join(', ');
  return [
    `WITH labels AS MATERIALIZED (${numbered})`,
    ...parts.map((part) => `, ${part}`),
    `SELECT ${[`labels.* EXCLUDE (${hidden})`, ...columns].join(', ')} FROM labels ${joined}`,
    `ORDER BY ${named(NUMBER)}`,
  ].join('\n');
}

/** What orders the rows of an entity, and up to where a label reaches. Seats make keys of one entry unique. */
const KEYS: Readonly<Record<Join, { readonly row: string; readonly label: string }>> = {
  'as-served': { row: '"@place" * 256 + "@seat"', label: '"@reach" * 256 + 255' },
  'event-time': { row: '"@time"', label: '"@reach"' },
  // Event times never fall along the log of an entity, so both conditions hold for its first rows, and only for them.
  'known-at': { row: 'greatest("@time", "@place")', label: '"@reach"' },
};

function viewParts(view: JoinedView, index: number, join: Join, places: boolean): string[] {
  const { alias, fields, ttl } = view;
  const key = KEYS[join];
  const reach =
    places && join === 'as-served' ? `coalesce(labels.${named(`${alias}@place`)}, "@known")` : '"@known"';
  const columns = fields.map(named).join(', ');
  // Of several rows with one key, the last one; an entry of the log has no two with one key.
  const last =
    join === 'as-served'
      ? ''
      : ' QUALIFY row_number() OVER (PARTITION BY "@id", "@generation", "@key" ORDER BY "@place" DESC, "@seat" DESC) = 1';
  const rows = `SELECT "@id", "@generation", "@time", "@place", "@seat", ${key.row} AS "@key", ${columns} FROM ${filesOf(view.files)}${last}`;
  const asked = `SELECT labels.${named(NUMBER)}, "@known", ${idOf(view)} AS "@id", ${reach} AS "@reach", live.generation AS "@generation" FROM labels ${liveAt(view, join)}`;
  const isServed = ttl === null ? 'row."@time" IS NOT NULL' : `row."@time" + ${ttl * 1_000} > asked."@known"`;
  const served = fields.map(
    (field) => `CASE WHEN ${isServed} THEN row.${named(field)} END AS ${named(`${alias}.${field}`)}`,
  );
  const found = `coalesce(${isServed}, false) AS ${named(foundBy(alias))}`;
  const same = 'asked."@id" = row."@id" AND asked."@generation" = row."@generation"';
  return [
    `rows${index} AS (${rows})`,
    `asked${index} AS (${asked})`,
    `view${index} AS (SELECT asked.${named(NUMBER)}, ${[...served, found].join(', ')} FROM (SELECT *, ${key.label} AS "@until" FROM asked${index}) asked ASOF LEFT JOIN rows${index} row ON ${same} AND asked."@until" >= row."@key")`,
  ];
}

/** The id of the entity, as it stands in a Redis key. */
function idOf({ parts }: JoinedView): string {
  if (parts.length === 0) return `'global'`;
  const texts = parts.map((part) => `CAST(labels.${named(part)} AS VARCHAR)`);
  if (texts.length === 1) return `${texts[0]}`;
  return texts.map((text) => `replace(replace(${text}, '%', '%25'), '/', '%2F')`).join(` || '/' || `);
}

/** The generation that counts for a label. */
function liveAt({ live }: JoinedView, join: Join): string {
  const counted = join === 'event-time' ? live.slice(-1).map((each) => ({ ...each, since: 0 })) : live;
  const rows = counted.map(({ since, generation }) => `(${since}::BIGINT, ${quoted(generation)})`);
  return `ASOF LEFT JOIN (VALUES ${rows.join(', ')}) live(since, generation) ON "@known" >= live.since`;
}
