/**
 * @holdfast/fence/postgres: the guard for data in PostgreSQL. The main path: `createPostgresGuard`, once `migrate`, then
 * `transaction`; inside transactions that another library opens, `sealWithin`.
 */
export {
  type PgClient,
  type PgPool,
  type PostgresJs,
  type PostgresSource,
  postgresSource,
  type TransactionOf,
} from './database.js';
export {
  createPostgresGuard,
  type IsolationLevel,
  type PostgresGuard,
  type PostgresGuardOptions,
  type PostgresQuery,
  type PostgresTransactionOptions,
  type PostgresWrite,
} from './guard.js';
export { type MarksTable, postgresMigration } from './marks.js';
