/**
 * Operations on the limits of a queue: how much may wait, be handled and begin, and what is kept of what has ended.
 *
 * Guarantees: a change takes effect for all workers at once. One that names the version it was made for is refused where
 * somebody else has changed the limits since.
 */
import { z } from 'zod';
import { ADMIN, inQueue, onQueue, QUEUE } from './in-queue.js';
import { operation } from './operation.js';
import { duration, none } from './values.js';

const MOST_MS = 10 * 365 * 86_400_000;
const most = z.int().min(1).max(1e9).optional();
const kept = z.int().min(0).max(1e9).optional();
const rate = z
  .strictObject({ max: z.int().min(1).max(1e9), per: duration(1, 2 ** 31 - 1).describe('In ms.') })
  .optional();
const retention = { count: kept, age: duration(0, MOST_MS).optional().describe('In ms.') };

const limits = {
  waiting: most.describe('The most tasks that may wait, delayed ones too; an add to a full queue is 429.'),
  concurrency: most.describe('The most tasks that may be handled at a time, by all workers together.'),
  rate: rate.describe('The most tasks that may begin within a time.'),
  keys: z
    .strictObject({ concurrency: most, rate })
    .optional()
    .describe('The same for the tasks of each key.'),
  breaker: z
    .strictObject({
      failures: z.int().min(1).max(1e6),
      within: duration(1, 86_400_000).describe('In ms.'),
      pause: duration(1, 86_400_000).describe('In ms.'),
    })
    .optional()
    .describe(
      'After so many failures within a time, no task begins for a while, and then one that is tried.',
    ),
  retain: z
    .strictObject({ ...retention, events: kept, dead: z.strictObject(retention).optional() })
    .optional()
    .describe('How many results, events and dead letters are kept, and for how long.'),
};

const keptLimits = z
  .looseObject({ ...limits, version: z.int().describe('0 if none were ever set.') })
  .meta({ id: 'Limits' });

export const getLimits = operation({
  id: 'queues.limits',
  method: 'GET',
  path: '/v1/queues/{queue}/limits',
  summary: 'Read the limits that are kept with a queue.',
  right: 'queues:read',
  judgedBy: 'queue',
  params: inQueue,
  query: none,
  answers: { 200: { description: 'What is not named is not limited.', schema: keptLimits } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: QUEUE },
  run: (call) =>
    onQueue(call, async (queue) => ({ status: 200, body: (await queue.limits()) ?? { version: 0 } })),
});

export const setLimits = operation({
  id: 'queues.setLimits',
  method: 'PUT',
  path: '/v1/queues/{queue}/limits',
  summary: 'Replace the limits of a queue, for all its workers at once.',
  description:
    'What is not named is not limited any more. Workers that declare a lower version leave these; a worker that declares a higher one replaces them.',
  ...ADMIN,
  params: inQueue,
  query: none,
  body: z.strictObject({
    ...limits,
    version: z
      .int()
      .min(1)
      .max(1e9)
      .optional()
      .describe(
        'Above that of the limits that were read: refused if they have changed since. Default: the next.',
      ),
  }),
  answers: { 200: { description: 'The limits, with their version.', schema: keptLimits } },
  example: { params: QUEUE, body: { concurrency: 10, rate: { max: 100, per: 1_000 } } },
  run: ({ systems, params, body }) =>
    systems.withQueue(params.queue, async (queue) => ({
      status: 200,
      body: await queue.setLimits(body as Parameters<typeof queue.setLimits>[0]),
    })),
});
