/**
 * What a request goes through, whether it came by HTTP or gRPC: the caller is authenticated, counted, its right and its values
 * are checked, and the operation runs.
 *
 * Guarantees: nothing is carried out before all of that is checked, and a caller has one count of requests, however it asks.
 * What belongs into the audit trail is noted once. What waits is aborted when the server stops.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { AbortedError, type Clock, HoldfastError, UnavailableError } from '@holdfast/kernel';
import type { Authenticator } from '../auth/authenticator.js';
import { ANYBODY, type Caller } from '../auth/caller.js';
import { ForbiddenError } from '../errors.js';
import type { Audit } from '../observe/audit.js';
import type { Answer, Call, Operation } from '../operations/operation.js';
import type { Systems } from '../operations/systems.js';
import { check } from './checking.js';
import { decodeQuery } from './decoding.js';
import { type Rate, RateLimit } from './rate.js';
import { bodyOf, idempotencyKeyOf, leaseOf } from './request-parts.js';
import { changes, isNoted, requireRight } from './rights.js';
import { type Match, Router } from './router.js';

export interface AdmissionOptions {
  readonly operations: readonly Operation[];
  readonly systems: Systems;
  readonly authenticator: Authenticator;
  /** Of each caller; undefined for any number. */
  readonly rate: Rate | undefined;
  /** Is told of what was changed, and of what was refused; undefined for no trail. */
  readonly audit: Audit | undefined;
  /** Whether what the trail cannot take is refused. */
  readonly auditRequired: boolean;
  /** Whether nothing may be changed now. */
  readonly isReadOnly: () => boolean;
  readonly clock: Clock;
}

/** What is known of a request by the time of its answer. */
export interface Progress {
  /** When it arrived, in monotonic time. */
  readonly received: number;
  /** Its number in this process. */
  readonly number: string;
  operation: Operation | undefined;
  caller: Caller | undefined;
  params: Readonly<Record<string, string>> | undefined;
  answer: Answer | undefined;
}

/** A request whose operation is known. */
interface Found extends Match {
  readonly query: Record<string, string>;
}

/** A request, whichever way it came. */
export interface Asked extends Found {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  /** Whether a page in a browser may have sent it. */
  readonly isWeb: boolean;
  readonly body: () => Promise<unknown>;
  /** Calls `end` once the request is over, or at once if it is: because it was answered, or its client has gone. */
  readonly whenOver: (end: (isAnswered: boolean) => void) => void;
}

/** What a call has, of whatever method. */
type Accepted = Pick<Call, 'params' | 'query' | 'caller' | 'systems' | 'operations' | 'read'>;

/** A class, and not a literal with parts of others in it: those cost more than all checks of a small request. */
class AdmittedCall implements Call {
  readonly params: Call['params'];
  readonly query: Call['query'];
  readonly body: unknown;
  readonly caller: Caller;
  readonly systems: Systems;
  readonly read: Call['read'];
  readonly operations: readonly Operation[];
  readonly idempotencyKey: string | undefined;
  readonly lease: string | undefined;
  readonly received: number;
  readonly #headers: IncomingHttpHeaders;
  readonly #signalOf: () => AbortSignal;
  #signal: AbortSignal | undefined;

  /** Throws RequestError. */
  constructor(
    { params, query, caller, systems, read, operations }: Accepted,
    { headers, operation: { takesLease } }: Asked,
    { body, received }: Pick<Call, 'body' | 'received'>,
    signalOf: () => AbortSignal,
  ) {
    this.params = params;
    this.query = query;
    this.body = body;
    this.caller = caller;
    this.systems = systems;
    this.read = read;
    this.operations = operations;
    this.idempotencyKey = idempotencyKeyOf({ headers });
    this.lease = takesLease ? leaseOf({ headers }) : undefined;
    this.received = received;
    this.#headers = headers;
    this.#signalOf = signalOf;
  }

  readonly header = (name: string): string | undefined => {
    const value = this.#headers[name];
    return typeof value === 'string' ? value : undefined;
  };

