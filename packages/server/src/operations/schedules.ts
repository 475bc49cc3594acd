/**
 * Operations on schedules: of a queue, tasks at the times of a cron expression or every so often; of a workflow, runs.
 *
 * Guarantees: one task or run for each tick, however many workers there are. Setting a schedule again as it was changes nothing.
 */
import { z } from 'zod';
import { NotFoundError, RequestError } from '../errors.js';
import { scheduleThing } from '../quotas/alive.js';
import { inQueue, onQueue, QUEUE } from './in-queue.js';
import { operation } from './operation.js';
import { taskOptions } from './tasks.js';
import { duration, id, json, none, workflowName } from './values.js';

const time = z.int().min(0).optional();
const times = {
  cron: z.string().min(1).max(200).optional().describe('Such as "0 9 * * MON-FRI"; or `every`.'),
  every: duration(100, 2 ** 31 - 1)
    .optional()
    .describe('In ms.'),
  timezone: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Of the expression, such as "Europe/Berlin". Default UTC.'),
  missed: z
    .enum(['once', 'all', 'skip'])
    .optional()
    .describe('What becomes of ticks while no worker was there. Default "once".'),
};
const scheduleName = z.string().min(1).max(200);
const next = z.number().describe('The next tick, in ms since the epoch.');

const ofQueue = {
  ...times,
  start: time.describe('No tick is before this, in ms since the epoch.'),
  end: time.describe('No tick is after this, in ms since the epoch.'),
  count: z.int().min(1).optional().describe('It is over after so many tasks.'),
  overlap: z
    .enum(['allow', 'skip'])
    .optional()
    .describe('"skip": no task while the last one has not ended. Default "allow".'),
  ...taskOptions,
};

const inQueueNamed = inQueue.extend({ schedule: scheduleName });
const NIGHTLY = { ...QUEUE, schedule: 'nightly' };
const WRITE = { right: 'queues:write', judgedBy: 'queue' } as const;

