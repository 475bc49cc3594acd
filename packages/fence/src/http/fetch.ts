/**
 * The client: a fetch that names its lease, and throws the errors of the server's guard.
 *
 * Guarantees: a StaleTokenError, MisuseError or UnavailableError is one that the server sent as a problem of ours;
 * every other answer is the Response, with its body unread. When fetch itself rejects (no connection, an aborted
 * signal), its error is passed on as it is: it is then not known whether the request took effect.
 */
import type { ClaimOptions, TokenClaim } from '@holdfast/kernel';
import { fencingHeaders } from './headers.js';
import { errorOf } from './problem.js';

/**
 * `fetch(input, init)` with the fencing headers of `holder`, about its resource or the one that `options` name. Pass
 * `holder.signal` in `init` to end it with the lease. Throws StaleTokenError (412): stop. IssuerMismatchError (409):
 * the resource belongs to holders of another issuer. MisuseError (428, 400): the route wants another resource or
 * header. UnavailableError (503): it may be repeated under the same token; the message says whether it may have taken
 * effect.
 */
export async function fencedFetch(
  holder: TokenClaim,
  input: Parameters<typeof fetch>[0],
  init: RequestInit = {},
  options?: ClaimOptions,
): Promise<Response> {
  const fencing = fencingHeaders(holder, options);
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  for (const [name, value] of Object.entries(fencing)) headers.set(name, value);
  const response = await fetch(input, { ...init, headers });
  const error = await errorOf(response);
  if (error !== undefined) throw error;
  return response;
}
