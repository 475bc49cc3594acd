/**
 * The meaning of a server's error reply for the call: whether its user lacks the right, or the server refused before it
 * did anything.
 */
import { MisuseError } from '@holdfast/kernel';

/** The words with which servers say that a user lacks a right. */
const FORBIDDEN = /NOPERM|can't run this command|no permissions|can't access/i;

/**
 * Refusals before the first write of a script; the server checks each of these only until a script has written. For
 * lack of memory, functions are refused as a whole, with words of their own.
 */
const REFUSED =
  /^(?:OOM|READONLY|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|CLUSTERDOWN|BUSY|NOAUTH|MOVED|ASK|TRYAGAIN)\b/;

/** Advice for a user without the rights. Some servers name the right for a command inside a script only in that log. */
export const FORBIDDEN_ADVICE =
  "Give it the rights that the package's README lists; ACL LOG on the server names the one that is missing.";

/** A server does not let this client's user do what it was asked. Who has called, and with what, makes no difference. */
export class MissingRightsError extends MisuseError {}

export function isForbidden(reason: string): boolean {
  return FORBIDDEN.test(reason);
}

/** Whether the server refused, so that nothing was done. */
export function isRefused(reason: string): boolean {
  return REFUSED.test(reason);
}

/** The advice against a refusal, as a sentence. */
export function adviceFor(reason: string): string {
  if (reason.startsWith('OOM')) return 'Its memory is full: make room, or raise its maxmemory';
  if (reason.startsWith('READONLY')) return 'It is a replica: name the master';
  if (reason.startsWith('NOAUTH')) return 'It wants a password';
  return 'Retry later';
}
