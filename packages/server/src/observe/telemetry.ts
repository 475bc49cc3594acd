/**
 * What the server records of its requests: a span, a duration and a line in the log for each.
 *
 * Guarantees: routes stand in it as templates, never with the names of resources, and keys by their ids.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { duration, endSpan, type Logger, Scope } from '@holdfast/telemetry';
import { context as contexts, propagation, SpanKind, trace } from '@opentelemetry/api';

const scope = new Scope<never, never>({ name: '@holdfast/server', events: {} });

const requests = scope.instrument(
  duration('http.server.request.duration', 'Duration of requests, by route and status.'),
);

/** One request, from its arrival to its answer. */
export interface Recorded {
  /** Runs `work` within the span of the request. */
  run<Result>(work: () => Result): Result;
  ended(outcome: Outcome): void;
}

interface Outcome {
  readonly method: string;
  /** The template of the path. */
  readonly route: string;
  readonly status: number;
  /** In ms. */
  readonly took: number;
  readonly keyId: string | undefined;
  /** The number of the request in this process. */
  readonly request: string;
  /** What went wrong, where the client was told of a defect or of a store. */
  readonly error: unknown;
}

/** Begins to record a request. */
export function record(headers: IncomingHttpHeaders, logger: Logger | undefined): Recorded {
  const isHeard = scope.isHeard();
  if (!isHeard && !logger) return SILENT;
  const parent = isHeard ? propagation.extract(contexts.active(), headers) : contexts.active();
  const span = isHeard
    ? scope.startSpan('holdfast.http', { attributes: {}, parent, kind: SpanKind.SERVER })
    : undefined;
  return {
    run: (work) => (span ? contexts.with(trace.setSpan(parent, span), work) : work()),
    ended({ method, route, status, took, keyId, request, error }) {
      const attributes = {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': status,
      };
      if (span) {
        span.setAttributes(attributes).updateName(`${method} ${route}`);
        endSpan(span, status >= 500 ? (error ?? new Error(`status ${status}`)) : undefined);
        requests.record(took, attributes);
      }
      logger?.[status >= 500 ? 'error' : 'info'](
        {
          ...{ method, route, status, ms: Math.round(took * 10) / 10, request },
          ...(keyId !== undefined && { key: keyId }),
          ...(span && { trace: span.spanContext().traceId }),
          ...(error !== undefined && { err: error }),
        },
        'request',
      );
    },
  };
}

const SILENT: Recorded = { run: (work) => work(), ended: () => {} };
