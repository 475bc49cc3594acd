/**
 * Instruments: counters and durations that a package declares once, and records wherever something happens.
 *
 * Guarantees: without an OpenTelemetry SDK and without `listen`, recording keeps nothing. An SDK that is set up after the
 * first recording is found all the same.
 */
import { type Attributes, createNoopMeter, type Meter, metrics } from '@opentelemetry/api';
import type { InstrumentDeclaration } from './declarations.js';
import { isTallying, tally } from './tally.js';

type Recorder = (value: number, attributes: Attributes) => void;

/** Made by a `Scope`. */
export class Instrument {
  readonly #scope: string;
  readonly #declaration: InstrumentDeclaration;
  #recorder: Recorder | undefined;

  constructor(scope: string, declaration: InstrumentDeclaration) {
    this.#scope = scope;
    this.#declaration = declaration;
  }

  /** A count, or a duration in ms. Attributes have few values each. */
  record(value: number, attributes: Attributes): void {
    const published = this.#declaration.kind === 'histogram' ? value / 1_000 : value;
    this.#recorder ??= recorderOf(this.#scope, this.#declaration);
    this.#recorder?.(published, attributes);
    if (isTallying()) tally(this.#declaration, published, attributes);
  }
}

/** Undefined while no SDK is set up. */
function recorderOf(scope: string, declaration: InstrumentDeclaration): Recorder | undefined {
  const meter = metrics.getMeter(scope);
  return meter === createNoopMeter() ? undefined : create(meter, declaration);
}

function create(meter: Meter, { kind, name, unit, description, bounds }: InstrumentDeclaration): Recorder {
  const options = { unit, description };
  if (kind === 'histogram') {
    const advice = { explicitBucketBoundaries: [...(bounds ?? [])] };
    const histogram = meter.createHistogram(name, { ...options, advice });
    return (value, attributes) => histogram.record(value, attributes);
  }
  const counting =
    kind === 'counter' ? meter.createCounter(name, options) : meter.createUpDownCounter(name, options);
  return (value, attributes) => counting.add(value, attributes);
}
