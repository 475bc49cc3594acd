/**
 * The help desk over HTTP: `/` is the page, `/search?text=<...>&product=<...>&since=<ms>` answers the hits as JSON,
 * with `&counts` also how many articles each product has, and `/chat?text=<...>`
 * a turn of a chat as server-sent events: `found`, then `word` for each, then `end`.
 *
 * What cannot be answered now gets 503; it changes nothing, so it is asked again.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { VectorIndex } from '@holdfast/vectors';
import { mockModel, turn } from './chat.js';
import { PAGE } from './page.js';
import { type Question, search } from './search.js';

export function serve(kb: VectorIndex): Server {
  return createServer((request, response) => {
    answer(kb, request, response).catch((error: Error) => {
      if (response.headersSent) response.end();
      else send(response, 503, { error: error.message });
    });
  });
}

async function answer(kb: VectorIndex, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/') return void response.setHeader('content-type', 'text/html').end(PAGE);
  const question = questionOf(searchParams);
  if (pathname !== '/search' && pathname !== '/chat')
    return send(response, 404, { error: 'Ask for /search.' });
  if (question === undefined)
    return send(response, 400, { error: 'Give a "text", and "since" as a number if at all.' });
  // Whoever types on does not wait for what was typed before.
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  if (pathname === '/chat') return chat({ kb, signal: gone.signal }, question, response);
  send(response, 200, await search(kb, question, gone.signal));
}

function questionOf(given: URLSearchParams): Question | undefined {
  const text = given.get('text') ?? '';
  const since = Number(given.get('since') ?? 0);
  if (text.trim() === '' || !Number.isFinite(since)) return undefined;
  const product = given.get('product') || undefined;
  return { text, product, since: since || undefined, isCounted: given.has('counts') };
}

async function chat(
  { kb, signal }: { readonly kb: VectorIndex; readonly signal: AbortSignal },
  { text }: Question,
  response: ServerResponse,
): Promise<void> {
  const { found, words } = await turn({ kb, model: mockModel }, text, signal);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const tell = (event: string, data: unknown): void =>
    void response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  tell('found', found);
  for await (const word of words) tell('word', word);
  tell('end', null);
  response.end();
}

const send = (response: ServerResponse, status: number, body: object): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
