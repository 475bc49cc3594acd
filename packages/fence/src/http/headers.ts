/**
 * The two headers that carry a fencing token over HTTP: `Fencing-Token`, a decimal number, and `Fencing-Resource`, the
 * name, percent-encoded where it is not plain ASCII.
 *
 * Guarantees: what `fencingHeaders` writes is read back as it was. Reading accepts one spelling of a token and one
 * value a header: a comma, which joins several values, is always encoded. What is not of this form reads as undefined.
 */
import { display, MisuseError, requireName, requireToken, type TokenClaim } from '@holdfast/kernel';

export const TOKEN_HEADER = 'Fencing-Token';
export const RESOURCE_HEADER = 'Fencing-Resource';

/** All that stands for itself is visible ASCII without "%" and ",". */
const ENCODED = /^(?:[!-$&-+\--~]|%[0-9A-Fa-f]{2})+$/;
const TO_ENCODE = /[^!-$&-+\--~]+/gu;

/** The headers by which a request names its lease; for any HTTP client. */
export interface FencingHeaders extends Record<string, string> {
  readonly 'Fencing-Token': string;
  readonly 'Fencing-Resource': string;
}

/**
 * The headers for a request under `lease`, about `resource` (default: the lease's). The server compares the name with
 * the one that it protects. Throws MisuseError if one of them cannot be.
 */
export function fencingHeaders(
  lease: Pick<TokenClaim, 'resource' | 'token'>,
  resource: string = lease.resource,
): FencingHeaders {
  return { [TOKEN_HEADER]: String(requireToken(lease.token)), [RESOURCE_HEADER]: encodeResource(resource) };
}

function encodeResource(resource: unknown): string {
  const name = requireName('resource', resource);
  try {
    return name.replace(TO_ENCODE, encodeURIComponent);
  } catch (cause) {
    throw new MisuseError(`resource is well-formed Unicode; got ${display(name)}, which is not.`, { cause });
  }
}

/** The token, or undefined if the header is not one. */
export function readToken(header: string): number | undefined {
  const token = Number(header);
  return /^[1-9]\d*$/.test(header) && Number.isSafeInteger(token) ? token : undefined;
}

/** The resource, or undefined if the header does not name one. */
export function readResource(header: string): string | undefined {
  if (!ENCODED.test(header)) return undefined;
  try {
    return requireName(RESOURCE_HEADER, decodeURIComponent(header));
  } catch {
    return undefined;
  }
}
