/**
 * Values as a journal keeps them: JSON, so that a replay is given exactly what the run was given.
 *
 * Guarantees: what JSON cannot hold, or more bytes than one record may have, throws a MisuseError that says which value it
 * was. A value that JSON changes, such as a Date, is changed before anybody sees it: the live run and every replay of it see
 * the same.
 */
import { createHash } from 'node:crypto';
import { display, MisuseError } from '@holdfast/kernel';

/** The largest value, in bytes. Larger things belong elsewhere, and their address into the journal. */
const LARGEST_VALUE = 256 * 1024;

/** The value as JSON text; "null" for undefined. Throws MisuseError; `what` begins the message. */
export function encodeValue(value: unknown, what: string, largest = LARGEST_VALUE): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch (cause) {
    throw new MisuseError(`${what} is not JSON: ${messageOf(cause)}.`, { cause });
  }
  if (text === undefined) throw new MisuseError(`${what} is JSON; got ${display(value)}.`);
  const size = text.length * 3 <= largest ? text.length : Buffer.byteLength(text);
  if (size <= largest) return text;
  throw new MisuseError(
    `${what} has ${size} bytes, and ${largest} are the most: keep large things elsewhere and pass on their address.`,
  );
}

/** What the value that a call is said to be of is compared by. Throws MisuseError. */
export function hashOf(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  const text = encodeValue(value, `The "of" of "${name}"`, Number.POSITIVE_INFINITY);
  return createHash('sha1').update(text).digest('base64url').slice(0, 16);
}

const LONGEST_MESSAGE = 2_000;

/** What somebody's code has thrown, or an Error in place of what cannot even be asked for its class, as a revoked Proxy. */
export function askable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error); // throws if that cannot be told
    return thrown;
  } catch {
    return new Error('a value that cannot be shown');
  }
}

/** What somebody's code has thrown, as text. Never throws. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown).slice(0, LONGEST_MESSAGE);
  } catch {
    return 'a value that cannot be shown';
  }
}
