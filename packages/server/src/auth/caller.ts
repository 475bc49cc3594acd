/**
 * The caller of an operation: who it is, and what it may do.
 */
import { allows, allowsSome, type Right, readScope, type Scope } from './scopes.js';

export interface Caller {
  /** Who it is: the subject of its key. */
  readonly subject: string;
  /** The id of its key; undefined where no keys are asked for. */
  readonly keyId: string | undefined;
  readonly scopes: readonly Scope[];
  /** Whether it may do something with a resource. */
  may(right: Right, name: string): boolean;
  /** Whether it may do something with any resource at all. */
  mayWithSome(right: Right): boolean;
}

export function callerOf({
  subject,
  keyId,
  scopes,
}: {
  readonly subject: string;
  readonly keyId: string | undefined;
  readonly scopes: readonly Scope[];
}): Caller {
  return {
    ...{ subject, keyId, scopes },
    may: (right, name) => allows(scopes, right, name),
    mayWithSome: (right) => allowsSome(scopes, right),
  };
}

/** Where no keys are asked for, everybody may everything. */
export const ANYBODY: Caller = callerOf({ subject: 'anybody', keyId: undefined, scopes: [readScope('*')] });
