/**
 * The contents of queues as metrics: through OpenTelemetry (`observeQueues`), or as text for Prometheus
 * (`metricsText`). The work of workers is reported by telemetry.ts.
 *
 * Guarantees: a queue that does not answer is left out, and the others are reported; nothing is asked between readings.
 */
import { having, optional, readOptions } from '@holdfast/kernel';
import { Gauges, type Observed } from '@holdfast/telemetry';
import type { Meter } from '@opentelemetry/api';
import type { Counts } from './inspection.js';
import type { Queue } from './queue.js';

const gauges = new Gauges<Counts>({
  scope: '@holdfast/queue',
  subject: { attribute: 'messaging.destination.name', label: 'queue' },
  part: { attribute: 'holdfast.queue.state', label: 'state' },
  gauges: [
    {
      name: 'holdfast.queue.tasks',
      unit: '{task}',
      description: 'Tasks in each state.',
      read: ({ waiting, active, delayed, dead }) => ({ waiting, active, delayed, dead }),
    },
    {
      name: 'holdfast.queue.oldest',
      unit: 's',
      description: 'For how long the oldest task has waited to begin.',
      read: ({ oldest }) => oldest / 1_000,
    },
    {
      name: 'holdfast.queue.workers',
      unit: '{worker}',
      description: 'Workers with a session.',
      read: ({ workers }) => workers,
    },
    {
      name: 'holdfast.queue.paused',
      unit: '1',
      description: '1 while the queue gives no tasks.',
      read: ({ paused }) => Number(paused),
    },
    {
      name: 'holdfast.queue.broken',
      unit: '1',
      description: '1 while the breaker of the queue is open or half-open.',
      read: ({ breaker }) => Number(breaker !== 'closed'),
    },
    {
      kind: 'counter',
      name: 'holdfast.queue.completed',
      unit: '{task}',
      description: 'Tasks that have completed since the queue exists.',
      read: ({ totals }) => totals.completed,
    },
    {
      kind: 'counter',
      name: 'holdfast.queue.failed',
      unit: '{task}',
      description: 'Tasks that became dead letters since the queue exists.',
      read: ({ totals }) => totals.failed,
    },
    {
      kind: 'counter',
      name: 'holdfast.queue.retried',
      unit: '{attempt}',
      description: 'Failed attempts that were followed by another, since the queue exists.',
      read: ({ totals }) => totals.retried,
    },
  ],
  histograms: [
    {
      name: 'holdfast.queue.latency',
      unit: 's',
      description: 'How long completed tasks took from their add to their end, delays included.',
      read: ({ totals: { latency } }) => ({
        buckets: latency.buckets.map(([bound, count]) => [bound / 1_000, count]),
        sum: latency.sum / 1_000,
      }),
    },
  ],
});

const OBSERVE = { meter: optional(having<Meter>('createObservableGauge')) };

// biome-ignore lint/suspicious/noExplicitAny: what their data are makes no difference here.
type AnyQueue = Queue<any, any>;

/** Reports on queues whenever the program's OpenTelemetry SDK reads its metrics. Returns a function that ends that. */
export function observeQueues(
  queues: readonly AnyQueue[],
  options: { readonly meter?: Meter } = {},
): () => void {
  const { meter } = readOptions('observeQueues', options, OBSERVE);
  return gauges.observe(() => countsOf(queues), meter);
}

/** The same in the text format of Prometheus, for scrapers and autoscalers that work without a program of yours. */
export const metricsText = (queues: readonly AnyQueue[]): Promise<string> =>
  gauges.text(() => countsOf(queues));

async function countsOf(queues: readonly AnyQueue[]): Promise<Observed<Counts>[]> {
  const settled = await Promise.allSettled(
    queues.map(async (queue) => ({ name: queue.name, state: await queue.counts() })),
  );
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
