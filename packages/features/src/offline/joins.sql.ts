/**
 * The joins of a training set, as SQL for DuckDB: labels on one side, the accepted rows of views on the other.
 *
 * Guarantees: every label gives exactly one row, in the order of the labels, with null for what it would not have been
 * served. A row past its TTL at the time of the label gives nulls. What a server had forgotten when it answered gives none.
 */
import type { StoredView } from '../definition/stored.js';
import { filesOf, named, quoted } from './duckdb.js';
import type { Timeline } from './epochs.js';

/**
 * Which row of an entity a label gets.
 * - `as-served`: the one that was served at the time of the label: of those that had arrived, the last one.
 * - `event-time`: the one with the latest event time up to that of the label, also if it arrived later, out of the
 *   generation that is live now. It knows what nobody knew at that time.
 * - `known-at`: the same among the rows that had arrived.
 */
export type Join = 'as-served' | 'event-time' | 'known-at';

/** Which generation was read from when on. */
export interface LiveSpan {
  /** The number of the catalog's change, 0 where it is not known. */
  readonly n: number;
  /** In microseconds. */
  readonly since: number;
  readonly generation: string;
  /** In milliseconds; null for ever. */
  readonly ttl: number | null;
}

/** A view of a service, and where its rows are. */
export interface JoinedView {
  /** With which the names of its features begin. */
  readonly alias: string;
  /** The names of the parts of its ids, which are columns of the labels. */
  readonly parts: readonly string[];
  readonly fields: readonly string[];
  /** Its accepted rows, as what follows FROM. */
  readonly rows: string;
  /** The earliest first. */
  readonly live: readonly LiveSpan[];
  /** Of windows, whose rows are additions: by generation, what determines their bytes and features. Otherwise undefined. */
  readonly windows: ReadonlyMap<string, StoredView> | undefined;
  /** Of flags, whose rows are changes of some of them. */
  readonly isFlags: boolean;
  /** By partition, if the log of one has several segments; otherwise epochs do not matter. */
  readonly timelines: ReadonlyMap<number, Timeline> | undefined;
}

export interface JoinRequest {
  /** What `numberedLabels` selects, as what follows FROM. */
  readonly labels: string;
  readonly join: Join;
  readonly views: readonly JoinedView[];
  /**
   * Whether labels have columns "<alias>@place" with what a read has answered as its place, as JSON, which is more exact
   * than their time; null where there was none. Only for `as-served`.
   */
  readonly places: boolean;
}

/** The number of a label, from 1; the first column of the answer. */
export const NUMBER = '@n';
/** The name of the column that says whether a view had a row for a label. */
export const foundBy = (alias: string): string => `${alias}@found`;
/** The name of the column that says whether the time of a label is too near to a change to say what was served. */
export const uncertainBy = (alias: string): string => `${alias}@uncertain`;
export const placeBy = (alias: string): string => `${alias}@place`;

/** Those of which a read says its place: flags have none. */
export const placedViews = (views: readonly JoinedView[]): readonly JoinedView[] =>
  views.filter(({ isFlags }) => !isFlags);

/** How long readers may go on with what was read before a change: the lease of their pointers, in microseconds. */
const LEASE = 1_000_000;

/** Labels with their number and their time; `at` is the column with it, a TIMESTAMP. */
export const numberedLabels = (files: readonly string[], at: string): string =>
  `SELECT row_number() OVER () AS ${named(NUMBER)}, epoch_us(${named(at)}) AS "@known", * FROM ${filesOf(files)}`;

/** The table with the features of a view of windows: `replayWindows` makes it. */
export const windowsTable = (alias: string): string => named(`windows of ${alias}`);

