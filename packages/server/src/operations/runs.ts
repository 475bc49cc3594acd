/**
 * Operations on workflows: starting runs, looking at them, sending to them and ending them. The functions run in the workers
 * of the app; the server knows an app by its name.
 *
 * Guarantees: a run that was answered with 201 is in Redis. Inputs, results, states, journals and streams are shown only to
 * callers with the right workflows:data. A stream goes on after the event that a client has seen last.
 */
import { createHash } from 'node:crypto';
import type { Run, StartOptions } from '@holdfast/workflow';
import { z } from 'zod';
import { runThing } from '../quotas/alive.js';
import { bytesOf } from '../quotas/quotas.js';
import { type Call, operation, type StreamEvent } from './operation.js';
import { count, duration, id, json, none, wait, workflowName } from './values.js';

const ofWorkflow = z.strictObject({ workflow: workflowName });
export const ofRun = z.strictObject({ workflow: workflowName, id });
export const keyed = z.strictObject({
  key: id.optional().describe('That with which the run was started, if any.'),
});

const ORDER = { workflow: 'order' };
export const O1 = { workflow: 'order', id: 'o1' };
export const READ = { right: 'workflows:read', judgedBy: 'workflow' } as const;
export const DATA = { right: 'workflows:data', judgedBy: 'workflow' } as const;
const WRITE = { right: 'workflows:write', judgedBy: 'workflow' } as const;
export const GONE = ['HOLDFAST_RUN_GONE', 'HOLDFAST_NOT_FOUND'] as const;

export const runState = z.enum([
  ...(['waiting', 'delayed', 'running', 'sleeping', 'stuck', 'completed', 'failed', 'cancelled'] as const),
]);

const runCounts = z.record(runState, z.int());

const demandOf = z.object({
  oldest: z.number().describe('How long the run that is next has waited for a worker, in ms.'),
  takeovers: z.int().describe('How often runs were taken over from workers that were lost.'),
  paused: z.boolean(),
});

export const runRef = z.object({ workflow: workflowName, id, key: id.optional() });

type OnRun = Pick<
  Call<{ workflow: string; id: string }, { key?: string | undefined }>,
  'systems' | 'params' | 'query'
>;

/** Works with a run of a workflow that the app has. */
export const onRun = <Result>(
  { systems, params, query }: OnRun,
  work: (run: Run) => Promise<Result>,
): Promise<Result> =>
  systems.withApp(params.workflow, (app) =>
    work(app.get(params.workflow, params.id, query.key === undefined ? {} : { key: query.key })),
  );

/** The same id for a start that is repeated. */
function repeatedId({ caller, params, idempotencyKey }: Call<{ workflow: string }>): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  const text = JSON.stringify([caller.subject, params.workflow, idempotencyKey]);
  return `h.${createHash('sha256').update(text).digest('base64url')}`;
}

/** A run has an id before it is started where it is counted: if the answer is lost, it can be looked up. */
export const countedId = ({ systems, caller }: Pick<Call, 'systems' | 'caller'>): string | undefined =>
  systems.quotas.counts(caller, 'runs') ? `${systems.random.id()}${systems.random.id()}` : undefined;

export const list = operation({
  id: 'workflows.list',
  method: 'GET',
  path: '/v1/workflows',
  summary: 'List the workflows of the app that the key may read.',
  right: 'workflows:read',
  params: none,
  query: z.strictObject({
    counts: z.enum(['true', 'false']).default('false').describe('Whether to count their runs, too.'),
  }),
  answers: {
    200: {
      description: 'Their names, in order.',
      schema: z.object({
        workflows: z.array(workflowName),
        counts: z.record(workflowName, runCounts).optional(),
        demand: z.record(workflowName, demandOf).optional().describe('With the counts.'),
      }),
    },
  },
  example: {},
  async run({ systems, caller, query }) {
    const all = await systems.workflowNames();
    const workflows = all.filter((name) => caller.may('workflows:read', name));
    if (query.counts === 'false') return { status: 200, body: { workflows } };
    const [first] = workflows;
    if (first === undefined) return { status: 200, body: { workflows, counts: {}, demand: {} } };
    return systems.withApp(first, async (app) => {
      const all = await app.demand();
      const counts = await Promise.all(workflows.map(async (name) => [name, await app.counts(name)]));
      const demand = workflows.map((name) => {
        const { oldest = 0, takeovers = 0, paused = false } = all[name] ?? {};
        return [name, { oldest, takeovers, paused }];
      });
      const body = { workflows, counts: Object.fromEntries(counts), demand: Object.fromEntries(demand) };
      return { status: 200, body };
    });
  },
});

