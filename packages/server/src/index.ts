/**
 * @holdfast/server: Holdfast over HTTP. The main path: `createServer` (create-server.ts), whose operations are one table
 * (operations/table.ts), answered by http/answering.ts.
 */
export { type CreatedKey, createKey } from './auth/keys.js';
export { createServerKey } from './auth/sealer.js';
export { createServer, type Server } from './create-server.js';
export {
  ForbiddenError,
  InternalError,
  NotFoundError,
  RateLimitedError,
  RequestError,
  UnauthenticatedError,
} from './errors.js';
export type { Definitions, ServerOptions } from './options.js';
