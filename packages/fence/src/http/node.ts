/**
 * Fencing for servers of node:http, and the parts that Express shares with them.
 *
 * Guarantees: those of the check (check.ts). A StaleTokenError, IssuerMismatchError or UnavailableError of the handler
 * is answered with its problem, if nothing was sent yet. Every other error rejects the listener's promise, as it would
 * in an async listener without fencing: catch it there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TokenClaim } from '@holdfast/kernel';
import { createFencingCheck, type FencingOptions, type RequestHead } from './check.js';
import { type Problem, problemOf } from './problem.js';

/** `fencing` is undefined if nothing was checked: for GET, HEAD and OPTIONS. */
export type NodeHandler<S> = (
  request: IncomingMessage,
  response: ServerResponse,
  fencing: S | undefined,
) => void | Promise<void>;

/** A listener for `http.createServer` that lets requests through to `handler` when their token is not stale. */
export function nodeFencing<S extends TokenClaim>(
  options: FencingOptions<IncomingMessage, S>,
  handler: NodeHandler<S>,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const check = createFencingCheck(options);
  return async (request, response) => {
    const { problem, fencing } = await check(request, headOf(request));
    if (problem) return sendProblem(response, problem);
    try {
      await handler(request, response, fencing);
    } catch (error) {
      const late = problemOf(error);
      if (late === undefined || response.headersSent) throw error;
      sendProblem(response, late);
    }
  };
}

export const headOf = ({
  method = '',
  headers,
}: Pick<IncomingMessage, 'method' | 'headers'>): RequestHead => ({
  method,
  header: (name) => headers[name.toLowerCase()],
});

export function sendProblem(response: ServerResponse, { status, headers, body }: Problem): void {
  if (!response.headersSent) response.writeHead(status, headers).end(body);
}
