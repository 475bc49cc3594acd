/**
 * The three headers that carry a fencing token over HTTP: `Fencing-Token`, a decimal number, and `Fencing-Resource` and
 * `Fencing-Issuer`, two names, percent-encoded where they are not plain ASCII.
 *
 * Guarantees: headers that `fencingHeaders` writes are read back unchanged. Reading accepts one spelling of a token and
 * one value per header: a comma, which joins several values, is always encoded. Anything not of this form reads as
 * undefined.
 */
import {
  type ClaimOptions,
  display,
  MisuseError,
  requireClaim,
  requireName,
  type TokenClaim,
} from '@holdfast/kernel';

export const TOKEN_HEADER = 'Fencing-Token';
export const RESOURCE_HEADER = 'Fencing-Resource';
export const ISSUER_HEADER = 'Fencing-Issuer';

/** The characters that are not encoded are visible ASCII without "%" and ",". */
const ENCODED = /^(?:[!-$&-+\--~]|%[0-9A-Fa-f]{2})+$/;
const TO_ENCODE = /[^!-$&-+\--~]+/gu;

/** The headers by which a request names its holder; for any HTTP client. */
export interface FencingHeaders extends Record<string, string> {
  readonly 'Fencing-Token': string;
  readonly 'Fencing-Resource': string;
  readonly 'Fencing-Issuer': string;
}

/**
 * The headers for a request under `holder`, about its resource or the one that `options` name. The server compares the
 * name with that of the resource that it protects. Throws MisuseError for an invalid holder or name.
 */
export function fencingHeaders(holder: TokenClaim, options?: ClaimOptions): FencingHeaders {
  const { token, resource, issuer } = requireClaim(holder, options);
  return {
    [TOKEN_HEADER]: String(token),
    [RESOURCE_HEADER]: encodeName('resource', resource),
    [ISSUER_HEADER]: encodeName('issuer', issuer),
  };
}

function encodeName(what: string, name: string): string {
  try {
    return name.replace(TO_ENCODE, encodeURIComponent);
  } catch (cause) {
    throw new MisuseError(`${what} is well-formed Unicode; got ${display(name)}, which is not.`, { cause });
  }
}

/** The token, or undefined if the header is not one. */
export function readToken(header: string): number | undefined {
  const token = Number(header);
  return /^[1-9]\d*$/.test(header) && Number.isSafeInteger(token) ? token : undefined;
}

/** The resource or the issuer, or undefined if the header does not name one. */
export function readName(header: string): string | undefined {
  if (!ENCODED.test(header)) return undefined;
  try {
    return requireName('name', decodeURIComponent(header));
  } catch {
    return undefined;
  }
}
