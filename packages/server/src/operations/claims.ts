/**
 * Operations of remote workers: programs in any language that take tasks over HTTP, and end them.
 *
 * Guarantees: a claim that brings tasks is a session of its own in Redis; any replica extends and ends it, by the handle. A
 * claim that is repeated with its Idempotency-Key has the same tasks. Where the client has gone by then, its tasks are given
 * to others at once, unless the claim may be repeated.
 */
import { createHash } from 'node:crypto';
import type { DeliveryRef, RemoteDelivery, RemoteEnd } from '@holdfast/queue/remote';
import { z } from 'zod';
import { ForbiddenError } from '../errors.js';
import { type Call, operation } from './operation.js';
import { duration, id, json, none, queueName } from './values.js';

const WORK = { right: 'queues:work' } as const;
const LEASE = duration(1_000, 600_000);
const DRIFT = 0.99;

/** What a handle has. */
const sealed = z.object({
  queue: z.string(),
  /** Of its token. Handles of earlier versions have none. */
  issuer: z.string().optional(),
  ref: z.object({
    ...{ session: z.string(), lease: z.number(), priority: z.string(), entry: z.string(), id: z.string() },
    ...{ attempt: z.number(), token: z.number(), begun: z.number() },
  }),
});

const validFor = z
  .int()
  .describe(
    'For how long the tasks are certainly with the worker, in ms, from the moment at which it sent the request, plus `waited`.',
  );

const claimed = z
  .object({
    id,
    data: z.unknown(),
    attempt: z.int().describe('From 1.'),
    token: z.int().describe('The fencing token: show it to what the task writes to.'),
    issuer: z.string(),
    resource: z.string(),
    key: z.string().optional(),
    tenant: z.string().optional(),
    kind: z.string().optional().describe('The name of its kind, if it was added with one.'),
    timeout: z.int().optional().describe('How long the attempt may take, in ms; the worker sees to that.'),
    claim: z.string().describe('The handle, a secret: it goes into the header Holdfast-Lease.'),
  })
  .meta({ id: 'ClaimedTask' });

export const claim = operation({
  id: 'claims.claim',
  method: 'POST',
  path: '/v1/queues/{queue}/claims',
  summary: 'Take tasks to work on, and wait for the first.',
  description:
    'Repeat it with the same Idempotency-Key if its answer was lost: the same tasks are told again. A worker extends the lease, or the tasks are given to others.',
  ...WORK,
  judgedBy: 'queue',
  params: z.strictObject({ queue: queueName }),
  query: none,
  body: z.strictObject({
    worker: z
      .string()
      .regex(/^[A-Za-z0-9_:-]{1,64}$/)
      .default('remote')
      .describe('A name by which people recognize the worker.'),
    max: z.int().min(1).max(100).default(1).describe('How many tasks. Default 1.'),
    wait: duration(0, 30_000).default(0).describe('How long to wait for the first, in ms. Default 0.'),
    kinds: z
      .array(z.string().min(1).max(512))
      .min(1)
      .max(100)
      .optional()
      .describe(
        'The kinds that the worker handles: tasks of others, and of none, are left to other workers. Default: all tasks.',
      ),
    lease: LEASE.default(30_000).describe(
      'How long the tasks are kept for the worker, in ms. Default 30000.',
    ),
  }),
  answers: {
    200: {
      description: 'The tasks; none if there were none until the wait was over.',
      schema: z.object({
        tasks: z.array(claimed),
        validFor,
        waited: z.int().describe('How long the request had waited when the lease began, in ms.'),
      }),
    },
  },
  problems: ['HOLDFAST_CODEC'],
  example: { params: { queue: 'images' }, body: { worker: 'resizer-1', max: 1, lease: 10_000 } },
  run: (call) =>
    call.systems.withRemote(call.params.queue, async (remote) => {
      const { worker, max, wait, lease, kinds } = call.body;
      const session = sessionOf(call, worker);
      const got = await remote.claim({ session, lease, most: max, wait, kinds, signal: call.signal });
      if (got && call.signal.aborted && call.idempotencyKey === undefined) {
        await remote.handBack({ session, lease });
        return { status: 200, body: { tasks: [], validFor: 0, waited: 0 } };
      }
      const tasks = got?.deliveries.map((delivery) => shown(call, delivery)) ?? [];
      const waited = got ? Math.floor(got.since - call.received) : 0;
      return { status: 200, body: { tasks, validFor: got ? Math.floor(lease * DRIFT) : 0, waited } };
    }),
});

