/**
 * Operations on a queue as a whole: trying dead letters again, emptying it, pausing it.
 *
 * Guarantees: those of the queue's own verbs; what was done when a call fails stays done.
 */
import { z } from 'zod';
import { ADMIN, inQueue, onQueue, QUEUE } from './in-queue.js';
import { operation } from './operation.js';
import { key, none } from './values.js';

export const requeueAll = operation({
  id: 'queues.requeueAll',
  method: 'POST',
  path: '/v1/queues/{queue}:requeue',
  summary: 'Let dead letters be tried again, the oldest first: all, or those of a kind.',
  ...ADMIN,
  params: inQueue,
  query: none,
  body: z.strictObject({
    error: z.string().min(1).optional().describe('Only those whose last error has this text in its message.'),
    key: key.optional().describe('Only those of tasks with this key.'),
    limit: z.int().min(1).max(1_000).default(1_000).describe('At most so many. Default 1000.'),
  }),
  answers: {
    200: { description: 'How many wait again.', schema: z.object({ requeued: z.int() }) },
  },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_CODEC'],
  example: { params: QUEUE, body: { limit: 100 } },
  run: (call) =>
    onQueue(call, async (queue) => {
      const { error, key, limit } = call.body;
      const chosen = { ...(error !== undefined && { error }), ...(key !== undefined && { key }), limit };
      return { status: 200, body: { requeued: await queue.requeueAll(chosen) } };
    }),
});

export const purge = operation({
  id: 'queues.purge',
  method: 'POST',
  path: '/v1/queues/{queue}:purge',
  summary: 'Remove all tasks in one state; those that a worker has stay.',
  ...ADMIN,
  params: inQueue,
  query: none,
  body: z.strictObject({ state: z.enum(['waiting', 'delayed', 'dead']) }),
  answers: { 200: { description: 'How many were removed.', schema: z.object({ removed: z.int() }) } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: QUEUE, body: { state: 'dead' } },
  run: (call) =>
    onQueue(call, async (queue) => ({ status: 200, body: { removed: await queue.purge(call.body.state) } })),
});

export const pause = operation({
  id: 'queues.pause',
  method: 'POST',
  path: '/v1/queues/{queue}:pause',
  summary: 'Let no worker begin a task until the queue is resumed.',
  ...ADMIN,
  params: inQueue,
  query: none,
  answers: { 204: { description: 'It is paused; tasks that have begun go on.' } },
  example: { params: QUEUE },
  run: ({ systems, params }) =>
    systems.withQueue(params.queue, async (queue) => {
      await queue.pause();
      return { status: 204 };
    }),
});

export const resume = operation({
  id: 'queues.resume',
  method: 'POST',
  path: '/v1/queues/{queue}:resume',
  summary: 'End the pause of a queue.',
  ...ADMIN,
  params: inQueue,
  query: none,
  answers: { 204: { description: 'Workers begin tasks again.' } },
  example: { params: QUEUE },
  run: ({ systems, params }) =>
    systems.withQueue(params.queue, async (queue) => {
      await queue.resume();
      return { status: 204 };
    }),
});
