/**
 * The telemetry of leases: OpenTelemetry spans and metrics, and messages on diagnostics channels.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded and nothing is kept. Names of resources and
 * owners are in spans and messages, never in the attributes of a metric, whose number would grow with them. What a
 * subscriber throws does not reach the caller.
 */
import type { Clock } from '@holdfast/kernel';
import { counter, duration, endSpan, errorType, Scope, upDownCounter } from '@holdfast/telemetry';
import { type Attributes, type Context, context as contexts, type Span, trace } from '@opentelemetry/api';

/** The kinds of lease. */
export type LeaseKind = 'exclusive' | 'shared' | 'permit';

/** A message on one of the channels. Its fields depend on the channel. */
export interface LockMessage {
  readonly deployment: string;
  readonly kind: LeaseKind;
  /** As the caller named it. */
  readonly resource: string;
  readonly token?: number;
  readonly owner?: string;
  /** How long the acquiring, the waiting, the holding or the extension took, in ms. */
  readonly duration?: number;
  /** The outcome of a renewal. */
  readonly outcome?: 'kept' | 'resumed' | 'failed';
  readonly error?: unknown;
}

const EVENTS = {
  acquired: 'debug',
  refused: 'info',
  waited: 'debug',
  renewed: 'debug',
  lost: 'warn',
  released: 'debug',
} as const;

const scope = new Scope<keyof typeof EVENTS, LockMessage>({ name: '@holdfast/lock', events: EVENTS });

const instruments = {
  acquiring: scope.instrument(
    duration(
      'holdfast.lock.acquire.duration',
      'Duration of acquiring a lease, with the waiting, whatever its outcome.',
    ),
  ),
  waiting: scope.instrument(
    duration('holdfast.lock.wait.duration', 'Time in line for a lease that somebody else held.'),
  ),
  holding: scope.instrument(
    duration('holdfast.lock.hold.duration', 'Time from the grant of a lease to its release or loss.'),
  ),
  renewals: scope.instrument(counter('holdfast.lock.renewals', '{renewal}', 'Extensions of leases.')),
  lost: scope.instrument(
    counter('holdfast.lock.lost', '{lease}', 'Leases that were lost while they were held.'),
  ),
  held: scope.instrument(
    upDownCounter(
      'holdfast.lock.held',
      '{lease}',
      'Leases that are held: neither released nor known to be lost.',
    ),
  ),
  waiters: scope.instrument(upDownCounter('holdfast.lock.waiters', '{waiter}', 'Calls that stand in line.')),
};

/** The telemetry of the locks of one deployment. */
export class Telemetry {
  readonly clock: Clock;
  readonly #deployment: string;

  constructor(deployment: string, clock: Clock) {
    this.#deployment = deployment;
    this.clock = clock;
  }

