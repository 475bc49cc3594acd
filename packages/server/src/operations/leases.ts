/**
 * Operations on leases: taking one of any kind, with a wait, extending and ending it by its handle.
 *
 * Guarantees: every replica extends and ends a lease, by its handle, under its token. A lease that was ended over HTTP is over
 * for good: whoever still has the handle is told so. The server extends nothing by itself, so a client that has died holds
 * nothing for longer than its TTL. Where a client has gone by the time of the grant, the lease is ended.
 */
import { createHash } from 'node:crypto';
import { BusyError, LeaseLostError } from '@holdfast/kernel';
import { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import { BusyWithTicketError, ForbiddenError } from '../errors.js';
import {
  end,
  endEarlier,
  extend as extendAll,
  type HeldLease,
  heldLease,
  take,
  type Wanted,
} from './holding.js';
import type { Answer, Call } from './operation.js';
import { operation } from './operation.js';
import { duration, none } from './values.js';

/** When it is worth asking again for what somebody holds, at most; in ms. */
const LATER = 1_000;
/** For how long a place in line is kept between two requests, in ms. */
const TICKET_FOR = 5_000;

/** `#` separates the slots of a semaphore; "holdfast:" is the product's own. */
export const lockName = z
  .string()
  .min(1)
  .max(512)
  .regex(/^(?!holdfast:)[^#\p{Cc}\p{Cs}]+$/u)
  .describe('1 to 512 characters without "#" and control characters; it does not begin with "holdfast:".');

export const inLock = z.strictObject({ name: lockName });
export const EXAMPLE = { name: 'account:42' };
export const TTL = duration(1_000, 86_400_000);

/** The most names of one lease. */
const MOST_NAMES = 16;
/** Of their bytes: a handle stands in a header. */
const MOST_BYTES = 4_096;

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
    others: z
      .array(z.object({ resource: z.string(), token: z.int() }))
      .optional()
      .describe('Of several: the others, in their order.'),
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
  body: z
    .strictObject({
      ttl: TTL.default(10_000).describe(
        'How long the lease outlives its last extension, in ms. Default 10000.',
      ),
      wait: duration(0, 30_000).default(0).describe('How long to wait for it, in ms. Default 0.'),
      ticket: z.string().max(2_000).optional().describe('That of the answer before.'),
      above: z.int().min(1).optional().describe('The token must be above this.'),
      others: z
        .array(lockName)
        .max(MOST_NAMES - 1)
        .default([])
        .describe('More resources, all or none. The right is asked for of each.'),
      shared: z.boolean().default(false).describe('Whether others may hold it shared at the same time.'),
      permits: z
        .int()
        .min(1)
        .max(1_000)
        .optional()
        .describe(
          'Take one of so many permits of the semaphore of this name; all callers give the same number.',
        ),
    })
    .refine(
      ({ others, shared, permits }) =>
        [others.length > 0, shared, permits !== undefined].filter(Boolean).length < 2,
      { path: ['others'], message: 'goes neither with shared nor with permits, nor they with each other' },
    )
    .refine(({ others }) => new Set(others).size === others.length, {
      path: ['others'],
      message: 'names a resource twice',
    })
    .refine(({ others }) => Buffer.byteLength(others.join('')) <= MOST_BYTES, {
      path: ['others'],
      message: `has more than ${MOST_BYTES} bytes`,
    }),
  answers: { 201: { description: 'It is yours.', schema: granted } },
  problems: ['HOLDFAST_BUSY', 'HOLDFAST_QUOTA_EXCEEDED'],
  example: { params: EXAMPLE, body: { ttl: 10_000, wait: 0 } },
  run: answerTaking,
});

type Taking = Call<
  { name: string },
  Record<string, never>,
  Omit<Wanted, 'name' | 'permits'> & {
    ttl: number;
    wait: number;
    permits?: number | undefined;
    ticket?: string | undefined;
    above?: number | undefined;
  }
>;

async function answerTaking(call: Taking): Promise<Answer> {
  const { systems, params, body, caller, signal, received } = call;
  const { clock, locks, sealer } = systems;
  const { ttl, wait, above, others, shared, permits } = body;
  const wanted: Wanted = { name: params.name, others, shared, permits };
  requireAll(caller, others);
  const before = waitedBefore(call);
  const request = requestOf(call, wanted);
  const asked = { ttl, signal, ...(above !== undefined && { above }) };
  try {
    if (request !== undefined) {
      await systems.quotas.end(caller, await endEarlier(locks, wanted, request, ttl));
    }
    const { held, validFor } = await systems.quotas.take(
      caller,
      { count: 1 + others.length, wait, ttl },
      () =>
        take(locks, wanted, {
          ...asked,
          ...{ wait, waited: before, ...(request !== undefined && { request }) },
        }),
      (taken) => taken.held.leases,
    );
    const [{ resource, token } = { resource: '', token: 0 }, ...more] = held.leases;
    const body = {
      ...{ lease: sealer.seal('lease', caller.subject, held), resource, token, issuer: held.issuer },
      ...(more.length > 0 && {
        others: more.map((each) => ({ resource: each.resource, token: each.token })),
      }),
      ...timesOf(call, validFor),
    };
    return { status: 201, body };
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
    const waitedNow = Math.round(before + clock.now() - received);
    const ticket = { name: params.name, waited: waitedNow, at: Math.round(clock.wall() / 1_000) };
    // Whoever has waited keeps its place by asking again at once; others would only ask in vain.
    const retryAfter = wait > 0 ? 0 : Math.ceil(Math.max(1, Math.min(error.remaining ?? LATER, LATER)));
    throw new BusyWithTicketError(error, sealer.seal('ticket', caller.subject, ticket), retryAfter);
  }
}

const timesOf = ({ systems, received }: Pick<Call, 'systems' | 'received'>, remaining: number) => ({
  validFor: Math.floor(remaining),
  waited: Math.floor(systems.clock.now() - received),
});

/** Names the request for the owner of its lease; undefined if it is not one that may be repeated. */
function requestOf({ caller, idempotencyKey }: Taking, wanted: Wanted): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  const { name, others, shared, permits } = wanted;
  const text = JSON.stringify([caller.subject, name, others, shared, permits, idempotencyKey]);
  return createHash('sha256').update(text).digest('base64url');
}

