/**
 * What the server records of its requests and its calls by gRPC: a span, a duration and a line in the log for each.
 *
 * Guarantees: routes stand in it as templates, never with the names of resources, and keys by their ids.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { duration, endSpan, type Logger, Scope, within } from '@holdfast/telemetry';
import { context as contexts, isSpanContextValid, propagation, SpanKind } from '@opentelemetry/api';

const scope = new Scope<never, never>({ name: '@holdfast/server', events: {} });

const requests = scope.instrument(
  duration('http.server.request.duration', 'Duration of requests, by route and status.'),
);
const calls = scope.instrument(
  duration('rpc.server.duration', 'Duration of calls by gRPC, by method and status.'),
);

/** One request, from its arrival to its answer. */
export interface Recorded<Outcome> {
  /** Runs `work` within the span of the request. */
  run<Result>(work: () => Result): Result;
  ended(outcome: Outcome): void;
}

interface Ended {
  /** In ms. */
  readonly took: number;
  readonly keyId: string | undefined;
  /** The number of the request in this process. */
  readonly request: string;
  /** What went wrong, where the client was told of a defect or of a store. */
  readonly error: unknown;
}

interface HttpOutcome extends Ended {
  readonly method: string;
  /** The template of the path. */
  readonly route: string;
  readonly status: number;
}

interface CallOutcome extends Ended {
  /** Such as "holdfast.v1.Features". */
  readonly service: string;
  readonly method: string;
  /** Of gRPC, and its name. */
  readonly code: number;
  readonly status: string;
  /** Whether that is the server's fault. */
  readonly isFailure: boolean;
}

/** How a kind of request is recorded. */
interface Kind<Outcome> {
  readonly span: string;
  readonly durations: typeof requests;
  readonly read: (outcome: Outcome) => {
    readonly title: string;
    readonly attributes: Readonly<Record<string, string | number>>;
    /** What a line in the log has. */
    readonly line: object;
    readonly isFailure: boolean;
    readonly status: number | string;
  };
}

const HTTP: Kind<HttpOutcome> = {
  span: 'holdfast.http',
  durations: requests,
  read: ({ method, route, status }) => ({
    title: `${method} ${route}`,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
    },
    line: { method, route },
    ...{ status, isFailure: status >= 500 },
  }),
};

const GRPC: Kind<CallOutcome> = {
  span: 'holdfast.grpc',
  durations: calls,
  read: ({ service, method, code, status, isFailure }) => ({
    title: `${service}/${method}`,
    attributes: {
      'rpc.system': 'grpc',
      'rpc.service': service,
      'rpc.method': method,
      'rpc.grpc.status_code': code,
    },
    line: { method: 'gRPC', route: `/${service}/${method}` },
    ...{ status, isFailure },
  }),
};

/** Begins to record a request of HTTP. */
export const recordRequest = (headers: IncomingHttpHeaders, logger: Logger | undefined) =>
  record(HTTP, headers, logger);

/** Begins to record a call by gRPC. */
export const recordCall = (headers: IncomingHttpHeaders, logger: Logger | undefined) =>
  record(GRPC, headers, logger);

function record<Outcome extends Ended>(
  kind: Kind<Outcome>,
  headers: IncomingHttpHeaders,
  logger: Logger | undefined,
): Recorded<Outcome> {
  const isHeard = scope.isHeard();
  if (!isHeard && !logger) return SILENT;
  const parent = isHeard ? propagation.extract(contexts.active(), headers) : contexts.active();
  const span = isHeard
    ? scope.startSpan(kind.span, { attributes: {}, parent, kind: SpanKind.SERVER })
    : undefined;
  return {
    run: (work) => (span ? within(span, parent, work) : work()),
    ended(outcome) {
      const { took, keyId, request, error } = outcome;
      const { title, attributes, line, isFailure, status } = kind.read(outcome);
      if (span) {
        span.setAttributes(attributes).updateName(title);
        endSpan(span, isFailure ? (error ?? new Error(`status ${status}`)) : undefined);
        kind.durations.record(took, attributes);
      }
      logger?.[isFailure ? 'error' : 'info'](
        {
          ...{ ...line, status, ms: Math.round(took * 10) / 10, request },
          ...(keyId !== undefined && { key: keyId }),
          ...(span && isSpanContextValid(span.spanContext()) && { trace: span.spanContext().traceId }),
          ...(error !== undefined && { err: error }),
        },
        'request',
      );
    },
  };
}

const SILENT: Recorded<unknown> = { run: (work) => work(), ended: () => {} };
