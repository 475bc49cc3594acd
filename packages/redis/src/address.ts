/**
 * Addresses of Redis servers: `redis://`, `rediss://` (TLS) and `unix:` URLs, and addresses that can be asked for the
 * server: `redis-sentinel://` and `redis-cluster://`; parsed once.
 *
 * Guarantees: a malformed address throws a MisuseError that shows it without its credentials.
 */
import { MisuseError } from '@holdfast/kernel';

export interface Address {
  /** `host:port` or a socket path, as messages show it. */
  readonly display: string;
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** The addresses to ask for the server, which changes when another takes over. */
  readonly via?: Via;
}

export interface Via {
  readonly kind: 'sentinel' | 'cluster';
  readonly seeds: readonly { readonly host: string; readonly port: number }[];
  /** For a sentinel: the name of the group whose master is meant. */
  readonly master: string;
  /** For a Cluster: whether a replica of the key's slot is meant, which takes no writes. */
  readonly replica: boolean;
}

const FORMS =
  'redis://[user:password@]host[:port][/db], rediss://… for TLS, unix:/path[?db=n&user=…&password=…], redis-sentinel://[user:password@]host:port,…[/db]?master=name, or redis-cluster://[user:password@]host:port,…';

/** Reads a URL. Throws MisuseError if it is none of the three forms. */
export function parseAddress(text: string): Address {
  if (/^rediss?-(sentinel|cluster):/.test(text)) return parseVia(text);
  // The error that URL throws shows the whole text, so it is not passed on.
  if (!URL.canParse(text)) throw wrong(text, 'it is no URL');
  const url = new URL(text);
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

/** The replicas of a Cluster, by the address of the Cluster. Each connection is to one of those that have its key's slot. */
export const replicasOf = (cluster: string): string => `${cluster}?role=replica`;

/** URL does not know several hosts: all but the first are taken out before it parses the text. */
function parseVia(text: string): Address {
  const [, secure, kind, credentials = '', hosts = '', rest = ''] =
    /^redis(s?)-(sentinel|cluster):\/\/([^@/]*@)?([^/?]*)(.*)$/.exec(text) ?? [];
  if (hosts === '') throw wrong(text, 'it names no host');
  const seeds = hosts.split(',').map((host) => {
    const { host: name, port, path } = parseAddress(`redis://${host}`);
    if (name === undefined || port === undefined || path !== undefined) throw wrong(text, 'it names no host');
    return { host: name, port: /:\d+$/.test(host) || kind === 'cluster' ? port : 26_379 };
  });
  const place = rest.split('?')[0] ?? '';
  const login = parseAddress(`redis://${credentials}localhost${place}`);
  const query = new URLSearchParams(rest.slice(place.length));
  const master = query.get('master') ?? '';
  const role = query.get('role');
  if (role !== null && (kind !== 'cluster' || role !== 'replica'))
    throw wrong(text, `"role=${role}" says nothing of it: only a Cluster has role=replica`);
  if (kind === 'sentinel' && !master) throw wrong(text, 'it does not say which master: add ?master=name');
  if (kind === 'cluster' && login.database !== 0) throw wrong(text, 'a Cluster has no databases');
  return {
    display: kind === 'sentinel' ? `${master} (by sentinel ${hosts})` : `cluster ${hosts}`,
    tls: secure === 's',
    database: login.database,
    ...(login.username !== undefined && { username: login.username }),
    ...(login.password !== undefined && { password: login.password }),
    via: { kind: kind as Via['kind'], seeds, master, replica: role !== null },
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

/** The parts of a possibly malformed address that may be shown: nothing that could be part of a password. */
export function withoutCredentials(text: string): string {
  const rest = text.replace(/^.*@/s, '***@').replace(/[?#].*$/s, '');
  const scheme = /^[a-z]+:(\/\/)?/i.exec(text)?.[0] ?? '';
  if (text.includes('@')) return `${scheme}${rest}`;
  // Without an "@", the part after a colon is a port, or else something that should not be shown.
  return rest.replace(/:(?!\/\/|\d{1,5}(\/|$)|\/)[^/]+/, ':***');
}
