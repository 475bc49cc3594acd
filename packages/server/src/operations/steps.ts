/**
 * The steps of a run for people: its journal as rows of a waterfall.
 *
 * Guarantees: a caller without the right workflows:data sees names, times and tokens, and nothing of what steps were given,
 * gave or threw.
 */
import { waterfallOf } from '@holdfast/workflow';
import { z } from 'zod';
import { operation } from './operation.js';
import { GONE, keyed, O1, ofRun, onRun, READ } from './runs.js';

const row = z
  .object({
    step: z.string().describe('Its place in the function; empty of what comes from outside.'),
    name: z.string(),
    kind: z.enum(['step', 'once', 'timer', 'child', 'message', 'cancel', 'takeover']),
    state: z
      .enum(['open', 'retried', 'done', 'failed', 'fired', 'came'])
      .describe('"retried": an attempt that another has followed, or is to follow.'),
    attempt: z.int().optional(),
    token: z.int().optional(),
    began: z.number().optional().describe('In ms since the epoch, as `ended`.'),
    ended: z.number().optional(),
    detail: z
      .string()
      .optional()
      .describe('What it threw, when it is due, or the run of a child; with the right workflows:data.'),
  })
  .meta({ id: 'WaterfallRow' });

export const steps = operation({
  id: 'workflows.steps',
  method: 'GET',
  path: '/v1/workflows/{workflow}/runs/{id}/steps',
  summary: 'Read the steps of a run: a row for each attempt, with its token and its time.',
  ...READ,
  params: ofRun,
  query: keyed,
  answers: {
    200: {
      description:
        'In the order in which the run came to know of them. A first attempt that goes on has no row yet.',
      schema: z.object({ started: z.number().optional(), rows: z.array(row) }),
    },
  },
  problems: GONE,
  example: { params: O1 },
  run: (call) =>
    onRun(call, async (run) => {
      const records = await run.history();
      const [first] = records;
      const started = first?.kind === 'header' ? first.at : undefined;
      const mayData = call.caller.may('workflows:data', run.workflow);
      const rows = waterfallOf(records).map(({ detail, ...rest }) => (mayData ? { ...rest, detail } : rest));
      return { status: 200, body: { ...(started !== undefined && { started }), rows } };
    }),
});
