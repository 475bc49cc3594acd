/**
 * The errors of the guards alone; the others are shared by all of Holdfast (docs/ERRORS.md).
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
 * The reason why a guard refuses a token. "lower": it has accepted a higher one. "forgotten": its store may have
 * accepted a higher one and forgotten it. "ahead": nobody can have issued the token yet.
 */
export type StaleReason = 'lower' | 'forgotten' | 'ahead';

/**
 * A guard refused a token. Stop the work. If the reason is "forgotten" and you can get a new token, ask for one above
 * `seen`; waiting with this one does not help.
 */
export class StaleTokenError extends HoldfastError {
  override readonly name = 'StaleTokenError';
  readonly code = 'HOLDFAST_STALE_TOKEN';
  readonly resource: string;
  /** The token that was refused. */
  readonly offered: number;
  /**
   * By the reason: "lower": the token that the guard has accepted; "forgotten": the guard accepts only tokens above
   * this; "ahead": it accepts only tokens up to this.
   */
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
 * holders of the other issuer stop, then hand the resource over with `guard.transfer(resource, holder)`.
 */
export class IssuerMismatchError extends MisuseError {
  readonly resource: string;
  /** The issuer of the token that was refused. */
  readonly issuer: string;
  /** The issuer of the mark. */
  readonly expected: string;

  constructor(message: string, details: { resource: string; issuer: string; expected: string }) {
    super(message);
    this.resource = details.resource;
    this.issuer = details.issuer;
    this.expected = details.expected;
  }
}