/** For how long the caller has waited in requests before, in ms. */
function waitedBefore({ systems: { sealer, clock }, caller, params, body }: Taking): number {
  if (body.ticket === undefined) return 0;
  const { name, waited, at } = sealedTicket.parse(sealer.open('ticket', caller.subject, body.ticket));
  const isFresh = clock.wall() / 1_000 - at < TICKET_FOR;
  return name === params.name && isFresh ? waited : 0;
}

/** Throws ForbiddenError if there is a name that the caller may not hold. */
function requireAll(caller: Caller, names: readonly string[]): void {
  if (names.every((name) => caller.may('locks:write', name))) return;
  throw new ForbiddenError(
    `The key of ${caller.subject} lacks the right locks:write for each of the locks.`,
    'locks:write',
  );
}

/** The lease of the call's handle, if its caller may still hold it. Throws RequestError, ForbiddenError. */
export function heldBy({
  systems,
  caller,
  lease = '',
}: Pick<Call, 'systems' | 'caller' | 'lease'>): HeldLease {
  const held = heldLease.parse(systems.sealer.open('lease', caller.subject, lease));
  requireAll(caller, held.kind === 'permit' ? [held.name] : held.leases.map(({ resource }) => resource));
  return held;
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
    const held = heldBy(call);
    const { ttl = held.ttl } = call.body;
    const { locks, quotas } = call.systems;
    const noted = quotas.extend(call.caller, held.leases, ttl);
    const remaining = await extendAll(locks, held, ttl).catch(async (error: unknown) => {
      await noted;
      if (error instanceof LeaseLostError) await quotas.end(call.caller, held.leases);
      throw error;
    });
    await noted;
    return { status: 200, body: timesOf(call, remaining) };
  },
});

export const release = operation({
  id: 'leases.release',
  method: 'DELETE',
  path: '/v1/leases',
  summary: 'End a lease for good.',
  description:
    'It may be repeated. A shared lease that was ended can be extended again until somebody is granted the exclusive one.',
  right: 'locks:write',
  takesLease: true,
  params: none,
  query: none,
  answers: { 204: { description: 'It is over; the next in line is granted it.' } },
  example: {},
  async run(call) {
    const held = heldBy(call);
    await end(call.systems.locks, held);
    await call.systems.quotas.end(call.caller, held.leases);
    return { status: 204 };
  },
});
