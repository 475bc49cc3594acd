/**
 * Requests to the server, and its streams of events.
 *
 * Guarantees: a call is sent once, and resolves to what was answered, or rejects with a ProblemError, an UnreachableError,
 * or the reason of its signal. So does a stream that cannot begin; one that has begun goes on after the last event that was
 * read when its connection breaks. It ends when the server says so, its signal aborts, or its reader leaves the loop.
 */
import { events, type ServerEvent } from './event-stream.js';
import { pause } from './pause.js';
import { ProblemError, problemIn, UnreachableError } from './problem.js';

export type { ServerEvent } from './event-stream.js';

export interface ClientOptions {
  /** Such as "https://holdfast.internal:7400". */
  readonly url: string;
  /** "hf_…", or a function that gives it for each request, such as one that reads a file that is rotated. */
  readonly key?: string | (() => string | Promise<string>);
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** A request that is repeated with the same key creates nothing twice. */
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a stream: the id of the last event that is known. */
  readonly lastEventId?: string;
}

interface Request {
  readonly method: string;
  /** Such as "/v1/queues/{queue}". */
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: unknown;
  /** Of a lease or a claim: a secret, which stands in a header. */
  readonly handle?: string;
  readonly options: CallOptions | undefined;
}

export interface Transport {
  call<Result>(request: Request): Promise<Result>;
  stream(request: Request): AsyncIterable<ServerEvent>;
}

/** How long a stream waits before it connects again, in ms, if the server has said nothing else. */
const RECONNECT = 2_000;

export function transportTo(options: ClientOptions): Transport {
  const base = new URL(options.url.endsWith('/') ? options.url : `${options.url}/`);
  const send = (request: Request, accept: string): Promise<Response> =>
    fetchFrom(base, options, request, accept);
  return {
    async call<Result>(request: Request): Promise<Result> {
      const response = await send(request, 'application/json');
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return (await readBody(response, isJson, request.options?.signal)) as Result;
    },
    stream: (request) => streamOf(request, (again) => send(again, 'text/event-stream')),
  };
}

async function fetchFrom(
  base: URL,
  options: ClientOptions,
  request: Request,
  accept: string,
): Promise<Response> {
  const {
    method,
    params,
    query,
    body,
    options: { signal, idempotencyKey, headers, lastEventId } = {},
  } = request;
  const key = typeof options.key === 'function' ? await options.key() : options.key;
  const init = {
    method,
    redirect: 'error' as const, // the handle of a lease is for this server alone
    headers: {
      accept,
      ...options.headers,
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(method !== 'GET' && { 'content-type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      ...(request.handle !== undefined && { 'holdfast-lease': request.handle }),
      ...headers,
    },
    ...(method !== 'GET' && body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  };
  const url = new URL(pathOf(request.path, params).slice(1), base);
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const response = await (options.fetch ?? fetch)(url, init).catch((cause: unknown) => {
    throw signal?.aborted === true ? signal.reason : unreachable(base, cause);
  });
  if (response.ok) return response;
  throw await problemIn(response);
}

const pathOf = (path: string, params: Readonly<Record<string, string>> = {}): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));

const unreachable = (base: URL, cause: unknown): UnreachableError =>
  new UnreachableError(`${base.host} could not be reached, or its answer broke off.`, { cause });

async function readBody(
  response: Response,
  isJson: boolean,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    const text = await response.text();
    if (text === '') return undefined;
    return isJson ? JSON.parse(text) : text;
  } catch (cause) {
    throw signal?.aborted === true ? signal.reason : unreachable(new URL(response.url), cause);
  }
}

async function* streamOf(
  request: Request,
  connect: (request: Request) => Promise<Response>,
): AsyncGenerator<ServerEvent, void> {
  const { signal } = request.options ?? {};
  let lastEventId = request.options?.lastEventId;
  let reconnect = RECONNECT;
  let hasBegun = false;
  for (;;) {
    const options = { ...request.options, ...(lastEventId !== undefined && { lastEventId }) };
    try {
      const { body } = await connect({ ...request, options });
      hasBegun = true;
      if (body === null) return;
      for await (const event of events(body)) {
        if (event.retry !== undefined) reconnect = event.retry;
        if (event.id !== undefined) lastEventId = event.id;
        if (event.event === 'end') return;
        if (event.event === 'problem') throw ProblemError.from(event.data);
        if (event.data !== undefined) yield event as ServerEvent;
      }
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (!hasBegun || (error instanceof ProblemError && error.status !== 429 && error.status < 500))
        throw error;
    }
    await pause(reconnect, signal);
  }
}
