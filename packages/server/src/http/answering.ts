/**
 * From a request to its answer. The main path of the server: the operation is found, the caller is authenticated, its right
 * and its values are checked, and the operation runs.
 *
 * Guarantees: nothing is carried out before all of that is checked; whatever happens, the request is answered, with a problem
 * if it was not carried out. A request whose client has gone is aborted, and so are those that wait when the server stops.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AbortedError, type Clock, HoldfastError, UnavailableError } from '@holdfast/kernel';
import type { Logger } from '@holdfast/telemetry';
import type { Authenticator } from '../auth/authenticator.js';
import { ANYBODY, type Caller } from '../auth/caller.js';
import { ForbiddenError } from '../errors.js';
import type { Audit } from '../observe/audit.js';
import { record } from '../observe/telemetry.js';
import type { Answer, Call, Operation } from '../operations/operation.js';
import type { Systems } from '../operations/systems.js';
import { readBody } from './body.js';
import { check } from './checking.js';
import { decodeQuery } from './decoding.js';
import { type Rate, RateLimit } from './rate.js';
import { addressOf, bodyOf, idempotencyKeyOf, leaseOf } from './request-parts.js';
import { changes, isNoted, requireRight } from './rights.js';
import { type Match, Router } from './router.js';
import { refuse, send } from './sending.js';

export interface AnsweringOptions {
  readonly operations: readonly Operation[];
  readonly systems: Systems;
  readonly authenticator: Authenticator;
  /** Of each caller; undefined for any number. */
  readonly rate: Rate | undefined;
  /** The most bytes of a body. */
  readonly maxBody: number;
  readonly logger: Logger | undefined;
  /** Is told of what was changed, and of what was refused; undefined for no trail. */
  readonly audit: Audit | undefined;
  /** Whether what the trail cannot take is refused. */
  readonly auditRequired: boolean;
  /** Whether nothing may be changed now. */
  readonly isReadOnly: () => boolean;
  readonly clock: Clock;
}

/** What is known of a request by the time of its answer. */
interface Progress {
  /** When it arrived, in monotonic time. */
  readonly received: number;
  operation: Operation | undefined;
  caller: Caller | undefined;
  params: Readonly<Record<string, string>> | undefined;
  answer: Answer | undefined;
}

/** A request whose operation is known. */
interface Found extends Match {
  readonly query: Record<string, string>;
}

/** What a call has, of whatever method. */
type Accepted = Pick<Call, 'params' | 'query' | 'caller' | 'systems' | 'operations' | 'read'>;

