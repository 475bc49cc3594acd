/** Tools for the runs of workflows. */
import { z } from 'zod';
import { given, tool } from '../tool.js';

const workflow = z.string().min(1).describe('The name of the workflow.');
const id = z.string().min(1).describe('Of the run.');
const key = z.string().optional().describe('The key of the run, if it was started with one.');
const of = { workflow, id, key };

export const list = tool({
  name: 'run_list',
  title: 'List runs',
  description: 'Lists runs of a workflow, or, without a workflow, the workflows that the key may read.',
  input: z.strictObject({
    workflow: workflow.optional(),
    state: z
      .enum(['waiting', 'delayed', 'running', 'sleeping', 'stuck', 'completed', 'failed', 'cancelled'])
      .optional(),
    cursor: z.string().max(2_000).optional().describe('The `next` of the page before.'),
    limit: z.int().min(1).max(100).default(20),
  }),
  run: ({ client, input: { workflow: name, ...query }, signal }) =>
    name === undefined
      ? client.workflows.list({}, { signal })
      : client.workflows.runs(name, given(query), { signal }),
});

export const status = tool({
  name: 'run_status',
  title: 'Look at a run',
  description: 'Shows a run: its state, and its result once it has one.',
  showsData: true,
  input: z.strictObject({
    ...of,
    wait: z.int().min(0).max(25_000).default(0).describe('How many ms to wait for its end.'),
  }),
  run: ({ client, input: { workflow: name, id: run, ...query }, signal }) =>
    client.workflows.get(name, run, given(query), { signal }),
});

export const approvals = tool({
  name: 'run_approvals',
  title: 'List approvals',
  description: 'Lists what a run waits for people to approve.',
  showsData: true,
  input: z.strictObject(of),
  run: ({ client, input: { workflow: name, id: run, ...query }, signal }) =>
    client.workflows.approvals(name, run, given(query), { signal }),
});

export const start = tool({
  name: 'run_start',
  title: 'Start a run',
  description: 'Starts a run of a workflow. With an id it may be repeated: there is one run of it.',
  asks: 'write',
  input: z.strictObject({
    workflow,
    input: z.json().describe('What the workflow is given.'),
    id: id.optional(),
    key: z.string().optional().describe('What the run works on: of one key, one run goes on at a time.'),
    delay: z.int().min(0).optional().describe('In how many ms it begins.'),
  }),
  run: ({ client, input: { workflow: name, input, ...options }, signal }) =>
    client.workflows.start(name, { input, ...given(options) }, { signal }),
});

export const send = tool({
  name: 'run_send',
  title: 'Send a message to a run',
  description: 'Sends a message to a run, which takes it with its next "receive" of that name.',
  asks: 'write',
  input: z.strictObject({ ...of, message: z.string().min(1).describe('Its name.'), payload: z.json() }),
  run: ({ client, input: { workflow: name, id: run, message, payload, ...query }, signal }) =>
    client.workflows.send(name, run, message, { payload }, given(query), { signal }),
});

export const cancel = tool({
  name: 'run_cancel',
  title: 'Cancel a run',
  description: 'Asks a run to end; its function may clean up.',
  asks: 'cancel',
  idempotent: true,
  input: z.strictObject({ ...of, reason: z.string().optional() }),
  run: ({ client, input: { workflow: name, id: run, key: of, ...reason }, signal }) =>
    client.workflows.cancel(name, run, given(reason), given({ key: of }), { signal }),
});

export const approve = tool({
  name: 'run_approve',
  title: 'Answer an approval',
  description: 'Answers what a run waits for people to approve; the run is told the subject of the key.',
  asks: 'approve',
  input: z.strictObject({
    ...of,
    approval: z.strictObject({ id: z.string(), name: z.string() }).describe('As run_approvals lists it.'),
    answer: z.json(),
  }),
  run: ({ client, input: { workflow: name, id: run, approval, answer, ...query }, signal }) =>
    client.workflows.approve(name, run, { approval, answer }, given(query), { signal }),
});
