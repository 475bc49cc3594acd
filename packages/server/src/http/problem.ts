/**
 * Errors as application/problem+json (RFC 9457): the one table of which error becomes which status.
 *
 * Guarantees: every error code of Holdfast has a status here, checked by the compiler. An error that is not one of
 * Holdfast's, a defect, and rights that the server lacks in its stores, show nothing of themselves. A problem names no
 * address of a node or a store.
 */
import { StaleTokenError } from '@holdfast/fence';
import { BusyError, type ErrorCode, HoldfastError, UnavailableError } from '@holdfast/kernel';
import { MissingRightsError } from '@holdfast/redis';
import {
  BusyWithTicketError,
  ForbiddenError,
  InternalError,
  QuotaExceededError,
  RequestError,
} from '../errors.js';

/** An answer that says what went wrong. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** As in docs/ERRORS.md. */
  readonly code: ErrorCode;
  /** In how many ms it is worth asking again. */
  readonly retryAfter?: number;
  readonly [member: string]: unknown;
}

interface Kind {
  readonly status: number;
  readonly title: string;
  /** In ms. */
  readonly retryAfter?: number;
}

const SOON = 1_000;
const WORKFLOW_CODE: Kind = { status: 500, title: 'The code of a workflow failed' };
const UNFIT: Kind = { status: 409, title: 'The state does not allow it' };

const KINDS: Readonly<Record<ErrorCode, Kind>> = {
  HOLDFAST_MISUSE: { status: 400, title: 'The request is wrong' },
  HOLDFAST_UNAUTHENTICATED: { status: 401, title: 'A valid key is required' },
  HOLDFAST_FORBIDDEN: { status: 403, title: 'The key does not have this right' },
  HOLDFAST_RATE_LIMITED: { status: 429, title: 'Too many requests', retryAfter: SOON },
  HOLDFAST_QUOTA_EXCEEDED: { status: 429, title: 'A quota of the key is used up', retryAfter: SOON },
  HOLDFAST_NOT_FOUND: { status: 404, title: 'There is no such thing' },
  HOLDFAST_INTERNAL: { status: 500, title: 'The server has a defect' },
  HOLDFAST_BUSY: { status: 409, title: 'Somebody else holds it', retryAfter: SOON },
  HOLDFAST_UNAVAILABLE: { status: 503, title: 'A store did not answer', retryAfter: SOON },
  HOLDFAST_LEASE_LOST: { status: 410, title: 'The lease is lost' },
  HOLDFAST_ABORTED: { status: 503, title: 'The server is stopping', retryAfter: SOON },
  HOLDFAST_NON_RETRYABLE: WORKFLOW_CODE,
  HOLDFAST_QUEUE_FULL: { status: 429, title: 'The queue is full', retryAfter: SOON },
  HOLDFAST_TASK_FAILED: { status: 409, title: 'The task has failed' },
  HOLDFAST_RESULT_NOT_KEPT: { status: 409, title: 'The result was not kept' },
  HOLDFAST_TASK_GONE: { status: 404, title: 'The task is gone' },
  HOLDFAST_TASK_CANCELLED: { status: 409, title: 'The task was cancelled' },
  HOLDFAST_STALE_TOKEN: { status: 412, title: 'The fencing token is stale' },
  HOLDFAST_RUN_GONE: { status: 404, title: 'There is no such run' },
  HOLDFAST_RUNS_FULL: { status: 429, title: 'As many runs wait as may', retryAfter: SOON },
  HOLDFAST_RUN_FAILED: UNFIT,
  HOLDFAST_RUN_CANCELLED: UNFIT,
  HOLDFAST_RUN_STUCK: UNFIT,
  HOLDFAST_UNANSWERED: { status: 504, title: 'The run has not answered' },
  HOLDFAST_CODEC: { status: 501, title: 'The data are encoded in a way that the server does not know' },
  HOLDFAST_STEP_FAILED: WORKFLOW_CODE,
  HOLDFAST_UNKNOWN_OUTCOME: WORKFLOW_CODE,
  HOLDFAST_LONG_JOURNAL: WORKFLOW_CODE,
  HOLDFAST_BUDGET_EXCEEDED: WORKFLOW_CODE,
  HOLDFAST_NONDETERMINISTIC: WORKFLOW_CODE,
  HOLDFAST_ROW: { status: 400, title: 'It is no row or id of the view' },
  HOLDFAST_DEFINITION_MISMATCH: UNFIT,
  HOLDFAST_GENERATION_ENDED: UNFIT,
  HOLDFAST_INCOMPLETE: UNFIT,
  HOLDFAST_SOURCE: UNFIT,
  HOLDFAST_SOURCE_LOST: UNFIT,
  HOLDFAST_SNAPSHOT: UNFIT,
  HOLDFAST_PLACE_LOST: { status: 412, title: 'What the search was to see may be forgotten' },
  HOLDFAST_TASK_TIMEOUT: { status: 409, title: 'The task has timed out' },
  HOLDFAST_UNKNOWN_KIND: { status: 409, title: 'No handler for the kind of the task' },
  HOLDFAST_LATCH_GONE: UNFIT,
};

