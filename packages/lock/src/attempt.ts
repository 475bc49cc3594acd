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
  if (won && clock.now() < since + context.validity(ttl)) {
    const { kind, onLacking } = mode;
    const lease = new HeldLease(context, {
      kind,
      resource,
      token,
      owner,
      ttl,
      since,
      target,
      queued,
      onLacking,
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
