/**
 * The errors that are the guards' own; the others are those of all of Holdfast (docs/ERRORS.md).
 *
 * Guarantees: each names the resource, and both tokens or both issuers.
 */
import { HoldfastError, MisuseError } from '@holdfast/kernel';

declare module '@holdfast/kernel' {
  interface ErrorCodes {
    HOLDFAST_STALE_TOKEN: StaleTokenError;
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

/**
 * The resource is guarded under the tokens of another issuer, which cannot be compared with the holder's. Let the
 * holders of the other one stop, then hand the resource over with `guard.transfer(resource, holder)`.
 */
export class IssuerMismatchError extends MisuseError {
  readonly resource: string;
  /** Of the token that was refused. */
  readonly issuer: string;
  /** Of the mark. */
  readonly expected: string;

  constructor(message: string, details: { resource: string; issuer: string; expected: string }) {
    super(message);
    this.resource = details.resource;
    this.issuer = details.issuer;
    this.expected = details.expected;
  }
}
