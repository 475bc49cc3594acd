/**
 * The lock API of Dapr, for programs that have its client: `POST /v1.0-alpha1/lock/{store}` and `/unlock/{store}`.
 *
 * Guarantees: a lock of Dapr's is the exclusive lease on `<store>:<resourceId>`, so it excludes programs that take that over
 * HTTP or in process, too. Only who took it under the same store and owner, with a key of the same subject, ends it, and then
 * for good. Dapr's client is told true or false; a program that reads the answer itself has the fencing token, too.
 */
import { createHash } from 'node:crypto';
import { UnavailableError } from '@holdfast/kernel';
import { isOwnerFor } from '@holdfast/lock';
import { z } from 'zod';
import { ForbiddenError, RequestError } from '../errors.js';
import { lockName } from './leases.js';
import { type Call, operation } from './operation.js';
import { none } from './values.js';

const inStore = z.strictObject({
  store: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
});
const resourceId = z.string().min(1).max(440);
const lockOwner = z.string().min(1).max(512).describe('Who takes it: unique for each who does.');
const DAPR = { right: 'locks:write', keyHeader: 'dapr-api-token', params: inStore, query: none } as const;
const EXAMPLE = { resourceId: 'account:42', lockOwner: 'worker-1' };

export const lock = operation({
  id: 'dapr.lock',
  method: 'POST',
  path: '/v1.0-alpha1/lock/{store}',
  summary: 'Take a lock, as clients of Dapr do.',
  description:
    'The lock is the lease on `<store>:<resourceId>`. It is not extended; whoever has it asks again after it has run out.',
  ...DAPR,
  body: z.strictObject({
    ...{ resourceId, lockOwner },
    expiryInSeconds: z.int().min(1).max(86_400).describe('The TTL; at most that of the deployment.'),
  }),
  answers: {
    200: {
      description: 'Whether it is yours.',
      schema: z.object({
        success: z.boolean(),
        resource: z.string(),
        token: z.int().optional().describe('The fencing token: show it to what you write to.'),
        issuer: z.string().optional(),
      }),
    },
  },
  example: { params: { store: 'lockstore' }, body: { ...EXAMPLE, expiryInSeconds: 10 } },
  async run(call) {
    const { systems, body, signal } = call;
    const resource = resourceOf(call);
    const ttl = body.expiryInSeconds * 1_000;
    const taken = await systems.quotas.take(
      call.caller,
      { count: 1, wait: 0, ttl },
      async () => {
        const lease = await systems.locks.tryAcquire(resource, { ttl, request: requestOf(call), signal });
        return lease && { token: lease.token, issuer: lease.issuer, handle: lease.handOver() };
      },
      (lease) => (lease ? [lease.handle] : []),
    );
    if (taken === null) return { status: 200, body: { success: false, resource } };
    const { token, issuer, handle } = taken;
    if (signal.aborted) await systems.locks.retire(handle);
    return { status: 200, body: { success: true, resource, token, issuer } };
  },
});

/** As Dapr numbers them. */
const UNLOCKED = 0;
const NOT_LOCKED = 1;
const OF_ANOTHER = 2;

export const unlock = operation({
  id: 'dapr.unlock',
  method: 'POST',
  path: '/v1.0-alpha1/unlock/{store}',
  summary: 'End a lock, as clients of Dapr do.',
  ...DAPR,
  body: z.strictObject({ resourceId, lockOwner }),
  answers: {
    200: {
      description: '0: it is over; 1: it was not locked; 2: it is of another owner.',
      schema: z.object({ status: z.int() }),
    },
  },
  example: { params: { store: 'lockstore' }, body: EXAMPLE },
  async run(call) {
    const { locks } = call.systems;
    const resource = resourceOf(call);
    const { held, certain, owner, token } = await locks.inspect(resource);
    if (!certain) throw new UnavailableError('Nodes that do not answer could make the difference.', []);
    if (!held) return { status: 200, body: { status: NOT_LOCKED } };
    if (owner === undefined || token === undefined || !isOwnerFor(owner, requestOf(call)))
      return { status: 200, body: { status: OF_ANOTHER } };
    await locks.retire({ resource, owner, token });
    await call.systems.quotas.end(call.caller, [{ resource, owner }]);
    return { status: 200, body: { status: UNLOCKED } };
  },
});

export const metadata = operation({
  id: 'dapr.metadata',
  method: 'GET',
  path: '/v1.0/metadata',
  summary: 'Tell clients of Dapr that there is somebody.',
  right: 'any',
  keyHeader: 'dapr-api-token',
  params: none,
  query: none,
  answers: { 200: { description: 'Who answers.', schema: z.object({ id: z.string() }) } },
  example: {},
  run: () => ({ status: 200, body: { id: 'holdfast' } }),
});

type Asked = Pick<
  Call<{ store: string }, unknown, { resourceId: string; lockOwner: string }>,
  'params' | 'body' | 'caller'
>;

/** The lock's name. Throws MisuseError for what is none, ForbiddenError if the caller may not hold it. */
function resourceOf({ params, body, caller }: Asked): string {
  const name = `${params.store}:${body.resourceId}`;
  if (!lockName.safeParse(name).success) {
    const message = `makes no name of a lock after "${params.store}:". ${lockName.description}`;
    throw new RequestError(`body.resourceId ${message}`, { fields: [{ field: 'body.resourceId', message }] });
  }
  if (caller.may('locks:write', name)) return name;
  throw new ForbiddenError(
    `The key of ${caller.subject} lacks the right locks:write for this lock.`,
    'locks:write',
  );
}

/** Names the owner, so that every replica knows its lease again. */
function requestOf({ params, body, caller }: Asked): string {
  const text = JSON.stringify(['dapr', caller.subject, params.store, body.resourceId, body.lockOwner]);
  return createHash('sha256').update(text).digest('base64url');
}
