/**
 * Owners, as guards know them: a fencing token, its resource, and its issuer.
 *
 * Tokens rise within one issuer: a lock deployment, or a queue. Two issuers read different clocks, so which of their
 * tokens is higher says nothing about which was issued later.
 */
import { MisuseError } from './errors.js';
import { passedOn, type Readers, readOptions } from './option-readers.js';
import { display, requireName } from './options.js';
import { requireToken } from './token.js';

/** The data that a guard compares. They are plain, so they can be sent to another process. */
export interface TokenClaim {
  /** The fencing token: a safe integer, higher than that of every earlier owner from the same issuer. */
  readonly token: number;
  /** The name of the resource that the token is for. */
  readonly resource: string;
  /** The issuer of the token, such as "locks:holdfast" or "queue:images". */
  readonly issuer: string;
}

/** An owner in this process: a lease is one, a task is one. */
export interface TokenHolder extends TokenClaim {
  /** Aborts when the ownership can no longer be proved valid. */
  readonly signal: AbortSignal;
}

export interface ClaimOptions {
  /** The name of the guarded resource, if it differs from the holder's. */
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
