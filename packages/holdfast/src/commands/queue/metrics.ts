/**
 * `holdfast queue metrics`: the metrics of all queues for Prometheus or an autoscaler, printed once or served over
 * HTTP.
 *
 * Guarantees: each answer covers all queues that exist at that moment; while Redis does not answer, it is a 503.
 */
import { once } from 'node:events';
import { createQueue, listQueues, metricsText } from '@holdfast/queue';
import { listen } from '@holdfast/telemetry';
import type { Command } from '../../command.js';
import { EXIT } from '../../exit-codes.js';
import { Interruption } from '../../interruption.js';
import { LISTEN, PREFIX, REDIS } from '../../options.js';
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
    const read = async (): Promise<string> => {
      const queues = (await listQueues(place)).map((name) => createQueue({ ...place, name }));
      try {
        return await metricsText(queues);
      } finally {
        await Promise.all(queues.map((opened) => opened.close()));
      }
    };
    const port = args.count(LISTEN, 0, 65_535);
    const text = await read();
    if (port === undefined) {
      context.stdout.write(text);
      return EXIT.ok;
    }
    const interruption = new Interruption(context.signals);
    const endpoints = await listen(port, { metrics: [read] });
    try {
      context.stdout.write(`metrics at http://127.0.0.1:${endpoints.port}/metrics\n`);
      if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
    } finally {
      interruption.end();
      await endpoints.close();
    }
    return EXIT.ok;
  },
};
