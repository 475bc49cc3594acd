/**
 * Operations on runs beyond those of every day: forking and erasing one, many at once, pausing a workflow, following what
 * happens.
 *
 * Guarantees: those of the app's own verbs. What was done when a call for many fails stays done: it may be repeated.
 */
import type { Many } from '@holdfast/workflow';
import { z } from 'zod';
import { runThing } from '../quotas/alive.js';
import { type Call, operation, type StreamEvent } from './operation.js';
import { countedId, GONE, keyed, ofRun, onRun, runRef, runState } from './runs.js';
import { id, none, workflowName } from './values.js';

const ofWorkflow = z.strictObject({ workflow: workflowName });
const ORDER = { workflow: 'order' };
const ADMIN = { right: 'workflows:admin', judgedBy: 'workflow' } as const;

export const fork = operation({
  id: 'workflows.fork',
  method: 'POST',
  path: '/v1/workflows/{workflow}/runs/{id}:fork',
  summary: 'Start another run over the journal of this one, which does a step and all that follows anew.',
  description: 'With an id it may be repeated. The run that is forked is not changed.',
  right: 'workflows:write',
  judgedBy: 'workflow',
  params: ofRun,
  query: keyed,
  body: z.strictObject({
    from: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('The step, by its id or name. Default: where it stopped.'),
    id: id.optional().describe('Of the run that begins. Default: a random one.'),
  }),
  answers: { 201: { description: 'It is there.', schema: runRef } },
  problems: [...GONE, 'HOLDFAST_RUNS_FULL', 'HOLDFAST_QUOTA_EXCEEDED'],
  example: { params: { ...ORDER, id: 'done' }, body: { id: 'o1-again' } },
  run: (call) =>
    onRun(call, async (run) => {
      const own = call.body.id ?? countedId(call);
      const options = { ...call.body, ...(own !== undefined && { id: own }) };
      const {
        workflow,
        id: of,
        key,
      } = await call.systems.quotas.store(
        call.caller,
        { kind: 'runs', item: () => ({ thing: runThing(run.workflow, own ?? '', run.key), bytes: 0 }) },
        () => run.fork(options as Parameters<typeof run.fork>[0]),
      );
      return { status: 201, body: { workflow, id: of, ...(key !== undefined && { key }) } };
    }),
});

export const purge = operation({
  id: 'workflows.purge',
  method: 'DELETE',
  path: '/v1/workflows/{workflow}/runs/{id}',
  summary: 'Erase all that is kept of a run that is over.',
  ...ADMIN,
  params: ofRun,
  query: keyed,
  answers: {
    200: {
      description: 'Whether it was erased: false if it is not over.',
      schema: z.object({ purged: z.boolean() }),
    },
  },
  problems: GONE,
  example: { params: { ...ORDER, id: 'done' } },
  run: (call) => onRun(call, async (run) => ({ status: 200, body: { purged: await run.purge() } })),
});

const time = z.int().min(0).optional();
const VERBS = ['cancel', 'retry', 'terminate', 'purge'] as const;

export const many = operation({
  id: 'workflows.many',
  method: 'POST',
  path: '/v1/workflows/{workflow}:many',
  summary: 'Cancel, retry, terminate or erase all runs that a filter gives.',
  ...ADMIN,
  params: ofWorkflow,
  query: none,
  body: z.strictObject({
    verb: z.enum(VERBS),
    state: runState.optional().describe('Only those in this state.'),
    from: time.describe('Only those that came to their state then or later, in ms since the epoch.'),
    to: time.describe('Only those that came to it before then.'),
    reason: z.string().max(1_000).optional().describe('With which they are cancelled or terminated.'),
  }),
  answers: {
    200: {
      description:
        'To how many it was done, and to how many it could not be, such as those that were over by then.',
      schema: z.object({ done: z.int(), passed: z.int() }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDER, body: { verb: 'cancel', state: 'stuck' } },
  run: ({ systems, params, body: { verb, state, from, to, reason } }) =>
    systems.withApp(params.workflow, async (app) => {
      const filter = {
        workflow: params.workflow,
        ...(state !== undefined && { state }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      };
      const reasoned = { ...filter, ...(reason !== undefined && { reason }) };
      const verbs: Record<(typeof VERBS)[number], () => Promise<Many>> = {
        cancel: () => app.cancelMany(reasoned),
        retry: () => app.retryMany(filter),
        terminate: () => app.terminateMany(reasoned),
        purge: () => app.purge(filter),
      };
      return { status: 200, body: await verbs[verb]() };
    }),
});

export const pause = operation({
  id: 'workflows.pause',
  method: 'POST',
  path: '/v1/workflows/{workflow}:pause',
  summary: 'Let no worker have a run of a workflow until it is resumed.',
  ...ADMIN,
  params: ofWorkflow,
  query: none,
  answers: { 204: { description: 'It is paused; runs that are running go on until they end or sleep.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDER },
  run: ({ systems, params }) =>
    systems.withApp(params.workflow, (app) => app.pause(params.workflow).then(() => ({ status: 204 }))),
});

export const resume = operation({
  id: 'workflows.resume',
  method: 'POST',
  path: '/v1/workflows/{workflow}:resume',
  summary: 'End the pause of a workflow.',
  ...ADMIN,
  params: ofWorkflow,
  query: none,
  answers: { 204: { description: 'Workers have its runs again.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDER },
  run: ({ systems, params }) =>
    systems.withApp(params.workflow, (app) => app.resume(params.workflow).then(() => ({ status: 204 }))),
});

export const events = operation({
  id: 'workflows.events',
  streams: true,
  method: 'GET',
  path: '/v1/workflows/{workflow}/events',
  summary: 'Follow what happens to the runs of a workflow: server-sent events.',
  description:
    'The id of an event is its cursor: with the header Last-Event-ID, or `after`, the stream goes on after it. An event "gap" says that events were dropped before they were read.',
  right: 'workflows:read',
  judgedBy: 'workflow',
  params: ofWorkflow,
  query: z.strictObject({
    after: z.string().max(500).optional().describe('A cursor, or "oldest". Default: from now on.'),
  }),
  answers: { 200: { description: 'Events "started", "waiting", "stuck", "ended" and "gap".' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDER },
  async run(call) {
    (await call.systems.holdApp(call.params.workflow)).release(); // throws where there is no such workflow
    return { status: 200, events: eventsOf(call) };
  },
});

async function* eventsOf({
  systems,
  params: { workflow },
  query: { after: asked },
  header,
  signal,
}: Call<{ workflow: string }, { after?: string | undefined }>): AsyncGenerator<StreamEvent, void> {
  const { thing: app, release } = await systems.holdApp(workflow);
  try {
    const after = header('last-event-id') ?? asked;
    for await (const event of app.events({ signal, ...(after !== undefined && { after }) })) {
      const { kind, cursor, ...data } = event;
      if (!('workflow' in event) || event.workflow === workflow) yield { id: cursor, event: kind, data };
    }
  } finally {
    release();
  }
}