export const counts = operation({
  id: 'workflows.counts',
  method: 'GET',
  path: '/v1/workflows/{workflow}',
  summary: 'Count the runs of a workflow by their states.',
  ...READ,
  params: ofWorkflow,
  query: none,
  answers: { 200: { description: 'The counts.', schema: runCounts } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDER },
  run: ({ systems, params }) =>
    systems.withApp(params.workflow, async (app) => ({
      ...{ status: 200, body: await app.counts(params.workflow) },
    })),
});

export const start = operation({
  id: 'workflows.start',
  method: 'POST',
  path: '/v1/workflows/{workflow}/runs',
  summary: 'Start a run.',
  description:
    'With an id, or an Idempotency-Key, it may be repeated: there is one run of it. The input is checked by the worker, which has the schema.',
  ...WRITE,
  params: ofWorkflow,
  query: none,
  body: z.strictObject({
    input: json.describe('What the function is given.'),
    id: id.optional().describe('Default: one that the server makes.'),
    key: id.optional().describe('What the run works on: of one key, one run goes on at a time.'),
    priority: z.int().min(0).max(9).optional().describe('Higher goes first. Default 0.'),
    delay: duration(0, 2 ** 31 - 1)
      .optional()
      .describe('In how many ms it begins. Default 0.'),
    expires: z.int().positive().optional().describe('By when it has to begin, in ms since the epoch.'),
  }),
  answers: { 201: { description: 'It is there.', schema: runRef } },
  problems: ['HOLDFAST_RUNS_FULL', 'HOLDFAST_QUOTA_EXCEEDED', 'HOLDFAST_NOT_FOUND'],
  example: { params: ORDER, body: { input: { item: 'kelp' }, id: 'o2' } },
  run: (call) =>
    call.systems.withApp(call.params.workflow, async (app) => {
      const { input, ...given } = call.body;
      const { systems, caller, params } = call;
      const own = given.id ?? repeatedId(call as Call<{ workflow: string }>) ?? countedId(call);
      const options = { ...given, ...(own !== undefined && { id: own }) } as StartOptions;
      const { workflow, id, key } = await systems.quotas.store(
        caller,
        {
          kind: 'runs',
          item: () => ({ thing: runThing(params.workflow, own ?? '', given.key), bytes: bytesOf(input) }),
        },
        () => app.start(params.workflow, input, options),
      );
      return { status: 201, body: { workflow, id, ...(key !== undefined && { key }) } };
    }),
});

