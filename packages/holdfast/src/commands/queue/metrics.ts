/**
 * `holdfast queue metrics`: the metrics of all queues for Prometheus or an autoscaler.
 *
 * Guarantees: each answer covers all queues that exist at that moment.
 */
import { createQueue, listQueues, metricsText } from '@holdfast/queue';
import type { Command } from '../../command.js';
import { LISTEN, PREFIX, REDIS } from '../../options.js';
import { writeMetrics } from '../metrics.js';
import { placeOf } from '../place.js';
import { OF_EVERY_ACTION } from './opened.js';

export const metrics: Command = {
  ...OF_EVERY_ACTION,
  name: 'metrics',
  summary: 'Write or serve the metrics of all queues.',
  operands: [],
  about: 'Writes the metrics of all queues in the text format of Prometheus.',
  options: [REDIS, PREFIX, LISTEN],
  example: 'holdfast queue metrics --listen 9464 --redis redis://127.0.0.1:6379',

  async run(args, context) {
    const place = placeOf(args);
    return writeMetrics(args, context, async () => {
      const queues = (await listQueues(place)).map((name) => createQueue({ ...place, name }));
      try {
        return await metricsText(queues);
      } finally {
        await Promise.all(queues.map((opened) => opened.close()));
      }
    });
  },
};
