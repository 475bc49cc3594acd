/**
 * A lease that this process holds over HTTP, and keeps until it gives it back.
 *
 * Guarantees: while `signal` has not aborted, nobody else holds the resource, by the clock of this process: the validity counts
 * from when a request was sent, so a slow answer only shortens it. When the server does not answer, renewals are repeated until the
 * validity ends; then `signal` aborts, and whoever checks tokens refuses what is still written under this one.
 */
import type { Leases } from './operations/leases.js';
import type { Holder, Lease } from './operations/schemas.js';
import { pause } from './pause.js';
import { ProblemError, UnreachableError } from './problem.js';
import { Valid } from './validity.js';
import { within } from './within.js';

export interface LeaseOptions {
  /** How long the lease outlives this process, in ms; the server says what it takes. Default 10000. */
  readonly ttl?: number;
  /** How long to wait for it, in ms; Infinity for a candidate of an election. Default 0. */
  readonly wait?: number;
  /** The token must be above this. */
  readonly above?: number;
  /** More resources, all or none. */
  readonly others?: readonly string[];
  /** Whether others may hold it shared at the same time. Default false. */
  readonly shared?: boolean;
  /** Takes one of so many permits of the semaphore of this name; all callers give the same number. */
  readonly permits?: number;
  /** Gives up waiting. A lease that is held is given back by `release`. */
  readonly signal?: AbortSignal;
}

export interface HeldLease extends AsyncDisposable {
  readonly resource: string;
  /** The fencing token: show it to what you write to. */
  readonly token: number;
  readonly issuer: string;
  /** Of several: the others, with tokens of their own, in their order. */
  readonly others: readonly { readonly resource: string; readonly token: number }[];
  /**
   * What `client.queues.add` and `addMany` take as `holder`: nothing is added once a higher token was used. Of several resources
   * it names the first; `{ ...lease.holder, resource }` names another. It is a secret, as a key is.
   */
  readonly holder: Holder;
  /** Aborts with a LeaseLostError when the lease is over. Stop the work then. */
  readonly signal: AbortSignal;
  /** For how long it is certainly valid, in ms; 0 when it is over. */
  readonly left: number;
  /** Gives it back. Resolves also where that cannot be told to the server: the lease then ends with its TTL. */
  release(): Promise<void>;
}

/** The longest that one request waits, in ms: below the 60 s of common proxies. */
const LONGEST_WAIT = 25_000;
/** Before a call is repeated, in ms, unless the server says when. */
const AGAIN = 500;

/** Throws a ProblemError, of 409 where somebody else holds it; UnreachableError; the reason of `signal`. */
export async function acquire(leases: Leases, name: string, options: LeaseOptions): Promise<HeldLease> {
  const { ttl = 10_000, wait = 0, signal, ...more } = options;
  const deadline = performance.now() + wait;
  const idempotencyKey = crypto.randomUUID();
  let ticket: unknown;
  for (;;) {
    const sent = performance.now();
    const left = Math.max(0, Math.round(deadline - sent));
    const body = {
      ...{ ...more, ttl, wait: Math.min(left, LONGEST_WAIT) },
      ...(typeof ticket === 'string' && { ticket }),
    };
    try {
      const lease = await leases.acquire(name, body, { idempotencyKey, ...(signal && { signal }) });
      return new Held(leases, lease, { ttl, sent });
    } catch (error) {
      if (signal?.aborted === true || performance.now() >= deadline || !mayPass(error)) throw error;
      ticket = error instanceof ProblemError ? error.problem['ticket'] : undefined;
      const isBusy = error instanceof ProblemError && error.status === 409;
      await pause(isBusy ? 0 : AGAIN, signal);
    }
  }
}

class Held implements HeldLease {
  readonly resource: string;
  readonly token: number;
  readonly issuer: string;
  readonly others: HeldLease['others'];
  readonly #leases: Leases;
  readonly #handle: string;
  readonly #ttl: number;
  readonly #valid: Valid;
  readonly #renewing: Promise<void>;

  constructor(leases: Leases, lease: Lease, { ttl, sent }: { readonly ttl: number; readonly sent: number }) {
    this.resource = lease.resource;
    this.token = lease.token;
    this.issuer = lease.issuer;
    this.others = lease.others ?? [];
    this.#leases = leases;
    this.#handle = lease.lease;
    this.#ttl = ttl;
    this.#valid = new Valid(`The lease on "${lease.resource}"`, sent, lease);
    this.#renewing = this.#renew();
  }

  get holder(): Holder {
    return { lease: this.#handle };
  }

  get signal(): AbortSignal {
    return this.#valid.signal;
  }

  get left(): number {
    return this.#valid.left;
  }

  async release(): Promise<void> {
    const isOver = this.signal.aborted;
    this.#valid.end('was given back');
    await this.#renewing;
    if (!isOver)
      await this.#leases.release(this.#handle, { signal: AbortSignal.timeout(this.#ttl) }).catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #renew(): Promise<void> {
    const { signal } = this;
    while (!signal.aborted) {
      try {
        await pause(Math.min(this.#ttl, this.left) / 3, signal);
        const sent = performance.now();
        // A connection that hangs is given up while there is time to ask again, perhaps another replica.
        const answer = await within(this.left / 2, signal, (until) =>
          this.#leases.extend(this.#handle, {}, { signal: until }),
        );
        this.#valid.renew(sent, answer);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ProblemError && error.status === 410) this.#valid.end('is over', error);
        // Else the server may be back before the validity ends.
      }
    }
  }
}

/** Whether asking again may help: somebody else holds it, the server is busy or away, or a key is being exchanged. */
const mayPass = (error: unknown): boolean =>
  error instanceof ProblemError
    ? [409, 429].includes(error.status) || error.status >= 500
    : error instanceof UnreachableError;
