/**
 * The server's check, for any framework: the token of a request against the mark of the resource that its route
 * protects.
 *
 * Guarantees: a request passes only if its token is not below the mark, which it has then raised; the route, not the
 * client, determines the mark. From then on no request with a lower token passes. If the mark store does not answer,
 * nothing passes. The body is not read. Not guaranteed: that a handler which passed earlier, with a lower token, is
 * over. So a handler writes under its token, by `fencing.write` or another guard, and that write is refused in the step
 * in which it would happen.
 */
import {
  callback,
  display,
  flag,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  requireName,
  type TokenClaim,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import { IssuerMismatchError, StaleTokenError } from '../errors.js';
import { ISSUER_HEADER, RESOURCE_HEADER, readName, readToken, TOKEN_HEADER } from './headers.js';
import { malformed, type Problem, problemOf, required, unavailable } from './problem.js';

/** Any guard; `S` is the result of its `seal`. */
export interface Sealer<S extends TokenClaim> {
  seal(holder: TokenClaim): Promise<S>;
}

/** The `fencing` that handlers behind `guard` get: the sealed holder, with `write`. */
export type Fencing<G extends Sealer<TokenClaim>> = Awaited<ReturnType<G['seal']>>;

/** `Request` is the framework's request, or Hono's context. */
export interface FencingOptions<Request, S extends TokenClaim> {
  /** Keeps the marks: the guard of the store that the handler writes to, or of another one. */
  readonly guard: Sealer<S>;
  /**
   * The resource that the route protects; the client must name the same one. A string, or a function of the request: of
   * its path, not of anything that a client can vary while it asks for the same thing. If the function throws, so does
   * the route.
   *
   * "header" takes the client's word: any client of the route can then raise the mark of any resource of the guard, so
   * admit only clients that may do so, and let the handler touch nothing but `fencing.resource`.
   */
  readonly resource: string | ((request: Request) => string | Promise<string>);
  /**
   * The issuers whose tokens the route accepts, such as ["locks:holdfast"]. Default: any. The first token for a
   * resource binds it to the token's issuer, so name the issuers if clients may be hostile.
   */
  readonly issuers?: readonly string[];
  /** Whether GET, HEAD and OPTIONS are checked too. Default false: they pass, and have no `fencing`. */
  readonly safeMethods?: boolean;
  /** Called with the reason why the mark store did not answer, which the client is not told. Default: none. */
  readonly onUnavailable?: (error: UnavailableError) => void;
}

/** The part of a request that the check looks at. */
export interface RequestHead {
  readonly method: string;
  /** The header of that name, whatever its case; undefined if there is none. Several values are joined by commas. */
  header(name: string): string | readonly string[] | undefined;
}

/** Either an answer for the client, or the way to the handler; `fencing` is undefined if nothing was checked. */
export type Verdict<S> =
  | { readonly problem: Problem; readonly fencing?: undefined }
  | { readonly problem?: undefined; readonly fencing: S | undefined };

const CHECK = {
  guard: sealer,
  resource: nameOrFunction,
  issuers: optional(listOfIssuers),
  safeMethods: withDefault(flag, false),
  onUnavailable: optional(callback<(error: UnavailableError) => void>()),
  // biome-ignore lint/suspicious/noExplicitAny: the request and what is sealed are the user's types, which no check sees.
} satisfies Readers<FencingOptions<any, any>>;

const SAFE = ['GET', 'HEAD', 'OPTIONS'];

/**
 * The check on its own, for a framework that has no adapter here. Throws MisuseError for options that cannot work. The
 * returned function rejects only for errors that do not concern the client: the guard's MisuseError, and whatever
 * `resource` throws.
 */
export function createFencingCheck<Request, S extends TokenClaim>(
  options: FencingOptions<Request, S>,
): (request: Request, head: RequestHead) => Promise<Verdict<S>> {
  const read = readOptions('The fencing check', options, CHECK);
  const guard: Sealer<S> = read.guard;
  const { resource, issuers, safeMethods, onUnavailable } = read;
  return async (request, head) => {
    if (!safeMethods && SAFE.includes(head.method)) return { fencing: undefined };
    const claim = readClaim(head);
    if ('status' in claim) return { problem: claim };
    const named = claim.resource;
    const expected = resource === 'header' ? named : await nameOf(resource, request);
    if (named !== expected) return { problem: mismatch(named, expected) };
    if (issuers && !issuers.includes(claim.issuer)) return { problem: notTaken(claim.issuer) };
    try {
      return { fencing: await guard.seal(claim) };
    } catch (error) {
      return { problem: refusal(error, onUnavailable) };
    }
  };
}

// biome-ignore lint/suspicious/noExplicitAny: what is sealed is the user's type, which no check sees.
function sealer(option: string, value: unknown): Sealer<any> {
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  const guard = value as Partial<Sealer<any>> | null | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  if (typeof guard?.seal === 'function') return guard as Sealer<any>;
  throw new MisuseError(`${option} is one of ours, such as createRedisGuard() makes; got ${display(value)}.`);
}

function nameOrFunction(
  option: string,
  value: unknown,
): string | ((request: unknown) => string | Promise<string>) {
  return typeof value === 'function'
    ? (value as (request: unknown) => string | Promise<string>)
    : requireName(option, value);
}

function listOfIssuers(option: string, value: unknown): readonly string[] {
  if (Array.isArray(value)) return value;
  throw new MisuseError(`${option} is an array, such as ["locks:holdfast"]; got ${display(value)}.`);
}

/** Reads the claim in the headers, or the problem with them. */
function readClaim(head: RequestHead): TokenClaim | Problem {
  const [tokenHeader, resourceHeader, issuerHeader] = [
    head.header(TOKEN_HEADER),
    head.header(RESOURCE_HEADER),
    head.header(ISSUER_HEADER),
  ];
  if (tokenHeader === undefined) return required(`Send ${TOKEN_HEADER}: the token of your lease.`);
  if (resourceHeader === undefined) return required(`Send ${RESOURCE_HEADER}: what your lease is on.`);
  if (issuerHeader === undefined) return required(`Send ${ISSUER_HEADER}, the issuer of the token.`);
  const token = readToken(String(tokenHeader));
  if (token === undefined) {
    const form = 'one positive integer below 2^53, in decimal digits';
    return malformed(`${TOKEN_HEADER} is ${form}; got ${display(String(tokenHeader))}.`);
  }
  const resource = readName(String(resourceHeader));
  if (resource === undefined) return notAName(RESOURCE_HEADER, resourceHeader);
  const issuer = readName(String(issuerHeader));
  if (issuer === undefined) return notAName(ISSUER_HEADER, issuerHeader);
  return { resource, token, issuer };
}

const notAName = (header: string, value: string | readonly string[]): Problem =>
  malformed(
    `${header} is one name of 1 to 512 characters without control characters, percent-encoded UTF-8; got ${display(String(value))}.`,
  );

async function nameOf<Request>(
  resource: string | ((request: Request) => string | Promise<string>),
  request: Request,
): Promise<string> {
  const name: unknown = typeof resource === 'function' ? await resource(request) : resource;
  if (typeof name === 'string' && name !== '') return name;
  throw new MisuseError(`The route's resource is a string that is not empty; got ${display(name)}.`);
}

const mismatch = (named: string, expected: string): Problem =>
  malformed(`${RESOURCE_HEADER} names ${display(named)}; this request is about ${display(expected)}.`);

const notTaken = (issuer: string): Problem =>
  malformed(`${ISSUER_HEADER} names ${display(issuer)}, whose tokens this route does not take.`);

function refusal(error: unknown, onUnavailable: ((error: UnavailableError) => void) | undefined): Problem {
  if (error instanceof UnavailableError) {
    onUnavailable?.(error);
    return unavailable(
      'The token could not be checked, so the request was not carried out. It may be repeated under the same token.',
    );
  }
  const isRefused = error instanceof StaleTokenError || error instanceof IssuerMismatchError;
  const problem = isRefused ? problemOf(error) : undefined;
  if (problem === undefined) throw error;
  return problem;
}
