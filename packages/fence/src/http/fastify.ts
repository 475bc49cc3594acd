/**
 * Fencing for Fastify 5: a hook for the routes, and an error handler.
 *
 * Guarantees: those of the check (check.ts). `request.fencing` is the sealed holder. As an `onRequest` hook the check
 * comes before the body is parsed. Fastify is described here by its shapes and not imported.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { TokenClaim } from '@holdfast/kernel';
import { createFencingCheck, type FencingOptions } from './check.js';
import { headOf } from './node.js';
import { type Problem, problemOf } from './problem.js';

export interface FastifyRequestLike {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FastifyReplyLike {
  code(status: number): FastifyReplyLike;
  headers(headers: Record<string, string>): FastifyReplyLike;
  send(body: string): unknown;
}

/**
 * A hook (`onRequest`, or a later one) that lets requests through when their token is not stale; sets
 * `request.fencing`.
 */
export function fastifyFencing<Request extends FastifyRequestLike, S extends TokenClaim>(
  options: FencingOptions<Request, S>,
): (request: Request, reply: FastifyReplyLike) => Promise<unknown> {
  const check = createFencingCheck(options);
  return async (request, reply) => {
    const { problem, fencing } = await check(request, headOf(request));
    if (problem) return send(reply, problem);
    Object.assign(request, { fencing });
    return undefined;
  };
}

/**
 * For `setErrorHandler`: a StaleTokenError, IssuerMismatchError or UnavailableError of a handler is answered with its
 * problem; other errors are thrown on, to the error handler around this one.
 */
export function fastifyProblems(
  error: unknown,
  _request: FastifyRequestLike,
  reply: FastifyReplyLike,
): unknown {
  const problem = problemOf(error);
  if (problem === undefined) throw error;
  return send(reply, problem);
}

const send = (reply: FastifyReplyLike, { status, headers, body }: Problem): unknown =>
  reply
    .code(status)
    .headers({ ...headers })
    .send(body);
