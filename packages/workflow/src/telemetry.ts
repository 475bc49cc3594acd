/**
 * What workers tell of themselves: one trace from the start of a run through every attempt of its steps, whichever workers
 * they are on; metrics; and messages on diagnostics channels.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded and nothing is kept. Ids of runs and errors are in
 * spans and messages, never in the attributes of a metric.
 */
import { StaleTokenError } from '@holdfast/fence';
import { counter, duration, endSpan, longDuration, Scope } from '@holdfast/telemetry';
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
import { parseRunName } from './run-name.js';

/** What a message on one of the channels says. Which fields there are depends on the channel. */
export interface WorkflowMessage {
  readonly workflow: string;
  readonly run: string;
  readonly step?: string;
  readonly attempt?: number;
  readonly token?: number;
  /** Of an attempt, or of a run from its start to its end, in ms. */
  readonly duration?: number;
  /** Of a run that has ended. */
  readonly status?: string;
  /** Why a run is stuck, or what it has tried was refused. */
  readonly reason?: string;
  readonly error?: unknown;
}

const CHANNELS = {
  ended: 'debug',
  attempt: 'debug',
  failed: 'warn',
  refused: 'warn',
  stuck: 'error',
} as const;
const scope = new Scope<keyof typeof CHANNELS, WorkflowMessage>({
  name: '@holdfast/workflow',
  events: CHANNELS,
});

const instruments = {
  started: scope.instrument(counter('holdfast.workflow.started', '{run}', 'Runs that this process started.')),
  ended: scope.instrument(
    counter('holdfast.workflow.ended', '{run}', 'Runs that ended here, by how they did.'),
  ),
  runs: scope.instrument(
    longDuration('holdfast.workflow.duration', 'Time from the start of a run to its end, by how it ended.'),
  ),
  stuck: scope.instrument(counter('holdfast.workflow.stuck', '{run}', 'Runs that got stuck here.')),
  attempts: scope.instrument(
    duration('holdfast.workflow.step.duration', 'Duration of an attempt of a step, by its outcome.'),
  ),
  refused: scope.instrument(
    counter(
      'holdfast.workflow.refused',
      '{write}',
      'Writes that were refused because another owns the run: by the journal, or by a guard.',
    ),
  ),
};

const ATTRIBUTE = 'holdfast.workflow';

/** What is kept with a run that is started: its trace, or nothing where nobody would hear of it. */
export function tracedStart(run: string): { readonly trace?: string } {
  if (!scope.isHeard()) return {};
  const { workflow, id } = parseRunName(run);
  instruments.started.record(1, { [ATTRIBUTE]: workflow });
  const attributes = { [ATTRIBUTE]: workflow, [`${ATTRIBUTE}.run`]: id };
  const span = scope.startSpan(`start ${workflow}`, {
    attributes,
    parent: contexts.active(),
    kind: SpanKind.PRODUCER,
  });
  const carrier: Record<string, string> = {};
  propagation.inject(trace.setSpan(contexts.active(), span), carrier);
  span.end();
  const { traceparent } = carrier;
  return traceparent === undefined ? {} : { trace: traceparent };
}

/** `duration`: from its start, in ms. */
export function ended(run: string, status: string, duration: number): void {
  if (!scope.isHeard()) return;
  const { workflow, id } = parseRunName(run);
  const about = { [ATTRIBUTE]: workflow, [`${ATTRIBUTE}.status`]: status };
  instruments.ended.record(1, about);
  instruments.runs.record(Math.max(0, duration), about);
  scope.publish('ended', { workflow, run: id, status, duration });
}

export function stuck(run: string, reason: string): void {
  if (!scope.isHeard()) return;
  const { workflow, id } = parseRunName(run);
  instruments.stuck.record(1, { [ATTRIBUTE]: workflow });
  scope.publish('stuck', { workflow, run: id, reason });
}

/** A write of a run that is owned by another was refused. */
export function refused(run: string, by: 'journal' | 'guard', reason: string): void {
  if (!scope.isHeard()) return;
  const { workflow, id } = parseRunName(run);
  instruments.refused.record(1, { [ATTRIBUTE]: workflow, [`${ATTRIBUTE}.refused_by`]: by });
  scope.publish('refused', { workflow, run: id, reason });
}

export interface ObservedAttempt {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly token: number;
  /** As `tracedStart` gave it. */
  readonly trace: string | undefined;
}

/** Undefined where nobody would hear of it. */
export const attemptOf = (attempt: ObservedAttempt): AttemptSpan | undefined =>
  scope.isHeard() ? new AttemptSpan(attempt) : undefined;

/** One attempt of a step. */
export class AttemptSpan {
  readonly #attempt: ObservedAttempt;
  readonly #about: Attributes;
  readonly #context: Context;
  readonly #span: Span;
  #hasEnded = false;

  constructor(attempt: ObservedAttempt) {
    const { run, step, trace: traceparent } = attempt;
    const { workflow, id } = parseRunName(run);
    this.#attempt = attempt;
    this.#about = { [ATTRIBUTE]: workflow, [`${ATTRIBUTE}.step`]: step };
    const parent =
      traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });
    const attributes = {
      ...this.#about,
      [`${ATTRIBUTE}.run`]: id,
      [`${ATTRIBUTE}.attempt`]: attempt.attempt,
      [`${ATTRIBUTE}.token`]: attempt.token,
    };
    this.#span = scope.startSpan(`step ${step}`, { attributes, parent, kind: SpanKind.CONSUMER });
    this.#context = trace.setSpan(parent, this.#span);
  }

  run<T>(body: () => T): T {
    return contexts.with(this.#context, body);
  }

  /** `duration` in ms; `error` where it has failed, or was stopped. */
  ended(duration: number, outcome: 'done' | 'failed' | 'stopped', error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#span.setAttribute(`${ATTRIBUTE}.outcome`, outcome);
    endSpan(this.#span, error);
    instruments.attempts.record(duration, { ...this.#about, [`${ATTRIBUTE}.outcome`]: outcome });
    const { run, step, attempt, token } = this.#attempt;
    const { workflow, id } = parseRunName(run);
    const message = { workflow, run: id, step, attempt, token, duration };
    scope.publish(
      outcome === 'failed' ? 'failed' : 'attempt',
      error === undefined ? message : { ...message, error },
    );
    if (error instanceof StaleTokenError) refused(run, 'guard', error.message);
  }

  /** Its body has thrown `error`. Of one that was stopped before, nobody else hears. */
  settled(error: unknown): void {
    if (this.#hasEnded && error instanceof StaleTokenError) {
      refused(this.#attempt.run, 'guard', error.message);
    }
  }
}
