/**
 * The names of owners: "<identity>/<instance>.<number>", with an "r" for those that read. The number begins with that of the
 * request, if the caller has named one, so that whoever repeats a request finds what the earlier call was granted.
 *
 * Guarantees: names are unique to a call, also to calls of one request.
 */
import { createHash } from 'node:crypto';

const DIGITS = 30;

/** The names of the owners of one process. */
export function ownersOf(prefix: string): (shared: boolean, request: string | undefined) => string {
  let calls = 0;
  return (shared, request) => {
    calls += 1;
    return `${prefix}.${request === undefined ? '' : numberOf(request)}${calls}${shared ? 'r' : ''}`;
  };
}

/** Whether an owner is that of a call with this `request`. */
export function isOwnerFor(owner: string, request: string): boolean {
  const [, number = ''] = /\.(\d+)r?$/.exec(owner) ?? [];
  return number.length > DIGITS && number.startsWith(numberOf(request));
}

function numberOf(request: string): string {
  const hash = BigInt(`0x${createHash('sha256').update(request).digest('hex')}`);
  return (hash % 10n ** BigInt(DIGITS)).toString().padStart(DIGITS, '0');
}
