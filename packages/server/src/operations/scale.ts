/**
 * The demand for workers, as one number each, for autoscalers.
 *
 * Guarantees: a number is what Redis says at the moment of the request, over all partitions.
 */
import { z } from 'zod';
import { NotFoundError } from '../errors.js';
import { operation } from './operation.js';
import { none, queueName, workflowName } from './values.js';

export const ofQueue = operation({
  id: 'queues.demand',
  method: 'GET',
  path: '/v1/scale/queues/{queue}',
  summary: 'Tell an autoscaler how many tasks wait or are worked on.',
  right: 'queues:read',
  judgedBy: 'queue',
  params: z.strictObject({ queue: queueName }),
  query: none,
  answers: {
    200: {
      description: 'Waiting and active tasks together; 0 for a queue that does not exist yet.',
      schema: z.object({ demand: z.int() }),
    },
  },
  example: { params: { queue: 'images' } },
  run: ({ systems, params }) =>
    systems.withQueue(params.queue, async (queue) => {
      const { waiting, active } = await queue.counts();
      return { status: 200, body: { demand: waiting + active } };
    }),
});

export const ofWorkflow = operation({
  id: 'workflows.demand',
  method: 'GET',
  path: '/v1/scale/workflows/{workflow}',
  summary: 'Tell an autoscaler how many runs wait for a worker or have one.',
  right: 'workflows:read',
  judgedBy: 'workflow',
  params: z.strictObject({ workflow: workflowName }),
  query: none,
  answers: {
    200: { description: 'Waiting and running ones together.', schema: z.object({ demand: z.int() }) },
  },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: { params: { workflow: 'order' } },
  run: ({ systems, params: { workflow } }) =>
    systems.withApp(workflow, async (app) => {
      const of = (await app.demand())[workflow];
      if (of === undefined) throw new NotFoundError(`There is no workflow "${workflow}".`);
      return { status: 200, body: { demand: of.waiting + of.running } };
    }),
});
