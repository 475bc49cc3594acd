/**
 * A worker's session: the lease of everything that was delivered to it, renewed as one. lua/sessions.lua describes what
 * Redis keeps of it.
 *
 * Guarantees: `validUntil` is never later than the end that Redis knows. Once Redis says that the session is over, its
 * deliveries are lost. A session that ran out goes on if nobody has taken its deliveries. After `close`, no session is
 * left behind, not even one whose beginning was not answered, unless Redis is away or no call can be made any more:
 * then it runs out.
 */
import {
  type Allowance,
  backoff,
  type Clock,
  type Random,
  renewalDue,
  type Timer,
  validUntil,
} from '@holdfast/kernel';

/** The calls by which a session is kept. */
export interface LeaseCalls<Renewal> {
  readonly open: (session: string) => Promise<unknown>;
  /** Resolves to undefined when Redis says that the session is over. */
  readonly renew: (session: string) => Promise<Renewal | undefined>;
  readonly close: (session: string) => Promise<unknown>;
}

/**
 * The reason why a session is over: it was not renewed in time ("late"); Redis does not know it, though its time is not
 * over ("forgotten"); or no call can be made any more ("unreachable").
 */
export type SessionEnd = 'late' | 'forgotten' | 'unreachable';

export interface SessionOptions<Renewal> {
  readonly clock: Clock;
  readonly random: Random;
  /** The worker that has the session, whose name begins with this. */
  readonly worker: string;
  /** In ms. */
  readonly lease: number;
  readonly calls: LeaseCalls<Renewal>;
  /** Aborts when no call can be made any more. */
  readonly unreachable: AbortSignal;
  /** Called with the outcomes of renewals. */
  readonly health: { readonly succeeded: () => void; readonly failed: (error: unknown) => void };
  /** Called when the session is over: the deliveries under it are lost. */
  readonly onLost: (why: SessionEnd) => void;
  /** Called with the answer of each renewal. */
  readonly onRenewed: (renewal: Renewal) => void;
}

/** Redis ends a session by its own clock, in a script: nothing is rounded. */
const ALLOWANCE: Allowance = { drift: 0.01, resolution: 0 };

const NEVER = Number.NEGATIVE_INFINITY;

export class Session<Renewal> {
  readonly lease: number;
  /** Monotonic time until which the deliveries are certainly ours. */
  validUntil = 0;
  /** The consumer's name in Redis; undefined while there is no session. */
  id: string | undefined;
  readonly #options: SessionOptions<Renewal>;
  readonly #clock: Clock;
  /** When the call was sent from which the lease counts, in monotonic time. */
  #since = NEVER;
  #timer: Timer | undefined;
  /** The name of a session that may have begun: it is asked for again under the same one. */
  #asked: string | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** A session that can no longer be renewed is lost. */
  readonly #onUnreachable = (): void => {
    if (this.id !== undefined) this.lost('unreachable');
  };

  constructor(options: SessionOptions<Renewal>) {
    this.#options = options;
    this.#clock = options.clock;
    this.lease = options.lease;
    options.unreachable.addEventListener('abort', this.#onUnreachable);
  }

  /** Whether its deliveries are certainly ours now. */
  get isValid(): boolean {
    return this.#clock.now() < this.validUntil;
  }

  /** Begins a session. Rejects with the error of the call. */
  async open(): Promise<void> {
    const { calls, random, worker } = this.#options;
    const id = this.#asked ?? `${worker}.${random.id()}`;
    this.#asked = id;
    const since = this.#clock.now();
    const opening = calls.open(id);
    this.#opening = opening.catch(() => {});
    await opening;
    if (this.#closed) return;
    this.#asked = undefined;
    this.id = id;
    this.renewed(since);
    this.#renewLater();
  }

  /** Notes that a call that renews the session, sent at `since`, was answered. */
  renewed(since: number): void {
    if (since <= this.#since) return;
    this.#since = since;
    this.validUntil = validUntil(since, this.lease, ALLOWANCE);
  }

  /** Called when Redis says that the session is over. */
  lost(why: SessionEnd = this.isValid ? 'forgotten' : 'late'): void {
    this.#timer?.cancel();
    this.id = undefined;
    this.#since = NEVER;
    this.validUntil = 0;
    this.#options.onLost(why);
  }

  /** Ends the session; deliveries that were not handed back are claimed by others. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.unreachable.removeEventListener('abort', this.#onUnreachable);
    this.#timer?.cancel();
    const id = this.id ?? this.#asked;
    this.id = undefined;
    if (id === undefined) return;
    await this.#opening;
    await this.#options.calls.close(id).catch(() => {});
  }

  get #renewalDue(): number {
    return renewalDue(this.#since, this.lease, ALLOWANCE);
  }

  /** Calls that claim or end deliveries renew the session too; this is for times without such calls. */
  #renewLater(failures = 0): void {
    const due = this.#renewalDue - this.#clock.now();
    const pause =
      failures > 0 ? backoff(this.#options.random, failures, { base: 20, limit: this.lease / 10 }) : due;
    this.#timer = this.#clock.after(Math.max(1, pause), () => void this.#renew(failures), {
      keepAlive: false,
    });
  }

  async #renew(failures: number): Promise<void> {
    const { id } = this;
    if (id === undefined || this.#closed) return;
    const since = this.#clock.now();
    if (since < this.#renewalDue) return this.#renewLater();
    try {
      const renewal = await this.#options.calls.renew(id);
      if (this.id !== id) return;
      this.#options.health.succeeded();
      if (renewal === undefined) return this.lost();
      this.renewed(since);
      this.#options.onRenewed(renewal);
      this.#renewLater();
    } catch (error) {
      if (this.id !== id) return;
      this.#options.health.failed(error);
      this.#renewLater(failures + 1);
    }
  }
}