export const listOfQueue = operation({
  id: 'queues.schedules',
  method: 'GET',
  path: '/v1/queues/{queue}/schedules',
  summary: 'List the schedules of a queue, that first whose next tick is first.',
  right: 'queues:read',
  judgedBy: 'queue',
  params: inQueue,
  query: none,
  answers: {
    200: {
      description: 'Those with a tick to come.',
      schema: z.object({
        schedules: z.array(
          z
            .looseObject({
              name: scheduleName,
              next,
              data: z.unknown().optional().describe('Only with the right queues:data.'),
            })
            .meta({ id: 'Schedule' }),
        ),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: QUEUE },
  run: (call) =>
    onQueue(call, async (queue) => {
      const all = await queue.schedules();
      const schedules = all.map(({ data, next: tick, ...rest }) => ({
        ...{ ...rest, next: tick.getTime() },
        ...(call.caller.may('queues:data', call.params.queue) && { data }),
      }));
      return { status: 200, body: { schedules } };
    }),
});

export const setOfQueue = operation({
  id: 'queues.setSchedule',
  method: 'PUT',
  path: '/v1/queues/{queue}/schedules/{schedule}',
  summary: 'Set a schedule: a task at every tick.',
  ...WRITE,
  params: inQueueNamed,
  query: none,
  body: z.strictObject({ data: json.describe('What the worker is given.'), ...ofQueue }),
  answers: { 204: { description: 'It is set.' } },
  problems: ['HOLDFAST_QUOTA_EXCEEDED'],
  example: { params: NIGHTLY, body: { data: { full: true }, cron: '0 3 * * *' } },
  run: ({ systems, caller, params, body: { data, ...schedule } }) =>
    systems.withQueue(params.queue, async (queue) => {
      const thing = scheduleThing('queue', params.queue, params.schedule);
      await systems.quotas.store(caller, { kind: 'schedules', item: () => ({ thing, bytes: 0 }) }, () =>
        queue.schedule(params.schedule, data, schedule as Parameters<typeof queue.schedule>[2]),
      );
      return { status: 204 };
    }),
});

export const deleteOfQueue = operation({
  id: 'queues.deleteSchedule',
  method: 'DELETE',
  path: '/v1/queues/{queue}/schedules/{schedule}',
  summary: 'Remove a schedule; tasks that it has added stay.',
  ...WRITE,
  params: inQueueNamed,
  query: none,
  answers: { 204: { description: 'It is gone.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: NIGHTLY },
  run: (call) =>
    onQueue(call, async (queue) => {
      if (await queue.unschedule(call.params.schedule)) return { status: 204 };
      throw noSchedule(call.params.schedule);
    }),
});

export const runOfQueue = operation({
  id: 'queues.runSchedule',
  method: 'POST',
  path: '/v1/queues/{queue}/schedules/{schedule}:run',
  summary: 'Add a task of a schedule now, beside its ticks.',
  ...WRITE,
  params: inQueueNamed,
  query: none,
  answers: { 201: { description: 'It was added.', schema: z.object({ id }) } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: NIGHTLY },
  run: (call) =>
    onQueue(call, async (queue) => {
      const added = await queue.runSchedule(call.params.schedule);
      if (added !== undefined) return { status: 201, body: { id: added } };
      throw new NotFoundError(
        `There is no schedule "${call.params.schedule}" with a tick to come, or its last task has not ended.`,
      );
    }),
});

const noSchedule = (name: string): NotFoundError => new NotFoundError(`There is no schedule "${name}".`);

const ofWorkflow = z.strictObject({ workflow: workflowName });
const ofWorkflowNamed = ofWorkflow.extend({ schedule: scheduleName });
const ORDER = { workflow: 'order' };
const NIGHT = { ...ORDER, schedule: 'nightly' };
const RUNS = { right: 'workflows:write', judgedBy: 'workflow' } as const;

export const listOfWorkflow = operation({
  id: 'workflows.schedules',
  method: 'GET',
  path: '/v1/workflows/{workflow}/schedules',
  summary: 'List the schedules of a workflow, that first whose next tick is first.',
  right: 'workflows:read',
  judgedBy: 'workflow',
  params: ofWorkflow,
  query: none,
  answers: {
    200: {
      description: 'The schedules.',
      schema: z.object({
        schedules: z.array(
          z.looseObject({
            name: scheduleName,
            next,
            input: z.unknown().optional().describe('Only with the right workflows:data.'),
          }),
        ),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDER },
  run: ({ systems, params, caller }) =>
    systems.withApp(params.workflow, async (app) => {
      const schedules = (await app.schedules())
        .filter(({ workflow }) => workflow === params.workflow)
        .map(({ input, workflow: _, next: tick, ...rest }) => ({
          ...{ ...rest, next: tick.getTime() },
          ...(caller.may('workflows:data', params.workflow) && { input }),
        }));
      return { status: 200, body: { schedules } };
    }),
});

export const setOfWorkflow = operation({
  id: 'workflows.setSchedule',
  method: 'PUT',
  path: '/v1/workflows/{workflow}/schedules/{schedule}',
  summary: 'Set a schedule: a run at every tick.',
  description: 'Names of schedules are those of the app: another workflow may not have one of this name.',
  ...RUNS,
  params: ofWorkflowNamed,
  query: none,
  body: z.strictObject({
    input: json.describe('What the function is given.'),
    ...times,
    priority: z.int().min(0).max(9).optional(),
    key: id.optional().describe('What the runs work on: of one key, one run goes on at a time.'),
  }),
  answers: { 204: { description: 'It is set.' } },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_QUOTA_EXCEEDED'],
  example: { params: NIGHT, body: { input: { item: 'kelp' }, cron: '0 3 * * *' } },
  run: ({ systems, caller, params, body: { input, ...schedule } }) =>
    systems.withApp(params.workflow, async (app) => {
      const { workflow, schedule: name } = params;
      const other = (await app.schedules()).find((each) => each.name === name);
      if (other !== undefined && other.workflow !== workflow) throw taken(name);
      const thing = scheduleThing('app', workflow, name);
      await systems.quotas.store(caller, { kind: 'schedules', item: () => ({ thing, bytes: 0 }) }, () =>
        app.schedule(name, workflow, input, schedule as Parameters<typeof app.schedule>[3]),
      );
      return { status: 204 };
    }),
});

export const deleteOfWorkflow = operation({
  id: 'workflows.deleteSchedule',
  method: 'DELETE',
  path: '/v1/workflows/{workflow}/schedules/{schedule}',
  summary: 'Remove a schedule; runs that it has started go on.',
  ...RUNS,
  params: ofWorkflowNamed,
  query: none,
  answers: { 204: { description: 'It is gone.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: NIGHT },
  run: ({ systems, params }) =>
    systems.withApp(params.workflow, async (app) => {
      const { workflow, schedule: name } = params;
      const known = (await app.schedules()).find((each) => each.name === name);
      if (known?.workflow === workflow && (await app.unschedule(name))) return { status: 204 };
      throw noSchedule(name);
    }),
});

/** Whether that is another's to change is not for this key to know. */
const taken = (name: string): RequestError =>
  new RequestError(`The name "${name}" is that of another schedule of the app; choose another.`, {
    status: 409,
    fields: [{ field: 'path.schedule', message: 'is taken' }],
  });
