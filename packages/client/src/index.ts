/**
 * @holdfast/client: the server's operations from any runtime that has `fetch`. The main path: `createClient` (client.ts);
 * `client.queues.add(…)` and the like are made from the server's table of operations (operations/).
 */
export { type Client, createClient } from './client.js';
export type { HeldLease, LeaseOptions } from './lease.js';
export type * from './operations/schemas.js';
export { type FieldProblem, ProblemError, UnreachableError } from './problem.js';
export type { CallOptions, ClientOptions, ServerEvent } from './transport.js';
export { LeaseLostError } from './validity.js';
export { type Delivery, type Handler, NonRetryableError, type WorkOptions } from './worker.js';
