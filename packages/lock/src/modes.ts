/**
 * The kinds of lease, as acquiring sees them: what an attempt proposes, and what it learns from votes that did not
 * suffice. Permits of a semaphore are the third kind (semaphore.ts).
 */
import type { LeaseKind } from './telemetry.js';
import type { LeaseVerbs, LockVerbs, PermitRequest } from './verbs.js';
import { groupOf, type Refusal, type Votes } from './votes.js';

/** What one attempt asks for. */
interface Proposal {
  readonly resource: string;
  /** The token of those who hold it together, to be one of them; a new token otherwise. */
  readonly join?: number | undefined;
  readonly permit?: PermitRequest;
}

/** One call of acquire, of one kind. */
export interface Mode {
  readonly verbs: LeaseVerbs;
  /** Names the line and the queue in which it waits. */
  readonly line: string;
  readonly kind: LeaseKind;
  /** In how many ms what it waits for may be free, if it knows better than the votes. */
  readonly freeIn?: number | undefined;
  /** `called` is the key of the lock that the nodes have reserved. */
  propose(called: string | undefined): Proposal;
  /** Learns from an attempt that failed. True if the next is likely to succeed at once. */
  adapt(why: Refusal | 'slow', votes: Votes): boolean | Promise<boolean>;
  /** Told of the votes of the attempt that was won. */
  onGranted?(votes: Votes): void;
}

export function exclusive(verbs: LockVerbs, resource: string): Mode {
  return {
    verbs: verbs.exclusive,
    line: resource,
    kind: 'exclusive',
    propose: () => ({ resource }),
    adapt: () => false,
  };
}

/** Beside others who read, under their token. */
export function shared(verbs: LockVerbs, resource: string): Mode {
  let join: number | undefined;
  return {
    verbs: verbs.shared,
    line: resource,
    kind: 'shared',
    propose: () => ({ resource, join }),
    adapt(why, votes) {
      join = why === 'join' ? groupOf(votes) : undefined;
      return join !== undefined;
    },
  };
}
