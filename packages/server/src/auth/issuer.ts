/**
 * An issuer of tokens, as OpenID Connect describes it: where people sign in, and the keys by which its tokens are known.
 *
 * Guarantees: nothing of what a token says leads elsewhere: the keys are those of the issuer alone. They are fetched again when a
 * token names one that is not known, every 30 s at most, and every 10 minutes; while the issuer does not answer, the last ones
 * that it gave are in force, for up to a day. An issuer is asked by https, but on the loopback. A signature is verified once for the
 * keys that are in force; whether its token has expired is looked at each time.
 */
import { createHash } from 'node:crypto';
import { type Clock, MisuseError, messageOf, UnavailableError } from '@holdfast/kernel';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { UnauthenticatedError } from '../errors.js';

export interface IssuerOptions {
  /** Its URL, which its tokens name as "iss". */
  readonly issuer: string;
  /** The algorithms of signatures that are accepted. */
  readonly algorithms: readonly string[];
  readonly clock: Clock;
}

const DISCOVERED = z.object({
  issuer: z.string(),
  jwks_uri: z.url(),
  authorization_endpoint: z.url().optional(),
  token_endpoint: z.url().optional(),
});

type Discovered = z.output<typeof DISCOVERED>;

/** What a token says that was verified. */
export interface Claims {
  readonly sub: string;
  readonly [claim: string]: unknown;
}

interface Known {
  readonly discovered: Discovered;
  readonly keys: JWTVerifyGetKey;
  /** What tokens say that were good by these keys, by a digest of audience and token; the one that was shown first comes first. */
  readonly verified: Map<string, Claims & { readonly exp: number }>;
  /** In monotonic time. */
  readonly since: number;
}

/** In ms. */
const [FRESH, SOON, MOST_AGE, PATIENCE] = [600_000, 30_000, 86_400_000, 5_000];
const MOST_BYTES = 1_000_000;
/** Of those whose signatures are not verified again. */
const MOST_TOKENS = 10_000;
/** By how much the issuer's clock may differ, in seconds. */
const TOLERANCE = 30;

export class Issuer {
  readonly #options: IssuerOptions;
  #known: Known | undefined;
  #fetching: Promise<Known> | undefined;
  #tried = Number.NEGATIVE_INFINITY;

  /** Throws MisuseError for an issuer that is not asked by https. */
  constructor(options: IssuerOptions) {
    this.#options = options;
    requireSafe('The issuer', options.issuer);
  }

  /** Where people sign in, and where codes become tokens. Throws UnavailableError, MisuseError if the issuer has no such place. */
  async endpoints(): Promise<{ readonly authorization: string; readonly token: string }> {
    const { authorization_endpoint: authorization, token_endpoint: token } = (await this.#fresh()).discovered;
    if (authorization !== undefined && token !== undefined) return { authorization, token };
    throw new MisuseError(`${this.#options.issuer} does not say where people sign in.`);
  }

  /** What a token says. Throws UnauthenticatedError for one that is not good, UnavailableError. */
  async verify(token: string, audience: string): Promise<Claims> {
    const { issuer, algorithms, clock } = this.#options;
    const known = await this.#fresh();
    const options = {
      ...{ issuer, audience, algorithms: [...algorithms], clockTolerance: TOLERANCE },
      ...{ requiredClaims: ['exp', 'sub'], currentDate: new Date(clock.wall() / 1_000) },
    };
    const digest = createHash('sha256').update(`${audience}\0${token}`).digest('base64url');
    const before = known.verified.get(digest);
    if (before !== undefined && before.exp > Math.floor(clock.wall() / 1_000_000) - TOLERANCE) return before;
    const verified = async ({ keys, verified: all }: Known): Promise<Claims> => {
      const claims = (await jwtVerify(token, keys, options)).payload as Claims & { readonly exp: number };
      all.set(digest, claims);
      if (all.size > MOST_TOKENS) all.delete(all.keys().next().value as string);
      return claims;
    };
    try {
      return await verified(known);
    } catch (error) {
      const again = isUnknownKey(error) ? await this.#refreshed() : undefined;
      if (again === undefined) throw refused(error);
      return await verified(again).catch((second: unknown) => {
        throw refused(second);
      });
    }
  }

  /** Keys that are fresh, or the last ones. */
  async #fresh(): Promise<Known> {
    const { clock } = this.#options;
    const known = this.#known;
    const age = known === undefined ? Number.POSITIVE_INFINITY : clock.now() - known.since;
    if (known && age < FRESH) return known;
    if (known && age < MOST_AGE && clock.now() - this.#tried < SOON) return known;
    try {
      return await this.#fetch();
    } catch (error) {
      if (known && age < MOST_AGE) return known;
      throw error;
    }
  }

  /** Keys that are newer than those that are known; undefined if it is too early to ask for them. */
  async #refreshed(): Promise<Known | undefined> {
    if (this.#options.clock.now() - this.#tried < SOON) return undefined;
    return this.#fetch().catch(() => undefined);
  }

  #fetch(): Promise<Known> {
    this.#fetching ??= this.#ask().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #ask(): Promise<Known> {
    const { clock } = this.#options;
    this.#tried = clock.now();
    const discovered = await this.#discovered();
    const keys = usable(await fetchJson(discovered.jwks_uri), (set) =>
      createLocalJWKSet(set as JSONWebKeySet),
    );
    this.#known = { discovered, keys, verified: new Map(), since: clock.now() };
    return this.#known;
  }

  async #discovered(): Promise<Discovered> {
    const { issuer } = this.#options;
    const text = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const discovered = usable(text, (value) => DISCOVERED.parse(value));
    if (discovered.issuer !== issuer) {
      throw new UnavailableError(`The issuer calls itself "${discovered.issuer}", not "${issuer}".`, []);
    }
    return usable(discovered, (value) => {
      requireSafe('The URL of the keys', value.jwks_uri);
      return value;
    });
  }
}

/** What was made of an answer of the issuer. Throws UnavailableError for one of which nothing can be made. */
function usable<Answer, Made>(answer: Answer, make: (answer: Answer) => Made): Made {
  try {
    return make(answer);
  } catch (error) {
    throw new UnavailableError('The issuer of tokens did not answer as one does; ask who runs it.', [
      { node: 'the issuer', reason: messageOf(error) },
    ]);
  }
}

const isUnknownKey = (error: unknown): boolean => Object(error).code === 'ERR_JWKS_NO_MATCHING_KEY';

/** Says what is wrong with a token, and nothing of the token. */
function refused(error: unknown): UnauthenticatedError {
  const { code = '', claim } = Object(error) as { code?: string; claim?: string };
  if (code === 'ERR_JWT_EXPIRED') return new UnauthenticatedError('The token has expired; ask for another.');
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED')
    return new UnauthenticatedError(`The claim "${claim}" of the token is not one that this server accepts.`);
  return new UnauthenticatedError('The token is not one that this server accepts.');
}

function requireSafe(what: string, url: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback)) return;
  throw new MisuseError(`${what} is a URL that begins with https://.`);
}

/** Throws UnavailableError. */
export async function fetchJson(url: string, init: RequestInit = {}): Promise<unknown> {
  const { host } = new URL(url);
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(url, { ...init, redirect: 'error', signal });
    const text = await response.text();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    if (text.length > MOST_BYTES) throw new Error('its answer is too long');
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'its answer is no JSON' : messageOf(error);
    throw new UnavailableError(`The issuer of tokens did not answer; try again.`, [{ node: host, reason }]);
  }
}