/** The columns of the labels, those of features as `alias.field`, and for each view whether it had a row, and was uncertain. */
export function joinSql(request: JoinRequest): string {
  const { labels, views, places } = request;
  const parts = views.flatMap((view, index) => viewParts(view, index, request));
  const joined = views.map((_, index) => `JOIN view${index} USING (${named(NUMBER)})`).join(' ');
  const columns = views.map((_, index) => `view${index}.* EXCLUDE (${named(NUMBER)})`);
  const placed = places ? placedViews(views).map(({ alias }) => named(placeBy(alias))) : [];
  const hidden = ['"@known"', ...placed].join(', ');
  return [
    `WITH labels AS (SELECT * FROM ${labels})`,
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

function viewParts(view: JoinedView, index: number, request: JoinRequest): string[] {
  const { alias, fields } = view;
  if (view.windows !== undefined) return [`view${index} AS (SELECT * FROM ${windowsTable(alias)})`];
  if (view.isFlags) return flagParts(view, index, request);
  const key = KEYS[request.join];
  const columns = fields.map(named).join(', ');
  // Of several rows with one key, the last one; an entry of the log has no two with one key.
  const last =
    request.join === 'as-served'
      ? ''
      : ' QUALIFY row_number() OVER (PARTITION BY "@id", "@generation", "@segment", "@key" ORDER BY "@place" DESC, "@seat" DESC) = 1';
  const rows = `SELECT "@id", "@generation", "@segment", "@time", "@place", "@seat", ${key.row} AS "@key", ${columns} FROM ${seenRows(view)}${last}`;
  const isServed =
    'row."@time" IS NOT NULL AND (asked."@ttl" IS NULL OR row."@time" + asked."@ttl" > asked."@known")';
  const served = fields.map(
    (field) => `CASE WHEN ${isServed} THEN row.${named(field)} END AS ${named(`${alias}.${field}`)}`,
  );
  const found = `coalesce(${isServed}, false) AS ${named(foundBy(alias))}`;
  const uncertain = `asked."@uncertain" AS ${named(uncertainBy(alias))}`;
  const same = ['@id', '@generation', '@segment'].map((name) => `asked."${name}" = row."${name}"`);
  return [
    `rows${index} AS (${rows})`,
    `asked${index} AS (${askedSql(view, request)})`,
    `view${index} AS (SELECT asked.${named(NUMBER)}, ${[...served, found, uncertain].join(', ')} FROM (SELECT *, ${key.label} AS "@until" FROM asked${index}) asked ASOF LEFT JOIN rows${index} row ON ${same.join(' AND ')} AND asked."@until" >= row."@key")`,
  ];
}

/** The ids that can have flags. */
const HAS_FLAGS = `regexp_full_match(asked."@id", '0|[1-9][0-9]{0,15}') AND TRY_CAST(asked."@id" AS BIGINT) <= ${Number.MAX_SAFE_INTEGER}`;

/** Of flags, the last change of each that had arrived, whichever join it is: they have no event time. None is set at first. */
function flagParts(view: JoinedView, index: number, request: JoinRequest): string[] {
  const { alias, fields } = view;
  const { row: key, label } = KEYS['as-served'];
  const last = fields.map((flag) => `last_value(${named(flag)} IGNORE NULLS) OVER changes AS ${named(flag)}`);
  const rows = `SELECT "@id", "@generation", "@segment", ${key} AS "@key", ${last.join(', ')} FROM ${seenRows(view)} WINDOW changes AS (PARTITION BY "@id", "@generation", "@segment" ORDER BY "@place", "@seat" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`;
  const served = fields.map(
    (flag) =>
      `CASE WHEN ${HAS_FLAGS} THEN coalesce(row.${named(flag)}, false) END AS ${named(`${alias}.${flag}`)}`,
  );
  const same = ['@id', '@generation', '@segment'].map((name) => `asked."${name}" = row."${name}"`);
  const columns = [
    ...[`asked.${named(NUMBER)}`, ...served, `${HAS_FLAGS} AS ${named(foundBy(alias))}`],
    `asked."@uncertain" AS ${named(uncertainBy(alias))}`,
  ];
  return [
    `rows${index} AS (${rows})`,
    `asked${index} AS (${askedSql(view, { ...request, join: 'as-served' })})`,
    `view${index} AS (SELECT ${columns.join(', ')} FROM (SELECT *, ${label} AS "@until" FROM asked${index}) asked ASOF LEFT JOIN rows${index} row ON ${same.join(' AND ')} AND asked."@until" >= row."@key")`,
  ];
}

/** The rows of a view with the segment that sees them: several times, if several do. */
export function seenRows({ rows, timelines }: JoinedView): string {
  if (timelines === undefined) return `(SELECT *, '' AS "@segment" FROM ${rows}) seen`;
  const sights = valuesOf(timelines, ({ sights }) =>
    sights.map(({ epoch, segment, until }) => [quoted(epoch), quoted(segment), `${until}::BIGINT`]),
  );
  return `(SELECT row.*, sight.segment AS "@segment" FROM ${rows} row JOIN ${sights} sight(partition, epoch, segment, until) ON row."@partition" = sight.partition AND row."@epoch" = sight.epoch AND row."@place" <= sight.until) seen`;
}

/**
 * What each label asks of a view: the id, up to where, in which generation and segment, by which TTL and at which moment it is
 * judged, and whether that is uncertain.
 */
export function askedSql(view: JoinedView, { join, places, views }: Omit<JoinRequest, 'labels'>): string {
  const { alias, live, timelines } = view;
  const isPlaced = places && join === 'as-served' && !view.isFlags;
  // Flags are answered at the instant by which the rest of a read is judged.
  const instants = (places && view.isFlags ? placedViews(views) : []).map(
    (each) => `TRY_CAST(json_extract_string(labels.${named(placeBy(each.alias))}, '$.now') AS BIGINT)`,
  );
  const labelled = `coalesce(${[...instants, 'labels."@known"'].join(', ')})`;
  const part = (name: string): string =>
    isPlaced ? `json_extract_string(labels.${named(placeBy(alias))}, '$.${name}')` : 'NULL::VARCHAR';
  const number = (text: string): string => `TRY_CAST(${text} AS BIGINT)`;
  const labels = [
    ...[`labels.${named(NUMBER)}`, `${labelled} AS "@labelled"`, `${idOf(view)} AS "@id"`],
    `${part('at')} AS "@at"`,
    `${number(part('n'))} AS "@change"`,
    `${number(part('now'))} AS "@now"`,
    `${number(part('partition'))} AS "@read"`,
    `${part('generation')} AS "@served"`,
  ];
  const counted = join === 'event-time' ? live.slice(-1).map((each) => ({ ...each, since: 0 })) : live;
  const spans = counted.map(
    ({ n, since, generation, ttl }, at) =>
      `(${n}::BIGINT, ${since}::BIGINT, ${quoted(generation)}, ${ttl === null ? 'NULL' : ttl * 1_000}::BIGINT, ${at > 0})`,
  );
  const span = (name: string): string =>
    `(VALUES ${spans.join(', ')}) ${name}(change, since, generation, ttl, "isChange")`;
  const byPlace = '"@at" IS NOT NULL';
  const asked = [
    ...[`labels.${named(NUMBER)}`, '"@id"', '"@read"', '"@labelled"', '"@at"'],
    `CASE WHEN ${byPlace} THEN coalesce(${number(`split_part("@at", ' ', 2)`)}, 0) ELSE "@labelled" END AS "@reach"`,
    'coalesce("@now", "@labelled") AS "@known"',
    `CASE WHEN ${byPlace} THEN "@served" ELSE live.generation END AS "@generation"`,
    `CASE WHEN ${byPlace} THEN noted.ttl ELSE live.ttl END AS "@ttl"`,
    `NOT (${byPlace}) AND coalesce(live."isChange" AND "@labelled" < live.since + ${LEASE}, false) AS "@uncertain"`,
  ];
  const spanned = `SELECT ${asked.join(', ')} FROM (SELECT ${labels.join(', ')} FROM labels) labels ASOF LEFT JOIN ${span('live')} ON "@labelled" >= live.since ASOF LEFT JOIN ${span('noted')} ON "@change" >= noted.change`;
  if (timelines === undefined) return `SELECT *, '' AS "@segment" FROM (${spanned})`;
  const begins = valuesOf(timelines, ({ begins }) =>
    begins.map(({ began, segment }) => [`${began}::BIGINT`, quoted(segment)]),
  );
  const segments = valuesOf(timelines, ({ segments }) =>
    [...segments].map(([epoch, segment]) => [quoted(epoch), quoted(segment)]),
  );
  // With event times, what the last server knows counts.
  const reached = join === 'event-time' ? `${Number.MAX_SAFE_INTEGER}::BIGINT` : '"@labelled"';
  const gaps = valuesOf(timelines, ({ gaps }) =>
    gaps.map(({ from, began }) => [`${from}::BIGINT`, `${began}::BIGINT`]),
  );
  const isUncertain = `CASE WHEN ${byPlace} THEN named.segment IS NULL AND "@reach" > 0 ELSE asked."@uncertain" OR coalesce("@labelled" < gap.began, false) END`;
  return `SELECT asked.* REPLACE (${isUncertain} AS "@uncertain"), CASE WHEN ${byPlace} THEN named.segment ELSE begun.segment END AS "@segment"
    FROM (SELECT spanned.*, coalesce("@read", home.partition) AS "@home", ${reached} AS "@reached" FROM (${spanned}) spanned
      LEFT JOIN (SELECT DISTINCT "@id", "@partition" AS partition FROM ${view.rows}) home USING ("@id")) asked
    ASOF LEFT JOIN ${gaps} gap("partition", "from", began) ON asked."@home" = gap."partition" AND asked."@labelled" >= gap."from"
    ASOF LEFT JOIN ${begins} begun(partition, began, segment) ON asked."@home" = begun.partition AND asked."@reached" >= begun.began
    LEFT JOIN ${segments} named(partition, epoch, segment) ON asked."@home" = named.partition AND split_part(asked."@at", ' ', 1) = named.epoch`;
}

/** A table of what partitions have, each row with the number of its partition first. */
function valuesOf(
  timelines: ReadonlyMap<number, Timeline>,
  rowsOf: (timeline: Timeline) => readonly (readonly string[])[],
  width = 2,
): string {
  const rows = [...timelines].flatMap(([partition, timeline]) =>
    rowsOf(timeline).map((row) => `(${[partition, ...row].join(', ')})`),
  );
  const none = new Array(width + 1).fill('NULL').join(', ');
  return rows.length > 0 ? `(VALUES ${rows.join(', ')})` : `(SELECT ${none} WHERE false)`;
}

/** The id of the entity, as it stands in a Redis key. */
function idOf({ parts }: JoinedView): string {
  if (parts.length === 0) return `'global'`;
  const texts = parts.map((part) => `CAST(labels.${named(part)} AS VARCHAR)`);
  if (texts.length === 1) return `${texts[0]}`;
  return texts.map((text) => `replace(replace(${text}, '%', '%25'), '/', '%2F')`).join(` || '/' || `);
}
