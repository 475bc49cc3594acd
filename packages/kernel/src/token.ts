/**
 * The definition of a fencing token.
 *
 * A token is a ballot in the sense of Paxos: a positive safe integer, microseconds since the Unix epoch, made
 * monotonic by its proposer. It is exact as a JavaScript number, a Lua number, a PostgreSQL `bigint` and a JSON
 * number until the year 2255.
 */
import { MisuseError } from './errors.js';
import { display } from './options.js';

/** Returns `value` if it can be a token. Throws MisuseError naming it otherwise. */
export function requireToken(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new MisuseError(
    `A fencing token is a positive integer below 2^53, as lease.token gives it; got ${display(value)}.`,
  );
}
