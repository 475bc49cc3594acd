/**
 * Landing rows of a view of features under a lease of the caller's, as programs do in a lane.
 *
 * Guarantees: a row is accepted only while no higher token has opened the lane, and only over an older one, so a request may be
 * repeated. A row that cannot be stored is refused by itself.
 */
import type { Entity, Features, Fields, RowView } from '@holdfast/features';
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import { inStore, name, SHOP, someId, viewIn } from './features.js';
import { extend } from './holding.js';
import { heldBy } from './leases.js';
import { operation } from './operation.js';
import { none } from './values.js';

const outcome = z.enum(['accepted', 'older', 'equal', 'erased', 'refused']);

export const land = operation({
  id: 'features.land',
  method: 'POST',
  path: '/v1/features/{store}/views/{view}/rows',
  summary: 'Write rows of a view, in a lane, under the token of a lease.',
  description:
    'The lane takes nothing of a lower token from then on; 412 says that a higher one has it. Have one lease for a lane of a view, and one lane for each source of rows. Rows may be landed again.',
  right: 'features:write',
  judgedBy: 'store',
  takesLease: true,
  params: inStore.extend({ view: name }),
  query: none,
  body: z.strictObject({
    rows: z
      .array(
        z.strictObject({
          id: someId.describe('As for reading.'),
          time: z.int().describe('When it was so, in ms since the epoch.'),
          values: z.record(z.string(), z.unknown()),
        }),
      )
      .min(1)
      .max(1_000),
    lane: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .default('batch')
      .describe('Default "batch".'),
    rank: z
      .int()
      .min(1)
      .max(255)
      .optional()
      .describe(
        'Which lane wins where times are equal; lanes other than stream, batch and backfill name theirs.',
      ),
  }),
  answers: {
    200: {
      description: 'What became of each row, in their order.',
      schema: z.object({
        outcomes: z.array(outcome),
        errors: z.array(z.object({ row: z.int(), field: z.string(), message: z.string() })),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_STALE_TOKEN', 'HOLDFAST_GENERATION_ENDED'],
  example: {
    params: { ...SHOP, view: 'profile' },
    body: { rows: [{ id: 'u1', time: 1_795_432_186_568, values: { tier: 'gold', spent: 99.5 } }] },
  },
  async run(call) {
    const { systems, params, body } = call;
    const held = heldBy(call);
    const [{ resource, token } = { resource: '', token: 0 }] = held.leases;
    const options = {
      holder: { resource, token, issuer: held.issuer },
      lane: body.lane,
      renew: () => extend(systems.locks, held, held.ttl),
      ...(body.rank !== undefined && { rank: body.rank }),
    };
    return systems.withStore(
      params.store,
      (store) => viewIn(store, params.view) !== undefined,
      async (store) => {
        const lane = await openLane(store, params.view, options);
        try {
          const { outcomes, errors } = await lane.land(
            body.rows.map((row) => ({ ...row, id: row.id ?? undefined })) as never[],
          );
          const wrong = [...errors].map(([row, { path, message }]) => ({ row, field: path, message }));
          return { status: 200, body: { outcomes, errors: wrong } };
        } finally {
          await lane.close();
        }
      },
    );
  },
});

type Options = Parameters<Features['open']>[1];

/** Throws NotFoundError, also for views of flags and of windows, which are written from events. */
export function openLane(store: Features, of: string, options: Options) {
  const view = viewIn(store, of);
  if (view?.kind === 'rows') return store.open(view as RowView<string, Entity, Fields>, options);
  throw new NotFoundError(`The store has no view "${of}" of rows.`);
}
