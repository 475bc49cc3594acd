/**
 * The errors of Holdfast, named by what the caller does next: wait (busy), retry later (unavailable), stop
 * (lost, stale), fix the call (misuse), or nothing, because the caller asked for it (aborted).
 *
 * Guarantees: every error has a stable `code`, a message that names the offending value and the next step, and
 * keeps its `cause`. No message carries a password: addresses are printed without credentials.
 */

/** Every stable code. `docs/ERRORS.md` lists the same set; a test keeps the two equal. */
export const ERROR_CODES = [
  'HOLDFAST_BUSY',
  'HOLDFAST_UNAVAILABLE',
  'HOLDFAST_LEASE_LOST',
  'HOLDFAST_STALE_TOKEN',
  'HOLDFAST_MISUSE',
  'HOLDFAST_ABORTED',
  'HOLDFAST_QUEUE_FULL',
  'HOLDFAST_TASK_FAILED',
  'HOLDFAST_RESULT_NOT_KEPT',
  'HOLDFAST_TASK_GONE',
  'HOLDFAST_NON_RETRYABLE',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** The base of every error that Holdfast throws on purpose. */
export abstract class HoldfastError extends Error {
  abstract readonly code: ErrorCode;
}

/** Somebody else holds the resource. Wait and ask again. */
export class BusyError extends HoldfastError {
  override readonly name = 'BusyError';
  readonly code = 'HOLDFAST_BUSY';
  readonly resource: string;
  /** The token of the present holder, where a node told it. */
  readonly token: number | undefined;
  /** Milliseconds until the holder's lease runs out if it is not renewed, where a node told it. */
  readonly remaining: number | undefined;

  constructor(message: string, details: { resource: string; token?: number; remaining?: number }) {
    super(message);
    this.resource = details.resource;
    this.token = details.token;
    this.remaining = details.remaining;
  }
}

/** What one node answered, or why it did not. */
export interface NodeReason {
  /** `host:port` or a socket path, never with credentials. */
  readonly node: string;
  readonly reason: string;
}

/** Not enough nodes could vote. Retry later; `nodes` says what each of them answered. */
export class UnavailableError extends HoldfastError {
  override readonly name = 'UnavailableError';
  readonly code = 'HOLDFAST_UNAVAILABLE';
  readonly nodes: readonly NodeReason[];

  constructor(message: string, nodes: readonly NodeReason[], options?: ErrorOptions) {
    const reasons = nodes.map(({ node, reason }) => `\n  ${node}: ${reason}`).join('');
    super(`${message}${reasons}`, options);
    this.nodes = nodes;
  }
}

/** The lease can no longer be proved valid. Stop the work that it protected. */
export class LeaseLostError extends HoldfastError {
  override readonly name = 'LeaseLostError';
  readonly code = 'HOLDFAST_LEASE_LOST';
  readonly resource: string;
  readonly token: number;

  constructor(message: string, details: { resource: string; token: number }, options?: ErrorOptions) {
    super(message, options);
    this.resource = details.resource;
    this.token = details.token;
  }
}

/**
 * Why a guard refuses a token. "lower": it has accepted a higher one. "forgotten": its store may have accepted a higher
 * one and forgotten it. "ahead": nobody can have issued it yet.
 */
export type StaleReason = 'lower' | 'forgotten' | 'ahead';

/**
 * A guard refused a token. Stop the work. Where the reason is "forgotten" and you can be given a new token, ask for one
 * above `seen`; waiting with this one does not help.
 */
export class StaleTokenError extends HoldfastError {
  override readonly name = 'StaleTokenError';
  readonly code = 'HOLDFAST_STALE_TOKEN';
  readonly resource: string;
  /** The token that was refused. */
  readonly offered: number;
  /** The token that the guard has accepted; if it has forgotten, accepts tokens above; if ahead, accepts tokens up to. */
  readonly seen: number;
  readonly reason: StaleReason;

  constructor(
    message: string,
    details: { resource: string; offered: number; seen: number; reason: StaleReason },
  ) {
    super(message);
    this.resource = details.resource;
    this.offered = details.offered;
    this.seen = details.seen;
    this.reason = details.reason;
  }
}

/** The call or the configuration is wrong. Fix it; retrying cannot help. */
export class MisuseError extends HoldfastError {
  override readonly name = 'MisuseError';
  readonly code = 'HOLDFAST_MISUSE';
}

/** The caller's own signal ended the call; `cause` is the signal's reason. */
export class AbortedError extends HoldfastError {
  /** The ecosystem's name for it, so that `error.name === 'AbortError'` works here too. */
  override readonly name = 'AbortError';
  readonly code = 'HOLDFAST_ABORTED';

  constructor(message: string, reason: unknown) {
    super(message, { cause: reason });
  }
}
