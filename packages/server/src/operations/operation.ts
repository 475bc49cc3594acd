/**
 * An operation of the server: everything that is known of it, once. The router, the checks of rights and values, the
 * OpenAPI document and the tests are made from these values.
 *
 * Guarantees: `run` is called only for a caller who has the right, with values that the schemas have accepted.
 */
import type { ErrorCode } from '@holdfast/kernel';
import type { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import type { Right } from '../auth/scopes.js';
import type { Systems } from './systems.js';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One event of a stream of server-sent events. */
export interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: unknown;
}

/** What an operation answers. */
export interface Answer {
  readonly status: number;
  /** JSON. Default: no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Values of the header Set-Cookie. */
  readonly cookies?: readonly string[];
  /** A body that is text of another type. */
  readonly text?: { readonly type: string; readonly body: string };
  /** Server-sent events in the place of a body. */
  readonly events?: AsyncIterable<StreamEvent>;
}

/** A request that was accepted. */
export interface Call<Params = Record<string, string>, Query = Record<string, unknown>, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  readonly systems: Systems;
  /** Carries out another operation of method GET for the same caller, by its path and query. Throws as that would. */
  readonly read: (path: string, signal: AbortSignal) => Promise<Answer>;
  /** The table of all operations. */
  readonly operations: readonly Operation[];
  /** The header Idempotency-Key. */
  readonly idempotencyKey: string | undefined;
  /** A header of the request, by its name in lower case. */
  readonly header: (name: string) => string | undefined;
  /** The handle in the header Holdfast-Lease, if the operation takes one. */
  readonly lease: string | undefined;
  /** When the request arrived, in monotonic time. */
  readonly received: number;
  /** Aborts when the client has gone, or the server stops. */
  readonly signal: AbortSignal;
}

/** An operation as the router and the document see it. */
export interface Operation {
  /** As it is called in OpenAPI and by clients, such as "queues.add". */
  readonly id: string;
  readonly method: Method;
  /** Such as "/v1/queues/{queue}/tasks/{id}:cancel". */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** The right that it asks for; "any" for what every key may, undefined for what anybody may. */
  readonly right: Right | 'any' | undefined;
  /** The parameter that names the resource by which the right is judged; undefined if any resource will do. */
  readonly judgedBy: string | undefined;
  /** A header in which a key may stand, too, without "Bearer"; undefined for none but Authorization. */
  readonly keyHeader: string | undefined;
  /** Whether it takes a handle, in the header Holdfast-Lease. */
  readonly takesLease: boolean;
  /** Whether its answer is a stream of server-sent events. */
  readonly streams: boolean;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType | undefined;
  /** The answers of success, by their status. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  /** The errors that are its own; those of every operation are not listed. */
  readonly problems: readonly ErrorCode[];
  /** A request that the tests make. */
  readonly example: {
    readonly params?: Readonly<Record<string, string>>;
    readonly query?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly run: (call: Call) => Promise<Answer> | Answer;
}

type Definition<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType> = Omit<
  Operation,
  'params' | 'query' | 'body' | 'run' | 'problems' | 'judgedBy' | 'keyHeader' | 'takesLease' | 'streams'
> & {
  readonly params: Params;
  readonly query: Query;
  readonly body?: Body;
  readonly judgedBy?: keyof z.output<Params> & string;
  readonly keyHeader?: string;
  readonly takesLease?: boolean;
  readonly streams?: boolean;
  readonly problems?: readonly ErrorCode[];
  readonly run: (call: Call<z.output<Params>, z.output<Query>, z.output<Body>>) => Promise<Answer> | Answer;
};

/** Defines an operation, with the types that its schemas give. */
export function operation<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType = z.ZodType,
>(definition: Definition<Params, Query, Body>): Operation {
  const { body, judgedBy, keyHeader, problems = [], run, ...rest } = definition;
  const { takesLease = false, streams = false } = rest;
  return {
    ...{ ...rest, body, judgedBy, keyHeader, problems, takesLease, streams },
    run: run as Operation['run'],
  };
}
