/**
 * The session of a browser that is signed in: a cookie that says which key it showed, or who has signed in, sealed, without the
 * key or the token itself.
 *
 * Guarantees: no script can read it, and no page of another site has it sent. It ends after 12 hours, and at once when its
 * key is taken out of the file or expires. Under https it is one that only this host can have set.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '@holdfast/kernel';
import { z } from 'zod';
import { RequestError } from '../errors.js';
import type { Person } from './people.js';
import type { Sealer } from './sealer.js';

const SECONDS = 12 * 3_600;
const SECURE_NAME = '__Host-holdfast';
const until = z.number();
const SESSION = z.union([
  z.object({ keyId: z.string(), until }),
  z.object({ person: z.object({ sub: z.string(), groups: z.array(z.string()) }), until }),
]);

export type Session = { readonly keyId: string } | { readonly person: Person };

/** Ports of one host share their cookies. */
const plainName = (host: string): string => `holdfast-${/:(\d+)$/.exec(host)?.[1] ?? '80'}`;

/** The value of a cookie, in the header Cookie. */
export const cookieIn = (cookies: string, wanted: string): string | undefined =>
  cookies
    .split(';')
    .map((pair) => pair.trim().split('='))
    .find(([name]) => name === wanted)?.[1];

/** The key or token in the header Authorization. */
export const bearerOf = (authorization: string | undefined): string | undefined =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];

/** That of a browser that is signed in. Undefined without one that is still good. */
export function sessionOf(
  { cookie = '', host = '' }: IncomingHttpHeaders,
  sealer: Sealer,
  clock: Clock,
): Session | undefined {
  const named = (wanted: string): string | undefined => cookieIn(cookie, wanted);
  const handle = named(SECURE_NAME) ?? named(plainName(host));
  if (handle === undefined) return undefined;
  try {
    const session = SESSION.parse(sealer.open('session', '', handle));
    return msOf(clock) < session.until ? session : undefined;
  } catch (error) {
    if (error instanceof RequestError) return undefined;
    throw error;
  }
}

/** `wall` is in microseconds. */
const msOf = (clock: Clock): number => clock.wall() / 1_000;

export interface Browser {
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/** The header Set-Cookie that signs a browser in. */
export function sessionCookie(session: Session, browser: Browser, sealer: Sealer, clock: Clock): string {
  const handle = sealer.seal('session', '', { ...session, until: msOf(clock) + SECONDS * 1_000 });
  return written(handle, SECONDS, browser);
}

/** The header Set-Cookie that signs it out. */
export const goneCookie = (browser: Browser): string => written('', 0, browser);

function written(value: string, seconds: number, { origin, host = '' }: Browser): string {
  const isSecure = origin?.startsWith('https:') ?? false;
  const name = isSecure ? SECURE_NAME : plainName(host);
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`;
}
