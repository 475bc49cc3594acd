/**
 * The contract of every guard: what a protected resource does with a fencing token.
 *
 * Guarantees, whatever the store: the guard keeps the highest token it has accepted for a resource, and who issued it:
 * its mark. A lower token of that issuer is refused with a StaleTokenError that carries both; an equal one is the same
 * holder and is accepted. Tokens of two issuers cannot be compared, so another issuer's are refused with an
 * IssuerMismatchError until the resource is handed over. The check is atomic with the write it protects. A write is
 * only reached through `seal`, which raises the mark *before* the holder reads, so that nothing of an earlier holder
 * can land between that read and the write. A store that may have forgotten marks refuses what it cannot judge; it
 * never silently starts again from zero where it can tell. A token further ahead of the store's clock than any that was
 * issued is refused, so that one forged token does not shut the right holders out.
 */
import { type ClaimOptions, duration, type TokenClaim, withDefault } from '@holdfast/kernel';

/** How far a token may be from a clock, in ms. */
export const tokenWindow = withDefault(duration({ min: 1, max: 3_600_000 }), 5_000);

/** `Write` is a write that the store can carry out under a token, `Result` its answer. */
export interface Guard<Write, Result> {
  /**
   * Raises the mark to the holder's token. Call it before you read.
   * Throws StaleTokenError, IssuerMismatchError, UnavailableError, MisuseError.
   */
  seal(holder: TokenClaim, options?: ClaimOptions): Promise<Sealed<Write, Result>>;

  /**
   * Hands `resource` over from another issuer to the holder's, whatever the numbers: the mark is replaced if it is
   * still the one that this call saw. Call it when the holders of the other issuer have stopped; those that have not
   * are refused from then on. A resource without a mark, or under the same issuer, is sealed. May be repeated. Throws
   * BusyError if the mark changed meanwhile, otherwise as `seal` does.
   */
  transfer(resource: string, holder: TokenClaim): Promise<Sealed<Write, Result>>;
}

/** A resource that was sealed under a token: the way to write to it. */
export interface Sealed<Write, Result> extends TokenClaim {
  /**
   * Carries out `write` if the token is still the highest, in one step with that check. Throws StaleTokenError or
   * IssuerMismatchError if it is not, UnavailableError if the store does not answer or refuses, MisuseError.
   */
  write(write: Write): Promise<Result>;
}
