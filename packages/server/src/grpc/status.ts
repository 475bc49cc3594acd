/**
 * The status of gRPC that a problem becomes, with its code of docs/ERRORS.md in the metadata.
 *
 * Guarantees: it follows from the status of HTTP, so there is one table of errors (http/problem.ts). `grpc-retry-pushback-ms`
 * says when to come again, which clients with a policy for retries obey.
 */
import type { Problem } from '../http/problem.js';

/** The codes that are answered, by their names. */
export const CODES = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type Status = keyof typeof CODES;

const BY_HTTP: Readonly<Record<number, Status>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  413: 'RESOURCE_EXHAUSTED',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

export const statusOf = ({ status }: Problem): Status =>
  BY_HTTP[status] ?? (status < 500 ? 'FAILED_PRECONDITION' : 'INTERNAL');

/** The metadata of a problem: its code, the whole of it as JSON, and when to come again. */
export const metadataOf = (problem: Problem): Readonly<Record<string, string | Buffer>> => ({
  'holdfast-code': problem.code,
  'holdfast-problem-bin': Buffer.from(JSON.stringify(problem)),
  ...(problem.retryAfter !== undefined && { 'grpc-retry-pushback-ms': String(problem.retryAfter) }),
});
