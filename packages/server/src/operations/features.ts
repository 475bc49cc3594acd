/**
 * Operations on feature stores: reading rows of a view, and what a service serves. Rows are written by programs that hold a
 * lane, under their token.
 *
 * Guarantees: a store is read as its definitions are registered, so services that derive features or take a request need the
 * program that defines them; of those the server says that they are not known.
 */
import type { Features, ReadRow, Service, View } from '@holdfast/features';
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import { type Call, operation } from './operation.js';
import { none } from './values.js';

const storeName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
export const inStore = z.strictObject({ store: storeName });
export const name = z.string().min(1).max(128);
export const READ = { right: 'features:read', judgedBy: 'store' } as const;
export const SHOP = { store: 'shop' };

export const someId = z.union([
  z.string().min(1).max(256),
  z.record(z.string(), z.string().max(256)),
  z.null(),
]);

const values = z.record(z.string(), z.unknown());

/** Vectors as lists, and what JSON has no form for as text. */
export function shown(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (isJson(row)) return row;
  return Object.fromEntries(
    Object.entries(row).map(([feature, value]) => [
      feature,
      value instanceof Float32Array ? [...value] : typeof value === 'bigint' ? String(value) : value,
    ]),
  );
}

/** Looked at for every row that is read: without a list of what it has. */
function isJson(row: Readonly<Record<string, unknown>>): boolean {
  for (const feature in row) {
    const value = row[feature];
    if (typeof value === 'bigint' || value instanceof Float32Array) return false;
  }
  return true;
}

export const viewIn = (store: Features, of: string): View | undefined =>
  store.views.find((view) => view.name === of);

export const serviceIn = (store: Features, of: string): Service | undefined =>
  [...store.served]
    .sort((one, other) => other.version - one.version)
    .find((each) => each.name === of || `${each.name}@${each.version}` === of);

export const describeStore = operation({
  id: 'features.describe',
  method: 'GET',
  path: '/v1/features/{store}',
  summary: 'List the views and services of a feature store.',
  ...READ,
  params: inStore,
  query: none,
  answers: {
    200: {
      description: 'Their names.',
      schema: z.object({ views: z.array(z.string()), services: z.array(z.string()) }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: SHOP },
  run: ({ systems, params }) =>
    systems.withStore(
      params.store,
      () => false,
      async (store) => {
        const services = store.served.map((each) => `${each.name}@${each.version}`);
        return { status: 200, body: { views: store.views.map((view) => view.name), services } };
      },
    ),
});

export const rows = operation({
  id: 'features.rows',
  method: 'POST',
  path: '/v1/features/{store}/views/{view}:read',
  summary: 'Read rows of a view.',
  ...READ,
  params: inStore.extend({ view: name }),
  query: none,
  body: z.strictObject({
    ids: z
      .array(someId)
      .min(1)
      .max(1_000)
      .describe('Text; of a composite entity an object; null of "global".'),
  }),
  answers: {
    200: {
      description: 'A row for each id, in their order.',
      schema: z.object({
        rows: z.array(
          z.object({
            values,
            time: z.number().optional().describe('When they held, in ms since the epoch.'),
            reason: z.string().optional().describe('Why the values are null: missing, expired or torn.'),
          }),
        ),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_ROW'],
  example: { params: { ...SHOP, view: 'profile' }, body: { ids: ['u1', 'u2'] } },
  run: async (call) => {
    const { found } = await readRows(call);
    const rows = found.map((row) => ({
      values: shown(row.values),
      ...(row.time && { time: row.time.getTime() }),
      ...(row.reason !== undefined && { reason: row.reason }),
    }));
    return { status: 200, body: { rows } };
  },
});

type RowsCall = Pick<
  Call<{ store: string; view: string }, unknown, { ids: readonly unknown[] }>,
  'systems' | 'params' | 'body'
>;

/** The view, and a row for each id, with the values as they are in the program. Throws NotFoundError. */
export const readRows = ({
  systems,
  params,
  body,
}: RowsCall): Promise<{ readonly view: View; readonly found: readonly ReadRow[] }> =>
  systems.withStore(
    params.store,
    (store) => viewIn(store, params.view) !== undefined,
    async (store) => {
      const view = viewIn(store, params.view);
      if (!view) throw new NotFoundError(`The store "${params.store}" has no view "${params.view}".`);
      const ids = body.ids.map((id) => id ?? undefined) as never[];
      return { view, found: await store.rows(view, ids) };
    },
  );

export const serve = operation({
  id: 'features.serve',
  method: 'POST',
  path: '/v1/features/{store}/services/{service}:read',
  summary: 'Read what a service serves.',
  ...READ,
  params: inStore.extend({ service: name.describe('Its name, or "<name>@<version>".') }),
  query: none,
  body: z.strictObject({
    ids: z
      .array(z.record(z.string(), z.string().max(256)))
      .min(1)
      .max(1_000),
    request: z.unknown().optional(),
  }),
  answers: {
    200: {
      description: 'An answer for each of the ids, in their order.',
      schema: z.object({ answers: z.array(values) }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_ROW'],
  example: { params: { ...SHOP, service: 'ranking' }, body: { ids: [{ user: 'u1' }] } },
  run: async (call) => {
    const { found } = await readService(call);
    return { status: 200, body: { answers: found.map(shown) } };
  },
});

type ServiceCall = Pick<
  Call<{ store: string; service: string }, unknown, { ids: readonly unknown[]; request?: unknown }>,
  'systems' | 'params' | 'body'
>;

type Values = Readonly<Record<string, unknown>>;

/** The service, and what it serves for each of the ids, with the values as they are in the program. Throws NotFoundError. */
export const readService = ({
  systems,
  params,
  body,
}: ServiceCall): Promise<{ readonly service: Service; readonly found: readonly Values[] }> =>
  systems.withStore(
    params.store,
    (store) => serviceIn(store, params.service) !== undefined,
    async (store) => {
      const service = serviceIn(store, params.service);
      if (!service) {
        throw new NotFoundError(
          `The store "${params.store}" has no service "${params.service}" that the server can serve; one that derives features needs the program that defines it.`,
        );
      }
      const found = await store.get(service, body.ids as never[], body.request as never);
      return { service, found: found as never };
    },
  );
