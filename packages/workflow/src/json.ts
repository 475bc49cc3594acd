/**
 * Values as a journal keeps them: JSON, so that a replay is given exactly what the run was given.
 *
 * Guarantees: what JSON cannot hold or would alter, such as a Map or NaN, or more bytes than one record may have, throws a
 * MisuseError that says which value it was, and where. A value that says itself how it is kept, such as a Date, is kept so
 * before anybody sees it: the live run and every replay of it see the same.
 */
import { createHash } from 'node:crypto';
import { encodeJson } from '@holdfast/kernel';

/** The largest value, in bytes. Larger things belong elsewhere, and their address into the journal. */
const LARGEST_VALUE = 256 * 1024;
const ADVICE = 'keep large things elsewhere and pass on their address';

/** The value as JSON text; undefined is null, also in an array. Throws MisuseError; `what` begins the message. */
export const encodeValue = (value: unknown, what: string, most = LARGEST_VALUE): string =>
  encodeJson(value === undefined ? null : value, {
    ...{ of: what, most, advice: ADVICE },
    // As branches give it whose messages did not come.
    undefinedIsNull: true,
  });

/** What the value that a call is said to be of is compared by. Throws MisuseError. */
export function hashOf(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  const text = encodeValue(value, `The "of" of "${name}"`, Number.POSITIVE_INFINITY);
  return createHash('sha1').update(text).digest('base64url').slice(0, 16);
}

/** What somebody's code has thrown, or an Error in place of what cannot even be asked for its class, as a revoked Proxy. */
export function askable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error); // throws if that cannot be told
    return thrown;
  } catch {
    return new Error('a value that cannot be shown');
  }
}
