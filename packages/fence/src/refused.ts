/**
 * The report of every guard that refuses a token: the error, a count in OpenTelemetry, a message on a diagnostics
 * channel.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded.
 */
import { BusyError, type TokenClaim } from '@holdfast/kernel';
import { counter, Scope } from '@holdfast/telemetry';
import { IssuerMismatchError, type StaleReason, StaleTokenError } from './errors.js';

export type GuardKind = 'redis' | 'postgres' | 'object-store' | 'queue';

/** The message on the channel "holdfast:fence:refused". */
export interface RefusedMessage {
  readonly guard: GuardKind;
  readonly resource: string;
  readonly issuer: string;
  readonly offered: number;
  /** As in the StaleTokenError; with another issuer's mark, the token of that mark. */
  readonly seen: number;
  readonly reason: StaleReason | 'issuer';
}

/** The highest accepted token, and its issuer, which is undefined in a mark that was made before issuers were kept. */
export interface GuardMark {
  readonly token: number;
  readonly issuer: string | undefined;
}

const scope = new Scope<'refused', RefusedMessage>({ name: '@holdfast/fence', events: { refused: 'warn' } });
const refusals = scope.instrument(
  counter('holdfast.fence.refused', '{token}', 'Tokens that a guard refused.'),
);

function record(guard: GuardKind, claim: TokenClaim, reason: RefusedMessage['reason'], seen: number): void {
  refusals.record(1, { 'holdfast.fence.guard': guard, 'holdfast.fence.reason': reason });
  const { resource, issuer, token: offered } = claim;
  scope.publish('refused', { guard, resource, issuer, offered, seen, reason });
}

/** Further details of a refusal, from the guards' stores. */
interface Refusal {
  readonly reason: StaleReason;
  readonly seen: number;
  /** The store that has forgotten, such as "Redis"; for the reason "forgotten". */
  readonly store?: string;
  /** Another sentence for the message. */
  readonly more?: string;
}

/** Records that a token was refused, and creates the error. */
export function staleToken(guard: GuardKind, claim: TokenClaim, refusal: Refusal): StaleTokenError {
  const { resource, token: offered } = claim;
  const { reason, seen, more = '' } = refusal;
  record(guard, claim, reason, seen);
  return new StaleTokenError(explain(claim, refusal) + more, { resource, offered, seen, reason });
}

function explain({ resource, token }: TokenClaim, { reason, seen, store = 'store' }: Refusal): string {
  switch (reason) {
    case 'lower':
      return `Token ${token} for "${resource}" is stale: the guard has already accepted ${seen}.`;
    case 'forgotten':
      return `The guard of "${resource}" may have forgotten tokens, because its ${store} is new or restarted. It refuses ${token} and accepts tokens above ${seen}: take a new lease (locks.acquire has the option above); waiting with this one does not help. If the ${store} is new, call initialize() once.`;
    case 'ahead':
      return `Token ${token} for "${resource}" is more than two windows ahead of the guard's clock, which accepts tokens up to ${seen}: it is forged, or a clock is wrong.`;
  }
}

/** Records that a token of another issuer was refused, and creates the error. */
export function otherIssuer(guard: GuardKind, claim: TokenClaim, mark: GuardMark): IssuerMismatchError {
  const { resource, issuer } = claim;
  const expected = mark.issuer ?? '';
  record(guard, claim, 'issuer', mark.token);
  return new IssuerMismatchError(
    `"${resource}" is guarded under tokens of "${expected}", and this token is of "${issuer}"; the two cannot be compared. Let holders of the former stop, then hand it over: guard.transfer("${resource}", holder).`,
    { resource, issuer, expected },
  );
}

/**
 * Runs the last step of a transfer, which seals: if it finds the mark of another issuer, the mark has changed since the
 * transfer looked at it.
 */
export async function handedOver<T>(claim: TokenClaim, sealing: Promise<T>): Promise<T> {
  try {
    return await sealing;
  } catch (error) {
    if (!(error instanceof IssuerMismatchError)) throw error;
    throw changedMark(claim, undefined);
  }
}

/** The error for a mark that changed between the look at it and the transfer. */
export function changedMark({ resource }: TokenClaim, mark: GuardMark | undefined): BusyError {
  return new BusyError(
    `The mark of "${resource}" changed while it was handed over: somebody else writes to it. Let them stop, and call transfer again.`,
    { resource, ...(mark && { token: mark.token }) },
  );
}
