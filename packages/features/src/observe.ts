/**
 * What feature stores hold, and how far their lanes are, as metrics: through OpenTelemetry (`observeFeatures`), or as text for
 * Prometheus (`metricsText`). What a process lands and reads is reported by telemetry.ts.
 *
 * Guarantees: a store that does not answer is left out, and the others are reported; nothing is asked between readings.
 */
import { display, having, MisuseError, optional, readOptions } from '@holdfast/kernel';
import { Gauges, type Observed } from '@holdfast/telemetry';
import type { Meter } from '@opentelemetry/api';
import type { Features } from './features.js';
import type { StoreStats, ViewStats } from './store/stats.js';

interface ObservedStore extends StoreStats {
  readonly lags: Readonly<Record<string, number>>;
}

const gauges = new Gauges<ObservedStore>({
  scope: '@holdfast/features',
  subject: { attribute: 'holdfast.features.store', label: 'store' },
  part: { attribute: 'holdfast.features.view', label: 'view' },
  gauges: [
    {
      name: 'holdfast.features.rows',
      unit: '{row}',
      description: 'Rows of the generation that is read.',
      read: byView(({ rows }) => rows),
    },
    {
      name: 'holdfast.features.filling',
      unit: '{row}',
      description: 'Rows of generations that are being filled.',
      read: byView(({ generations }) =>
        generations.reduce((sum, { state, rows }) => (state === 'filling' ? sum + rows : sum), 0),
      ),
    },
    {
      name: 'holdfast.features.freshness',
      unit: 's',
      description: 'How long ago the latest event time is.',
      read: byView(({ age }) => (age === null ? undefined : age / 1_000)),
    },
    {
      name: 'holdfast.features.dead_letters',
      unit: '{record}',
      description: 'Records that could not be read or stored, and are kept.',
      read: byView(({ deadLetters }) => deadLetters),
    },
    {
      name: 'holdfast.features.log',
      unit: '{entry}',
      description: 'Entries of the log of accepted rows, which an exporter trims.',
      read: ({ log }) => log.entries,
    },
    {
      name: 'holdfast.features.log.oldest',
      unit: 's',
      description: 'For how long the first entry of the log has been there.',
      read: ({ log }) => (log.age ?? 0) / 1_000,
    },
    {
      name: 'holdfast.features.lag',
      unit: '1',
      description:
        'How far the lanes of this process are behind their sources, at most: ms of a Redis stream, records of Kafka.',
      read: ({ lags }) => lags,
    },
  ],
});

const OBSERVE = { meter: optional(having<Meter>('createObservableGauge')) };

/** Reports on stores whenever the program's OpenTelemetry SDK reads its metrics. Returns a function that ends that. Throws MisuseError. */
export function observeFeatures(
  stores: readonly Features[],
  options: { readonly meter?: Meter } = {},
): () => void {
  const { meter } = readOptions('observeFeatures', options, OBSERVE);
  const given = requireStores('observeFeatures', stores);
  return gauges.observe(() => statsOf(given), meter);
}

/** The same in the text format of Prometheus, for scrapers that work without a program of yours. Throws MisuseError. */
export const metricsText = async (stores: readonly Features[]): Promise<string> =>
  gauges.text(() => statsOf(requireStores('metricsText', stores)));

function requireStores(name: string, stores: readonly Features[]): readonly Features[] {
  if (Array.isArray(stores) && stores.every((each) => typeof Object(each).stats === 'function'))
    return stores;
  throw new MisuseError(`${name}() takes a list of feature stores; got ${display(stores)}.`);
}

async function statsOf(stores: readonly Features[]): Promise<Observed<ObservedStore>[]> {
  const settled = await Promise.allSettled(
    stores.map(async (store) => ({
      name: store.name,
      state: { ...(await store.stats()), lags: store.lags() },
    })),
  );
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** One value for each view that has it. */
function byView(read: (stats: ViewStats) => number | undefined) {
  return ({ views }: StoreStats): Readonly<Record<string, number>> => {
    const all = Object.entries(views).flatMap(([name, stats]): [string, number][] => {
      const value = read(stats);
      return value === undefined ? [] : [[name, value]];
    });
    return Object.fromEntries(all);
  };
}
