/**
 * Operations on drift: how far the rows of a view that are served have moved from what they were like, and keeping what they are like.
 *
 * Guarantees: they change nothing that is served. Shares, means and the edges of bins are shown, no row. An answer is at most 5 s old
 * for all callers together, however often they ask: it looks at thousands of rows.
 */
import type { Features, View } from '@holdfast/features';
import { type FeatureDrift, keepBaseline as keep } from '@holdfast/features/offline';
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import { inStore, name, READ, SHOP, viewIn } from './features.js';
import { type Call, operation } from './operation.js';
import { none } from './values.js';

const inView = inStore.extend({ view: name });
const PROFILE = { ...SHOP, view: 'profile' };

const spread = z.object({
  count: z.int().describe('Rows.'),
  nulls: z.int(),
  mean: z.number().optional().describe('Absent where there is no number.'),
});

const featureDrift = z
  .object({
    feature: z.string(),
    verdict: z
      .enum(['stable', 'moved', 'changed', 'unknown'])
      .describe(
        'By the greater of the two indexes: below 0.1, up to 0.25, above. "unknown" without a baseline, or with fewer than 200 rows on either side.',
      ),
    psi: z.number().optional().describe('The population stability index of its numbers.'),
    nullPsi: z.number().optional().describe('That of being null.'),
    before: spread.optional().describe('Of the baseline; absent where that lacks the feature.'),
    now: spread,
    bins: z
      .array(
        z.object({
          upTo: z.number().optional().describe('Absent of the last one.'),
          before: z.number(),
          now: z.number(),
        }),
      )
      .describe('Shares of its numbers, by the tenths of the baseline.'),
  })
  .meta({ id: 'FeatureDrift' });

const since = z.number().describe('When the baseline was taken, in ms since the epoch.');

export const drift = operation({
  id: 'features.drift',
  method: 'GET',
  path: '/v1/features/{store}/views/{view}/drift',
  summary: 'Measure the drift of the rows that a view serves from its baseline.',
  description:
    "It looks at up to 5000 rows, for which the server's user needs the right +scan. The answer is at most 5 s old. A view of flags has none (400).",
  ...READ,
  params: inView,
  query: none,
  answers: {
    200: {
      description: 'Each feature, in the order of the definition.',
      schema: z
        .object({
          since: since.optional().describe('Absent where there is no baseline.'),
          rows: z.int().describe('How many were looked at.'),
          features: z.array(featureDrift),
        })
        .meta({ id: 'Drift' }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: PROFILE },
  run: (call) =>
    withView(call, async (store, view) => {
      const { since, rows, features } = await call.systems.driftOf(store, view);
      const body = { ...(since && { since: since.getTime() }), rows, features: features.map(shownDrift) };
      return { status: 200, body };
    }),
});

export const keepBaseline = operation({
  id: 'features.keepBaseline',
  method: 'PUT',
  path: '/v1/features/{store}/views/{view}/baseline',
  summary: 'Take a baseline of the rows that a view serves now, in place of the earlier one.',
  description:
    'Call it when a model is trained: drift is measured against it from then on. It reads up to 10000 rows.',
  right: 'features:admin',
  judgedBy: 'store',
  params: inView,
  query: none,
  answers: { 200: { description: 'The baseline is stored.', schema: z.object({ since }) } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: PROFILE },
  run: (call) =>
    withView(call, async (store, view) => {
      const { at } = await keep({ store, view });
      call.systems.forgetDrift(store, view);
      return { status: 200, body: { since: at.getTime() } };
    }),
});

function withView<Result>(
  { systems, params }: Pick<Call<{ store: string; view: string }>, 'systems' | 'params'>,
  work: (store: Features, view: View) => Promise<Result>,
): Promise<Result> {
  return systems.withStore(
    params.store,
    (store) => viewIn(store, params.view) !== undefined,
    (store) => {
      const view = viewIn(store, params.view);
      if (!view) throw new NotFoundError(`The store "${params.store}" has no view "${params.view}".`);
      return work(store, view);
    },
  );
}

function shownDrift({ feature, verdict, psi, nullPsi, before, now, bins }: FeatureDrift): object {
  return {
    ...{ feature, verdict, now: shownSpread(now) },
    ...(psi !== null && { psi }),
    ...(nullPsi !== null && { nullPsi }),
    ...(before && { before: shownSpread(before) }),
    bins: bins.map(({ upTo, ...shares }) => ({ ...shares, ...(upTo !== null && { upTo }) })),
  };
}

const shownSpread = ({ count, nulls, mean }: FeatureDrift['now']): object => ({
  ...{ count, nulls },
  ...(mean !== null && { mean }),
});
