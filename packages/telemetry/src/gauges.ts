/**
 * Gauges of values that are read on demand, such as the length of a queue: through OpenTelemetry, or as text for
 * Prometheus.
 *
 * Guarantees: nothing is read between two readings.
 */
import { type Meter, metrics, type ObservableGauge } from '@opentelemetry/api';
import { type Sample, writeFamily } from './prometheus.js';

export interface ObservedGauge<State> {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** One value, or one for each part. */
  readonly read: (state: State) => number | Readonly<Record<string, number>>;
}

export interface GaugeOptions<State> {
  /** The package that the gauges belong to. */
  readonly scope: string;
  readonly gauges: readonly ObservedGauge<State>[];
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
    const instruments = gauges.map((gauge): [ObservedGauge<State>, ObservableGauge] => [
      gauge,
      meter.createObservableGauge(gauge.name, { unit: gauge.unit, description: gauge.description }),
    ]);
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
    const { gauges, subject, part } = this.#options;
    const observed = await collect();
    return gauges
      .map((gauge) => {
        const samples = observed.flatMap(({ name, state }) =>
          readings(gauge, state).map(({ of, value }): Sample => {
            const labels = { [subject.label]: name, ...(of !== undefined && { [part.label]: of }) };
            return { labels, value };
          }),
        );
        return writeFamily({ ...gauge, type: 'gauge', samples });
      })
      .join('');
  }
}

function readings<State>(gauge: ObservedGauge<State>, state: State): { of?: string; value: number }[] {
  const value = gauge.read(state);
  if (typeof value === 'number') return [{ value }];
  return Object.entries(value).map(([of, one]) => ({ of, value: one }));
}
