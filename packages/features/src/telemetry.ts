/**
 * The telemetry of a feature store: OpenTelemetry spans and metrics of what lands, is read, cut to and exported, and messages
 * on diagnostics channels. What the store holds is reported by observe.ts.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded and nothing is kept. Ids, values, tokens and errors
 * are in spans and messages, never in the attributes of a metric. What a subscriber throws does not reach the caller.
 */
import { StaleTokenError } from '@holdfast/fence';
import type { Clock } from '@holdfast/kernel';
import { counter, duration, endSpan, errorType, Scope, within } from '@holdfast/telemetry';
import {
  type Attributes,
  context as contexts,
  type Link,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from '@opentelemetry/api';

/** A message on one of the channels. Its fields depend on the channel. */
export interface FeaturesMessage {
  readonly store: string;
  readonly view?: string;
  readonly lane?: string;
  /** "<n>-<token>". */
  readonly generation?: string;
  /** How long the cut took, in ms. */
  readonly duration?: number;
  readonly error?: unknown;
}

const EVENTS = { refused: 'warn', unreadable: 'warn', cut: 'info' } as const;
const scope = new Scope<keyof typeof EVENTS, FeaturesMessage>({ name: '@holdfast/features', events: EVENTS });

const instruments = {
  landed: scope.instrument(
    counter('holdfast.features.landed', '{row}', 'Rows, or sums of events, that were answered, by outcome.'),
  ),
  landing: scope.instrument(
    duration('holdfast.features.land.duration', 'Duration of a call that lands rows or sums of events.'),
  ),
  unreadable: scope.instrument(
    counter('holdfast.features.unreadable', '{record}', 'Records of sources that were left out.'),
  ),
  refused: scope.instrument(
    counter(
      'holdfast.features.refused',
      '{holder}',
      'Lanes, builders and exporters that were refused because of a higher token.',
    ),
  ),
  served: scope.instrument(
    counter('holdfast.features.served', '{row}', 'Rows that were read: served, or why they are null.'),
  ),
  cached: scope.instrument(
    counter(
      'holdfast.features.cached',
      '{row}',
      'Rows that a service with a cache has read: hits and misses.',
    ),
  ),
  reading: scope.instrument(duration('holdfast.features.read.duration', 'Duration of a read.')),
  exported: scope.instrument(
    counter('holdfast.features.exported', '{row}', 'Rows that were written to Parquet files.'),
  ),
};

const ATTRIBUTE = 'holdfast.features';

/** The records that one span of a landing links to, at most. */
const MOST_LINKS = 64;

/** A lane, as telemetry names it. */
interface LaneName {
  readonly view: string;
  readonly lane: string;
}

/** A span around some work, and what is recorded at its end. */
interface Work {
  readonly span: string;
  readonly attributes: Attributes;
  readonly kind?: SpanKind;
  readonly links?: readonly Link[];
  /** `taken` in ms; `error` if it has failed. */
  readonly ended: (taken: number, error: unknown) => void;
}

/** The telemetry of one store. */
export class Telemetry {
  readonly #store: string;
  readonly #clock: Clock;

  constructor(store: string, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whether anybody would notice what is recorded now. */
  isHeard(): boolean {
    return scope.isHeard();
  }

  /** A read of a service, or of rows of a view. */
  reading<T>(
    of: { readonly service: string } | { readonly view: string },
    ids: number,
    read: () => Promise<T>,
  ) {
    if (!scope.isHeard()) return read();
    const about = this.#about(
      'service' in of ? { [`${ATTRIBUTE}.service`]: of.service } : { [`${ATTRIBUTE}.view`]: of.view },
    );
    return this.#observe(
      {
        span: 'holdfast.features.get',
        attributes: { ...about, [`${ATTRIBUTE}.ids`]: ids },
        kind: SpanKind.CLIENT,
        ended: (taken, error) => instruments.reading.record(taken, withError(about, error)),
      },
      read,
    );
  }

  /** Rows that a read has found: why each is null, undefined for one that is served. */
  served(found: readonly { readonly view: { readonly name: string } }[], reasons: readonly unknown[]): void {
    if (!scope.isHeard()) return;
    const counts = new Map<string, number>();
    for (const [index, { view }] of found.entries()) {
      const key = `${view.name} ${reasons[index] ?? 'served'}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of counts) {
      const [view = '', outcome = ''] = key.split(' ');
      const about = { [`${ATTRIBUTE}.view`]: view, [`${ATTRIBUTE}.outcome`]: outcome };
      instruments.served.record(count, this.#about(about));
    }
  }

  /** How many of the rows that a service with a cache reads came from it. */
  cached(rows: number, hits: number): void {
    if (!scope.isHeard()) return;
    for (const [outcome, count] of [['hit', hits] as const, ['miss', rows - hits] as const])
      if (count > 0) instruments.cached.record(count, this.#about({ [`${ATTRIBUTE}.outcome`]: outcome }));
  }

  /** A call of `land` by the program, from when it is made until all rows are answered. */
  landing<T>(lane: LaneName, rows: number, land: () => Promise<T>): Promise<T> {
    if (!scope.isHeard()) return land();
    const attributes = { ...this.#aboutLane(lane), [`${ATTRIBUTE}.rows`]: rows };
    return this.#observe({ span: 'holdfast.features.land', attributes, ended: () => {} }, land);
  }

  /** One call to a partition that lands rows; its span, if what it lands is of a source, links to the traces of the records. */
  async call<T>(lane: LaneName, sent: Sent, call: () => Promise<T>): Promise<T> {
    if (!scope.isHeard()) return call();
    const about = this.#aboutLane(lane);
    const ended = (taken: number, error: unknown): void =>
      instruments.landing.record(taken, withError(about, error));
    if (sent.traces === undefined) return this.#timed(ended, call);
    const attributes = {
      ...about,
      [`${ATTRIBUTE}.rows`]: sent.rows,
      [`${ATTRIBUTE}.partition`]: sent.partition,
    };
    const links = linksOf(sent.traces);
    const span = 'holdfast.features.take';
    return this.#observe({ span, attributes, kind: SpanKind.CONSUMER, links, ended }, call);
  }

  /** Rows or sums of events of a lane that were answered. */
  landed(lane: LaneName, outcomes: Iterable<string>): void {
    if (!scope.isHeard()) return;
    const counts = new Map<string, number>();
    for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    const about = this.#aboutLane(lane);
    for (const [outcome, count] of counts)
      instruments.landed.record(count, { ...about, [`${ATTRIBUTE}.outcome`]: outcome });
  }

  unreadable(lane: LaneName, error: unknown): void {
    if (!scope.isHeard()) return;
    instruments.unreadable.record(1, this.#aboutLane(lane));
    scope.publish('unreadable', { store: this.#store, ...lane, error });
  }

  /** If `error` says that somebody has a higher token, counts it. Returns it. */
  refused<E>(by: 'lane' | 'builder' | 'exporter', error: E, about: Partial<LaneName> = {}): E {
    if (!(error instanceof StaleTokenError) || !scope.isHeard()) return error;
    instruments.refused.record(1, this.#about({ [`${ATTRIBUTE}.refused`]: by }));
    scope.publish('refused', { store: this.#store, ...about, error });
    return error;
  }

  cutting<T>(view: string, generation: string, cut: () => Promise<T>): Promise<T> {
    if (!scope.isHeard()) return cut();
    const attributes = this.#about({ [`${ATTRIBUTE}.view`]: view, [`${ATTRIBUTE}.generation`]: generation });
    const ended = (taken: number, error: unknown): void =>
      scope.publish('cut', {
        ...{ store: this.#store, view, generation, duration: taken },
        ...(error !== undefined && { error }),
      });
    return this.#observe({ span: 'holdfast.features.cut', attributes, ended }, cut);
  }

  exporting<T>(run: () => Promise<T>): Promise<T> {
    if (!scope.isHeard()) return run();
    return this.#observe(
      { span: 'holdfast.features.export', attributes: this.#about({}), ended: () => {} },
      run,
    );
  }

  /** Rows of a view that files of a manifest have. */
  exported(view: string, rows: number): void {
    if (scope.isHeard()) instruments.exported.record(rows, this.#about({ [`${ATTRIBUTE}.view`]: view }));
  }

  async #observe<T>(
    { span: name, attributes, kind, links, ended }: Work,
    work: () => Promise<T>,
  ): Promise<T> {
    const parent = kind === SpanKind.CONSUMER ? ROOT_CONTEXT : contexts.active();
    const start = { attributes, parent, ...(kind !== undefined && { kind }), ...(links && { links }) };
    const span = scope.startSpan(name, start);
    let failure: unknown;
    const done = (taken: number, error: unknown): void => {
      failure = error;
      ended(taken, error);
    };
    try {
      return await within(span, parent, () => this.#timed(done, work));
    } finally {
      endSpan(span, failure);
    }
  }

  async #timed<T>(ended: Work['ended'], work: () => Promise<T>): Promise<T> {
    const began = this.#clock.now();
    try {
      const result = await work();
      ended(this.#clock.now() - began, undefined);
      return result;
    } catch (error) {
      ended(this.#clock.now() - began, error);
      throw error;
    }
  }

  #about(attributes: Attributes): Attributes {
    return { [`${ATTRIBUTE}.store`]: this.#store, ...attributes };
  }

  #aboutLane({ view, lane }: LaneName): Attributes {
    return this.#about({ [`${ATTRIBUTE}.view`]: view, [`${ATTRIBUTE}.lane`]: lane });
  }
}

/** What one call lands. */
export interface Sent {
  readonly partition: number;
  readonly rows: number;
  /** Of the records of a source of which the rows are made, as `traceOf` gave them; undefined for rows that the program lands. */
  readonly traces?: readonly (string | undefined)[];
}

const withError = (about: Attributes, error: unknown): Attributes =>
  error === undefined ? about : { ...about, 'error.type': errorType(error) };

/** The trace that a record of a source tells of: in the headers of a message of Kafka, in a field of an entry of a Redis stream. */
export function traceOf(value: unknown): string | undefined {
  const { headers, traceparent } = Object(value) as { headers?: unknown; traceparent?: unknown };
  const found = traceparent ?? (Object(headers) as { traceparent?: unknown }).traceparent;
  if ((typeof found !== 'string' && !Buffer.isBuffer(found)) || !scope.isHeard()) return undefined;
  return String(found);
}

function linksOf(traces: readonly (string | undefined)[]): readonly Link[] {
  return [...new Set(traces)].slice(0, MOST_LINKS).flatMap((traceparent) => {
    if (traceparent === undefined) return [];
    const context = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
    return context === undefined ? [] : [{ context }];
  });
}
