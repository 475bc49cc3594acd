/**
 * Operations on leases: taking one, with a wait, extending and ending it by its handle, and looking at locks.
 *
 * Guarantees: every replica extends and ends a lease, by its handle, under its token. A lease that was ended over HTTP is over
 * for good: whoever still has the handle is told so. The server extends nothing by itself, so a client that has died holds
 * nothing for longer than its TTL. Where a client has gone by the time of the grant, the lease is ended.
 */
import { createHash } from 'node:crypto';
import { BusyError } from '@holdfast/kernel';
import { isOwnerFor, type Lease, type LockState } from '@holdfast/lock';
import { z } from 'zod';
import { BusyWithTicketError, ForbiddenError, NotFoundError } from '../errors.js';
import type { Answer, Call } from './operation.js';
import { operation } from './operation.js';
import { duration, none } from './values.js';

/** For how long a place in line is kept between two requests, in ms. */
const TICKET_FOR = 5_000;

/** `#` separates the slots of a semaphore; "holdfast:" is the product's own. */
const lockName = z
  .string()
  .min(1)
  .max(512)
  .regex(/^(?!holdfast:)[^#\p{Cc}\p{Cs}]+$/u)
  .describe('1 to 512 characters without "#" and control characters; it does not begin with "holdfast:".');

const inLock = z.strictObject({ name: lockName });
const EXAMPLE = { name: 'account:42' };
const TTL = duration(1_000, 86_400_000);

const sealedLease = z.object({ resource: z.string(), token: z.number(), owner: z.string(), ttl: z.number() });
const sealedTicket = z.object({ name: z.string(), waited: z.number(), at: z.number() });

const validFor = z
  .int()
  .describe(
    'For how long the lease is certainly valid, in ms, from the moment at which the client sent the request, plus `waited`.',
  );
const waited = z.int().describe('How long the server has had the request, in ms.');

const granted = z
  .object({
    lease: z.string().describe('The handle, a secret: it goes into the header Holdfast-Lease.'),
    resource: z.string(),
    token: z.int().describe('The fencing token: show it to what you write to under the lease.'),
    issuer: z.string(),
    ...{ validFor, waited },
  })
  .meta({ id: 'Lease' });

export const acquire = operation({
  id: 'leases.acquire',
  method: 'POST',
  path: '/v1/locks/{name}/leases',
  summary: 'Take the lease on a resource, and wait for it.',
  description:
    'A request that is repeated with its Idempotency-Key ends the lease that the earlier one was granted, and takes another: have one of them under way at a time. After 409, ask again with the ticket to keep the place in line.',
  right: 'locks:write',
  judgedBy: 'name',
  params: inLock,
  query: none,
  body: z.strictObject({
    ttl: TTL.default(10_000).describe(
      'How long the lease outlives its last extension, in ms. Default 10000.',
    ),
    wait: duration(0, 30_000).default(0).describe('How long to wait for it, in ms. Default 0.'),
    ticket: z.string().max(2_000).optional().describe('That of the answer before.'),
    above: z.int().min(1).optional().describe('The token must be above this.'),
  }),
  answers: { 201: { description: 'It is yours.', schema: granted } },
  problems: ['HOLDFAST_BUSY'],
  example: { params: EXAMPLE, body: { ttl: 10_000, wait: 0 } },
  run: take,
});

type Taking = Call<
  { name: string },
  Record<string, never>,
  { ttl: number; wait: number; ticket?: string | undefined; above?: number | undefined }
>;

async function take(call: Taking): Promise<Answer> {
  const { systems, params, body, caller, signal, received } = call;
  const { clock, locks } = systems;
  const before = waitedBefore(call);
  const request = requestOf(call);
  const asked = { ttl: body.ttl, signal, ...(body.above !== undefined && { above: body.above }) };
  try {
    if (request !== undefined) await endEarlier(call, request);
    const lease = await locks.acquire(params.name, {
      ...asked,
      ...{ wait: body.wait, waited: before, ...(request !== undefined && { request }) },
    });
    return { status: 201, body: shown(call, lease) };
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
    const waitedNow = Math.round(before + clock.now() - received);
    const ticket = { name: params.name, waited: waitedNow, at: Math.round(clock.wall() / 1_000) };
    throw new BusyWithTicketError(error, systems.sealer.seal('ticket', caller.subject, ticket));
  }
}

/** What the answer says of a lease that was granted. */
function shown(call: Taking, lease: Lease): object {
  const { systems, caller, body } = call;
  const { resource, token, issuer } = lease;
  const times = timesOf(call, lease);
  const handle = systems.sealer.seal('lease', caller.subject, { ...lease.handOver(), ttl: body.ttl });
  return { lease: handle, resource, token, issuer, ...times };
}

const timesOf = ({ systems, received }: Pick<Call, 'systems' | 'received'>, lease: Lease) => ({
  validFor: Math.floor(lease.remaining()),
  waited: Math.floor(systems.clock.now() - received),
});

/** Names the request for the owner of its lease; undefined if it is not one that may be repeated. */
function requestOf({ caller, params, idempotencyKey }: Taking): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  const text = JSON.stringify([caller.subject, params.name, idempotencyKey]);
  return createHash('sha256').update(text).digest('base64url');
}

/** Ends what an earlier call with the same key was granted, if its answer was lost. */
async function endEarlier({ systems: { locks }, params: { name } }: Taking, request: string): Promise<void> {
  const { held, owner, token } = await locks.inspect(name);
  if (!held || owner === undefined || token === undefined || !isOwnerFor(owner, request)) return;
  await locks.retire({ resource: name, token, owner });
}

/** For how long the caller has waited in requests before, in ms. */
function waitedBefore({ systems: { sealer, clock }, caller, params, body }: Taking): number {
  if (body.ticket === undefined) return 0;
  const { name, waited, at } = sealedTicket.parse(sealer.open('ticket', caller.subject, body.ticket));
  const isFresh = clock.wall() / 1_000 - at < TICKET_FOR;
  return name === params.name && isFresh ? waited : 0;
}

/** The lease of the call's handle, if its caller may still hold it. Throws RequestError, ForbiddenError. */
function held({ systems, caller, lease = '' }: Call): z.output<typeof sealedLease> {
  const known = sealedLease.parse(systems.sealer.open('lease', caller.subject, lease));
  if (caller.may('locks:write', known.resource)) return known;
  throw new ForbiddenError(
    `The key of ${caller.subject} lacks the right locks:write for this lock.`,
    'locks:write',
  );
}

export const extend = operation({
  id: 'leases.extend',
  method: 'PATCH',
  path: '/v1/leases',
  summary: 'Extend a lease, under its token.',
  description:
    'On 401, 429 and 5xx, try again until the validity ends. 410 says that the lease is over: stop the work.',
  right: 'locks:write',
  takesLease: true,
  params: none,
  query: none,
  body: z.strictObject({ ttl: TTL.optional().describe('Default: that of the lease.') }),
  answers: {
    200: {
      description: 'It is extended.',
      schema: z.object({ validFor, waited }),
    },
  },
  problems: ['HOLDFAST_LEASE_LOST'],
  example: { body: { ttl: 20_000 } },
  async run(call) {
    const { ttl: own, ...handle } = held(call as Call);
    const { ttl = own } = call.body;
    const lease = await call.systems.locks.adopt(handle, { ttl });
    const times = timesOf(call as Call, lease);
    lease.handOver();
    return { status: 200, body: times };
  },
});

export const release = operation({
  id: 'leases.release',
  method: 'DELETE',
  path: '/v1/leases',
  summary: 'End a lease for good.',
  description: 'It may be repeated.',
  right: 'locks:write',
  takesLease: true,
  params: none,
  query: none,
  answers: { 204: { description: 'It is over; the next in line is granted it.' } },
  example: {},
  async run(call) {
    const { ttl: _, ...handle } = held(call as Call);
    await call.systems.locks.retire(handle);
    return { status: 204 };
  },
});

const lockState = z
  .object({
    resource: z.string(),
    held: z.boolean(),
    certain: z.boolean().describe('False where nodes that did not answer could make the difference.'),
    token: z.int().optional(),
    owner: z.string().optional(),
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
