/**
 * From a request to its answer. The main path of the server: the operation is found, the caller is authenticated, its right
 * and its values are checked, and the operation runs.
 *
 * Guarantees: nothing is carried out before all of that is checked; whatever happens, the request is answered, with a problem
 * if it was not carried out. A request whose client has gone is aborted, and so are those that wait when the server stops.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AbortedError, type Clock } from '@holdfast/kernel';
import type { Logger } from '@holdfast/telemetry';
import { ANYBODY, type Caller } from '../auth/caller.js';
import type { KeyFile } from '../auth/keys.js';
import { ForbiddenError, RequestError, UnauthenticatedError } from '../errors.js';
import { record } from '../observe/telemetry.js';
import type { Answer, Operation } from '../operations/operation.js';
import type { Systems } from '../operations/systems.js';
import { readBody } from './body.js';
import { check } from './checking.js';
import { decodeQuery } from './decoding.js';
import { sendEvents } from './event-stream.js';
import { requireOwnPage } from './origin.js';
import { headersOf, problemOf } from './problem.js';
import { type Rate, RateLimit } from './rate.js';
import { Router } from './router.js';

export interface AnsweringOptions {
  readonly operations: readonly Operation[];
  readonly systems: Systems;
  /** Undefined where no keys are asked for. */
  readonly keys: KeyFile | undefined;
  readonly hosts: readonly string[];
  /** Of each caller; undefined for any number. */
  readonly rate: Rate | undefined;
  /** The most bytes of a body. */
  readonly maxBody: number;
  readonly logger: Logger | undefined;
  readonly clock: Clock;
}

/** What is known of a request by the time of its answer. */
interface Progress {
  /** When it arrived, in monotonic time. */
  readonly received: number;
  operation: Operation | undefined;
  caller: Caller | undefined;
}

/** Of one address: whoever sends more is not asked who it is for a while. */
const WRONG_KEYS: Rate = { count: 50, per: 10_000 };

const SECURE = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
};

