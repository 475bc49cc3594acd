/**
 * Operations on fences: the check of a lease's token, for resources that have no guard of their own.
 *
 * Guarantees: once a token was accepted for a resource, lower ones are refused. The check and what is then written elsewhere are
 * two steps: a store that can check the token in its own write keeps out more.
 */
import { z } from 'zod';
import { RequestError } from '../errors.js';
import { heldBy, lockName } from './leases.js';
import { operation } from './operation.js';
import { none } from './values.js';

const slot = z.coerce.number().int().min(1).max(1_000).optional();

export const seal = operation({
  id: 'fences.seal',
  method: 'POST',
  path: '/v1/fences:seal',
  summary: 'Show the token of a lease to the fence of its resource, which refuses lower ones from then on.',
  description:
    'Do so before reading what is then changed. 412 says that the token is stale: stop the work. Programs that guard data on the same Redis, with @holdfast/fence/redis, share the fence.',
  right: 'locks:write',
  takesLease: true,
  params: none,
  query: none,
  body: z.strictObject({
    resource: z
      .string()
      .max(600)
      .optional()
      .describe('Of a lease on several: which one. Default: the first.'),
  }),
  answers: {
    200: {
      description: 'The token is the highest that was shown.',
      schema: z.object({ resource: z.string(), token: z.int(), issuer: z.string() }),
    },
  },
  problems: ['HOLDFAST_STALE_TOKEN'],
  example: { body: {} },
  async run(call) {
    const { systems, body } = call;
    const { leases, issuer } = heldBy(call);
    const { resource: wanted = leases[0]?.resource } = body;
    const lease = leases.find(({ resource }) => resource === wanted);
    if (lease === undefined) {
      throw new RequestError('The lease is not on this resource.', {
        fields: [{ field: 'body.resource', message: 'is not among those of the lease' }],
      });
    }
    const { resource, token } = lease;
    await systems.guard.seal({ resource, token, issuer });
    return { status: 200, body: { resource, token, issuer } };
  },
});

export const show = operation({
  id: 'fences.show',
  method: 'GET',
  path: '/v1/fences/{name}',
  summary: 'Read the fence of a resource: the highest token that was shown to it.',
  right: 'locks:read',
  judgedBy: 'name',
  params: z.strictObject({ name: lockName }),
  query: z.strictObject({ slot: slot.describe('Of a semaphore: the number of the permit.') }),
  answers: {
    200: {
      description: 'The fence.',
      schema: z.object({
        resource: z.string(),
        token: z.int().nullable().describe('Null if none was shown.'),
        issuer: z.string().optional(),
      }),
    },
  },
  example: { params: { name: 'account:42' } },
  async run({ systems, params: { name }, query }) {
    const resource = query.slot === undefined ? name : `${name}#${query.slot}`;
    const mark = await systems.guard.mark(resource);
    return { status: 200, body: { resource, ...(mark ?? { token: null }) } };
  },
});
