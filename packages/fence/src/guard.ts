/**
 * The contract of every guard: what a protected resource does with a fencing token.
 *
 * Guarantees, whatever the store: the guard keeps the highest token it has accepted for a resource, its mark. A lower
 * token is refused with a StaleTokenError that carries both; an equal one is the same holder and is accepted. The
 * check is atomic with the write it protects. A write is only reached through `seal`, which raises the mark *before*
 * the holder reads, so that nothing of an earlier holder can land between that read and the write. A store that may
 * have forgotten marks refuses what it cannot judge; it never silently starts again from zero where it can tell.
 */
import type { TokenClaim } from '@holdfast/kernel';

/** `Write` is what the store can do under a token, `Result` what it answers. */
export interface Guard<Write, Result> {
  /**
   * Raises the mark of `resource` (default: the holder's) to the holder's token. Call it before you read.
   * Throws StaleTokenError, UnavailableError, MisuseError.
   */
  seal(holder: Pick<TokenClaim, 'resource' | 'token'>, resource?: string): Promise<Sealed<Write, Result>>;
}

/** A resource that was sealed under a token: the way to write to it. */
export interface Sealed<Write, Result> extends Pick<TokenClaim, 'resource' | 'token'> {
  /**
   * Carries out `write` if the token is still the highest, in one step with that check.
   * Throws StaleTokenError if it is not, UnavailableError if the store does not answer, MisuseError.
   */
  write(write: Write): Promise<Result>;
}
