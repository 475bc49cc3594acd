/** A model of a Redis server, which runs the shipped Lua. */
export { printScore } from './arguments.js';
export type { StoredValue } from './keyspace.js';
export { type Reply, ServerError } from './reply.js';
export { ModelServer, type Snapshot } from './server.js';
