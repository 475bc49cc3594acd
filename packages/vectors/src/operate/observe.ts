/**
 * What indexes hold in this process, and how far they are behind, as metrics: through OpenTelemetry (`observeIndexes`), or as text for
 * Prometheus (`metricsText`). What a process writes and searches is reported by telemetry.ts.
 *
 * Guarantees: nothing is asked of Redis, and nothing is read between readings.
 */
import { display, having, MisuseError, optional, readOptions } from '@holdfast/kernel';
import { Gauges, type Observed } from '@holdfast/telemetry';
import type { Meter } from '@opentelemetry/api';
import type { VectorIndex } from '../vector-index.js';
import type { VectorIndexStats } from './stats.js';

const gauges = new Gauges<VectorIndexStats>({
  scope: '@holdfast/vectors',
  subject: { attribute: 'holdfast.vectors.index', label: 'index' },
  part: { attribute: 'holdfast.vectors.name', label: 'name' },
  gauges: [
    {
      name: 'holdfast.vectors.documents',
      unit: '{document}',
      description: 'Documents that this process knows.',
      read: ({ documents }) => documents,
    },
    {
      name: 'holdfast.vectors.behind',
      unit: '{document}',
      description: 'Documents that were written and are not applied here yet.',
      read: ({ behind }) => behind,
    },
    {
      name: 'holdfast.vectors.unapplied',
      unit: '{document}',
      description: 'Documents that do not fit into the memory of this process.',
      read: ({ unapplied }) => unapplied,
    },
    {
      name: 'holdfast.vectors.unreadable',
      unit: '{document}',
      description: 'Documents that cannot be read.',
      read: ({ unreadable }) => unreadable,
    },
    {
      name: 'holdfast.vectors.bytes',
      unit: 'By',
      description: 'Memory of the vectors in this process, by their names.',
      read: ({ vectors, named }) => {
        const names = Object.entries(named).map(([name, { bytes }]) => [name, bytes] as const);
        return names.length > 0 ? Object.fromEntries(names) : (vectors?.bytes ?? 0);
      },
    },
  ],
});

const OBSERVE = { meter: optional(having<Meter>('createObservableGauge')) };

/** Reports on indexes whenever the program's OpenTelemetry SDK reads its metrics. Returns a function that ends that. Throws MisuseError. */
export function observeIndexes(
  indexes: readonly VectorIndex[],
  options: { readonly meter?: Meter } = {},
): () => void {
  const { meter } = readOptions('observeIndexes', options, OBSERVE);
  const given = requireIndexes('observeIndexes', indexes);
  return gauges.observe(async () => statsOf(given), meter);
}

/** The same in the text format of Prometheus, for scrapers that work without a program of yours. Throws MisuseError. */
export const metricsText = async (indexes: readonly VectorIndex[]): Promise<string> =>
  gauges.text(async () => statsOf(requireIndexes('metricsText', indexes)));

function requireIndexes(name: string, indexes: readonly VectorIndex[]): readonly VectorIndex[] {
  if (Array.isArray(indexes) && indexes.every((each) => typeof Object(each).stats === 'function'))
    return indexes;
  throw new MisuseError(`${name}() takes a list of indexes of vectors; got ${display(indexes)}.`);
}

const statsOf = (indexes: readonly VectorIndex[]): Observed<VectorIndexStats>[] =>
  indexes.map((index) => ({ name: index.name, state: index.stats() }));
