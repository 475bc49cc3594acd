/**
 * The schemas of tasks: as they are added, and as they are shown.
 */
import { z } from 'zod';
import { duration, id, json, key } from './values.js';

const TEN_YEARS = 10 * 365 * 86_400_000;

const backoff = z.strictObject({
  type: z.enum(['constant', 'linear', 'exponential']),
  delay: duration(0, 2 ** 31 - 1).describe('Of the first retry, in ms.'),
  limit: duration(0, 2 ** 31 - 1)
    .optional()
    .describe('The longest delay, in ms. Default an hour.'),
  jitter: z.number().min(0).max(1).optional().describe('The part that is random. Default 0.5.'),
});

/** The options of a task, however it is added. */
export const taskOptions = {
  priority: z.int().min(0).max(9).optional().describe('Higher goes first. Default 0.'),
  attempts: z.int().min(1).max(1_000_000).optional().describe('How often it is tried at most. Default 3.'),
  backoff: backoff.optional().describe('How long it waits after a failed attempt.'),
  timeout: duration(1, 2 ** 31 - 1)
    .optional()
    .describe('How long an attempt may take, in ms. Default: no limit.'),
  key: key.optional().describe('Tasks of one key go in order.'),
  tenant: key.optional().describe('For whom it is: those of several tenants begin in turns.'),
  kind: key.optional().describe('By which a worker chooses its handler.'),
};

const handle = z.string().min(1).max(20_000);

/** Whose token something is added under. */
export const holder = z
  .strictObject({
    lease: handle.optional().describe('The handle of a lease.'),
    claim: handle.optional().describe('That of a task which a remote worker has, in place of a lease.'),
    resource: z
      .string()
      .max(600)
      .optional()
      .describe('Of a lease on several: which one. Default: the first.'),
  })
  .meta({ id: 'Holder' });

export type Holder = z.output<typeof holder>;

/** A task to add. */
export const newTask = z
  .strictObject({
    data: json.describe('What the worker is given.'),
    id: id.optional().describe('While a task of this id lives, adding it again adds nothing.'),
    delay: duration(0, TEN_YEARS).optional().describe('In how many ms it may begin. Default 0.'),
    ...taskOptions,
    deduplicate: z
      .union([
        z.strictObject({
          key,
          within: duration(1, 2 ** 31 - 1),
          keep: z.enum(['first', 'last']).optional(),
        }),
        z.strictObject({
          key,
          until: z.enum(['begun', 'ended']),
          within: duration(1, 2 ** 31 - 1).optional(),
        }),
      ])
      .optional()
      .describe(
        'Tasks with the same key here count as one: for `within` ms, or until the first has begun or ended.',
      ),
    retain: z
      .strictObject({
        age: duration(0, TEN_YEARS).optional(),
        dead: z.strictObject({ age: duration(0, TEN_YEARS).optional() }).optional(),
      })
      .optional()
      .describe('For how many ms its result, or its dead letter, is kept. Default: as the queue says.'),
    expires: duration(1, TEN_YEARS).optional().describe('In how many ms it is too late to begin.'),
    holder: holder
      .optional()
      .describe('Whose token it is added under: once a higher one was used, nothing is added under it.'),
  })
  .meta({ id: 'NewTask' });

export type NewTask = z.output<typeof newTask>;

export const taskState = z.enum(['waiting', 'active', 'delayed', 'dead', 'completed', 'cancelled']);

/** A task as it is shown: times are in ms since the epoch. */
export const shownTask = z
  .looseObject({
    id,
    state: taskState,
    data: z.unknown().optional().describe('Only with the right queues:data, as are results and stacks.'),
    result: z.unknown().optional(),
    reason: z.string().optional().describe('Why it was cancelled.'),
    key: z.string().optional(),
    tenant: z.string().optional(),
    kind: z.string().optional(),
    priority: z.int().optional(),
    added: z.number().optional(),
    begun: z.number().optional(),
    ended: z.number().optional(),
    attempt: z.int().optional(),
    failed: z.int().optional(),
    worker: z.string().optional(),
    progress: z.unknown().optional(),
    encoded: z
      .string()
      .optional()
      .describe('Why something of it is missing: the server has no codec for it; see `--app`.'),
    errors: z
      .array(z.looseObject({ attempt: z.int(), at: z.number(), worker: z.string(), message: z.string() }))
      .optional(),
  })
  .meta({ id: 'Task' });
