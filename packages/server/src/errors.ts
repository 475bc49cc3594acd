/**
 * The errors of the server alone; the others are those of the packages behind it (docs/ERRORS.md). Each becomes a problem
 * (http/problem.ts).
 */
import { BusyError, HoldfastError, MisuseError } from '@holdfast/kernel';

declare module '@holdfast/kernel' {
  interface ErrorCodes {
    HOLDFAST_UNAUTHENTICATED: UnauthenticatedError;
    HOLDFAST_FORBIDDEN: ForbiddenError;
    HOLDFAST_NOT_FOUND: NotFoundError;
    HOLDFAST_RATE_LIMITED: RateLimitedError;
    HOLDFAST_QUOTA_EXCEEDED: QuotaExceededError;
    HOLDFAST_INTERNAL: InternalError;
  }
}

/** The request has no key, or one that is not accepted. Nothing was done. */
export class UnauthenticatedError extends HoldfastError {
  override readonly name = 'UnauthenticatedError';
  readonly code = 'HOLDFAST_UNAUTHENTICATED';
}

/** The key does not have the right that the operation asks for. Nothing was done. */
export class ForbiddenError extends HoldfastError {
  override readonly name = 'ForbiddenError';
  readonly code = 'HOLDFAST_FORBIDDEN';
  /** The right, such as "queues:write". */
  readonly right: string;

  constructor(message: string, right: string) {
    super(message);
    this.right = right;
  }
}

/** The caller has made too many requests. Nothing was done. */
export class RateLimitedError extends HoldfastError {
  override readonly name = 'RateLimitedError';
  readonly code = 'HOLDFAST_RATE_LIMITED';
  /** In how many ms the next one is accepted. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super(`There were too many requests; nothing was done. Ask again in ${retryAfter} ms.`);
    this.retryAfter = retryAfter;
  }
}

/** The subject of the key has as much stored, or holds as much, as a quota of the key allows. Nothing was done. */
export class QuotaExceededError extends HoldfastError {
  override readonly name = 'QuotaExceededError';
  readonly code = 'HOLDFAST_QUOTA_EXCEEDED';
  /** As the file of keys names it, such as "tasks". */
  readonly quota: string;
  readonly limit: number;
  /** How much is counted. */
  readonly used: number;
  /** In how many ms there may be room. */
  readonly retryAfter: number;

  constructor({
    quota,
    limit,
    used,
    subject,
    asked = 1,
    retryAfter = 1_000,
  }: {
    readonly quota: string;
    readonly limit: number;
    readonly used: number;
    readonly subject: string;
    readonly asked?: number;
    readonly retryAfter?: number;
  }) {
    const more = asked > 1 ? ` for ${asked} more` : '';
    super(
      `The quota "${quota}" of ${subject} is ${limit}, of which ${used} are used, so there is no room${more}; nothing was done. Wait until some have ended, end or remove some, or have the quota raised in the file of keys.`,
    );
    this.quota = quota;
    this.limit = limit;
    this.used = used;
    this.retryAfter = Math.max(retryAfter, 1);
  }
}

/** There is no such thing, or no such path. */
export class NotFoundError extends HoldfastError {
  override readonly name = 'NotFoundError';
  readonly code = 'HOLDFAST_NOT_FOUND';
}

/** A defect, or something that the server did not expect; its log says more under the number of the request. */
export class InternalError extends HoldfastError {
  override readonly name = 'InternalError';
  readonly code = 'HOLDFAST_INTERNAL';
}

/** One value of a request that is not as the operation takes it. */
export interface WrongField {
  /** Where it stands, such as "body.delay". */
  readonly field: string;
  readonly message: string;
}

/** Somebody else holds the resource; the ticket keeps the place in line for the next request. */
export class BusyWithTicketError extends BusyError {
  readonly ticket: string;
  /** In how many ms it is worth asking again. */
  readonly retryAfter: number;

  constructor({ message, resource, token, remaining, cause }: BusyError, ticket: string, retryAfter: number) {
    super(message, {
      resource,
      ...(token !== undefined && { token }),
      ...(remaining !== undefined && { remaining }),
    });
    this.cause = cause;
    this.ticket = ticket;
    this.retryAfter = retryAfter;
  }
}

/** The request is not one that the server takes. Nothing was done. */
export class RequestError extends MisuseError {
  readonly status: number;
  readonly fields: readonly WrongField[];
  /** Headers that the answer needs, such as Allow. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    message: string,
    {
      status = 400,
      fields = [],
      headers = {},
    }: {
      readonly status?: number;
      readonly fields?: readonly WrongField[];
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.fields = fields;
    this.headers = headers;
  }
}
