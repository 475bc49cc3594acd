/**
 * Values that are read on demand, such as the length of a queue, or how many of its tasks have ended: through
 * OpenTelemetry, or as text for Prometheus. Histograms that are kept elsewhere are in the text alone: OpenTelemetry has
 * none that are read on demand.
 *
 * Guarantees: nothing is read between two readings.
 */
import { type Meter, metrics, type ObservableCounter, type ObservableGauge } from '@opentelemetry/api';
import { type Sample, writeFamily } from './prometheus.js';

export interface ObservedGauge<State> {
  /** A counter only grows, whoever reads it. Default: a gauge. */
  readonly kind?: 'counter';
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** One value, or one for each part. */
  readonly read: (state: State) => number | Readonly<Record<string, number>>;
}

/** A histogram that is kept where it is read. */
export interface ObservedHistogram<State> {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** For each upper bound, in the unit and rising, how many values were at most so large and above the bound before. */
  readonly read: (state: State) => {
    readonly buckets: readonly (readonly [bound: number, count: number])[];
    readonly sum: number;
  };
}

export interface GaugeOptions<State> {
  /** The package that the gauges belong to. */
  readonly scope: string;
  readonly gauges: readonly ObservedGauge<State>[];
  /** Default: none. */
  readonly histograms?: readonly ObservedHistogram<State>[];
  /** The names, in OpenTelemetry and in Prometheus, for the observed thing and for the part of a value. */
  readonly subject: { readonly attribute: string; readonly label: string };
  readonly part: { readonly attribute: string; readonly label: string };
}

/** One thing that was read. */
export interface Observed<State> {
  readonly name: string;
  readonly state: State;
}

type Collect<State> = () => Promise<readonly Observed<State>[]>;

export class Gauges<State> {
  readonly #options: GaugeOptions<State>;

  constructor(options: GaugeOptions<State>) {
    this.#options = options;
  }

  /** Reads whenever the program's OpenTelemetry SDK reads its metrics. Returns a function that ends that. */
  observe(collect: Collect<State>, meter: Meter = metrics.getMeter(this.#options.scope)): () => void {
    const { gauges, subject, part } = this.#options;
    const instruments = gauges.map((gauge): [ObservedGauge<State>, ObservableGauge | ObservableCounter] => {
      const { kind, name, unit, description } = gauge;
      const options = { unit, description };
      return [
        gauge,
        kind ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options),
      ];
    });
    const observe: Parameters<Meter['addBatchObservableCallback']>[0] = async (result) => {
      for (const { name, state } of await collect()) {
        for (const [gauge, instrument] of instruments) {
          for (const { of, value } of readings(gauge, state)) {
            const about = { [subject.attribute]: name, ...(of !== undefined && { [part.attribute]: of }) };
            result.observe(instrument, value, about);
          }
        }
      }
    };
    const all = instruments.map(([, instrument]) => instrument);
    meter.addBatchObservableCallback(observe, all);
    return () => meter.removeBatchObservableCallback(observe, all);
  }

  /** The same in the text format of Prometheus. */
  async text(collect: Collect<State>): Promise<string> {
    const { gauges, histograms = [], subject, part } = this.#options;
    const observed = await collect();
    const families = histograms.map((histogram) => {
      const samples = observed.flatMap(({ name, state }) =>
        samplesOf({ [subject.label]: name }, histogram.read(state)),
      );
      return writeFamily({ ...histogram, type: 'histogram', samples });
    });
    return gauges
      .map((gauge) => {
        const samples = observed.flatMap(({ name, state }) =>
          readings(gauge, state).map(({ of, value }): Sample => {
            const labels = { [subject.label]: name, ...(of !== undefined && { [part.label]: of }) };
            return { labels, value };
          }),
        );
        return writeFamily({ ...gauge, type: gauge.kind ?? 'gauge', samples });
      })
      .concat(families)
      .join('');
  }
}

function readings<State>(gauge: ObservedGauge<State>, state: State): { of?: string; value: number }[] {
  const value = gauge.read(state);
  if (typeof value === 'number') return [{ value }];
  return Object.entries(value).map(([of, one]) => ({ of, value: one }));
}

function samplesOf(
  labels: Readonly<Record<string, string>>,
  { buckets, sum }: ReturnType<ObservedHistogram<unknown>['read']>,
): Sample[] {
  let count = 0;
  const bounded = buckets.map(([bound, more]): Sample => {
    count += more;
    const le = Number.isFinite(bound) ? String(bound) : '+Inf';
    return { labels: { ...labels, le }, value: count, suffix: '_bucket' };
  });
  return [...bounded, { labels, value: sum, suffix: '_sum' }, { labels, value: count, suffix: '_count' }];
}
