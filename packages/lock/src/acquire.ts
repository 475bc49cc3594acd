/**
 * Winning a lease: one attempt, and the waiting around it. The main path of the package: `acquireLease` repeats
 * `attempt` until it is won, the time is up, or the caller's signal aborts. The first attempt takes a free lock; who
 * finds it held stands in line (waiting.ts), is called by the nodes, and claims it.
 *
 * Guarantees: a lease is returned only if a majority granted it and validity is left. An attempt that fails, whatever
 * the reason, gives back what it took, also on nodes that had not answered. Waiting ends at its time, and at once on
 * abort.
 */
import {
  AbortedError,
  BusyError,
  backoff,
  pause,
  type Random,
  throwIfAborted,
  UnavailableError,
} from '@holdfast/kernel';
import { acquireAbove } from './above.js';
import { HeldLease, type LeaseContext, misfit } from './lease.js';
import { exclusive, type Mode } from './modes.js';
import type { Acquiring } from './telemetry.js';
import type { TokenClock } from './token-clock.js';
import type { LockRequest } from './verbs.js';
import { count, explainAcquire, isAcquireDecided, type Refusal, type Votes } from './votes.js';
import { FALLBACK, type Place, type WaitingRoom } from './waiting.js';

export interface Acquisition {
  readonly mode: Mode;
  /** As the caller names it. */
  readonly resource: string;
  /** Milliseconds. */
  readonly ttl: number;
  /** Milliseconds to go on trying; 0 for one try. */
  readonly wait: number;
  readonly signal: AbortSignal | undefined;
  /** What the token must be above. */
  readonly above?: number | undefined;
}

export interface AcquireContext extends LeaseContext {
  readonly tokens: TokenClock;
  readonly random: Random;
  /** A name for one call of acquire; the queues know readers by their "r" at its end. */
  readonly nextOwner: (shared: boolean) => string;
  readonly waiting: WaitingRoom;
  /** Aborts when the locks are closed. */
  readonly closing: AbortSignal;
  readonly onQuarantine: (remaining: number) => void;
}

/** Proposals that are repeated at once, because the nodes said which token or time they want, before backing off. */
const CORRECTIONS = 4;

/** Tries to take a lock that nobody holds, when the votes were split, before a caller who does not wait is refused. */
const SPLITS = 3;

interface Failure {
  readonly why: Refusal | 'slow';
  readonly votes: Votes;
}

/** One call of acquire, from its beginning to its end. */
interface Pursuit extends Acquisition {
  readonly owner: string;
  /** Monotonic time. */
  readonly deadline: number;
  readonly observed: Acquiring | undefined;
  /** Where it stands in line, once somebody else was found to hold the lock. */
  place: Place | undefined;
}

/**
 * Throws BusyError or UnavailableError when the time is up, AbortedError, or MisuseError.
 */
export async function acquireLease(context: AcquireContext, request: Acquisition): Promise<HeldLease> {
  const observed = context.telemetry.acquiring(request.mode.kind, request.resource);
  try {
    const take = (asked: Acquisition): Promise<HeldLease> => win(context, asked, observed);
    const lease = await (request.above === undefined ? take(request) : acquireAbove(context, request, take));
    observed?.granted(lease);
    return lease;
  } catch (error) {
    observed?.refused(error);
    throw error;
  }
}

async function win(
  context: AcquireContext,
  request: Acquisition,
  observed: Acquiring | undefined,
): Promise<HeldLease> {
  const { clock, members, waiting } = context;
  const deadline = clock.now() + request.wait;
  throwIfAborted(request.signal, `acquiring "${request.resource}"`);
  const opening = members.open();
  if (opening) await untilAborted(opening, request);
  const owner = context.nextOwner(request.mode.kind === 'shared');
  const { mode, resource, ttl, wait, signal } = request;
  const pursuit: Pursuit = { mode, resource, ttl, wait, signal, owner, deadline, observed, place: undefined };
  if (request.wait > 0 && waiting.isAwaited(request.mode.line)) enterLine(context, pursuit);
  let lease: HeldLease | undefined;
  try {
    lease = await pursue(context, pursuit);
    return lease;
  } finally {
    if (pursuit.place) leaveLine(context, pursuit, pursuit.place, lease !== undefined);
  }
}

