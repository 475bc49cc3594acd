/** The questions that every node can be asked about a lease: the verbs, and one type of request for each. */
import type { Operation, RedisNode, Verb } from '@holdfast/redis';
import type { LeaseKeys } from './deployment.js';
import type { Vote } from './votes.js';

/** One operation on one node: a proposal, an extension, a release. */
export interface Ballot<Request> extends Operation<Vote> {
  readonly node: RedisNode;
  readonly request: Request;
}

export type LockVerb<Request> = Verb<Ballot<Request>, Vote>;

/** The verbs of one kind of lease. */
export interface LeaseVerbs {
  readonly acquire: LockVerb<TimedRequest>;
  /** acquire, by an owner that waits. */
  readonly claim: LockVerb<ClaimRequest>;
  readonly extend: LockVerb<TimedRequest>;
  readonly rejoin: LockVerb<RejoinRequest>;
  readonly release: LockVerb<ReleaseRequest>;
  /** Takes back what a failed attempt was granted by a minority, and calls nobody. */
  readonly withdraw: LockVerb<WithdrawRequest>;
}

/** The resource of a lease, its token and its owner, as the scripts need them. */
export interface LeaseTarget {
  /** The verbs of this kind of lease. */
  readonly verbs: LeaseVerbs;
  readonly keys: LeaseKeys;
  /** "token owner": what the lock's key holds. */
  readonly value: string;
  /** Shared leases only: whether the token is that of the group. */
  readonly join?: boolean;
  /** Permits only. */
  readonly permit?: PermitRequest | undefined;
}

/** The number of permits, where it is kept, and whether a node that knows none may keep it. */
export interface PermitRequest {
  readonly numberKey: string;
  readonly permits: number;
  readonly introduce: boolean;
}

/** acquire, and extend. */
export interface TimedRequest {
  readonly target: LeaseTarget;
  /** Milliseconds. */
  readonly ttl: number;
}

export interface ClaimRequest extends TimedRequest {
  /** For how long the owner has been waiting, in microseconds. */
  readonly waited: number;
}

export interface RejoinRequest extends TimedRequest {
  /** Node time in microseconds up to which a kept majority is proof; 0 to resume. */
  readonly proof: number;
}

export interface WithdrawRequest {
  readonly target: LeaseTarget;
}

export interface ReleaseRequest extends WithdrawRequest {
  /** Whether the owner has stood in the queue. */
  readonly queued: boolean;
}
