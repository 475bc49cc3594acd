/** `holdfast workflow metrics`: how much there is to do in an app, for Prometheus or an autoscaler. */
import { metricsText } from '@holdfast/workflow';
import type { Command } from '../../command.js';
import { LISTEN } from '../../options.js';
import { writeMetrics } from '../metrics.js';
import { DIRECT_PLACE, OF_EVERY_ACTION, openedBy } from './opened.js';

export const metrics: Command = {
  ...OF_EVERY_ACTION,
  name: 'metrics',
  summary: 'Write or serve the metrics of an app.',
  operands: [],
  about: `Writes how much there is to do, by workflow, in the text format of Prometheus.
What workers count of themselves, such as durations, they serve themselves.`,
  options: [...DIRECT_PLACE, LISTEN],
  example: 'holdfast workflow metrics --listen 9464 --redis redis://127.0.0.1:6379',

  run: (args, context) =>
    writeMetrics(args, context, async () => {
      await using app = await openedBy(args);
      return await metricsText([app]);
    }),
};
