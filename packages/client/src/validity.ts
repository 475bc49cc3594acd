/**
 * For how long something is certainly ours, by our own clock, and what happens when that is over.
 *
 * Guarantees: `signal` aborts when the validity that was told last is over, at the latest, however slowly answers come: they
 * count from the moment at which the request was sent.
 */

/** What an answer says of a lease. */
export interface Validity {
  /** In ms, from the moment at which the request was sent, plus `waited`. */
  readonly validFor: number;
  /** How long the request had waited at the server when the lease began, in ms. */
  readonly waited: number;
}

/** Ours lag and run ahead of the server's by less. */
const DRIFT = 0.99;

/** What was ours is no longer, or may not be. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

export class Valid {
  readonly #controller = new AbortController();
  readonly #what: string;
  #until = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `what` it is, as a message begins. */
  constructor(what: string, sent: number, answer: Validity) {
    this.#what = what;
    this.renew(sent, answer);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** In ms; 0 when it is over. */
  get left(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.#until - performance.now());
  }

  /** `sent`: when the request was sent, as performance.now() had it. What has ended stays so. */
  renew(sent: number, { validFor, waited }: Validity): void {
    this.#until = Math.max(this.#until, sent + waited * DRIFT + validFor);
    clearTimeout(this.#timer);
    if (this.signal.aborted) return;
    this.#timer = setTimeout(() => this.end('was not renewed in time'), this.left);
  }

  /** `why`, as a message goes on. */
  end(why: string, cause?: unknown): void {
    clearTimeout(this.#timer);
    if (!this.signal.aborted) this.#controller.abort(new LeaseLostError(`${this.#what} ${why}.`, { cause }));
  }
}
