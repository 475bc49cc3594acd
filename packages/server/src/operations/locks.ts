/**
 * Operations on locks: looking who holds a resource, and breaking its lease.
 *
 * Guarantees: looking changes nothing. A lease that was broken is over for good: whoever still has its handle is told so.
 */
import type { LockState } from '@holdfast/lock';
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import { EXAMPLE, inLock } from './leases.js';
import { operation } from './operation.js';
import { none } from './values.js';

const lockState = z
  .object({
    resource: z.string(),
    held: z.boolean(),
    certain: z.boolean().describe('False where nodes that did not answer could make the difference.'),
    token: z.int().optional(),
    owner: z.string().optional(),
    readers: z.array(z.string()).optional().describe('The owners of a lease that is shared.'),
    remaining: z.number().optional().describe('In ms, if nobody extends it.'),
    fence: z.int().optional().describe('The highest token that any node remembers.'),
    waiting: z.int().describe('How many processes wait.'),
    nodes: z.array(z.looseObject({ node: z.string(), state: z.string() })),
  })
  .meta({ id: 'Lock' });

export const inspect = operation({
  id: 'locks.inspect',
  method: 'GET',
  path: '/v1/locks/{name}',
  summary: 'Look who holds a resource, and what each node says.',
  right: 'locks:read',
  judgedBy: 'name',
  params: inLock,
  query: none,
  answers: { 200: { description: 'The lock.', schema: lockState } },
  example: { params: EXAMPLE },
  run: async ({ systems, params, caller }) => {
    const state: LockState = await systems.locks.inspect(params.name);
    if (caller.may('product:read', params.name)) return { status: 200, body: state };
    const nodes = state.nodes.map((node, index) => ({ node: `node ${index + 1}`, state: node.state }));
    return { status: 200, body: { ...state, nodes } };
  },
});

export const breakLock = operation({
  id: 'locks.break',
  method: 'DELETE',
  path: '/v1/locks/{name}/holder',
  summary: 'End the lease of whoever holds a resource, for good.',
  description:
    'The holder learns of it with its next extension; what it still writes is refused where its token is checked.',
  right: 'locks:admin',
  judgedBy: 'name',
  params: inLock,
  query: none,
  answers: { 204: { description: 'It is over.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: EXAMPLE },
  async run({ systems: { locks }, params: { name } }) {
    const { held, owner, token } = await locks.inspect(name);
    if (!held || owner === undefined || token === undefined) {
      throw new NotFoundError(`Nobody holds an exclusive lease on "${name}".`);
    }
    await locks.retire({ resource: name, token, owner });
    return { status: 204 };
  },
});
