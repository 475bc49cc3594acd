/**
 * One attempt to win a lease: what is proposed, what the votes decide, and what is given back of it.
 *
 * Guarantees: a lease is returned only if a majority granted it and validity is left. An attempt that fails, whatever the
 * reason, gives back what it took, also on nodes that had not answered.
 */

import type { RedisNode } from '@holdfast/redis';
import type { AcquireCall, AcquireContext, Failure } from './call.js';
import { HeldLease } from './lease.js';
import type { LeaseTarget } from './requests.js';
import { count, explainAcquire, isAcquireDecided, type Vote, type Votes } from './votes.js';

/** What an attempt asks of the nodes. */
interface Proposal {
  readonly target: LeaseTarget;
  readonly resource: string;
  readonly token: number;
}

export function propose({ mode, owner, place }: AcquireCall, token: number): Proposal {
  const { resource, keys, permit, join } = mode.propose(place?.answer());
  const value = `${join ?? token} ${owner}`;
  const target = { verbs: mode.verbs, keys, value, join: join !== undefined, permit };
  return { target, resource, token: join ?? token };
}

/** One proposal to all nodes. */
export async function attempt(context: AcquireContext, call: AcquireCall): Promise<HeldLease | Failure> {
  const { members, clock, tokens } = context;
  const { quorum } = members.deployment;
  const { mode, ttl, signal, owner, place } = call;
  const since = clock.now();
  const proposal = tokens.next();
  const waited = place && (since - place.since) * 1_000;
  const queued = place !== undefined;
  const { target, resource, token } = propose(call, proposal);
  const round = {
    subject: target.keys.lockKey,
    isDecided: (cast: Votes) => isAcquireDecided(cast, quorum),
    onLate: (_: RedisNode, vote: Vote) => void (vote.kind === 'unset' && mode.onLacking?.()),
    signal,
  };
  const votes = await (waited === undefined
    ? members.ask(ttl, { ...round, verb: mode.verbs.acquire, request: { target, ttl } })
    : members.ask(ttl, { ...round, verb: mode.verbs.claim, request: { target, ttl, waited } }));
  mode.onVotes?.(votes);
  const won = count(votes, 'granted') >= quorum && !signal?.aborted;
  if (won && clock.now() < since + context.validity(ttl)) {
    const lease = new HeldLease(context, {
      ...{ kind: mode.kind, resource, token, owner, ttl, since, target, queued },
      onLacking: mode.onLacking,
    });
    try {
      members.audit.requireDistinct();
    } catch (error) {
      void lease.release();
      throw error;
    }
    return lease;
  }
  void members.undo.withdraw({ target, queued }, clock.now() + ttl, votes);
  members.audit.requireDistinct();
  noticeQuarantine(context, votes);
  const beyond = tokens.learn(votes, token === proposal ? proposal : undefined);
  return { why: won ? 'slow' : explainAcquire(votes, quorum, beyond), votes };
}

function noticeQuarantine({ members, onQuarantine }: AcquireContext, votes: Votes): void {
  const { nodes, quorum } = members.deployment;
  const remaining = votes.flatMap((vote) => (vote?.kind === 'quarantined' ? vote.remaining : []));
  if (remaining.length > nodes - quorum) onQuarantine(remaining.sort((a, b) => a - b)[nodes - quorum] ?? 0);
}
