/**
 * Who makes a request: by a key, by a token of the issuer, or by the session of a browser.
 *
 * Guarantees: where keys or tokens are asked for, nobody is admitted without one. What a browser that is signed in changes, only a
 * page of this server may ask for. An address that shows too many that are wrong is not asked who it is for a while.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '@holdfast/kernel';
import { UnauthenticatedError } from '../errors.js';
import { requireOwnOrigin, requireOwnPage } from '../http/origin.js';
import { type Rate, RateLimit } from '../http/rate.js';
import { ANYBODY, type Caller } from './caller.js';
import { bearerOf, sessionOf } from './cookie.js';
import type { KeyFile } from './keys.js';
import type { People } from './people.js';
import type { Sealer } from './sealer.js';

export interface AuthenticatorOptions {
  /** Undefined where no keys are accepted. */
  readonly keys: KeyFile | undefined;
  /** Undefined where no tokens are accepted. */
  readonly people: People | undefined;
  readonly sealer: Sealer;
  /** The names by which the server is reached. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
}

/** What is looked at of a request. */
interface Request {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  /** Whether a page in a browser may have sent it. */
  readonly isWeb: boolean;
}

/** Of one address. */
const WRONG: Rate = { count: 50, per: 10_000 };

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #wrong: RateLimit;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#wrong = new RateLimit(WRONG, options.clock);
  }

  /** `keyHeader`: the header that has the key of some operations. Throws UnauthenticatedError, ForbiddenError, RequestError, RateLimitedError, UnavailableError. */
  async authenticate(request: Request, keyHeader: string | undefined): Promise<Caller> {
    const { keys, people, hosts } = this.#options;
    const { headers, address, isWeb } = request;
    const asks = keys !== undefined || people !== undefined;
    if (isWeb) requireOwnPage(headers, { names: hosts, asksForKeys: asks });
    if (!asks) return ANYBODY;
    const bare = keyHeader === undefined ? undefined : headers[keyHeader];
    const shown = typeof bare === 'string' ? bare : bearerOf(headers.authorization);
    const caller = this.#callerOf(request, shown);
    try {
      return await caller;
    } catch (error) {
      if (error instanceof UnauthenticatedError) this.#wrong.count(address);
      throw error;
    }
  }

  async #callerOf(request: Request, shown: string | undefined): Promise<Caller> {
    const { keys, people } = this.#options;
    const { address, isWeb } = request;
    if (shown === undefined && isWeb) return this.#ofBrowser(request);
    if (shown === undefined) throw noKey();
    if (people && !shown.startsWith('hf_')) return people.authenticate(shown);
    if (keys) return keys.authenticate(shown, address);
    throw new UnauthenticatedError('The token is not one that this server accepts.');
  }

  #ofBrowser({ headers, method, address }: Request): Caller {
    const { keys, people, sealer, clock } = this.#options;
    const session = sessionOf(headers, sealer, clock);
    if (session !== undefined && !['GET', 'HEAD'].includes(method)) requireOwnOrigin(headers);
    if (session && 'keyId' in session && keys) return keys.recall(session.keyId, address);
    if (session && 'person' in session && people) return people.callerOf(session.person);
    throw noKey();
  }
}

const noKey = (): UnauthenticatedError =>
  new UnauthenticatedError('Give a key in the header Authorization: Bearer hf_….');