export class Answering {
  readonly #options: AnsweringOptions;
  readonly #router: Router;
  /** Of requests, of those that extend or end what a caller holds, and of wrong keys, which are counted by address. */
  readonly #limits: Record<'common' | 'keeping' | 'wrong', RateLimit | undefined>;
  readonly #stopping = new AbortController();
  #requests = 0;

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.#router = new Router(options.operations);
    const { rate, clock } = options;
    this.#limits = {
      common: rate && new RateLimit(rate, clock),
      keeping: rate && new RateLimit({ ...rate, count: 10 * rate.count }, clock),
      wrong: new RateLimit(WRONG_KEYS, clock),
    };
  }

  /** How many requests are under way. */
  underWay = 0;

  /** Ends the requests that wait, and the streams. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Answers a request. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, logger } = this.#options;
    const since = clock.now();
    this.#requests += 1;
    const number = String(this.#requests);
    this.underWay += 1;
    const progress: Progress = { received: since, operation: undefined, caller: undefined };
    const recorded = record(request.headers, logger);
    let failure: unknown;
    try {
      const answer = await recorded.run(() => this.#carryOut(request, response, progress));
      await send(request, response, answer);
    } catch (error) {
      failure = error;
      refuse(response, error);
    }
    this.underWay -= 1;
    const status = response.statusCode;
    recorded.ended({
      method: request.method ?? '',
      route: progress.operation?.path ?? 'unknown',
      ...{ status, took: clock.now() - since, request: number },
      keyId: progress.caller?.keyId,
      error: status >= 500 ? failure : undefined,
    });
  }

  async #carryOut(request: IncomingMessage, response: ServerResponse, progress: Progress): Promise<Answer> {
    const { operations, systems, maxBody } = this.#options;
    const { method = 'GET', url = '/' } = request;
    const end = url.indexOf('?');
    const query = decodeQuery(end < 0 ? '' : url.slice(end + 1));
    const { operation, params } = this.#router.match(method, end < 0 ? url : url.slice(0, end), query);
    progress.operation = operation;
    const caller = this.#authenticate(request, operation);
    progress.caller = caller;
    this.#count(caller, operation, addressOf(request));
    const checked = check('path', operation.params, params) as Record<string, string>;
    requireRight(caller, operation, checked);
    const given = check('query', operation.query, query);
    const body = await readBody(request, maxBody);
    return operation.run({
      ...{ params: checked, query: given, caller, systems, operations },
      body: bodyOf(operation, body),
      idempotencyKey: idempotencyKeyOf(request),
      lease: operation.takesLease ? leaseOf(request) : undefined,
      received: progress.received,
      header: (name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? value : undefined;
      },
      signal: this.#signalOf(response),
    });
  }

  #authenticate(request: IncomingMessage, { right }: Operation): Caller {
    const { keys, hosts } = this.#options;
    if (right === undefined) return ANYBODY;
    requireOwnPage(request.headers, { names: hosts, asksForKeys: keys !== undefined });
    if (keys === undefined) return ANYBODY;
    const [, key] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (key === undefined) {
      throw new UnauthenticatedError('Give a key in the header Authorization: Bearer hf_….');
    }
    const address = addressOf(request);
    try {
      return keys.authenticate(key, address);
    } catch (error) {
      this.#limits.wrong?.count(address);
      throw error;
    }
  }

  /** Counts a request. Throws RateLimitedError. */
  #count({ keyId }: Caller, { right, takesLease }: Operation, address: string): void {
    if (right === undefined) return;
    const { common, keeping } = this.#limits;
    (takesLease ? keeping : common)?.count(keyId ?? address);
  }

  #signalOf(response: ServerResponse): AbortSignal {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new AbortedError('The client has gone.', undefined)));
    if (this.#stopping.signal.aborted) return this.#stopping.signal;
    return AbortSignal.any([gone.signal, this.#stopping.signal]);
  }
}

/** Throws ForbiddenError. */
function requireRight(caller: Caller, { right, judgedBy }: Operation, params: Record<string, string>): void {
  if (right === undefined) return;
  const name = judgedBy === undefined ? undefined : params[judgedBy];
  if (name === undefined ? caller.mayWithSome(right) : caller.may(right, name)) return;
  throw new ForbiddenError(
    `The key of ${caller.subject} lacks the right ${right}${name === undefined ? '' : ` for this ${judgedBy}`}.`,
    right,
  );
}

function bodyOf({ body: schema }: Operation, body: unknown): unknown {
  if (schema) return check('body', schema, body === undefined ? {} : body);
  if (body === undefined || (typeof body === 'object' && Object.keys(Object(body)).length === 0))
    return undefined;
  throw new RequestError('This operation takes no body.', {
    fields: [{ field: 'body', message: 'is not known' }],
  });
}

function idempotencyKeyOf({ headers }: IncomingMessage): string | undefined {
  const value = headers['idempotency-key'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value)) return value;
  throw new RequestError('The header Idempotency-Key is 1 to 200 visible characters of ASCII.', {
    fields: [{ field: 'header.idempotency-key', message: 'is not accepted' }],
  });
}

function leaseOf({ headers }: IncomingMessage): string {
  const { 'holdfast-lease': handle } = headers;
  if (typeof handle === 'string' && handle !== '') return handle;
  throw new RequestError('Give the handle in the header Holdfast-Lease.', {
    fields: [{ field: 'header.holdfast-lease', message: 'is missing' }],
  });
}

/** Of a socket that takes both versions, an address of version 4 as it is written elsewhere. */
const addressOf = ({ socket }: IncomingMessage): string =>
  (socket.remoteAddress ?? '').replace(/^::ffff:/, '');

async function send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const { status, body, headers = {}, text, events } = answer;
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

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const problem = problemOf(error);
  response
    .writeHead(problem.status, { ...SECURE, ...headersOf(problem, error) })
    .end(JSON.stringify(problem));
}