  /** Few operations wait for anything, and a signal costs a tenth of a request. */
  get signal(): AbortSignal {
    this.#signal ??= this.#signalOf();
    return this.#signal;
  }
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #router: Router;
  /** Of requests, and of those that extend or end what a caller holds. */
  readonly #limits: Record<'common' | 'keeping', RateLimit | undefined>;
  /** Those of the requests that may wait for something. */
  readonly #waiting = new Set<AbortController>();
  #isStopping = false;
  #requests = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#router = new Router(options.operations);
    const { rate, clock } = options;
    this.#limits = {
      common: rate && new RateLimit(rate, clock),
      keeping: rate && new RateLimit({ ...rate, count: 10 * rate.count }, clock),
    };
  }

  /** Ends the requests that wait, and the streams. */
  stop(): void {
    this.#isStopping = true;
    for (const waiting of this.#waiting) waiting.abort();
  }

  /** Of a request that has arrived. */
  begin(): Progress {
    this.#requests += 1;
    return {
      received: this.#options.clock.now(),
      number: String(this.#requests),
      operation: undefined,
      caller: undefined,
      params: undefined,
      answer: undefined,
    };
  }

  /** Finds the operation of a URL. Throws NotFoundError, RequestError. */
  find(method: string, url: string): Found {
    const end = url.indexOf('?');
    const query = decodeQuery(end < 0 ? '' : url.slice(end + 1));
    const { operation, params } = this.#router.match(method, end < 0 ? url : url.slice(0, end), query);
    return { operation, params, query };
  }

  /** Checks a request and carries it out. Rejects with what refuses it, or went wrong. */
  async carryOut(asked: Asked, progress: Progress): Promise<Answer> {
    const { operation } = asked;
    progress.operation = operation;
    progress.params = asked.params;
    const authenticate = () => this.#authenticate(asked);
    const caller = await authenticate();
    progress.caller = caller;
    this.#count(caller, asked);
    const accepted = this.#accept(asked, caller, authenticate);
    this.#requireChangesAllowed(operation);
    const body = bodyOf(operation, await asked.body());
    return operation.run(
      new AdmittedCall(accepted, asked, { body, received: progress.received }, () => this.#signalOf(asked)),
    );
  }

  /** Puts a request into the audit trail, if it is one that belongs there. */
  note(
    { operation, caller, params = {}, answer, number }: Progress,
    {
      address,
      status,
      failure,
    }: { readonly address: string; readonly status: number; readonly failure?: unknown },
  ): void {
    const { audit } = this.#options;
    if (!audit || !operation || !(isNoted(operation) || status === 401 || status === 403)) return;
    const { id } = Object(answer?.body) as { id?: unknown };
    audit.note({
      operation: operation.id,
      ...(caller && { subject: caller.subject }),
      ...(caller?.keyId !== undefined && { key: caller.keyId }),
      ...{ address, names: params, status, request: number },
      ...(typeof id === 'string' && { made: id }),
      ...(failure instanceof HoldfastError && { code: failure.code }),
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

  /** Checks the right and the values. `again`: authenticates the caller again. Throws ForbiddenError, RequestError. */
  #accept({ operation, params, query }: Found, caller: Caller, again: () => Promise<Caller>): Accepted {
    const { operations, systems } = this.#options;
    const checked = check('path', operation.params, params) as Record<string, string>;
    requireRight(caller, operation, checked);
    const given = check('query', operation.query, query);
    const read = async (path: string, signal: AbortSignal): Promise<Answer> => {
      const other = this.find('GET', path);
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

  async #authenticate(asked: Asked): Promise<Caller> {
    const { right, keyHeader } = asked.operation;
    if (right === undefined) return ANYBODY;
    return this.#options.authenticator.authenticate(asked, keyHeader);
  }

  /** Counts a request. Throws RateLimitedError. */
  #count(caller: Caller, { operation: { right, takesLease }, address }: Asked): void {
    if (right === undefined) return;
    const { common, keeping } = this.#limits;
    (takesLease ? keeping : common)?.count(caller === ANYBODY ? address : (caller.keyId ?? caller.subject));
  }

  /**
   * Aborts when the client goes before its answer was sent, and when the server stops. A controller of the request's own, not
   * `AbortSignal.any`: that keeps weak references, which cost more than all else that is done for a small request.
   */
  #signalOf({ whenOver }: Asked): AbortSignal {
    const waiting = new AbortController();
    if (this.#isStopping) waiting.abort();
    else this.#waiting.add(waiting);
    whenOver((isAnswered) => {
      this.#waiting.delete(waiting);
      if (!isAnswered) waiting.abort(new AbortedError('The client has gone.', undefined));
    });
    return waiting.signal;
  }
}
