/**
 * Operations on what runs wait for people to approve.
 *
 * Guarantees: an answer is given by whoever has the right workflows:approve, which writing to runs is not, and under the subject
 * of the caller, whatever the request says.
 */
import { z } from 'zod';
import { operation } from './operation.js';
import { DATA, GONE, keyed, O1, ofRun, onRun } from './runs.js';
import { json } from './values.js';

export const approvals = operation({
  id: 'workflows.approvals',
  method: 'GET',
  path: '/v1/workflows/{workflow}/runs/{id}/approvals',
  summary: 'List what a run waits for people to approve.',
  ...DATA,
  params: ofRun,
  query: keyed,
  answers: {
    200: {
      description: 'What is open.',
      schema: z.object({ approvals: z.array(z.looseObject({ id: z.string(), name: z.string() })) }),
    },
  },
  problems: GONE,
  example: { params: O1 },
  run: (call) => onRun(call, async (run) => ({ status: 200, body: { approvals: await run.approvals() } })),
});

export const approve = operation({
  id: 'workflows.approve',
  method: 'POST',
  path: '/v1/workflows/{workflow}/runs/{id}:approve',
  summary: 'Answer what a run waits for people to approve; the run is told the subject of the key.',
  right: 'workflows:approve',
  judgedBy: 'workflow',
  params: ofRun,
  query: keyed,
  body: z.strictObject({
    approval: z
      .union([
        z.strictObject({ id: z.string().min(1).max(1_000), name: z.string().min(1).max(256) }),
        z.string().min(1).max(256),
      ])
      .describe('As it was listed; or its name.'),
    answer: json,
  }),
  answers: {
    200: {
      description: 'Whether this is the answer: false if it is not open, or has another.',
      schema: z.object({ approved: z.boolean() }),
    },
  },
  problems: GONE,
  example: { params: O1, body: { approval: { id: 'x/1', name: 'refund' }, answer: true } },
  run: (call) =>
    onRun(call, async (run) => {
      const { approval, answer } = call.body;
      return { status: 200, body: { approved: await run.approve(approval, answer, call.caller.subject) } };
    }),
});