/** The name of the session: the same for a claim that is repeated. */
function sessionOf(
  { caller, params, idempotencyKey, systems }: Call<{ queue: string }>,
  worker: string,
): string {
  const key = idempotencyKey ?? systems.random.id() + systems.random.id();
  const text = JSON.stringify([caller.subject, params.queue, idempotencyKey === undefined, key]);
  return `${worker}.${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
}

function shown(
  { systems, caller, params: { queue } }: Call<{ queue: string }>,
  { ref, key, kind, timeout, ...task }: RemoteDelivery,
): object {
  return {
    ...task,
    ...(key !== undefined && { key }),
    ...(kind !== undefined && { kind }),
    ...(timeout !== undefined && { timeout }),
    claim: systems.sealer.seal('claim', caller.subject, { queue, ref, issuer: task.issuer }),
  };
}

/** The delivery of the call's handle, if its caller may still work on the queue. Throws RequestError, ForbiddenError. */
export function deliveryOf({ systems, caller, lease = '' }: Pick<Call, 'systems' | 'caller' | 'lease'>): {
  readonly queue: string;
  readonly ref: DeliveryRef;
  readonly issuer: string | undefined;
} {
  const { queue, ref, issuer } = sealed.parse(systems.sealer.open('claim', caller.subject, lease));
  if (caller.may('queues:work', queue)) return { queue, ref, issuer };
  throw new ForbiddenError(
    `The key of ${caller.subject} lacks the right queues:work for this queue.`,
    'queues:work',
  );
}

const ended = z.object({
  outcome: z
    .enum(['finished', 'repeated', 'cancelled'])
    .describe('"repeated": it had been ended so before. "cancelled": the task was cancelled meanwhile.'),
});

const ENDED = { 200: { description: 'It has ended.', schema: ended } };
const OF_A_CLAIM = {
  ...WORK,
  method: 'POST',
  takesLease: true,
  params: none,
  query: none,
  problems: ['HOLDFAST_LEASE_LOST'],
} as const;

const answerOf = (outcome: RemoteEnd) => ({ status: 200, body: { outcome } });

export const complete = operation({
  ...OF_A_CLAIM,
  id: 'claims.complete',
  path: '/v1/claims:complete',
  summary: 'Complete a task.',
  description: 'It may be repeated.',
  body: z.strictObject({ result: json.optional().describe('Whoever waits for the task gets it.') }),
  answers: ENDED,
  example: { body: { result: { width: 100 } } },
  run(call) {
    const { queue, ref } = deliveryOf(call as Call);
    return call.systems.withRemote(queue, async (remote) =>
      answerOf(await remote.complete(ref, call.body.result)),
    );
  },
});

export const fail = operation({
  ...OF_A_CLAIM,
  id: 'claims.fail',
  path: '/v1/claims:fail',
  summary: 'End an attempt that has failed.',
  description: 'The task is tried again after its backoff, or becomes a dead letter. It may be repeated.',
  body: z.strictObject({
    message: z.string().min(1).max(2_000),
    stack: z.string().max(20_000).optional(),
    retry: z.boolean().default(true).describe('False if trying again cannot help.'),
  }),
  answers: ENDED,
  example: { body: { message: 'the picture cannot be read', retry: false } },
  run(call) {
    const { queue, ref } = deliveryOf(call as Call);
    const { message, stack, retry } = call.body;
    const error = new Error(message);
    error.stack = stack ?? message;
    return call.systems.withRemote(queue, async (remote) =>
      answerOf(await remote.fail(ref, error, { retry })),
    );
  },
});

export const extend = operation({
  ...OF_A_CLAIM,
  id: 'claims.extend',
  path: '/v1/claims:extend',
  summary: 'Extend the lease of a claim, and with it that of all its tasks.',
  body: z.strictObject({}),
  answers: {
    200: {
      description: 'It is extended.',
      schema: z.object({
        validFor,
        waited: z.int(),
        cancelled: z.string().optional().describe('Why the task was cancelled: stop its work.'),
      }),
    },
  },
  example: { body: {} },
  run(call) {
    const { queue, ref } = deliveryOf(call as Call);
    return call.systems.withRemote(queue, async (remote) => {
      const { since, cancelled } = await remote.extend(ref);
      const times = { validFor: Math.floor(ref.lease * DRIFT), waited: Math.floor(since - call.received) };
      return { status: 200, body: { ...times, ...(cancelled !== undefined && { cancelled }) } };
    });
  },
});

export const progress = operation({
  ...OF_A_CLAIM,
  id: 'claims.progress',
  path: '/v1/claims:progress',
  summary: 'Tell how far a task is.',
  body: z.strictObject({ progress: json.describe('At most 16,000 bytes of JSON.') }),
  answers: { 204: { description: 'It is noted.' } },
  example: { body: { progress: 0.5 } },
  run(call) {
    const { queue, ref } = deliveryOf(call as Call);
    return call.systems.withRemote(queue, async (remote) => {
      await remote.progress(ref, call.body.progress);
      return { status: 204 };
    });
  },
});

export const log = operation({
  ...OF_A_CLAIM,
  id: 'claims.log',
  path: '/v1/claims:log',
  summary: 'Add a line to the log of a task.',
  body: z.strictObject({ line: z.string().min(1).max(1_000) }),
  answers: { 204: { description: 'It is logged.' } },
  example: { body: { line: 'resized' } },
  run(call) {
    const { queue, ref } = deliveryOf(call as Call);
    return call.systems.withRemote(queue, async (remote) => {
      await remote.log(ref, call.body.line);
      return { status: 204 };
    });
  },
});
