/**
 * What leases tell of themselves: OpenTelemetry spans and metrics, and messages on diagnostics channels.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded and nothing is kept. Names of resources and
 * owners are in spans and messages, never in the attributes of a metric, whose number would grow with them. What a
 * subscriber throws does not reach the caller.
 */
import { channel } from 'node:diagnostics_channel';
import { type Clock, HoldfastError } from '@holdfast/kernel';
import {
  type Attributes,
  type Context,
  type Counter,
  context as contexts,
  createNoopMeter,
  type Histogram,
  metrics,
  ProxyTracerProvider,
  type Span,
  SpanStatusCode,
  trace,
  type UpDownCounter,
} from '@opentelemetry/api';

/** What a lease is taken for. */
export type LeaseKind = 'exclusive' | 'shared' | 'permit';

/** What a message on one of the channels says. Which fields there are depends on the channel. */
export interface LockMessage {
  readonly deployment: string;
  readonly kind: LeaseKind;
  /** As the caller named it. */
  readonly resource: string;
  readonly token?: number;
  readonly owner?: string;
  /** In ms: of the acquiring, the waiting, the holding, the extension. */
  readonly duration?: number;
  /** Of a renewal. */
  readonly outcome?: 'kept' | 'resumed' | 'failed';
  readonly error?: unknown;
}

const NAME = '@holdfast/lock';

const CHANNELS = {
  acquired: channel('holdfast:lock:acquired'),
  refused: channel('holdfast:lock:refused'),
  waited: channel('holdfast:lock:waited'),
  renewed: channel('holdfast:lock:renewed'),
  lost: channel('holdfast:lock:lost'),
  released: channel('holdfast:lock:released'),
} as const;

interface Instruments {
  readonly acquiring: Histogram;
  readonly waiting: Histogram;
  readonly holding: Histogram;
  readonly renewals: Counter;
  readonly lost: Counter;
  readonly held: UpDownCounter;
  readonly waiters: UpDownCounter;
}

let made: Instruments | undefined;

/** On first use, when the program has set up its SDK. */
function instruments(): Instruments {
  if (made) return made;
  const meter = metrics.getMeter(NAME);
  const seconds = { unit: 's' };
  made = {
    acquiring: meter.createHistogram('holdfast.lock.acquire.duration', {
      ...seconds,
      description: 'Duration of acquiring a lease, with the waiting, whatever its outcome.',
    }),
    waiting: meter.createHistogram('holdfast.lock.wait.duration', {
      ...seconds,
      description: 'Time in line for a lease that somebody else held.',
    }),
    holding: meter.createHistogram('holdfast.lock.hold.duration', {
      ...seconds,
      description: 'Time from the grant of a lease to its release or loss.',
    }),
    renewals: meter.createCounter('holdfast.lock.renewals', {
      unit: '{renewal}',
      description: 'Extensions of leases.',
    }),
    lost: meter.createCounter('holdfast.lock.lost', {
      unit: '{lease}',
      description: 'Leases that were lost while they were held.',
    }),
    held: meter.createUpDownCounter('holdfast.lock.held', {
      unit: '{lease}',
      description: 'Leases that are held: neither released nor known to be lost.',
    }),
    waiters: meter.createUpDownCounter('holdfast.lock.waiters', {
      unit: '{waiter}',
      description: 'Calls that stand in line.',
    }),
  };
  return made;
}

/** Whether anybody would hear: asked once a lease, so that a lease that nobody hears of costs nothing else. */
function isHeard(): boolean {
  const tracing = trace.getTracerProvider();
  if (!(tracing instanceof ProxyTracerProvider) || tracing.getDelegateTracer(NAME)) return true;
  if (metrics.getMeter(NAME) !== createNoopMeter()) return true;
  return Object.values(CHANNELS).some(({ hasSubscribers }) => hasSubscribers);
}