export class Answering {
  readonly #options: AnsweringOptions;
  readonly #router: Router;
  /** Of requests, and of those that extend or end what a caller holds. */
  readonly #limits: Record<'common' | 'keeping', RateLimit | undefined>;
  /** Those of the requests that may wait for something. */
  readonly #waiting = new Set<AbortController>();
  #isStopping = false;
  #requests = 0;

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.#router = new Router(options.operations);
    const { rate, clock } = options;
    this.#limits = {
      common: rate && new RateLimit(rate, clock),
      keeping: rate && new RateLimit({ ...rate, count: 10 * rate.count }, clock),
    };
  }

  /** How many requests are under way. */
  underWay = 0;

  /** Ends the requests that wait, and the streams. */
  stop(): void {
    this.#isStopping = true;
    for (const waiting of this.#waiting) waiting.abort();
  }

  /** Answers a request. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, logger } = this.#options;
    const since = clock.now();
    this.#requests += 1;
    const number = String(this.#requests);
    this.underWay += 1;
    const progress: Progress = {
      ...{ received: since, operation: undefined, caller: undefined, params: undefined, answer: undefined },
    };
    const recorded = record(request.headers, logger);
    let failure: unknown;
    try {
      const answer = await recorded.run(() => this.#carryOut(request, response, progress));
      progress.answer = answer;
      // A stream lives long; that it has begun is known now.
      if (answer.events) this.#note(request, progress, { status: answer.status, number });
      await send(request, response, answer);
    } catch (error) {
      failure = error;
      refuse(response, error);
    }
    this.underWay -= 1;
    const status = response.statusCode;
    if (!progress.answer?.events) this.#note(request, progress, { status, number, failure });
    recorded.ended({
      method: request.method ?? '',
      route: progress.operation?.path ?? 'unknown',
      ...{ status, took: clock.now() - since, request: number },
      keyId: progress.caller?.keyId,
      error: status >= 500 ? failure : undefined,
    });
  }

  async #carryOut(request: IncomingMessage, response: ServerResponse, progress: Progress): Promise<Answer> {
    const { method = 'GET', url = '/' } = request;
    const found = this.#find(method, url);
    const { operation } = found;
    progress.operation = operation;
    const authenticate = () => this.#authenticate(request, operation);
    progress.params = found.params;
    const caller = await authenticate();
    progress.caller = caller;
    this.#count(caller, operation, addressOf(request));
    const accepted = this.#accept(found, caller, authenticate);
    this.#requireChangesAllowed(operation);
    const body = await readBody(request, this.#options.maxBody);
    let signal: AbortSignal | undefined;
    const signalOf = (): AbortSignal => this.#signalOf(response);
    return operation.run({
      ...accepted,
      body: bodyOf(operation, body),
      idempotencyKey: idempotencyKeyOf(request),
      lease: operation.takesLease ? leaseOf(request) : undefined,
      received: progress.received,
      header: (name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? value : undefined;
      },
      // Few operations wait for anything, and a signal costs a tenth of a request.
      get signal() {
        signal ??= signalOf();
        return signal;
      },
    });
  }

  /** Throws ForbiddenError while nothing may be changed, UnavailableError where the trail is required and cannot be written. */
  #requireChangesAllowed(operation: Operation): void {
    const { isReadOnly, audit, auditRequired } = this.#options;
    const { right = 'any', takesLease } = operation;
    if (right !== 'any' && changes(operation) && !takesLease && isReadOnly()) {
      throw new ForbiddenError('The server is read-only for now; nothing was done.', right);
    }
    if (auditRequired && isNoted(operation) && audit?.problem !== undefined) {
      throw new UnavailableError('The audit trail cannot be written, so nothing was done; try again.', []);
    }
  }

  /** Puts a request into the audit trail, if it is one that belongs there. */
  #note(
    request: IncomingMessage,
    { operation, caller, params = {}, answer }: Progress,
    {
      status,
      number,
      failure,
    }: { readonly status: number; readonly number: string; readonly failure?: unknown },
  ): void {
    const { audit } = this.#options;
    if (!audit || !operation || !(isNoted(operation) || status === 401 || status === 403)) return;
    const { id } = Object(answer?.body) as { id?: unknown };
    audit.note({
      operation: operation.id,
      ...(caller && { subject: caller.subject }),
      ...(caller?.keyId !== undefined && { key: caller.keyId }),
      ...{ address: addressOf(request), names: params, status, request: number },
      ...(typeof id === 'string' && { made: id }),
      ...(failure instanceof HoldfastError && { code: failure.code }),
    });
  }

  #find(method: string, url: string): Found {
    const end = url.indexOf('?');
    const query = decodeQuery(end < 0 ? '' : url.slice(end + 1));
    return { ...this.#router.match(method, end < 0 ? url : url.slice(0, end), query), query };
  }

  /** Checks the right and the values. `again`: authenticates the caller again. Throws ForbiddenError, RequestError. */
  #accept({ operation, params, query }: Found, caller: Caller, again: () => Promise<Caller>): Accepted {
    const { operations, systems } = this.#options;
    const checked = check('path', operation.params, params) as Record<string, string>;
    requireRight(caller, operation, checked);
    const given = check('query', operation.query, query);
    const read = async (path: string, signal: AbortSignal): Promise<Answer> => {
      const other = this.#find('GET', path);
      // A stream lives long: by now the key may be gone, or may do less.
      const accepted = this.#accept(other, await again(), again);
      return other.operation.run({
        ...accepted,
        ...{ signal, received: this.#options.clock.now(), header: () => undefined },
        ...{ body: undefined, idempotencyKey: undefined, lease: undefined },
      });
    };
    return { params: checked, query: given, caller, systems, operations, read };
  }

  async #authenticate(request: IncomingMessage, { right, keyHeader }: Operation): Promise<Caller> {
    if (right === undefined) return ANYBODY;
    return this.#options.authenticator.authenticate(request, keyHeader, addressOf(request));
  }

  /** Counts a request. Throws RateLimitedError. */
  #count(caller: Caller, { right, takesLease }: Operation, address: string): void {
    if (right === undefined) return;
    const { common, keeping } = this.#limits;
    (takesLease ? keeping : common)?.count(caller === ANYBODY ? address : (caller.keyId ?? caller.subject));
  }

  /**
   * Aborts when the client goes before its answer was sent, and when the server stops. A controller of the request's own, not
   * `AbortSignal.any`: that keeps weak references, which cost more than all else that is done for a small request.
   */
  #signalOf(response: ServerResponse): AbortSignal {
    const waiting = new AbortController();
    const gone = (): void => waiting.abort(new AbortedError('The client has gone.', undefined));
    if (this.#isStopping) waiting.abort();
    else if (response.destroyed) gone();
    if (waiting.signal.aborted) return waiting.signal;
    this.#waiting.add(waiting);
    response.once('close', () => {
      this.#waiting.delete(waiting);
      if (!response.writableFinished) gone();
    });
    return waiting.signal;
  }
}
