/**
 * The answers that the server gives instead of the route's, as application/problem+json (RFC 9457), and the errors that
 * the client reads from them.
 *
 * Guarantees: `errorOf` of a problem is the error that a guard throws in the client's own process: a StaleTokenError
 * with the same numbers, an IssuerMismatchError, a MisuseError, an UnavailableError. A problem has nothing of the store
 * but its mark: no address and no reason of a failure. A body that is not ours is not touched.
 */
import { MisuseError, UnavailableError } from '@holdfast/kernel';
import { IssuerMismatchError, type StaleReason, StaleTokenError } from '../errors.js';

/** An answer, ready to be sent. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

const MEDIA_TYPE = 'application/problem+json';
/** In seconds: not a guess at when the store will be back, but a sign that it is not worth asking at once. */
const RETRY_AFTER = '1';

const STALE = { type: 'urn:holdfast:stale-token', title: 'The fencing token is stale', status: 412 };
const OTHER_ISSUER = {
  type: 'urn:holdfast:other-issuer',
  title: 'The resource is guarded under tokens of another issuer',
  status: 409,
};
const REQUIRED = {
  type: 'urn:holdfast:fencing-required',
  title: 'Fencing headers are required',
  status: 428,
};
const MALFORMED = {
  type: 'urn:holdfast:fencing-malformed',
  title: 'The fencing headers are wrong',
  status: 400,
};
const UNAVAILABLE = { type: 'urn:holdfast:unavailable', title: 'A store did not answer', status: 503 };

function problem(kind: typeof STALE, detail: string, members: object = {}): Problem {
  const headers: Record<string, string> = { 'Content-Type': MEDIA_TYPE };
  if (kind === UNAVAILABLE) headers['Retry-After'] = RETRY_AFTER;
  return { status: kind.status, headers, body: JSON.stringify({ ...kind, detail, ...members }) };
}

export const required = (detail: string): Problem => problem(REQUIRED, detail);
export const malformed = (detail: string): Problem => problem(MALFORMED, detail);
export const unavailable = (detail: string): Problem => problem(UNAVAILABLE, detail);

/**
 * The answer for an error that a handler threw: 412 for a StaleTokenError, 409 for an IssuerMismatchError, 503 for an
 * UnavailableError; undefined for any other error, which is not about tokens.
 */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof StaleTokenError) {
    const { resource, offered, seen, reason } = error;
    return problem(STALE, error.message, { resource, offered, seen, reason });
  }
  if (error instanceof IssuerMismatchError) {
    const { resource, issuer, expected } = error;
    return problem(OTHER_ISSUER, error.message, { resource, issuer, expected });
  }
  if (!(error instanceof UnavailableError)) return undefined;
  return unavailable(
    'A store did not answer while the request was carried out; whether it took effect is not known. It may be repeated under the same token, if that does no harm.',
  );
}

/** The error that `response` stands for, or undefined if it is not a problem of ours; its body is then unread. */
export async function errorOf(response: Response): Promise<Error | undefined> {
  const [mediaType] = (response.headers.get('Content-Type') ?? '').split(';');
  if (mediaType?.trim().toLowerCase() !== MEDIA_TYPE) return undefined;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined); // the reader of the response will then find the same
  const error = errorIn(response, Object(body));
  if (error !== undefined) await response.body?.cancel();
  return error;
}

const REASONS: readonly unknown[] = ['lower', 'forgotten', 'ahead'] satisfies StaleReason[];

function errorIn({ status, url }: Response, body: Readonly<Record<string, unknown>>): Error | undefined {
  const is = (kind: typeof STALE): boolean => status === kind.status && body['type'] === kind.type;
  const detail = String(body['detail']);
  if (is(STALE)) return staleIn(body, detail);
  if (is(OTHER_ISSUER)) return issuerIn(body, detail);
  if (is(REQUIRED) || is(MALFORMED)) return new MisuseError(detail);
  if (!is(UNAVAILABLE)) return undefined;
  const reasons = [{ node: new URL(url).host, reason: detail }];
  return new UnavailableError('The server could not reach a store', reasons);
}

function staleIn(body: Readonly<Record<string, unknown>>, detail: string): Error | undefined {
  const { resource, offered, seen, reason } = body;
  if (typeof resource !== 'string' || typeof offered !== 'number' || typeof seen !== 'number')
    return undefined;
  if (!REASONS.includes(reason)) return undefined;
  return new StaleTokenError(detail, { resource, offered, seen, reason: reason as StaleReason });
}

function issuerIn(body: Readonly<Record<string, unknown>>, detail: string): Error | undefined {
  const { resource, issuer, expected } = body;
  if (typeof resource !== 'string' || typeof issuer !== 'string' || typeof expected !== 'string')
    return undefined;
  return new IssuerMismatchError(detail, { resource, issuer, expected });
}