export const runs = operation({
  id: 'workflows.runs',
  method: 'GET',
  path: '/v1/workflows/{workflow}/runs',
  summary: 'List runs of a workflow, in no order.',
  ...READ,
  params: ofWorkflow,
  query: z.strictObject({
    state: runState.optional(),
    from: count(0, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Those that came to their state then or later, in ms since the epoch.'),
    to: count(0, Number.MAX_SAFE_INTEGER).optional().describe('Those that came to it before then.'),
    cursor: z.string().max(2_000).optional().describe('The `next` of the page before.'),
    limit: count(1, 1_000)
      .default(100)
      .describe('A page has a few more where Redis keeps more than that in one place.'),
  }),
  answers: {
    200: {
      description:
        'A page. All pages have every run that is in its state all the while; one that comes to it meanwhile may be there twice.',
      schema: z.object({
        runs: z.array(runRef.extend({ state: runState, since: z.number() })),
        next: z.string().optional().describe('The cursor of the next page; absent on the last.'),
      }),
    },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: ORDER, query: { limit: '10' } },
  run: ({ systems, params: { workflow }, query: { limit, cursor, state, from, to } }) =>
    systems.withApp(workflow, async (app) => {
      const { runs, next } = await app.page({
        ...{ workflow, limit, after: cursor },
        ...(state !== undefined && { state }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
      });
      const shown = runs.map(({ since, key, ...run }) => ({
        ...run,
        ...(key !== undefined && { key }),
        since: since.getTime(),
      }));
      return { status: 200, body: { runs: shown, ...(next !== undefined && { next }) } };
    }),
});

const ENDED = ['completed', 'failed', 'cancelled', 'stuck'];

export const get = operation({
  id: 'workflows.get',
  method: 'GET',
  path: '/v1/workflows/{workflow}/runs/{id}',
  summary: 'Look at a run, or wait for its end.',
  ...READ,
  params: ofRun,
  query: keyed.extend({
    wait: wait.describe('How long to wait for its end, in ms: up to 30000. Default 0.'),
  }),
  answers: {
    200: {
      description: 'The run, as it is by then: it need not have ended.',
      schema: runRef.extend({
        status: runState,
        reason: z.string().optional().describe('Why it is stuck, has failed or was cancelled.'),
        state: z.unknown().optional().describe('What it has published last; with the right workflows:data.'),
        result: z.unknown().optional().describe('Of a completed run; with the right workflows:data.'),
      }),
    },
  },
  problems: GONE,
  example: { params: O1 },
  run: (call) =>
    onRun(call, async (run) => {
      const { wait } = call.query;
      let { status, reason } = await run.status();
      if (wait > 0 && !ENDED.includes(status)) {
        const signal = AbortSignal.any([call.signal, AbortSignal.timeout(wait)]);
        await run.result({ signal }).catch(() => {}); // what became of it is read afterwards
        ({ status, reason } = await run.status());
      }
      const { workflow, id, key } = run;
      const shown = call.caller.may('workflows:data', workflow)
        ? {
            state: await run.state(),
            ...(status === 'completed' && { result: await run.result({ signal: call.signal }) }),
          }
        : {};
      return { status: 200, body: { workflow, id, key, status, reason, ...shown } };
    }),
});

export const history = operation({
  id: 'workflows.history',
  method: 'GET',
  path: '/v1/workflows/{workflow}/runs/{id}/history',
  summary: 'Read the journal of a run.',
  ...DATA,
  params: ofRun,
  query: keyed,
  answers: {
    200: {
      description: 'Its records, in their order.',
      schema: z.object({ records: z.array(z.looseObject({ kind: z.string() })) }),
    },
  },
  problems: GONE,
  example: { params: O1 },
  run: (call) => onRun(call, async (run) => ({ status: 200, body: { records: await run.history() } })),
});

export const stream = operation({
  id: 'workflows.stream',
  streams: true,
  method: 'GET',
  path: '/v1/workflows/{workflow}/runs/{id}/streams/{stream}',
  summary: 'Follow what the steps of a run write to a stream, as server-sent events, until the run is over.',
  description:
    'The id of an event is its place: with the header Last-Event-ID, or `from`, the stream goes on after it. An event "restart" says that what came of its step before is void; "end" is the last one.',
  ...DATA,
  params: ofRun.extend({ stream: z.string().min(1).max(64) }),
  query: keyed.extend({ from: z.string().max(200).optional() }),
  answers: { 200: { description: 'Server-sent events "chunk", "restart" and "end".' } },
  problems: GONE,
  example: { params: { ...O1, stream: 'words' } },
  run: (call) =>
    onRun(call, async (run) => {
      await run.status(); // rejects where there is no such run
      return { status: 200, events: itemsOf(call) };
    }),
});

async function* itemsOf({
  systems,
  params: { workflow, id, stream },
  query: { key, from: asked },
  header,
  signal,
}: Call<
  { workflow: string; id: string; stream: string },
  { key?: string | undefined; from?: string | undefined }
>): AsyncGenerator<StreamEvent, void> {
  const { thing: app, release } = await systems.holdApp(workflow);
  try {
    const from = header('last-event-id') ?? asked;
    const run = app.get(workflow, id, key === undefined ? {} : { key });
    for await (const item of run.stream(stream, { signal, ...(from && { from }) })) {
      const { kind, position, ...data } = item;
      yield { id: position, event: kind, data };
    }
    yield { event: 'end', data: {} };
  } finally {
    release();
  }
}

export const send = operation({
  id: 'workflows.send',
  method: 'POST',
  path: '/v1/workflows/{workflow}/runs/{id}/messages/{message}',
  summary: 'Send a message to a run: its next "receive" of that name takes it.',
  description: 'With an Idempotency-Key it may be repeated: the run takes it once.',
  ...WRITE,
  params: ofRun.extend({ message: z.string().min(1).max(128) }),
  query: keyed,
  body: z.strictObject({ payload: z.unknown().optional() }),
  answers: {
    200: {
      description: 'Whether it was sent: false if the run is over.',
      schema: z.object({ sent: z.boolean() }),
    },
  },
  problems: GONE,
  example: { params: { ...O1, message: 'go' }, body: { payload: 1 } },
  run: (call) =>
    onRun(call, async (run) => {
      const { params, body } = call;
      const id = repeatedId(call as Call<{ workflow: string }>);
      const sent = await run.send(params.message, body.payload, id === undefined ? {} : { id });
      return { status: 200, body: { sent } };
    }),
});

const reasoned = z.strictObject({ reason: z.string().max(1_000).optional() });

export const cancel = operation({
  id: 'workflows.cancel',
  method: 'POST',
  path: '/v1/workflows/{workflow}/runs/{id}:cancel',
  summary: 'Ask a run to end.',
  ...WRITE,
  params: ofRun,
  query: keyed,
  body: reasoned,
  answers: {
    200: {
      description: 'Whether it was asked: false if it is over.',
      schema: z.object({ cancelled: z.boolean() }),
    },
  },
  problems: GONE,
  example: { params: O1, body: { reason: 'not wanted any more' } },
  run: (call) =>
    onRun(call, async (run) => ({ status: 200, body: { cancelled: await run.cancel(call.body.reason) } })),
});

export const terminate = operation({
  id: 'workflows.terminate',
  method: 'POST',
  path: '/v1/workflows/{workflow}/runs/{id}:terminate',
  summary: 'End a run at once; its function does not hear of that.',
  right: 'workflows:admin',
  judgedBy: 'workflow',
  params: ofRun,
  query: keyed,
  body: reasoned,
  answers: {
    200: {
      description: 'Whether it was ended: false if it was over.',
      schema: z.object({ terminated: z.boolean() }),
    },
  },
  problems: GONE,
  example: { params: O1, body: {} },
  run: (call) =>
    onRun(call, async (run) => ({
      status: 200,
      body: { terminated: await run.terminate(call.body.reason) },
    })),
});

export const retry = operation({
  id: 'workflows.retry',
  method: 'POST',
  path: '/v1/workflows/{workflow}/runs/{id}:retry',
  summary: 'Let a run go on that is stuck, has failed or was cancelled.',
  ...WRITE,
  params: ofRun,
  query: keyed,
  body: z.strictObject({
    from: z.string().min(1).max(256).optional().describe('A step, by its id or name.'),
  }),
  answers: {
    200: {
      description: 'Whether it goes on: false if it does already, or has completed.',
      schema: z.object({ retried: z.boolean() }),
    },
  },
  problems: [...GONE, 'HOLDFAST_QUOTA_EXCEEDED'],
  example: { params: O1, body: {} },
  run: (call) =>
    onRun(call, async (run) => {
      const { from } = call.body;
      // One that was over lives again, so it counts again.
      const retried = await call.systems.quotas.store(
        call.caller,
        { kind: 'runs', item: () => ({ thing: runThing(run.workflow, run.id, run.key), bytes: 0 }) },
        () => run.retry(from === undefined ? {} : { from }),
        (goesOn) => (goesOn ? 'stored' : 'there'),
      );
      return { status: 200, body: { retried } };
    }),
});
