/**
 * The kinds of lease, as acquiring sees them: what an attempt proposes, and what it learns from votes that did not
 * suffice. Permits of a semaphore are the third kind (semaphore.ts).
 */
import type { LeaseKeys } from './deployment.js';
import type { Members } from './members.js';
import type { LeaseVerbs, PermitRequest } from './requests.js';
import type { LeaseKind } from './telemetry.js';
import { groupOf, type Refusal, type Votes } from './votes.js';

/** The proposal of one attempt. */
interface Proposal {
  readonly resource: string;
  readonly keys: LeaseKeys;
  /** The token of the reader group to join; undefined for a new token. */
  readonly join?: number | undefined;
  readonly permit?: PermitRequest;
}

/** One call of acquire, of one kind. */
export interface Mode {
  readonly verbs: LeaseVerbs;
  /** The key of the queue in which it waits. */
  readonly line: string;
  readonly kind: LeaseKind;
  /** In how many ms the awaited lock may be free, if the mode knows better than the votes. */
  readonly freeIn?: number | undefined;
  /** `called` is the key of the lock that the nodes have reserved. */
  propose(called: string | undefined): Proposal;
  /** Learns from an attempt that failed. True if the next is likely to succeed at once. Throws MisuseError. */
  adapt(why: Refusal | 'slow', votes: Votes): boolean | Promise<boolean>;
  /** Called with the votes of every attempt. */
  onVotes?(votes: Votes): void;
  /** Called when nodes lack what the others know; a node is healed once it has resolved. */
  onLacking?(): Promise<void>;
}

/** An exclusive lease on a resource, or on whatever has the given keys and goes by this name. */
export function exclusive(
  { verbs, deployment }: Members,
  resource: string,
  keys: LeaseKeys = deployment.lockKeys(resource),
): Mode {
  return {
    verbs: verbs.exclusive,
    line: keys.queueKey,
    kind: 'exclusive',
    propose: () => ({ resource, keys }),
    adapt: () => false,
  };
}

/** A shared lease, beside others who read, under their token. */
export function shared({ verbs, deployment }: Members, resource: string): Mode {
  const keys = deployment.lockKeys(resource);
  let join: number | undefined;
  return {
    verbs: verbs.shared,
    line: keys.queueKey,
    kind: 'shared',
    propose: () => ({ resource, keys, join }),
    adapt(why, votes) {
      join = why === 'join' ? groupOf(votes) : undefined;
      return join !== undefined;
    },
  };
}
