/**
 * Fencing for Express 5: a middleware for the routes, and one for the errors of their handlers.
 *
 * Guarantees: those of the check (check.ts). `request.fencing` is the sealed holder. The adapter needs only the shapes
 * that Express has of node:http, so it imports nothing of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TokenClaim } from '@holdfast/kernel';
import { createFencingCheck, type FencingOptions } from './check.js';
import { headOf, sendProblem } from './node.js';
import { problemOf } from './problem.js';

export type ExpressRequestLike = IncomingMessage & {
  // biome-ignore lint/suspicious/noExplicitAny: its type depends on the path that the user declares
  readonly params: any;
};

type Next = (error?: unknown) => void;

/** A middleware that lets requests through when their token is not stale, and sets `request.fencing`. */
export function expressFencing<Request extends ExpressRequestLike, S extends TokenClaim>(
  options: FencingOptions<Request, S>,
): (request: Request, response: ServerResponse, next: Next) => void {
  const check = createFencingCheck(options);
  return (request, response, next) => {
    check(request, headOf(request)).then(({ problem, fencing }) => {
      if (problem) return sendProblem(response, problem);
      Object.assign(request, { fencing });
      next();
    }, next);
  };
}

/**
 * An error handler, for use after the routes: their StaleTokenErrors, IssuerMismatchErrors and UnavailableErrors are
 * answered with the corresponding problem.
 */
export function expressProblems(
  error: unknown,
  _request: IncomingMessage,
  response: ServerResponse,
  next: Next,
): void {
  const problem = problemOf(error);
  if (problem === undefined || response.headersSent) next(error);
  else sendProblem(response, problem);
}
