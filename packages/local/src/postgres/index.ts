/**
 * @holdfast/local/postgres: a real PostgreSQL server on this machine, for tests and for trying things.
 */
export { type LocalPostgres, type PostgresOptions, startPostgres } from './server.js';