/** Tries until it is won or over. */
async function pursue(context: AcquireContext, pursuit: Pursuit): Promise<HeldLease> {
  const { clock, members } = context;
  for (let tries = 0, corrections = 0, splits = 0; ; ) {
    if (pursuit.place) await untilFirst(context, pursuit, pursuit.place);
    const result = await attempt(context, pursuit);
    throwIfEnded(context, pursuit, result);
    if (result instanceof HeldLease) return result;
    const { why, votes } = result;
    if (why === 'misfit') throw misfit(members.reasons(votes));
    const adapted = await pursuit.mode.adapt(why, votes);
    throwIfEnded(context, pursuit);
    const corrected = adapted || why === 'behind' || why === 'window';
    if (corrected && corrections < CORRECTIONS) {
      corrections += 1;
      continue;
    }
    const left = pursuit.deadline - clock.now();
    const mayRetry = left > 0 || (why === 'split' && ++splits < SPLITS);
    if (!mayRetry) throw refusal(context, pursuit, result);
    corrections = 0;
    if (why === 'busy' && pursuit.place === undefined) {
      enterLine(context, pursuit);
      continue;
    }
    const delay = delayAfter(context, pursuit, result, tries++);
    await rest(context, pursuit, left > 0 ? Math.min(delay, left) : Math.min(delay, 20));
    throwIfEnded(context, pursuit);
  }
}

function enterLine({ waiting }: AcquireContext, pursuit: Pursuit): void {
  pursuit.place = waiting.enter(pursuit.mode.line, pursuit.owner);
  pursuit.observed?.waits();
}

/** Waits until this waiter is the first of its process, which alone asks the nodes. */
async function untilFirst(context: AcquireContext, pursuit: Pursuit, place: Place): Promise<void> {
  while (!place.isFirst) {
    const left = pursuit.deadline - context.clock.now();
    if (left <= 0) throw refusal(context, pursuit, { why: 'busy', votes: [] });
    await rest(context, pursuit, left);
    throwIfEnded(context, pursuit);
  }
}

function rest({ clock, closing }: AcquireContext, { place, signal }: Pursuit, delay: number): Promise<void> {
  return place ? place.pause(delay, signal, closing) : pause(clock, delay, signal, closing);
}

/** Lets the next of this process have its turn; without a lease, leaves the queues of the nodes too. */
function leaveLine(context: AcquireContext, pursuit: Pursuit, place: Place, won: boolean): void {
  const { members, clock } = context;
  if (!won && place.isFirst) {
    const { request } = propose(context, pursuit, 0);
    void members.release(request, clock.now() + 1_000);
  }
  place.leave(won);
}

/** A handle for an exclusive lease that was granted elsewhere: not valid before it is extended. */
export function adoptLease(
  context: AcquireContext,
  { resource, token, owner, ttl }: Pick<HeldLease, 'resource' | 'token' | 'owner' | 'ttl'>,
): HeldLease {
  const mode = exclusive(context.members, resource);
  const { lockKey, fenceKey, queueKey } = context.members.deployment.lockKeys(resource);
  const request: LockRequest = {
    verbs: mode.verbs,
    lockKey,
    fenceKey,
    queueKey,
    value: `${token} ${owner}`,
    ttl: String(ttl),
    proof: '0',
    waited: '',
    queued: false,
  };
  const since = context.clock.now() - ttl;
  return new HeldLease(context, { kind: mode.kind, resource, token, owner, ttl, since, request });
}

/** What the next attempt asks of the nodes. */
function propose(
  { clock }: AcquireContext,
  { mode, ttl, owner, place }: Pursuit,
  token: number,
): { request: LockRequest; resource: string; token: number } {
  const waited = place && clock.now() - place.since;
  const { resource, keys, permit, join } = mode.propose(place?.answer());
  const request: LockRequest = {
    verbs: mode.verbs,
    lockKey: keys.lockKey,
    fenceKey: keys.fenceKey,
    queueKey: keys.queueKey,
    value: `${join ?? token} ${owner}`,
    ttl: String(ttl),
    proof: '0',
    waited: waited === undefined ? '' : String(Math.round(waited * 1000)),
    queued: place !== undefined,
    shared: mode.kind === 'shared' ? { readersKey: keys.readersKey, join: join !== undefined } : undefined,
    permit,
  };
  return { request, resource, token: join ?? token };
}

