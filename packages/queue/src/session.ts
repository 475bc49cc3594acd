/**
 * A worker's session with one queue: the lease of all its deliveries, renewed as one.
 *
 * Guarantees: `validUntil` is never later than the end that Redis knows. Once Redis says that the session is over, its
 * deliveries are lost. A session that ran out without anybody having taken its tasks goes on. After `close`, no session
 * is left behind, also none whose beginning was not answered, unless Redis is away: then it runs out.
 */
import { backoff, type Clock, type Timer } from '@holdfast/kernel';
import type { DueTicks } from './claimed.js';
import type { Health } from './health.js';
import type { QueuePort } from './port.js';
import { close, open, renew } from './verbs.js';

export interface SessionOptions {
  readonly port: QueuePort;
  readonly worker: string;
  /** In ms. */
  readonly lease: number;
  /** Told whether renewals succeed. */
  readonly health: Health;
  /** The session is over: what was delivered under it is lost. */
  readonly onLost: () => void;
  /** Told of the queue's epoch with each renewal. */
  readonly onEpoch: (epoch: string) => void;
  /** Told of the ticks that are due with each renewal: calls that claim look for them, too. */
  readonly onTicks: (ticks: DueTicks) => void;
}

/** What two clocks may drift apart, as a part of the time. */
const DRIFT = 0.01;

export class Session {
  readonly lease: number;
  /** Monotonic time until which the deliveries are certainly ours. */
  validUntil = 0;
  /** The consumer's name in Redis; undefined while there is no session. */
  id: string | undefined;
  readonly #options: SessionOptions;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  /** The name of a session that may have begun: it is asked for again under the same one. */
  #asked: string | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#clock = options.port.clock;
    this.lease = options.lease;
  }

  /** Whether its deliveries are certainly ours now. */
  get isValid(): boolean {
    return this.#clock.now() < this.validUntil;
  }

  /** Begins a session. Throws UnavailableError. */
  async open(): Promise<void> {
    const { port, worker } = this.#options;
    const id = this.#asked ?? `${worker}.${port.random.id()}`;
    this.#asked = id;
    const since = this.#clock.now();
    const opening = port.call(open, { session: id, lease: this.lease });
    this.#opening = opening.catch(() => {});
    await opening;
    if (this.#closed) return;
    this.#asked = undefined;
    this.id = id;
    this.renewed(since);
    this.#renewLater();
  }

  /** A call that renews the session, sent at `since`, was answered. */
  renewed(since: number): void {
    this.validUntil = Math.max(this.validUntil, since + this.lease * (1 - DRIFT));
  }

  /** Redis says that it is over. */
  lost(): void {
    this.#timer?.cancel();
    this.id = undefined;
    this.validUntil = 0;
    this.#options.onLost();
  }

  /** Ends it; what was not handed back is claimed by others. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    const id = this.id ?? this.#asked;
    this.id = undefined;
    if (id === undefined) return;
    await this.#opening;
    await this.#options.port.call(close, id).catch(() => {});
  }

  /** Calls that claim or end deliveries renew it too; this is for when there are none. */
  #renewLater(failures = 0): void {
    const due = this.validUntil - this.lease * (2 / 3) - this.#clock.now();
    const pause =
      failures > 0 ? backoff(this.#options.port.random, failures, { base: 20, limit: this.lease / 10 }) : due;
    this.#timer = this.#clock.after(Math.max(1, pause), () => void this.#renew(failures), {
      keepAlive: false,
    });
  }

  async #renew(failures: number): Promise<void> {
    const { id } = this;
    if (id === undefined || this.#closed) return;
    const since = this.#clock.now();
    if (this.validUntil - since > this.lease * (2 / 3)) return this.#renewLater();
    try {
      const renewal = await this.#options.port.call(renew, { session: id, lease: this.lease });
      if (this.id !== id) return;
      this.#options.health.succeeded();
      if (renewal === undefined) return this.lost();
      this.renewed(since);
      this.#options.onEpoch(renewal.epoch);
      this.#options.onTicks(renewal.ticks);
      this.#renewLater();
    } catch (error) {
      if (this.id !== id) return;
      this.#options.health.failed(error);
      this.#renewLater(failures + 1);
    }
  }
}