  /** Undefined if nobody listens. */
  acquiring(kind: LeaseKind, resource: string): Acquiring | undefined {
    if (!scope.isHeard()) return undefined;
    return new Acquiring(this, { deployment: this.#deployment, kind, resource });
  }

  /** Undefined if nobody listens. */
  holding(
    kind: LeaseKind,
    holder: Pick<Required<LockMessage>, 'resource' | 'token' | 'owner'>,
  ): Holding | undefined {
    if (!scope.isHeard()) return undefined;
    const { resource, token, owner } = holder;
    return new Holding(this, { deployment: this.#deployment, kind, resource, token, owner });
  }
}

function spanOf(name: string, facts: LockMessage, parent: Context): Span {
  const attributes: Attributes = {
    'holdfast.deployment': facts.deployment,
    'holdfast.lock.kind': facts.kind,
    'holdfast.lock.resource': facts.resource,
    ...(facts.token !== undefined && { 'holdfast.lock.token': facts.token }),
    ...(facts.owner !== undefined && { 'holdfast.lock.owner': facts.owner }),
  };
  return scope.startSpan(name, { attributes, parent });
}

/** The attributes of a metric, each with few values. */
function attributesOf({ deployment, kind }: LockMessage, error?: unknown): Attributes {
  return {
    'holdfast.deployment': deployment,
    'holdfast.lock.kind': kind,
    ...(error !== undefined && { 'error.type': errorType(error) }),
  };
}

/** One call of acquire. */
export class Acquiring {
  readonly #telemetry: Telemetry;
  readonly #facts: LockMessage;
  readonly #began: number;
  readonly #span: Span;
  readonly #context: Context;
  #wait: { readonly began: number; readonly span: Span } | undefined;

  constructor(telemetry: Telemetry, facts: LockMessage) {
    this.#telemetry = telemetry;
    this.#facts = facts;
    this.#began = telemetry.clock.now();
    this.#span = spanOf('holdfast.lock.acquire', facts, contexts.active());
    this.#context = trace.setSpan(contexts.active(), this.#span);
  }

  /** The call stands in line from now on. */
  waits(): void {
    instruments.waiters.record(1, attributesOf(this.#facts));
    this.#wait = {
      began: this.#telemetry.clock.now(),
      span: spanOf('holdfast.lock.wait', this.#facts, this.#context),
    };
  }

  granted({ token, owner }: { readonly token: number; readonly owner: string }): void {
    const duration = this.#end();
    this.#span.setAttributes({ 'holdfast.lock.token': token, 'holdfast.lock.owner': owner });
    endSpan(this.#span);
    instruments.acquiring.record(duration, attributesOf(this.#facts));
    scope.publish('acquired', { ...this.#facts, token, owner, duration });
  }

  refused(error: unknown): void {
    const duration = this.#end();
    endSpan(this.#span, error);
    instruments.acquiring.record(duration, attributesOf(this.#facts, error));
    scope.publish('refused', { ...this.#facts, duration, error });
  }

  #end(): number {
    const now = this.#telemetry.clock.now();
    if (this.#wait) {
      const duration = now - this.#wait.began;
      this.#wait.span.end();
      instruments.waiters.record(-1, attributesOf(this.#facts));
      instruments.waiting.record(duration, attributesOf(this.#facts));
      scope.publish('waited', { ...this.#facts, duration });
    }
    return now - this.#began;
  }
}

/** One lease, from its grant to its end. */
export class Holding {
  /** The context that connects the work under the lease with its span. */
  readonly context: Context;
  readonly #telemetry: Telemetry;
  readonly #facts: LockMessage;
  readonly #began: number;
  readonly #span: Span;
  #ended = false;

  constructor(telemetry: Telemetry, facts: LockMessage) {
    this.#telemetry = telemetry;
    this.#facts = facts;
    this.#began = telemetry.clock.now();
    this.#span = spanOf('holdfast.lock.hold', facts, contexts.active());
    this.context = trace.setSpan(contexts.active(), this.#span);
    instruments.held.record(1, attributesOf(this.#facts));
  }

  /** Runs one extension. */
  async renewing(extend: () => Promise<'kept' | 'resumed'>): Promise<'kept' | 'resumed'> {
    const began = this.#telemetry.clock.now();
    const span = spanOf('holdfast.lock.renew', this.#facts, this.context);
    let failure: unknown;
    let outcome: 'kept' | 'resumed' | 'failed' = 'failed';
    try {
      outcome = await extend();
      return outcome;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      span.setAttribute('holdfast.lock.outcome', outcome);
      endSpan(span, failure);
      instruments.renewals.record(1, {
        ...attributesOf(this.#facts, failure),
        'holdfast.lock.outcome': outcome,
      });
      const duration = this.#telemetry.clock.now() - began;
      scope.publish('renewed', {
        ...this.#facts,
        duration,
        outcome,
        ...(failure !== undefined && { error: failure }),
      });
    }
  }

  released(): void {
    this.#end('released');
  }

  lost(error: unknown): void {
    if (!this.#ended) instruments.lost.record(1, attributesOf(this.#facts));
    this.#end('lost', error);
  }

  #end(how: 'released' | 'lost', error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const duration = this.#telemetry.clock.now() - this.#began;
    endSpan(this.#span, error);
    instruments.held.record(-1, attributesOf(this.#facts));
    instruments.holding.record(duration, attributesOf(this.#facts, error));
    scope.publish(how, { ...this.#facts, duration, ...(error !== undefined && { error }) });
  }
}
