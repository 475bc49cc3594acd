/**
 * The meaning of an error of a PostgreSQL library: by its SQLSTATE, or as an error that is not the server's.
 *
 * Guarantees: an error keeps its cause; the messages of the drivers and the server carry no password.
 */
import { HoldfastError, MisuseError, UnavailableError } from '@holdfast/kernel';

/** The words for an error, by its SQLSTATE. */
const MISUSES: Readonly<Record<string, string>> = {
  '42P01': 'it does not exist; run guard.migrate() once, or the SQL of postgresMigration()',
  '42883': 'its function does not exist; run guard.migrate() once, or the SQL of postgresMigration()',
  '3F000': 'its schema does not exist; create it, then run guard.migrate()',
  '42703': 'it is another table; choose a name for the marks alone, and run guard.migrate()',
  '42P10': 'it is another table; choose a name for the marks alone, and run guard.migrate()',
  '42501': 'the role may not use it; grant it SELECT, INSERT and UPDATE, and CREATE on the schema to migrate',
};

const DELAYS: Readonly<Record<string, string>> = {
  '55P03': 'An earlier holder still has its transaction open, for longer than the lockTimeout',
  '57014': 'The server was told to cancel the statement',
  '25006': 'The server takes no writes: it is a standby, or the role is read-only',
};

/** Another transaction has changed the mark after ours had taken its snapshot. */
export const isSerializationFailure = (error: unknown): boolean => sqlStateOf(error) === '40001';

/**
 * The SQLSTATE of a server's error, even if a query builder has wrapped it; undefined for any other error.
 */
function sqlStateOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 4) return undefined;
  const { code, originalCode, severity, cause, meta, driverAdapterError } = error as Record<string, unknown>;
  const own = originalCode ?? (severity === undefined ? undefined : code);
  if (typeof own === 'string' && /^[0-9A-Z]{5}$/.test(own)) return own;
  for (const inner of [cause, meta, driverAdapterError]) {
    const state = sqlStateOf(inner, depth + 1);
    if (state !== undefined) return state;
  }
  return undefined;
}

/** Whether the server has refused, and the connection goes on. */
export function isAnswer(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && !/^(08|57P0)/.test(state);
}

/** Whether the error comes from the connection: the server ended it, or the library or the system lost it. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlStateOf(error);
  if (state !== undefined) return /^(08|57P0)/.test(state);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined || /^CONNECT(ION)?_/.test(String(code))) return true;
  return /^(Connection terminated|Client has encountered a connection error|Client was closed)/.test(
    error.message,
  );
}

export function unavailable(what: string, cause: unknown): UnavailableError {
  const reason =
    cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : String(cause);
  return new UnavailableError(`${what}.`, [{ node: 'PostgreSQL', reason }], { cause });
}

/** The error for a failure with the marks in `table`, before any code of the user has run. */
export function refusedBy(error: unknown, table: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const state = sqlStateOf(error) ?? '';
  const misuse = MISUSES[state];
  if (misuse !== undefined)
    return new MisuseError(`The guard cannot use ${table}: ${misuse}.`, { cause: error });
  const delay = DELAYS[state] ?? 'The guard could not ask PostgreSQL';
  return unavailable(`${delay}; nothing was changed`, error);
}
