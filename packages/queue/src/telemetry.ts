/**
 * The telemetry of queues and workers: one trace from the add through every attempt, metrics, and messages on
 * diagnostics channels.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded and nothing is kept. Ids of tasks and errors
 * are in spans and messages, never in the attributes of a metric. Names follow the semantic conventions for messaging
 * where they have one.
 */
import { counter, duration, endSpan, Scope } from '@holdfast/telemetry';
import {
  type Attributes,
  type Context,
  context as contexts,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from '@opentelemetry/api';

/** A message on one of the channels. Its fields depend on the channel. */
export interface QueueMessage {
  readonly queue: string;
  readonly id?: string;
  readonly attempt?: number;
  readonly token?: number;
  /** How long the attempt took, in ms. */
  readonly duration?: number;
  readonly outcome?: 'done' | 'deferred' | 'retry' | 'dead';
  readonly error?: unknown;
  /** How many deliveries were lost at once. */
  readonly count?: number;
}

const EVENTS = {
  begun: 'debug',
  ended: 'debug',
  failed: 'warn',
  lost: 'warn',
  refused: 'warn',
  full: 'warn',
} as const;
const scope = new Scope<keyof typeof EVENTS, QueueMessage>({ name: '@holdfast/queue', events: EVENTS });

const instruments = {
  added: scope.instrument(counter('holdfast.queue.added', '{task}', 'Tasks that were added.')),
  processing: scope.instrument(
    duration('holdfast.queue.process.duration', 'Duration of an attempt, by its outcome.'),
  ),
  refused: scope.instrument(
    counter(
      'holdfast.queue.refused',
      '{task}',
      'Deliveries whose lease was lost, so that what came of them was refused.',
    ),
  ),
};

const attributesOf = (queue: string): Attributes => ({
  'messaging.system': 'holdfast',
  'messaging.destination.name': queue,
});

/** The current trace, as it is kept with a task that is added; undefined if there is none. */
export function traceOfAdd(): string | undefined {
  if (trace.getActiveSpan() === undefined) return undefined;
  const carrier: Record<string, string> = {};
  propagation.inject(contexts.active(), carrier);
  return carrier['traceparent'];
}

export function added(queue: string): void {
  if (scope.isHeard()) instruments.added.record(1, attributesOf(queue));
}

export function refused(queue: string, count: number): void {
  if (count === 0 || !scope.isHeard()) return;
  instruments.refused.record(count, attributesOf(queue));
  scope.publish('refused', { queue, count });
}

/** An attempt has lost its lease while its handler ran: `error` says why. */
export function lost(queue: string, { id, attempt, token }: AttemptedTask, error: unknown): void {
  scope.publish('lost', { queue, id, attempt, token, error });
}

/** An add was refused, because the queue is full. */
export function full(queue: string, error: unknown): void {
  scope.publish('full', { queue, error });
}

/** A task became a dead letter without another attempt. */
export function gaveUp(queue: string, { id, attempt, token }: AttemptedTask, error: unknown): void {
  scope.publish('failed', { queue, id, attempt, token, duration: 0, outcome: 'dead', error });
}

/** Undefined if nobody listens. */
export function attemptOf(queue: string, task: AttemptedTask, traceparent?: string): Attempt | undefined {
  return scope.isHeard() ? new Attempt(queue, task, traceparent) : undefined;
}

interface AttemptedTask {
  readonly id: string;
  readonly attempt: number;
  readonly token: number;
}

/** One attempt. */
class Attempt {
  /** The context in which the handler runs. */
  readonly context: Context;
  readonly #queue: string;
  readonly #task: AttemptedTask;
  readonly #span: Span;

  constructor(queue: string, task: AttemptedTask, traceparent?: string) {
    this.#queue = queue;
    this.#task = task;
    const parent =
      traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
    const attributes = {
      ...attributesOf(queue),
      'messaging.operation.type': 'process',
      'messaging.message.id': task.id,
      'holdfast.queue.attempt': task.attempt,
      'holdfast.queue.token': task.token,
    };
    this.#span = scope.startSpan(`process ${queue}`, { attributes, parent, kind: SpanKind.CONSUMER });
    this.context = trace.setSpan(parent, this.#span);
    const { id, attempt, token } = task;
    scope.publish('begun', { queue, id, attempt, token });
  }

  run<T>(handler: () => T): T {
    return contexts.with(this.context, handler);
  }

  /** `duration` in ms; `outcome` is a word of lua/settle.lua. */
  ended(duration: number, outcome: 'done' | 'deferred' | 'retry' | 'dead', error?: unknown): void {
    this.#span.setAttribute('holdfast.queue.outcome', outcome);
    endSpan(this.#span, error);
    const attributes = { ...attributesOf(this.#queue), 'holdfast.queue.outcome': outcome };
    instruments.processing.record(duration, attributes);
    const { id, attempt, token } = this.#task;
    scope.publish(outcome === 'done' || outcome === 'deferred' ? 'ended' : 'failed', {
      ...{ queue: this.#queue, id, attempt, token, duration, outcome },
      ...(error !== undefined && { error }),
    });
  }
}
