/**
 * Winning a lease: the attempts, and the waiting around them. The main path of the package: `acquireLease` repeats
 * `attempt` (attempt.ts) until it is won, the time is up, or the caller's signal aborts (refusal.ts says what a failure
 * means). The first attempt takes a free lock; a caller that finds it held stands in line (line.ts), is called by the
 * nodes, and claims it.
 *
 * Guarantees: waiting ends at its time, and at once on abort.
 */
import { pause, throwIfAborted, unlessAborted } from '@holdfast/kernel';
import { acquireAbove } from './above.js';
import { attempt, propose } from './attempt.js';
import type { AcquireCall, AcquireContext, Acquisition, Failure } from './call.js';
import { throwIfClosed } from './closing.js';
import { HeldLease, misfit } from './lease.js';
import type { Place } from './line.js';
import { delayAfter, refusal } from './refusal.js';
import { forbidden } from './rights.js';
import type { Acquiring } from './telemetry.js';

/**
 * How many proposals are repeated at once, because the nodes said which token or time they want, before backing off.
 */
const CORRECTIONS = 4;

/** Tries to take a lock that nobody holds, when the votes were split, before a caller that does not wait is refused. */
const SPLITS = 3;

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
  const doing = `acquiring "${request.resource}"`;
  throwIfAborted(request.signal, doing);
  const opening = members.open();
  if (opening) {
    await unlessAborted(request.signal, doing, opening);
    throwIfAborted(request.signal, doing);
  }
  const owner = context.nextOwner(request.mode.kind === 'shared', request.request);
  const { mode, resource, ttl, wait, signal, waited = 0 } = request;
  const call: AcquireCall = {
    mode,
    resource,
    ttl,
    wait,
    signal,
    waited,
    owner,
    deadline,
    observed,
    place: undefined,
  };
  if (request.wait > 0 && waiting.isAwaited(request.mode.line)) enterLine(context, call);
  let lease: HeldLease | undefined;
  try {
    lease = await tryUntilWon(context, call);
    return lease;
  } finally {
    if (call.place) leaveLine(context, call, call.place, lease !== undefined);
  }
}

/** Tries until it is won or over. */
async function tryUntilWon(context: AcquireContext, call: AcquireCall): Promise<HeldLease> {
  const { clock, members } = context;
  for (let tries = 0, corrections = 0, splits = 0; ; ) {
    if (call.place) await untilFirst(context, call, call.place);
    const result = await attempt(context, call);
    throwIfEnded(context, call, result);
    if (result instanceof HeldLease) return result;
    const { why, votes } = result;
    if (why === 'misfit') throw misfit(members.reasons(votes));
    const denied = why === 'unavailable' && forbidden(members.reasons(votes), members.deployment.quorum);
    if (denied) throw denied;
    const adapted = await call.mode.adapt(why, votes);
    throwIfEnded(context, call);
    const corrected = adapted || why === 'behind' || why === 'window';
    if (corrected && corrections < CORRECTIONS) {
      corrections += 1;
      continue;
    }
    const left = call.deadline - clock.now();
    const mayRetry = left > 0 || (why === 'split' && ++splits < SPLITS);
    if (!mayRetry) throw refusal(context, call, result);
    corrections = 0;
    if (why === 'busy' && call.place === undefined) {
      enterLine(context, call);
      continue;
    }
    const delay = delayAfter(context, call, result, tries++);
    await rest(context, call, left > 0 ? Math.min(delay, left) : Math.min(delay, 20));
    throwIfEnded(context, call);
  }
}

function enterLine({ waiting }: AcquireContext, call: AcquireCall): void {
  call.place = waiting.enter(call.mode.line, call.owner, call.waited);
  call.observed?.waits();
}

/** Waits until this waiter is the first of its process, which alone asks the nodes. */
async function untilFirst(context: AcquireContext, call: AcquireCall, place: Place): Promise<void> {
  while (!place.isFirst) {
    const left = call.deadline - context.clock.now();
    if (left <= 0) throw refusal(context, call, { why: 'busy', votes: [] });
    await rest(context, call, left);
    throwIfEnded(context, call);
  }
}

function rest(
  { clock, closing }: AcquireContext,
  { place, signal }: AcquireCall,
  delay: number,
): Promise<void> {
  return place ? place.pause(delay, signal, closing) : pause(clock, delay, signal, closing);
}

/** Gives the next waiter of this process its turn; without a lease, also leaves the queues of the nodes. */
function leaveLine(context: AcquireContext, call: AcquireCall, place: Place, won: boolean): void {
  const { members, clock } = context;
  if (!won && place.isFirst) {
    const now = clock.now();
    void members.undo.release(propose(call, 0, now), now + 1_000);
  }
  place.leave(won);
}

/** Ends the acquisition if the caller aborted it or closed the locks; gives back a lease that was won too late. */
function throwIfEnded({ closing }: AcquireContext, call: AcquireCall, result?: HeldLease | Failure): void {
  const doing = `acquiring "${call.resource}"`;
  if (!call.signal?.aborted && !closing.aborted) return;
  if (result instanceof HeldLease) void result.release();
  throwIfAborted(call.signal, doing);
  throwIfClosed(closing, doing);
}
