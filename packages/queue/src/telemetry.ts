/**
 * What queues and workers tell of themselves through OpenTelemetry: one trace from the add through every attempt, and
 * metrics.
 *
 * Guarantees: without an SDK nothing is recorded and nothing is kept. Ids of tasks and errors are in spans, never in the
 * attributes of a metric. Names follow the semantic conventions for messaging where they have one.
 */
import {
  type Attributes,
  type Context,
  type Counter,
  context as contexts,
  createNoopMeter,
  type Histogram,
  metrics,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { messageOf } from './thrown.js';

const NAME = '@holdfast/queue';

interface Instruments {
  readonly added: Counter;
  readonly processing: Histogram;
  readonly refused: Counter;
}

let made: Instruments | undefined;

/** On first use, when the program has set up its SDK. */
function instruments(): Instruments {
  if (made) return made;
  const meter = metrics.getMeter(NAME);
  made = {
    added: meter.createCounter('holdfast.queue.added', {
      unit: '{task}',
      description: 'Tasks that were added.',
    }),
    processing: meter.createHistogram('holdfast.queue.process.duration', {
      unit: 's',
      description: 'Duration of an attempt, by its outcome.',
    }),
    refused: meter.createCounter('holdfast.queue.refused', {
      unit: '{task}',
      description: 'Deliveries whose lease was lost, so that what came of them was refused.',
    }),
  };
  return made;
}

/** Whether anybody would hear: what nobody hears of costs nothing else. */
function isHeard(): boolean {
  const tracing = trace.getTracerProvider();
  if (!(tracing instanceof ProxyTracerProvider) || tracing.getDelegateTracer(NAME)) return true;
  return metrics.getMeter(NAME) !== createNoopMeter();
}

const attributesOf = (queue: string): Attributes => ({
  'messaging.system': 'holdfast',
  'messaging.destination.name': queue,
});

/** The trace in which a task is added, as it is kept with the task; undefined if there is none. */
export function traceOfAdd(): string | undefined {
  if (trace.getActiveSpan() === undefined) return undefined;
  const carrier: Record<string, string> = {};
  propagation.inject(contexts.active(), carrier);
  return carrier['traceparent'];
}

export function added(queue: string): void {
  if (isHeard()) instruments().added.add(1, attributesOf(queue));
}

export function refused(queue: string, count: number): void {
  if (count > 0 && isHeard()) instruments().refused.add(count, attributesOf(queue));
}

/** Undefined where nobody would hear of it. */
export function attemptOf(queue: string, task: AttemptedTask, traceparent?: string): Attempt | undefined {
  return isHeard() ? new Attempt(queue, task, traceparent) : undefined;
}

interface AttemptedTask {
  readonly id: string;
  readonly attempt: number;
  readonly token: number;
}

/** One attempt. */
class Attempt {
  /** In which the handler runs. */
  readonly context: Context;
  readonly #queue: string;
  readonly #span: Span;

  constructor(queue: string, task: AttemptedTask, traceparent?: string) {
    this.#queue = queue;
    const parent =
      traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
    const attributes = {
      ...attributesOf(queue),
      'messaging.operation.type': 'process',
      'messaging.message.id': task.id,
      'holdfast.queue.attempt': task.attempt,
      'holdfast.queue.token': task.token,
    };
    const options = { kind: SpanKind.CONSUMER, attributes };
    this.#span = trace.getTracer(NAME).startSpan(`process ${queue}`, options, parent);
    this.context = trace.setSpan(parent, this.#span);
  }

  run<T>(handler: () => T): T {
    return contexts.with(this.context, handler);
  }

  /** `duration` in ms; `outcome` is a word of lua/settle.lua. */
  ended(duration: number, outcome: 'done' | 'retry' | 'dead', error?: unknown): void {
    if (error !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    }
    this.#span.setAttribute('holdfast.queue.outcome', outcome).end();
    const attributes = { ...attributesOf(this.#queue), 'holdfast.queue.outcome': outcome };
    instruments().processing.record(duration / 1_000, attributes);
  }
}
