/**
 * The two routes of Feast's feature server that its clients use, below `/feast/stores/{store}`: reading features, and pushing
 * rows.
 *
 * Guarantees: a view, a feature and an id are those of the store; the parts of an id are the join keys. A push lands its rows
 * in the lane "stream" of the view, under a lease of its own: pushes of a view go one after another, over all replicas, and a
 * row that is older than the stored one changes nothing. A row that cannot be stored is named, and the others are landed.
 */
import type { Features } from '@holdfast/features';
import { z } from 'zod';
import { NotFoundError, RequestError } from '../errors.js';
import { inStore, SHOP, serviceIn, shown, viewIn } from './features.js';
import { openLane } from './landing.js';
import { operation } from './operation.js';
import { none } from './values.js';

const MOST_ROWS = 1_000;
const ofEntity = z.union([z.string().min(1).max(256), z.int()]);
const column = z.array(ofEntity).min(1).max(MOST_ROWS);

export const getOnlineFeatures = operation({
  id: 'feast.get',
  method: 'POST',
  path: '/feast/stores/{store}/get-online-features',
  summary: 'Read features, as clients of Feast do.',
  right: 'features:read',
  judgedBy: 'store',
  params: inStore,
  query: none,
  body: z
    .strictObject({
      features: z
        .array(z.string().regex(/^[^:]+:[^:]+$/))
        .min(1)
        .max(256)
        .optional()
        .describe('Such as "profile:tier".'),
      feature_service: z.string().min(1).max(128).optional().describe('All features of its views.'),
      entities: z.record(z.string(), column).describe('By the join key, a list of ids; all have one length.'),
      full_feature_names: z.boolean().default(false).describe('"profile__tier" in the place of "tier".'),
    })
    .refine(
      ({ features, feature_service: service }) => (features === undefined) !== (service === undefined),
      {
        path: ['features'],
        message: 'stands here, or feature_service does',
      },
    ),
  answers: {
    200: {
      description: 'A column for each join key, and for each feature.',
      schema: z.object({
        metadata: z.object({ feature_names: z.array(z.string()) }),
        results: z.array(
          z.object({
            values: z.array(z.unknown()),
            statuses: z.array(z.enum(['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'])),
            event_timestamps: z.array(z.string()),
          }),
        ),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_ROW'],
  example: { params: SHOP, body: { features: ['profile:tier'], entities: { user: ['u1', 'u2'] } } },
  run: ({ systems, params, body, signal }) => {
    const { features = [], feature_service: service, entities } = body;
    const count = lengthOf(entities, 'body.entities');
    const views = new Set(features.map((feature) => feature.split(':')[0] ?? ''));
    const suffices = (store: Features): boolean =>
      service === undefined
        ? [...views].every((view) => viewIn(store, view) !== undefined)
        : serviceIn(store, service) !== undefined;
    return systems.withStore(params.store, suffices, async (store) => {
      const of = service === undefined ? [...views] : viewsOf(store, service);
      const read = await Promise.all(of.map((view) => readView(store, view, { entities, count, signal })));
      const wanted = service === undefined ? features : read.flatMap((each) => each.names);
      const columns = wanted.map((feature) => columnOf(feature, read, body.full_feature_names));
      const keys = Object.entries(entities).map(([name, values]) => keyColumn(name, values));
      const all = [...keys, ...columns];
      return {
        status: 200,
        body: {
          metadata: { feature_names: all.map(({ name }) => name) },
          results: all.map(({ name: _, ...rest }) => rest),
        },
      };
    });
  },
});

const NEVER = '1970-01-01T00:00:00Z';

type Entities = Readonly<Record<string, readonly (string | number)[]>>;

interface ReadView {
  readonly view: string;
  /** Of its features, such as "profile:tier". */
  readonly names: readonly string[];
  readonly rows: readonly {
    readonly values: Readonly<Record<string, unknown>>;
    readonly time: Date | null;
    readonly reason: string | undefined;
  }[];
}

/** Throws NotFoundError. */
function viewsOf(store: Features, name: string): string[] {
  const service = serviceIn(store, name);
  if (service) return [...new Set(Object.values(service.views).map((view) => view.name))];
  throw new NotFoundError(
    `The store has no service "${name}" that the server can serve; one that derives features needs the program that defines it.`,
  );
}

/** Throws NotFoundError, RequestError. */
async function readView(
  store: Features,
  of: string,
  {
    entities,
    count,
    signal,
  }: { readonly entities: Entities; readonly count: number; readonly signal: AbortSignal },
): Promise<ReadView> {
  const view = viewIn(store, of);
  if (!view) throw new NotFoundError(`The store has no view "${of}".`);
  const { parts } = view.entity;
  const ids = Array.from({ length: count }, (_, index) => idOf(parts, entities, index, 'body.entities'));
  const rows = await store.rows(view, ids as never[], { signal });
  const names = Object.keys(rows[0]?.values ?? {}).map((name) => `${of}:${name}`);
  return { view: of, names, rows: rows.map((row) => ({ ...row, values: shown(row.values) })) };
}

/** Throws NotFoundError. */
function columnOf(feature: string, read: readonly ReadView[], full: boolean) {
  const [of = '', name = ''] = feature.split(':');
  const found = read.find(({ view }) => view === of);
  if (!found?.names.includes(feature)) throw new NotFoundError(`The view "${of}" has no feature "${name}".`);
  return {
    name: full ? `${of}__${name}` : name,
    values: found.rows.map(({ values }) => values[name] ?? null),
    statuses: found.rows.map(({ values, reason }) => statusOf(values[name], reason)),
    event_timestamps: found.rows.map(({ time }) => time?.toISOString() ?? NEVER),
  };
}

function statusOf(value: unknown, reason: string | undefined): string {
  if (reason !== undefined) return reason === 'expired' ? 'OUTSIDE_MAX_AGE' : 'NOT_FOUND';
  return value === null || value === undefined ? 'NULL_VALUE' : 'PRESENT';
}

const keyColumn = (name: string, values: readonly (string | number)[]) => ({
  ...{ name, values },
  statuses: values.map(() => 'PRESENT'),
  event_timestamps: values.map(() => NEVER),
});

/** The length of all columns. Throws RequestError where they differ, or there is none. */
function lengthOf(columns: Readonly<Record<string, readonly unknown[]>>, field: string): number {
  const lengths = new Set(Object.values(columns).map(({ length }) => length));
  const [count] = lengths;
  if (lengths.size === 1 && count !== undefined) return count;
  throw wrong(field, 'has one column at least, and all have one length');
}

/** As the store takes ids. Throws RequestError where a join key is missing. */
function idOf(
  parts: readonly string[],
  columns: Readonly<Record<string, readonly unknown[]>>,
  index: number,
  field: string,
): unknown {
  const values = parts.map((part) => {
    const value = columns[part]?.[index];
    if (ofEntity.safeParse(value).success) return [part, String(value)] as const;
    throw wrong(`${field}.${part}`, 'is the join key, and a text or a whole number for each row');
  });
  return values.length > 1 ? Object.fromEntries(values) : values[0]?.[1];
}

const wrong = (field: string, message: string): RequestError =>
  new RequestError(`${field} ${message}.`, { fields: [{ field, message }] });

/** What Feast's own columns are called. */
const TIME = 'event_timestamp';
const CREATED = 'created';

export const push = operation({
  id: 'feast.push',
  method: 'POST',
  path: '/feast/stores/{store}/push',
  summary: 'Write rows of a view, as clients of Feast do.',
  right: 'features:write',
  judgedBy: 'store',
  params: inStore,
  query: none,
  body: z.strictObject({
    push_source_name: z.string().min(1).max(128).describe('The name of the view.'),
    df: z
      .record(z.string(), z.array(z.unknown()).min(1).max(MOST_ROWS))
      .describe('By name, a column: the join keys, the features, and event_timestamp.'),
    to: z
      .enum(['online', 'online_and_offline'])
      .default('online')
      .describe('What is accepted is also logged.'),
    allow_registry_cache: z.boolean().optional().describe('Changes nothing.'),
    transform_on_write: z.boolean().optional().describe('Changes nothing.'),
  }),
  answers: { 200: { description: 'All rows are stored, or were superseded before.', schema: z.object({}) } },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_BUSY', 'HOLDFAST_GENERATION_ENDED'],
  example: {
    params: SHOP,
    body: {
      push_source_name: 'profile',
      df: { user: ['u1'], tier: ['gold'], spent: [99.5], [TIME]: ['2026-11-28T12:00:00Z'] },
    },
  },
  run: ({ systems, params, body, signal }) => {
    const { df, push_source_name: name } = body;
    const count = lengthOf(df, 'body.df');
    const suffices = (store: Features): boolean => viewIn(store, name) !== undefined;
    return systems.withStore(params.store, suffices, async (store) => {
      const parts = viewIn(store, name)?.entity.parts ?? [];
      const rows = Array.from({ length: count }, (_, index) => rowOf(df, parts, index));
      const lease = { ttl: 10_000, wait: 10_000, signal };
      const errors = await systems.locks.using(
        `holdfast:feast:${params.store}:${name}`,
        lease,
        async (holder) => {
          const lane = await openLane(store, name, { holder, lane: 'stream' });
          try {
            return (await lane.land(rows as never[])).errors;
          } finally {
            await lane.close();
          }
        },
      );
      const fields = [...errors].map(([row, { path, message }]) => ({
        ...{ field: `body.df.${path.replace(/^values\./, '')}`, message: `of row ${row}: ${message}` },
      }));
      if (fields.length === 0) return { status: 200, body: {} };
      throw new RequestError(`${fields.length} of ${count} rows cannot be stored; the others were.`, {
        fields,
      });
    });
  },
});

/** Throws RequestError. */
function rowOf(df: Readonly<Record<string, readonly unknown[]>>, parts: readonly string[], index: number) {
  const own = new Set([...parts, TIME, CREATED]);
  const values = Object.entries(df)
    .filter(([name]) => !own.has(name))
    .map(([name, column]) => [name, column[index]]);
  return {
    id: idOf(parts, df, index, 'body.df'),
    time: timeOf(df[TIME]?.[index]),
    values: Object.fromEntries(values),
  };
}

/** In ms since the epoch; without a zone it is UTC. Throws RequestError. */
function timeOf(value: unknown): number {
  const text = typeof value === 'string' ? value.replace(' ', 'T') : '';
  const time =
    typeof value === 'number' ? value : Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isSafeInteger(time)) return time;
  throw wrong(
    `body.df.${TIME}`,
    'is a time for each row, such as 2026-11-28T12:00:00Z, or in ms since the epoch',
  );
}