/** The code of one of our errors, as metrics and spans name it. */
const typeOf = (error: unknown): string =>
  error instanceof HoldfastError ? error.code : error instanceof Error ? error.name : 'unknown';

/** Of the locks of one deployment. */
export class Telemetry {
  readonly clock: Clock;
  readonly #deployment: string;

  constructor(deployment: string, clock: Clock) {
    this.#deployment = deployment;
    this.clock = clock;
  }

  /** Undefined where nobody would hear of it. */
  acquiring(kind: LeaseKind, resource: string): Acquiring | undefined {
    if (!isHeard()) return undefined;
    return new Acquiring(this, { deployment: this.#deployment, kind, resource });
  }

  /** Undefined where nobody would hear of it. */
  holding(
    kind: LeaseKind,
    holder: Pick<Required<LockMessage>, 'resource' | 'token' | 'owner'>,
  ): Holding | undefined {
    if (!isHeard()) return undefined;
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
  return trace.getTracer(NAME).startSpan(name, { attributes }, parent);
}

/** Of a metric: few values each. */
function attributesOf({ deployment, kind }: LockMessage, error?: unknown): Attributes {
  return {
    'holdfast.deployment': deployment,
    'holdfast.lock.kind': kind,
    ...(error !== undefined && { 'error.type': typeOf(error) }),
  };
}

function end(span: Span, error?: unknown): void {
  if (error !== undefined) {
    const message = error instanceof Error ? error.message : String(error);
    span.setAttribute('error.type', typeOf(error)).setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end();
}

function tell(to: keyof typeof CHANNELS, message: LockMessage): void {
  if (CHANNELS[to].hasSubscribers) CHANNELS[to].publish(message);
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

  /** It stands in line from now on. */
  waits(): void {
    instruments().waiters.add(1, attributesOf(this.#facts));
    this.#wait = {
      began: this.#telemetry.clock.now(),
      span: spanOf('holdfast.lock.wait', this.#facts, this.#context),
    };
  }

  granted({ token, owner }: { readonly token: number; readonly owner: string }): void {
    const duration = this.#end();
    this.#span.setAttributes({ 'holdfast.lock.token': token, 'holdfast.lock.owner': owner });
    end(this.#span);
    instruments().acquiring.record(duration / 1_000, attributesOf(this.#facts));
    tell('acquired', { ...this.#facts, token, owner, duration });
  }

  refused(error: unknown): void {
    const duration = this.#end();
    end(this.#span, error);
    instruments().acquiring.record(duration / 1_000, attributesOf(this.#facts, error));
    tell('refused', { ...this.#facts, duration, error });
  }

  #end(): number {
    const now = this.#telemetry.clock.now();
    if (this.#wait) {
      const duration = now - this.#wait.began;
      this.#wait.span.end();
      instruments().waiters.add(-1, attributesOf(this.#facts));
      instruments().waiting.record(duration / 1_000, attributesOf(this.#facts));
      tell('waited', { ...this.#facts, duration });
    }
    return now - this.#began;
  }
}

/** One lease, from its grant to its end. */
export class Holding {
  /** In which what is done under the lease belongs to it. */
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
    instruments().held.add(1, attributesOf(this.#facts));
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
      end(span, failure);
      instruments().renewals.add(1, {
        ...attributesOf(this.#facts, failure),
        'holdfast.lock.outcome': outcome,
      });
      const duration = this.#telemetry.clock.now() - began;
      tell('renewed', {
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
    if (!this.#ended) instruments().lost.add(1, attributesOf(this.#facts));
    this.#end('lost', error);
  }

  #end(how: 'released' | 'lost', error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const duration = this.#telemetry.clock.now() - this.#began;
    end(this.#span, error);
    instruments().held.add(-1, attributesOf(this.#facts));
    instruments().holding.record(duration / 1_000, attributesOf(this.#facts, error));
    tell(how, { ...this.#facts, duration, ...(error !== undefined && { error }) });
  }
}
