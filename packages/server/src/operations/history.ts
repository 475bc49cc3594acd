/**
 * Operations that show many locks, and what has happened to them: which leases are held, who was granted a resource, and which
 * writes were refused.
 *
 * Guarantees: they change nothing, and show a caller the names that it may read, no others. What has happened is known of
 * leases over HTTP, and of processes that call `reportTo` of @holdfast/fence/report.
 */
import type { Recorded } from '@holdfast/fence/report';
import { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import { EXAMPLE, inLock } from './leases.js';
import { operation } from './operation.js';
import { count, none } from './values.js';

/** Of a permit, the right is judged by the semaphore. */
const mayRead = (caller: Caller, resource: string): boolean =>
  caller.may('locks:read', resource.replace(/#\d+$/, ''));

const listedLock = z
  .object({
    resource: z.string().describe('Of a permit "<semaphore>#<number>".'),
    kind: z.enum(['exclusive', 'shared', 'permit']),
    held: z.boolean(),
    certain: z.boolean().describe('False where nodes that did not answer could make the difference.'),
    token: z.int().optional(),
    owner: z.string().optional(),
    readers: z.array(z.string()).optional().describe('The owners of a lease that is shared.'),
    remaining: z.number().optional().describe('In ms, if nobody extends it.'),
    fence: z.int().optional().describe('The highest token that any node remembers.'),
    waiting: z.int().describe('How many processes wait.'),
  })
  .meta({ id: 'ListedLock' });

export const list = operation({
  id: 'locks.list',
  method: 'GET',
  path: '/v1/locks',
  summary: 'List the leases that are held, in the order of their names.',
  description:
    "It looks through the keys of the nodes, for which the server's user needs the right +scan there.",
  right: 'locks:read',
  params: none,
  query: z.strictObject({
    prefix: z.string().max(512).default('').describe('How their names begin. Default: any name.'),
    limit: count(1, 1_000).default(100),
  }),
  answers: {
    200: {
      description: 'The leases; `more` says that there may be others.',
      schema: z.object({ locks: z.array(listedLock), more: z.boolean() }).meta({ id: 'LockList' }),
    },
  },
  example: { query: { prefix: 'account:' } },
  run: async ({ systems, caller, query }) => {
    const { prefix, limit } = query;
    const { locks, more } = await systems.locks.list({ limit, ...(prefix !== '' && { prefix }) });
    return {
      status: 200,
      body: { locks: locks.filter(({ resource }) => mayRead(caller, resource)), more },
    };
  },
});

const recorded = z
  .object({
    at: z.number().describe('In ms since the epoch.'),
    resource: z.string(),
    kind: z
      .enum(['granted', 'ended', 'lost', 'refused'])
      .describe('A lease was granted, released or lost; or a token was refused.'),
    token: z.int().describe('Of the lease; the one that was offered, if it was refused.'),
    owner: z.string().optional(),
    seen: z.int().optional().describe('That which the guard has accepted.'),
    reason: z.string().optional().describe('Why it was refused.'),
  })
  .meta({ id: 'Recorded' });

const entries = z.object({ entries: z.array(recorded) });

export const history = operation({
  id: 'locks.history',
  method: 'GET',
  path: '/v1/locks/{name}/history',
  summary: 'Read what has happened to a resource: its leases, and the tokens that were refused.',
  right: 'locks:read',
  judgedBy: 'name',
  params: inLock,
  query: z.strictObject({ limit: count(1, 200).default(200) }),
  answers: { 200: { description: 'The newest first; some may be missing.', schema: entries } },
  example: { params: EXAMPLE },
  run: async ({ systems, params, query }) => ({
    status: 200,
    body: { entries: await systems.record.of(params.name, query.limit) },
  }),
});

export const refusals = operation({
  id: 'locks.refusals',
  method: 'GET',
  path: '/v1/refusals',
  summary: 'Read which tokens were refused, of all resources.',
  right: 'locks:read',
  params: none,
  query: z.strictObject({ limit: count(1, 1_000).default(100) }),
  answers: { 200: { description: 'The newest first; some may be missing.', schema: entries } },
  example: {},
  run: async ({ systems, caller, query }) => {
    const found: readonly Recorded[] = await systems.record.refused(query.limit);
    return { status: 200, body: { entries: found.filter(({ resource }) => mayRead(caller, resource)) } };
  },
});
