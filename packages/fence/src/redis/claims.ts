/**
 * @holdfast/fence/claims: claims in scripts that check them in one step with what they do, for other packages of Holdfast:
 * the Redis keys and the arguments of marks.lua in @holdfast/redis, and the errors for its refusals.
 *
 * Guarantees: whoever names the same keys shares the marks, and a refusal is the same error everywhere.
 */
import type { HoldfastError, TokenClaim } from '@holdfast/kernel';
import type { Reply } from '@holdfast/redis';
import type { StaleReason } from '../errors.js';
import { type GuardKind, otherIssuer, staleToken } from '../refused.js';

/** How a guard judges tokens. */
export interface Judgement {
  /** In ms. */
  readonly window: number;
  readonly persistence: 'none' | 'synchronous';
}

/** The Redis key of a guard's record; `root` begins its keys, such as "{holdfast}:". */
export const recordKey = (root: string): string => `${root}guard`;

/** The Redis key of the mark of a resource. */
export const markKey = (root: string, resource: string): string => `${root}mark:${resource}`;

/** A claim as marks.lua takes it. */
export const claimArguments = (
  { token, issuer }: TokenClaim,
  { window, persistence }: Judgement,
): readonly [string, string, string, string] => [
  String(window * 1000),
  persistence === 'synchronous' ? '1' : '0',
  String(token),
  issuer,
];

/** Records that a claim was refused, and creates the error. `refusal` is what marks.lua has answered. */
export function refusedClaim(guard: GuardKind, claim: TokenClaim, refusal: readonly Reply[]): HoldfastError {
  const [word, detail, issuer] = refusal;
  const seen = Number(detail);
  if (word === 'issuer') return otherIssuer(guard, claim, { token: seen, issuer: String(issuer) });
  return staleToken(guard, claim, { reason: word as StaleReason, seen, store: 'Redis' });
}