/** The type of a problem, which a client may compare: `urn:holdfast:queue-full` of HOLDFAST_QUEUE_FULL. */
const typeOf = (code: ErrorCode): string =>
  `urn:holdfast:${code.replace('HOLDFAST_', '').toLowerCase().replaceAll('_', '-')}`;

/** The status of the answers that say so. */
export const statusOf = (code: ErrorCode): number => KINDS[code].status;

/** The problem that an error becomes. */
export function problemOf(error: unknown): Problem {
  // Which rights the server lacks in its stores is its operator's business, as a defect is.
  if (!(error instanceof HoldfastError) || error instanceof MissingRightsError) {
    return problemOf(new InternalError('The server could not carry the request out; its log says why.'));
  }
  const { code } = error;
  const { status, title, retryAfter } = KINDS[code] ?? KINDS.HOLDFAST_INTERNAL;
  return {
    ...{ type: typeOf(code), title, detail: detailOf(error), code },
    status: error instanceof RequestError ? error.status : status,
    ...(retryAfter !== undefined && { retryAfter: ownRetry(error) ?? retryAfter }),
    ...membersOf(error),
  };
}

/** That of an error which knows better, in ms. */
const ownRetry = (error: HoldfastError): number | undefined =>
  'retryAfter' in error && typeof error.retryAfter === 'number' ? error.retryAfter : undefined;

/** The message without the lines that list nodes. */
function detailOf(error: HoldfastError): string {
  if (!(error instanceof UnavailableError)) return error.message;
  const [first = ''] = error.message.split('\n');
  return first;
}

/** What else a client needs of an error, to act on it. */
function membersOf(error: HoldfastError): object {
  if (error instanceof RequestError) return error.fields.length > 0 ? { errors: error.fields } : {};
  if (error instanceof ForbiddenError) return { right: error.right };
  if (error instanceof QuotaExceededError) {
    const { quota, limit, used } = error;
    return { quota, limit, used };
  }
  if (error instanceof StaleTokenError) {
    const { resource, offered, seen, reason } = error;
    return { resource, offered, seen, reason };
  }
  if (error instanceof BusyError) {
    const { resource, token, remaining } = error;
    const ticket = error instanceof BusyWithTicketError ? { ticket: error.ticket } : {};
    return {
      resource,
      ...ticket,
      ...(token !== undefined && { token }),
      ...(remaining !== undefined && { remaining }),
    };
  }
  return {};
}

/** The headers of a problem's answer. */
export function headersOf(problem: Problem, error: unknown): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    ...(problem.retryAfter !== undefined && { 'retry-after': String(Math.ceil(problem.retryAfter / 1_000)) }),
    ...(problem.status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(error instanceof RequestError && error.headers),
  };
}
