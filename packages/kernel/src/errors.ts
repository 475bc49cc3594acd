/**
 * The errors that packages share, named by what the caller does next: wait (busy), retry later (unavailable), stop
 * (lost), fix the call (misuse), or nothing, because the caller asked for it (aborted).
 *
 * Guarantees: every error has a stable `code`, a message that names the offending value and the next step, and
 * keeps its `cause`. No message carries a password: addresses are printed without credentials.
 */

/**
 * The stable codes, each with its class: here those that packages share. A package adds its own beside its classes, by
 * `declare module '@holdfast/kernel'`. A test checks that no two classes have the same code, and that `docs/ERRORS.md`
 * has them all.
 */
export interface ErrorCodes {
  HOLDFAST_BUSY: BusyError;
  HOLDFAST_UNAVAILABLE: UnavailableError;
  HOLDFAST_LEASE_LOST: LeaseLostError;
  HOLDFAST_MISUSE: MisuseError;
  HOLDFAST_ABORTED: AbortedError;
  HOLDFAST_NON_RETRYABLE: NonRetryableError;
  HOLDFAST_CODEC: CodecError;
}

/** A code of any of the packages that the program imports. */
export type ErrorCode = keyof ErrorCodes;

/** The base of every error that Holdfast throws on purpose. */
export abstract class HoldfastError extends Error {
  abstract readonly code: ErrorCode;
}

/** Somebody else holds the resource. Wait and ask again. */
export class BusyError extends HoldfastError {
  override readonly name = 'BusyError';
  readonly code = 'HOLDFAST_BUSY';
  readonly resource: string;
  /** The token of the present holder, if a node has told it. */
  readonly token: number | undefined;
  /** Milliseconds until the holder's lease runs out if it is not renewed, if a node has told it. */
  readonly remaining: number | undefined;

  constructor(message: string, details: { resource: string; token?: number; remaining?: number }) {
    super(message);
    this.resource = details.resource;
    this.token = details.token;
    this.remaining = details.remaining;
  }
}

/** The answer of one node, or the reason why there was none. */
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

/** What is kept was encoded in a way, or with a key, that this program does not know; or its codec has failed. */
export class CodecError extends HoldfastError {
  override readonly name = 'CodecError';
  readonly code = 'HOLDFAST_CODEC';
  /** Where the data are kept, such as "workflow:shop.0" or "queue:images"; undefined in a program that has no codec. */
  readonly owner: string | undefined;

  constructor(message: string, { owner, cause }: { readonly owner?: string; readonly cause?: unknown } = {}) {
    super(message, { cause });
    this.owner = owner;
  }
}

/** For handlers to throw: trying again cannot help, so the work is given up at once. */
export class NonRetryableError extends HoldfastError {
  override readonly name = 'NonRetryableError';
  readonly code = 'HOLDFAST_NON_RETRYABLE';
}
