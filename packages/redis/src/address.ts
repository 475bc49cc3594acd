/**
 * Addresses of Redis servers: `redis://`, `rediss://` (TLS) and `unix:` URLs, taken apart once.
 *
 * Guarantees: a malformed address throws a MisuseError that shows it without its credentials.
 */
import { MisuseError } from '@holdfast/kernel';

export interface Address {
  /** `host:port` or a socket path: what messages show. */
  readonly display: string;
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
}

const FORMS =
  'redis://[user:password@]host[:port][/db], rediss://… for TLS, or unix:/path[?db=n&user=…&password=…]';

/** Reads a URL. Throws MisuseError if it is none of the three forms. */
export function parseAddress(text: string): Address {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new MisuseError(`"${withoutCredentials(text)}" is not a Redis address; write ${FORMS}.`, { cause });
  }
  if (url.protocol === 'unix:') {
    const path = decode(url.pathname, text);
    if (!path.startsWith('/') || path === '/') throw wrong(text, 'it names no socket');
    const database = databaseOf(url.searchParams.get('db') ?? '', text);
    const [username, password] = [url.searchParams.get('user'), url.searchParams.get('password')];
    return {
      display: path,
      path,
      tls: false,
      database,
      ...(username && { username }),
      ...(password && { password }),
    };
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw wrong(text, `"${url.protocol}" is not a scheme of Redis`);
  }
  if (!url.hostname) throw wrong(text, 'it names no host');
  const credentials = {
    ...(url.username && { username: decode(url.username, text) }),
    ...(url.password && { password: decode(url.password, text) }),
  };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 6379 : Number(url.port);
  const database = databaseOf(url.pathname.replace(/^\//, ''), text);
  return {
    display: `${url.hostname}:${port}`,
    host,
    port,
    tls: url.protocol === 'rediss:',
    database,
    ...credentials,
  };
}

function databaseOf(text: string, address: string): number {
  if (!/^\d{0,5}$/.test(text)) throw wrong(address, `"${text}" is not the number of a database`);
  return Number(text);
}

function wrong(text: string, why: string): MisuseError {
  return new MisuseError(`"${withoutCredentials(text)}" is not a Redis address: ${why}; write ${FORMS}.`);
}

function decode(part: string, address: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong(address, 'a "%" in it is not followed by two hexadecimal digits; write %25 for a "%" itself');
  }
}

/** What can be shown of a text that may be a malformed address: nothing that could be part of a password. */
function withoutCredentials(text: string): string {
  const rest = text.replace(/^.*@/s, '***@').replace(/[?#].*$/s, '');
  const scheme = /^[a-z]+:(\/\/)?/i.exec(text)?.[0] ?? '';
  if (text.includes('@')) return `${scheme}${rest}`;
  // Without an "@" the part behind a colon is a port, or else something that should not be shown.
  return rest.replace(/:(?!\/\/|\d{1,5}(\/|$)|\/)[^/]+/, ':***');
}
