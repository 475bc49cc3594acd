/**
 * What a queue holds, as metrics: through OpenTelemetry (`observeQueues`), or as text for Prometheus (`metricsText`). What
 * workers do is told by telemetry.ts.
 *
 * Guarantees: a queue that does not answer is left out, and the others are told of; nothing is asked between readings.
 */
import { requireKnown } from '@holdfast/kernel';
import { type Meter, metrics, type ObservableGauge } from '@opentelemetry/api';
import type { Counts } from './inspection.js';
import type { Queue } from './queue.js';

interface Gauge {
  readonly unit: string;
  readonly about: string;
  /** One value, or one for each state. */
  readonly read: (counts: Counts) => number | Readonly<Record<string, number>>;
}

const GAUGES: Readonly<Record<string, Gauge>> = {
  'holdfast.queue.tasks': {
    unit: '{task}',
    about: 'Tasks in each state.',
    read: ({ waiting, active, delayed, dead }) => ({ waiting, active, delayed, dead }),
  },
  'holdfast.queue.oldest': {
    unit: 's',
    about: 'For how long the oldest task has waited to begin.',
    read: ({ oldest }) => oldest / 1_000,
  },
  'holdfast.queue.workers': {
    unit: '{worker}',
    about: 'Workers with a session.',
    read: ({ workers }) => workers,
  },
  'holdfast.queue.paused': {
    unit: '1',
    about: '1 while the queue gives no tasks.',
    read: ({ paused }) => Number(paused),
  },
};

// biome-ignore lint/suspicious/noExplicitAny: what their data are makes no difference here.
type AnyQueue = Queue<any, any>;

/** Tells of queues whenever the program's OpenTelemetry SDK reads its metrics. Returns what ends that. */
export function observeQueues(
  queues: readonly AnyQueue[],
  options: { readonly meter?: Meter } = {},
): () => void {
  requireKnown('observeQueues', options, ['meter']);
  const meter = options.meter ?? metrics.getMeter('@holdfast/queue');
  const instruments = new Map<string, ObservableGauge>(
    Object.entries(GAUGES).map(([name, { unit, about }]) => [
      name,
      meter.createObservableGauge(name, { unit, description: about }),
    ]),
  );
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = async (result) => {
    for (const { name, counts } of await countsOf(queues)) {
      for (const [metric, instrument] of instruments) {
        for (const { state, value } of readings(metric, counts)) {
          result.observe(instrument, value, {
            'messaging.destination.name': name,
            ...(state !== undefined && { 'holdfast.queue.state': state }),
          });
        }
      }
    }
  };
  const all = [...instruments.values()];
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}

/** The same in the text format of Prometheus, for what scrapes or scales without a program of yours. */
export async function metricsText(queues: readonly AnyQueue[]): Promise<string> {
  const counted = await countsOf(queues);
  return Object.entries(GAUGES)
    .map(([metric, { unit, about }]) => {
      const name = metric.replaceAll('.', '_') + (unit === 's' ? '_seconds' : '');
      const lines = counted.flatMap(({ name: queue, counts }) =>
        readings(metric, counts).map(({ state, value }) => {
          const labels = [`queue="${escaped(queue)}"`, ...(state === undefined ? [] : [`state="${state}"`])];
          return `${name}{${labels.join(',')}} ${value}\n`;
        }),
      );
      return `# HELP ${name} ${about}\n# TYPE ${name} gauge\n${lines.join('')}`;
    })
    .join('');
}

async function countsOf(queues: readonly AnyQueue[]): Promise<{ name: string; counts: Counts }[]> {
  const settled = await Promise.allSettled(
    queues.map(async (queue) => ({ name: queue.name, counts: await queue.counts() })),
  );
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function readings(metric: string, counts: Counts): { state?: string; value: number }[] {
  const value = GAUGES[metric]?.read(counts) ?? {};
  if (typeof value === 'number') return [{ value }];
  return Object.entries(value).map(([state, one]) => ({ state, value: one }));
}

const escaped = (label: string): string =>
  label.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
