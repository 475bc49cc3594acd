/** Tools for queues. */
import { z } from 'zod';
import { given, tool } from '../tool.js';

const queue = z.string().min(1).describe('The name of the queue.');
const id = z.string().min(1).describe('Of the task.');

export const list = tool({
  name: 'queue_list',
  title: 'List queues',
  description: 'Lists the queues that the key may read, with the counts of their tasks by state.',
  input: z.strictObject({}),
  run: ({ client, signal }) => client.queues.list({ counts: 'true' }, { signal }),
});

export const tasks = tool({
  name: 'queue_tasks',
  title: 'List tasks',
  description: 'Lists tasks of a queue in one state. A `cursor` in the answer goes on where it ended.',
  showsData: true,
  input: z.strictObject({
    queue,
    state: z.enum(['waiting', 'active', 'delayed', 'dead', 'completed', 'cancelled']).default('waiting'),
    limit: z.int().min(1).max(100).default(20),
    cursor: z.string().optional(),
  }),
  run: ({ client, input: { queue: name, ...query }, signal }) =>
    client.queues.tasks(name, given(query), { signal }),
});

export const status = tool({
  name: 'queue_task',
  title: 'Look up a task',
  description: 'Shows a task: its state, its errors, and its result once it has one.',
  showsData: true,
  input: z.strictObject({
    queue,
    id,
    wait: z.int().min(0).max(25_000).default(0).describe('How many ms to wait for its end.'),
  }),
  run: ({ client, input, signal }) =>
    client.queues.get(input.queue, input.id, { wait: input.wait }, { signal }),
});

export const add = tool({
  name: 'queue_add',
  title: 'Add a task',
  description:
    'Adds a task for the workers of a queue. With an id, adding it again adds nothing while it lives.',
  asks: 'write',
  input: z.strictObject({
    queue,
    data: z.json().describe('What the worker is given.'),
    id: id.optional(),
    delay: z.int().min(0).optional().describe('In how many ms it may begin.'),
    priority: z.int().optional().describe('Higher goes first.'),
    key: z.string().optional().describe('Tasks of one key go in order.'),
  }),
  run: ({ client, input: { queue: name, data, ...options }, signal }) =>
    client.queues.add(name, { data, ...given(options) }, { signal }),
});

export const cancel = tool({
  name: 'queue_cancel',
  title: 'Cancel a task',
  description: 'Ends a task without a result, whether it waits or a worker has it.',
  asks: 'cancel',
  idempotent: true,
  input: z.strictObject({ queue, id, reason: z.string().optional() }),
  run: ({ client, input: { queue: name, id: task, ...reason }, signal }) =>
    client.queues.cancel(name, task, given(reason), { signal }),
});
