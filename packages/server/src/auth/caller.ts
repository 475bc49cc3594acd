/**
 * The caller of an operation: who it is, and what it may do.
 */
import type { Limits } from '../quotas/limits.js';
import { allows, allowsSome, type Right, readScope, type Scope } from './scopes.js';

export interface Caller {
  /** Who it is: the subject of its key, or of its token, with the issuer. */
  readonly subject: string;
  /** The id of its key; undefined for one that has none. */
  readonly keyId: string | undefined;
  /** The same of those alone who see the same. */
  readonly viewer: string;
  readonly scopes: readonly Scope[];
  /** How much it may have stored and held; undefined for any amount. */
  readonly quotas: Limits | undefined;
  /** Whether it may do something with a resource. */
  may(right: Right, name: string): boolean;
  /** Whether it may do something with any resource at all. */
  mayWithSome(right: Right): boolean;
}

export function callerOf({
  subject,
  keyId,
  viewer = keyId ?? '',
  scopes,
  quotas,
}: {
  readonly subject: string;
  readonly keyId: string | undefined;
  readonly viewer?: string;
  readonly scopes: readonly Scope[];
  readonly quotas?: Limits | undefined;
}): Caller {
  return {
    ...{ subject, keyId, viewer, scopes, quotas },
    may: (right, name) => allows(scopes, right, name),
    mayWithSome: (right) => allowsSome(scopes, right),
  };
}

/** Where no keys are asked for, everybody may everything. */
export const ANYBODY: Caller = callerOf({ subject: 'anybody', keyId: undefined, scopes: [readScope('*')] });
