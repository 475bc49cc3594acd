/**
 * Sends what an operation answered, or the problem that its error is.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from '../operations/operation.js';
import { sendEvents } from './event-stream.js';
import { headersOf, problemOf } from './problem.js';

const SECURE = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
};

export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<void> {
  const { status, body, headers = {}, cookies, text, events } = answer;
  if (cookies) response.setHeader('set-cookie', [...cookies]);
  if (events && request.method !== 'HEAD') return sendEvents(response, events, { ...SECURE, ...headers });
  const payload = text?.body ?? (body === undefined ? undefined : JSON.stringify(body));
  if (payload === undefined) {
    response.writeHead(status, { ...SECURE, ...headers }).end();
    return;
  }
  response
    .writeHead(status, {
      ...SECURE,
      'content-type': text?.type ?? 'application/json',
      'content-length': Buffer.byteLength(payload),
      ...headers,
    })
    .end(request.method === 'HEAD' ? '' : payload);
}

export function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const problem = problemOf(error);
  response
    .writeHead(problem.status, { ...SECURE, ...headersOf(problem, error) })
    .end(JSON.stringify(problem));
}
