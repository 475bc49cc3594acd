/**
 * What the command line of `holdfast serve` says of TLS and of an issuer of tokens.
 *
 * Guarantees: what is of no use without something else is an error that says what is missing.
 */
import type { ServerOptions } from '@holdfast/server';
import { type Arguments, given } from '../../arguments.js';
import {
  AUDIENCE,
  CLIENT_ID,
  CLIENT_SECRET,
  GROUPS,
  ISSUER,
  PUBLIC_URL,
  TLS_CA,
  TLS_CERT,
  TLS_KEY,
} from './options.js';

export function tlsOf(args: Arguments): ServerOptions['tls'] {
  const [cert, key, ca] = [TLS_CERT, TLS_KEY, TLS_CA].map((option) => args.text(option));
  if (cert !== undefined && key !== undefined) return { cert, key, ...given({ ca }) };
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  throw args.wrong('TLS takes both --tls-cert <file> and --tls-key <file>');
}

export function issuerOf(args: Arguments): ServerOptions['issuer'] {
  const [url, groups] = [args.text(ISSUER), args.text(GROUPS)];
  const signIn = signInOf(args);
  if (url !== undefined && groups !== undefined)
    return { url, groups, audience: args.text(AUDIENCE) ?? 'holdfast', ...given({ signIn }) };
  if (url === undefined && groups === undefined && signIn === undefined) return undefined;
  throw args.wrong('tokens take both --issuer <url> and --groups <file>');
}

function signInOf(args: Arguments) {
  const clientId = args.text(CLIENT_ID);
  const clientSecret = args.text(CLIENT_SECRET);
  if (clientId === undefined && clientSecret === undefined) return undefined;
  const [url = ''] = (args.text(PUBLIC_URL) ?? '').split(',');
  if (clientId !== undefined && url !== '') return { clientId, url, ...given({ clientSecret }) };
  throw args.wrong('signing in takes --client-id <id>, and --public-url <url> of this server');
}
