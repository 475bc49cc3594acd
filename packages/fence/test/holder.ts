/** Holders for the tests of guards: what a lease is to a guard. */
import type { TokenClaim } from '@holdfast/fence';

export const holder = (resource: string, token: number, issuer = 'locks:test'): TokenClaim => ({
  resource,
  token,
  issuer,
});