/** One proposal to all nodes. */
async function attempt(context: AcquireContext, pursuit: Pursuit): Promise<HeldLease | Failure> {
  const { members, clock, tokens } = context;
  const { quorum } = members.deployment;
  const { mode, ttl, signal, owner, place } = pursuit;
  const since = clock.now();
  const proposal = tokens.next();
  const { request, resource, token } = propose(context, pursuit, proposal);
  const votes = await members.ask(ttl, {
    verb: place ? mode.verbs.claim : mode.verbs.acquire,
    request,
    subject: request.lockKey,
    isDecided: (cast) => isAcquireDecided(cast, quorum),
    onLate: (_, vote) => void (vote.kind === 'unset' && mode.onLacking?.()),
    signal,
  });
  mode.onVotes?.(votes);
  const won = count(votes, 'granted') >= quorum && !signal?.aborted;
  if (won && clock.now() < since + context.validity(ttl)) {
    const lease = new HeldLease(context, {
      ...{ kind: mode.kind, resource, token, owner, ttl, since, request },
      onLacking: mode.onLacking,
    });
    try {
      members.requireDistinct();
    } catch (error) {
      void lease.release();
      throw error;
    }
    return lease;
  }
  void members.withdraw(request, clock.now() + ttl, votes);
  members.requireDistinct();
  noticeQuarantine(context, votes);
  const beyond = tokens.learn(votes, token === proposal ? proposal : undefined);
  return { why: won ? 'slow' : explainAcquire(votes, quorum, beyond), votes };
}

function noticeQuarantine({ members, onQuarantine }: AcquireContext, votes: Votes): void {
  const { nodes, quorum } = members.deployment;
  const remaining = votes.flatMap((vote) => (vote?.kind === 'quarantined' ? vote.remaining : []));
  if (remaining.length > nodes - quorum) onQuarantine(remaining.sort((a, b) => a - b)[nodes - quorum] ?? 0);
}

/** How long to wait before the next attempt, in ms: until the lock may be free, but never in step with others. */
function delayAfter(
  { random, members }: AcquireContext,
  { mode }: Pursuit,
  { why, votes }: Failure,
  tries: number,
): number {
  if (why === 'split' || why === 'behind' || why === 'window' || why === 'join' || why === 'introduce') {
    return backoff(random, tries, { base: 8, limit: 100 });
  }
  if (why === 'busy') {
    const held = votes.flatMap((vote) => (vote?.kind === 'held' ? vote : []));
    const fallback = FALLBACK * (0.75 + random.unit() / 2);
    // The end of a lease that is not released is watched by the first waiter alone.
    if (held.filter(({ first }) => first).length * 2 <= held.length) return fallback;
    const { nodes, quorum } = members.deployment;
    const longest = held.map(({ remaining }) => remaining ?? 0).sort((a, b) => b - a);
    const expiry = mode.freeIn ?? longest[nodes - quorum] ?? 0;
    return Math.min(fallback, expiry + 1 + backoff(random, 0, { base: 4, limit: 4 }));
  }
  return backoff(random, tries, { base: 25, limit: 500 });
}

function refusal(
  { members }: AcquireContext,
  { resource, wait, ttl }: Acquisition,
  { why, votes }: Failure,
): Error {
  const waited = wait > 0 ? ` after waiting ${Math.round(wait)} ms` : '';
  if (why === 'busy' || why === 'split' || why === 'join') {
    const held = votes.find((vote) => vote?.kind === 'held');
    const details = {
      resource,
      ...(held?.kind === 'held' && { token: held.token }),
      ...(held?.kind === 'held' && held.remaining !== undefined && { remaining: held.remaining }),
    };
    return new BusyError(`"${resource}" is held by somebody else${waited}; try again later.`, details);
  }
  const reasons = members.reasons(votes);
  if (why === 'slow') {
    const took = `The nodes granted "${resource}", but took longer than its TTL of ${ttl} ms leaves`;
    return new UnavailableError(`${took}; ask for a longer one.`, reasons);
  }
  const uninitialized = count(votes, 'quarantined') > 0;
  const hint = uninitialized
    ? ' Wait out the quarantine; or, if you know that no lease can exist, call initialize() or run "holdfast init".'
    : '';
  return new UnavailableError(`Too few nodes could vote on "${resource}"${waited}.${hint}`, reasons);
}

/** Rejects with AbortedError as soon as the caller's signal aborts. */
async function untilAborted(work: Promise<void>, { resource, signal }: Acquisition): Promise<void> {
  if (!signal) return work;
  const doing = `acquiring "${resource}"`;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new AbortedError(`Aborted while ${doing}.`, signal.reason));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  throwIfAborted(signal, doing);
}

/** Ends the acquisition if the caller aborted it or closed the locks; gives back what was won too late. */
function throwIfEnded({ closing }: AcquireContext, request: Pursuit, result?: HeldLease | Failure): void {
  const doing = `acquiring "${request.resource}"`;
  if (!request.signal?.aborted && !closing.aborted) return;
  if (result instanceof HeldLease) void result.release();
  throwIfAborted(request.signal, doing);
  throw new AbortedError(`The locks were closed while ${doing}.`, closing.reason);
}
