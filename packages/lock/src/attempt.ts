/**
 * One attempt to win a lease: the proposal, the decision of the votes, and the withdrawal if it fails.
 *
 * Guarantees: a lease is returned only if a majority granted it and validity is left. An attempt that fails, whatever
 * the reason, gives back what it took, even on nodes that had not answered.
 */

import { validUntil } from '@holdfast/kernel';
import type { RedisNode } from '@holdfast/redis';
import type { AcquireCall, AcquireContext, Failure } from './call.js';
import { HeldLease, type LeaseGrant } from './lease.js';
import { count, explainAcquire, isAcquireDecided, type Vote, type Votes } from './votes.js';

/** The parts of a call that a proposal depends on. */
type Proposer = Pick<AcquireCall, 'mode' | 'owner' | 'ttl' | 'place'>;

/** The lease that the nodes are asked for, as it will be when they grant it. It counts from `since`. */
export function propose({ mode, owner, ttl, place }: Proposer, proposal: number, since: number): LeaseGrant {
  const { resource, keys, permit, join } = mode.propose(place?.answer());
  const { verbs, kind, onLacking } = mode;
  const token = join ?? proposal;
  const target = { verbs, keys, value: `${token} ${owner}`, join: join !== undefined, permit };
  return { kind, resource, token, owner, ttl, since, target, queued: place !== undefined, onLacking };
}

/** One proposal to all nodes. */
export async function attempt(context: AcquireContext, call: AcquireCall): Promise<HeldLease | Failure> {
  const { members, clock, tokens } = context;
  const { quorum } = members.deployment;
  const { mode, ttl, signal, place } = call;
  const since = clock.now();
  const proposal = tokens.next();
  const waited = place && (since - place.since) * 1_000;
  const grant = propose(call, proposal, since);
  const { target, token, queued } = grant;
  const subject = target.keys.lockKey;
  const isDecided = (cast: Votes): boolean => isAcquireDecided(cast, quorum);
  const onLate = (_: RedisNode, vote: Vote): void => void (vote.kind === 'unset' && mode.onLacking?.());
  const { acquire, claim } = mode.verbs;
  const votes = await (waited === undefined
    ? members.ask(ttl, { verb: acquire, request: { target, ttl }, subject, isDecided, signal, onLate })
    : members.ask(ttl, {
        verb: claim,
        request: { target, ttl, waited },
        subject,
        isDecided,
        signal,
        onLate,
      }));
  mode.onVotes?.(votes);
  const won = count(votes, 'granted') >= quorum && !signal?.aborted;
  if (won && clock.now() < validUntil(since, ttl, context.allowance)) {
    const lease = new HeldLease(context, grant);
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
