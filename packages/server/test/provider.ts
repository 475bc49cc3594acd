/** A small provider of OpenID Connect: who asks it is signed in at once, as whom the test says. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

type Claims = Readonly<Record<string, unknown>>;

export interface Provider extends AsyncDisposable {
  readonly url: string;
  /** What its tokens say of who signs in. */
  person: Claims;
  /** Its keys; the last one signs. */
  readonly rotate: () => Promise<void>;
  /** While it answers nothing. */
  isDown: boolean;
  /** While it answers what no issuer does. */
  isNonsense: boolean;
  /** How often its keys were fetched. */
  readonly fetched: () => number;
  readonly token: (
    claims: Claims,
    options?: { audience?: string; expires?: string; issuer?: string },
  ) => Promise<string>;
}

const CLIENT = { id: 'dashboard', secret: 'client-secret' };

export async function startProvider(): Promise<Provider> {
  let keys: { readonly kid: string; readonly jwk: JWK; readonly sign: (jwt: SignJWT) => Promise<string> }[] =
    [];
  let fetched = 0;
  const codes = new Map<string, URLSearchParams>();
  const rotate = async (): Promise<void> => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const kid = `k${keys.length + 1}`;
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
    const sign = (jwt: SignJWT) => jwt.setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
    keys = [...keys.slice(-1), { kid, jwk, sign }];
  };
  await rotate();
  const token: Provider['token'] = async (
    claims,
    { audience = 'holdfast', expires = '5m', issuer = provider.url } = {},
  ) => {
    const jwt = new SignJWT({ ...claims }).setIssuer(issuer).setAudience(audience).setExpirationTime(expires);
    return (keys.at(-1) as (typeof keys)[number]).sign(jwt.setIssuedAt());
  };
  const answers: Record<string, (request: IncomingMessage, url: URL) => Promise<object> | object> = {
    '/.well-known/openid-configuration': () => ({
      issuer: provider.url,
      jwks_uri: `${provider.url}/keys`,
      authorization_endpoint: `${provider.url}/authorize`,
      token_endpoint: `${provider.url}/token`,
    }),
    '/keys': () => {
      fetched += 1;
      return { keys: keys.map(({ jwk }) => jwk) };
    },
    '/token': async (request) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      const given = new URLSearchParams(text);
      const asked = codes.get(given.get('code') ?? '');
      codes.delete(given.get('code') ?? '');
      const challenge = createHash('sha256')
        .update(given.get('code_verifier') ?? '')
        .digest('base64url');
      const basic = Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64');
      const isRight =
        asked?.get('code_challenge') === challenge &&
        asked.get('redirect_uri') === given.get('redirect_uri') &&
        request.headers.authorization === `Basic ${basic}`;
      if (!asked || !isRight) throw new Error('no such code');
      const claims = { ...provider.person, nonce: asked.get('nonce') };
      return { token_type: 'Bearer', id_token: await token(claims, { audience: CLIENT.id }) };
    },
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://x');
    if (provider.isDown) return void response.writeHead(503).end();
    if (provider.isNonsense) return void response.writeHead(200).end('{"keys": 7}');
    if (url.pathname === '/authorize') {
      const code = `c${codes.size + 1}-${url.searchParams.get('state')?.slice(0, 8)}`;
      codes.set(code, url.searchParams);
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('code', code);
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      back.searchParams.set('session_state', 'of the provider');
      return void response.writeHead(302, { location: back.href }).end();
    }
    try {
      const body = await answers[url.pathname]?.(request, url);
      response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    } catch (error) {
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: String(error) }));
    }
  };
  const http = createServer((request, response) => void answer(request, response));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const provider: Provider = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    person: { sub: 'eve' },
    isDown: false,
    isNonsense: false,
    ...{ rotate, token },
    fetched: () => fetched,
    async [Symbol.asyncDispose]() {
      http.close();
      http.closeAllConnections();
    },
  };
  return provider;
}
