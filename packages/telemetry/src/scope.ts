/**
 * The scope of one package: its spans, instruments and diagnostics channels.
 *
 * Guarantees: without an OpenTelemetry SDK, a subscriber or `listen`, nothing is recorded and nothing is kept;
 * `isHeard` answers that, so that a caller prepares nothing in vain. Errors of a subscriber do not reach the publisher.
 */
import type { Channel } from 'node:diagnostics_channel';
import { HoldfastError } from '@holdfast/kernel';
import {
  type Attributes,
  type Context,
  context,
  createNoopMeter,
  INVALID_SPAN_CONTEXT,
  type Link,
  metrics,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { declareChannel, type LogLevel } from './channels.js';
import type { InstrumentDeclaration } from './declarations.js';
import { Instrument } from './instruments.js';
import { isTallying } from './tally.js';

export interface ScopeOptions<Event extends string> {
  /** The package, as OpenTelemetry names its scope: "@holdfast/lock". */
  readonly name: string;
  /** The events that are published, each on the channel "holdfast:lock:<event>", with their level in a log. */
  readonly events: Readonly<Record<Event, LogLevel>>;
}

/** The parent, the kind and the attributes of a span, and other spans from which it comes. */
export interface SpanStart {
  readonly attributes: Attributes;
  readonly parent: Context;
  readonly kind?: SpanKind;
  readonly links?: readonly Link[];
}

/** `Message` is the type of the messages on its channels. */
export class Scope<Event extends string, Message extends object> {
  readonly #name: string;
  readonly #channels: ReadonlyMap<string, Channel>;

  constructor({ name, events }: ScopeOptions<Event>) {
    this.#name = name;
    const prefix = name.replace('@', '').replace('/', ':');
    const levels = Object.entries<LogLevel>(events);
    this.#channels = new Map(
      levels.map(([event, level]) => [event, declareChannel(`${prefix}:${event}`, level)]),
    );
  }

  /** Whether anybody would notice a record or a message now. */
  isHeard(): boolean {
    if (this.#isTraced()) return true;
    if (isTallying() || metrics.getMeter(this.#name) !== createNoopMeter()) return true;
    for (const channel of this.#channels.values()) if (channel.hasSubscribers) return true;
    return false;
  }

  #isTraced(): boolean {
    const tracing = trace.getTracerProvider();
    return !(tracing instanceof ProxyTracerProvider) || tracing.getDelegateTracer(this.#name) !== undefined;
  }

  instrument(declaration: InstrumentDeclaration): Instrument {
    return new Instrument(this.#name, declaration);
  }

  publish(event: Event, message: Message): void {
    const channel = this.#channels.get(event);
    if (channel?.hasSubscribers) channel.publish(message);
  }

  startSpan(name: string, { attributes, parent, kind = SpanKind.INTERNAL, links = [] }: SpanStart): Span {
    // What a tracer that records nothing would give, without the cost of asking for it.
    if (parent === ROOT_CONTEXT && !this.#isTraced()) return NOTHING;
    return trace.getTracer(this.#name).startSpan(name, { attributes, kind, links: [...links] }, parent);
  }
}

/** The span of whatever nobody traces. */
const NOTHING = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

/** Runs `work` as a part of a span. */
export const within = <Result>(span: Span, parent: Context, work: () => Result): Result =>
  span === NOTHING ? work() : context.with(trace.setSpan(parent, span), work);

const LONGEST_MESSAGE = 2_000;

/** The type of an error, as metrics and spans name it: the code of one of ours, or the name of any other. */
export const errorType = (error: unknown): string =>
  attempt(() => (error instanceof HoldfastError ? error.code : (error as Error).name)) ?? 'unknown';

/** Ends a span, as failed if there is an error. Never throws, whatever was thrown. */
export function endSpan(span: Span, error?: unknown): void {
  if (error !== undefined) {
    const message = attempt(() => (error instanceof Error ? error.message : String(error))) ?? '';
    span
      .setAttribute('error.type', errorType(error))
      .setStatus({ code: SpanStatusCode.ERROR, message: message.slice(0, LONGEST_MESSAGE) });
  }
  span.end();
}

/** The text that `read` returns; undefined if it throws, or returns no text. */
function attempt(read: () => unknown): string | undefined {
  try {
    const text = read();
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
