/**
 * Owners, as guards know them: a fencing token, what it is for, and who issued it.
 *
 * Tokens rise within one issuer: a lock deployment, or a queue. Two issuers read different clocks, so which of their
 * tokens is higher says nothing about which was issued later.
 */
import { MisuseError } from './errors.js';
import { passedOn, type Readers, readOptions } from './option-readers.js';
import { display, requireName } from './options.js';
import { requireToken } from './token.js';

/** What a guard compares. Plain data, so it can be sent to another process. */
export interface TokenClaim {
  /** The fencing token: a safe integer, higher than that of every earlier owner from the same issuer. */
  readonly token: number;
  /** What the token is for, by name. */
  readonly resource: string;
  /** Who issued the token, such as "locks:holdfast" or "queue:images". */
  readonly issuer: string;
}

/** An owner in this process: a lease is one, a task is one. */
export interface TokenHolder extends TokenClaim {
  /** Aborts when the ownership can no longer be proved valid. */
  readonly signal: AbortSignal;
}

export interface ClaimOptions {
  /** What is guarded, where it has another name than the holder's resource. */
  readonly resource?: string | undefined;
}

const CLAIM = { resource: passedOn<string | undefined>() } satisfies Readers<ClaimOptions>;

/** Copies the claim of a holder, on another resource if `options` name one. Throws MisuseError for anything else. */
export function requireClaim(holder: unknown, options: ClaimOptions = {}): TokenClaim {
  if (typeof holder !== 'object' || holder === null) {
    throw new MisuseError(
      `A holder is a lease, a task, or anything else with a token, a resource and an issuer; got ${display(holder)}.`,
    );
  }
  const { token, resource, issuer } = holder as Partial<TokenClaim>;
  const { resource: named = resource } = readOptions('A guard', options, CLAIM);
  return {
    token: requireToken(token),
    resource: requireName('resource', named),
    issuer: requireName('issuer', issuer),
  };
}
