/**
 * Operations that show the state of feature stores: which there are, how fresh their views are, what was refused, their
 * generations and lanes.
 *
 * Guarantees: they change nothing, and show no values of features.
 */
import type { StoreStats, View, ViewHealth } from '@holdfast/features';
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import { inStore, name, READ, SHOP, viewIn } from './features.js';
import { operation } from './operation.js';
import { none } from './values.js';

export const list = operation({
  id: 'features.stores',
  method: 'GET',
  path: '/v1/features',
  summary: 'List the feature stores that the key may read.',
  description:
    "It looks through all keys, for which the server's user needs the right +scan. The answer is at most 5 s old.",
  right: 'features:read',
  params: none,
  query: none,
  answers: {
    200: { description: 'Their names, in order.', schema: z.object({ stores: z.array(z.string()) }) },
  },
  example: {},
  async run({ systems, caller }) {
    const names = await systems.storeNames();
    return { status: 200, body: { stores: names.filter((store) => caller.may('features:read', store)) } };
  },
});

const viewState = z
  .object({
    name: z.string(),
    kind: z.string(),
    entity: z.string(),
    parts: z.array(z.string()).describe('Of its ids: one for most entities, none for "global".'),
    version: z.int(),
    ttl: z.number().optional().describe('For how long a row holds after its event time, in ms.'),
    owner: z.string().optional(),
    description: z.string().optional(),
    history: z.boolean().describe('Whether its rows are written to the log, for exports.'),
    fields: z.array(z.string()),
    types: z.record(
      z.string(),
      z.object({ kind: z.string(), size: z.int().optional(), optional: z.boolean() }),
    ),
    behind: z
      .record(z.string(), z.array(z.string()))
      .describe('What each generation that was read before lacks of the one that is read.'),
    live: z.string().describe('The generation that is read.'),
    rows: z.int().describe('In that.'),
    newest: z.number().optional().describe('The latest event time in it, in ms since the epoch.'),
    age: z.number().optional().describe("How long ago that is, in ms, by the store's clock."),
    refused: z
      .object({
        older: z.int(),
        equal: z.int(),
        late: z.int(),
        erased: z.int(),
        impossible: z.int(),
      })
      .describe('Rows that the generation has refused, by why.'),
    deadLetters: z.int(),
    generations: z
      .array(z.object({ id: z.string(), state: z.string(), rows: z.int() }))
      .describe('The oldest first.'),
  })
  .meta({ id: 'ViewState' });

export const stats = operation({
  id: 'features.stats',
  method: 'GET',
  path: '/v1/features/{store}/stats',
  summary: 'Look at a feature store: how fresh its views are, what was refused, and what is wrong.',
  ...READ,
  params: inStore,
  query: none,
  answers: {
    200: {
      description: 'The store.',
      schema: z
        .object({
          problems: z.array(z.string()).describe('What somebody has to do something about.'),
          views: z.array(viewState),
          log: z.object({
            entries: z.int().describe('Accepted rows that are in no file yet, if an exporter runs.'),
            age: z.number().optional().describe('Of the first of them, in ms.'),
          }),
        })
        .meta({ id: 'StoreState' }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: SHOP },
  run: ({ systems, params }) =>
    systems.withStore(
      params.store,
      () => false,
      async (store) => {
        const [stats, { problems, views: health }] = await Promise.all([store.stats(), store.health()]);
        const views = store.views.flatMap((view) => shownView(view, stats, health[view.name]) ?? []);
        const { entries, age } = stats.log;
        return { status: 200, body: { problems, views, log: { entries, ...(age !== null && { age }) } } };
      },
    ),
});

/** Undefined for a view that was not applied. */
function shownView(view: View, stats: StoreStats, health: ViewHealth | undefined): object | undefined {
  const state = stats.views[view.name];
  if (state === undefined) return undefined;
  const { name, kind, entity, version, ttl, history, owner, description, fields } = view;
  const { newest, age, ...rest } = state;
  return {
    ...{
      name,
      kind,
      entity: entity.name,
      parts: entity.parts,
      version,
      history,
      fields: Object.keys(fields),
    },
    types: Object.fromEntries(
      Object.entries(fields).map(([field, { kind: type, size, isOptional }]) => [
        field,
        { kind: type, ...(size !== undefined && { size }), optional: isOptional },
      ]),
    ),
    behind: health?.behind ?? {},
    ...(ttl !== undefined && { ttl }),
    ...(owner !== undefined && { owner }),
    ...(description !== undefined && { description }),
    ...rest,
    ...(newest !== null && { newest: newest.getTime() }),
    ...(age !== null && { age }),
  };
}

const lane = z
  .object({
    lane: z.string(),
    rank: z.int().optional(),
    token: z.int().optional().describe('The highest under which it was opened; absent if it is shared.'),
    issuer: z.string(),
    isFinished: z.boolean(),
    source: z
      .array(z.object({ partition: z.int(), name: z.string(), through: z.string().optional() }))
      .describe('How far all partitions have taken in what it follows.'),
  })
  .meta({ id: 'LaneState' });

export const lanes = operation({
  id: 'features.lanes',
  method: 'GET',
  path: '/v1/features/{store}/views/{view}/lanes',
  summary: 'List the lanes of a view: who writes it, under which tokens, and how far.',
  ...READ,
  params: inStore.extend({ view: name }),
  query: z.strictObject({ generation: name.optional().describe('Its id. Default: the one that is read.') }),
  answers: { 200: { description: 'The lanes.', schema: z.object({ lanes: z.array(lane) }) } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: { ...SHOP, view: 'profile' } },
  run: ({ systems, params, query: { generation } }) =>
    systems.withStore(
      params.store,
      (store) => viewIn(store, params.view) !== undefined,
      async (store) => {
        const view = viewIn(store, params.view);
        if (!view) throw new NotFoundError(`The store "${params.store}" has no view "${params.view}".`);
        const found = await store.lanes(view, generation === undefined ? {} : { generation });
        const shown = found.map(({ rank, token, source, ...rest }) => ({
          ...rest,
          ...(rank !== undefined && { rank }),
          ...(token !== undefined && { token }),
          source: source.map(({ through, ...part }) => ({
            ...part,
            ...(through !== undefined && { through: String(through) }),
          })),
        }));
        return { status: 200, body: { lanes: shown } };
      },
    ),
});
