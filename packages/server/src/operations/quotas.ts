/**
 * The quotas of the caller: how much it may have stored and held, and how much is used.
 */
import { z } from 'zod';
import { QUOTAS } from '../quotas/limits.js';
import { operation } from './operation.js';
import { none } from './values.js';

export const show = operation({
  id: 'quotas.show',
  method: 'GET',
  path: '/v1/quotas',
  summary: 'Tell what the quotas of the key are, and how much of each is used.',
  description:
    'Counted over all replicas, and over all keys of the same subject. What is over is looked up before, so that it is not counted; of more than 2,000 things some may be counted still.',
  right: 'any',
  params: none,
  query: none,
  answers: {
    200: {
      description: 'The quotas; none if the key has none.',
      schema: z.object({
        subject: z.string(),
        quotas: z.partialRecord(z.enum(QUOTAS), z.object({ limit: z.int(), used: z.int() })),
      }),
    },
  },
  example: {},
  run: async ({ caller, systems }) => ({
    status: 200,
    body: { subject: caller.subject, quotas: await systems.quotas.usage(caller) },
  }),
});
