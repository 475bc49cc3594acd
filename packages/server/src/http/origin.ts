/**
 * Refuses requests that a browser sends for a page that is not ours: by the name that it was told for this server, and by
 * the page that it names.
 *
 * Guarantees: where no keys are asked for, a page on the internet that has its own name resolve to this machine reaches
 * nothing (421), and neither does a form or a script of another page (403).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { ForbiddenError, RequestError } from '../errors.js';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** `names`: the hosts of the server, such as "holdfast.example.org"; `asksForKeys`: whether a request needs a key. */
export function requireOwnPage(
  { host = '', origin }: IncomingHttpHeaders,
  { names, asksForKeys }: { readonly names: readonly string[]; readonly asksForKeys: boolean },
): void {
  // A browser adds no key to what another page asks for.
  if (asksForKeys && names.length === 0) return;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (!LOOPBACK.includes(name) && !names.includes(name)) {
    throw new RequestError(
      'The request is for another host: this server answers to localhost and to the hosts of --public-url.',
      { status: 421 },
    );
  }
  if (origin === undefined || sameHost(origin, host)) return;
  throw new ForbiddenError(
    'The request comes from a page of another origin. Nothing was done.',
    'a page of this server',
  );
}

/** What a browser is to do with the cookie that it has, only a page of this server may ask for. Throws ForbiddenError. */
export function requireOwnOrigin({ host = '', origin }: IncomingHttpHeaders): void {
  if (origin !== undefined && sameHost(origin, host)) return;
  throw new ForbiddenError(
    'A browser that is signed in changes something only for a page of this server. Nothing was done.',
    'a page of this server',
  );
}

function sameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host.toLowerCase();
  } catch {
    return false; // such as "null"
  }
}
