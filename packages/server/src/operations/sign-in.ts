/**
 * Signing people in by OpenID Connect: the browser is sent to the issuer, and comes back with a code, which the server exchanges
 * for a token that says who it is.
 *
 * Guarantees: the code is of use only to this server, for the browser that has begun (PKCE, and a state and a nonce that the
 * browser has in a sealed cookie). What the browser has afterwards is a session, and no token.
 */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { cookieIn, sessionCookie } from '../auth/cookie.js';
import { fetchJson } from '../auth/issuer.js';
import { NotFoundError, UnauthenticatedError } from '../errors.js';
import { operation } from './operation.js';
import type { SignIn } from './systems.js';
import { none } from './values.js';

const COOKIE = 'holdfast-sign-in';
/** How long somebody may take to sign in at the issuer, in s. */
const PATIENCE = 600;
const PATH = '/v1/session/oidc:callback';

const begun = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), until: z.number() });
const random = (): string => randomBytes(32).toString('base64url');

/** Throws NotFoundError. */
function required(signIn: SignIn | undefined): SignIn {
  if (signIn) return signIn;
  throw new NotFoundError('This server signs nobody in by an issuer; give a key.');
}

const callbackOf = ({ url }: SignIn): string => new URL(PATH, url).href;

/** Lax: the issuer's page leads to ours. */
const cookieOf = (value: string, seconds: number, { url }: SignIn): string =>
  `${COOKIE}=${value}; Path=${PATH}; HttpOnly; SameSite=Lax; Max-Age=${seconds}${url.startsWith('https:') ? '; Secure' : ''}`;

export const begin = operation({
  id: 'product.signInByIssuer',
  method: 'GET',
  path: '/v1/session/oidc',
  summary: 'Send a browser to the issuer, to sign in.',
  right: undefined,
  params: none,
  query: none,
  answers: { 302: { description: 'To the page of the issuer.' } },
  problems: ['HOLDFAST_NOT_FOUND'],
  example: {},
  async run({ systems }) {
    const signIn = required(systems.signIn);
    const { authorization } = await signIn.people.issuer.endpoints();
    const [state, nonce, verifier] = [random(), random(), random()];
    const until = systems.clock.wall() / 1_000 + PATIENCE * 1_000;
    const location = new URL(authorization);
    for (const [name, value] of Object.entries({
      response_type: 'code',
      client_id: signIn.clientId,
      redirect_uri: callbackOf(signIn),
      scope: signIn.scope,
      ...{ state, nonce, code_challenge_method: 'S256' },
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    }))
      location.searchParams.set(name, value);
    const sealed = systems.sealer.seal('session', 'oidc', { state, nonce, verifier, until });
    return {
      status: 302,
      headers: { location: location.href, 'set-cookie': cookieOf(sealed, PATIENCE, signIn) },
    };
  },
});

export const callback = operation({
  id: 'product.signedInByIssuer',
  method: 'GET',
  path: PATH,
  summary: 'Take a browser that comes from the issuer.',
  right: undefined,
  params: none,
  // What else an issuer says is of no use here.
  query: z.looseObject({
    code: z.string().max(4_096).optional(),
    state: z.string().max(200),
    error: z.string().max(200).optional(),
  }),
  answers: { 302: { description: 'To the dashboard, signed in.' } },
  problems: ['HOLDFAST_NOT_FOUND', 'HOLDFAST_UNAUTHENTICATED'],
  example: { query: { state: 'x' } },
  async run({ systems, query, header }) {
    const { sealer, clock } = systems;
    const signIn = required(systems.signIn);
    const cookie = cookieIn(header('cookie') ?? '', COOKIE);
    const { state, nonce, verifier, until } = begun.parse(
      cookie === undefined ? nothing : sealer.open('session', 'oidc', cookie),
    );
    const isOwn = state !== '' && state === query.state && clock.wall() / 1_000 < until;
    if (!isOwn)
      throw new UnauthenticatedError('This browser has not begun to sign in, or too long ago; begin again.');
    if (query.code === undefined) {
      throw new UnauthenticatedError(
        `The issuer has not signed anybody in: ${query.error ?? 'it gave no code'}.`,
      );
    }
    const claims = await signIn.people.issuer.verify(
      await tokenFor(signIn, query.code, verifier),
      signIn.clientId,
    );
    if (claims['nonce'] !== nonce)
      throw new UnauthenticatedError('The token was made for another browser; begin again.');
    const session = { person: signIn.people.personOf(claims) };
    const browser = { origin: new URL(signIn.url).origin, host: header('host') };
    return {
      status: 302,
      headers: { location: '/' },
      cookies: [sessionCookie(session, browser, sealer, clock), cookieOf('', 0, signIn)],
    };
  },
});

const nothing = { state: '', nonce: '', verifier: '', until: 0 };

const answered = z.object({ id_token: z.string().min(1) });

/** Exchanges a code. Throws UnauthenticatedError, UnavailableError. */
async function tokenFor(signIn: SignIn, code: string, verifier: string): Promise<string> {
  const { clientId, clientSecret, people } = signIn;
  const { token } = await people.issuer.endpoints();
  const secret = clientSecret();
  const encoded = [clientId, secret ?? ''].map(encodeURIComponent).join(':');
  const body = new URLSearchParams({
    ...{ grant_type: 'authorization_code', code, code_verifier: verifier },
    ...{ redirect_uri: callbackOf(signIn), client_id: clientId },
  });
  const reply = await fetchJson(token, {
    ...{ method: 'POST', body },
    headers: {
      accept: 'application/json',
      ...(secret !== undefined && { authorization: `Basic ${Buffer.from(encoded).toString('base64')}` }),
    },
  });
  const parsed = answered.safeParse(reply);
  if (parsed.success) return parsed.data.id_token;
  throw new UnauthenticatedError('The issuer has given no token of identity; ask for the scope "openid".');
}
