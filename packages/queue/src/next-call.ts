/**
 * The decision which call a consumer makes next, from its situation. Pure.
 *
 * Guarantees: while it is not certain which deliveries the session has, nothing is claimed or ended. A consumer that
 * drains claims nothing. Without anything to end, a queue that is drained is not asked again.
 */

/** The stages in the life of a consumer. */
export type Phase =
  /** It has no session, and asks for one until it has. */
  | 'opening'
  | 'working'
  /** It claims no more, asks for no other session, and ends when nothing is left. */
  | 'draining'
  | 'closed';

/** The state of the queue, as the last call reported it. */
export type Supply =
  /** There was no call yet, or something has happened since. */
  | 'unknown'
  /** It brought all the tasks that were asked for, so it pays to have two calls under way. */
  | 'saturated'
  /** It brought fewer: only a wake-up is a reason to ask again. */
  | 'drained';

/** The situation of a consumer. */
export interface Situation {
  readonly phase: Phase;
  readonly hasSession: boolean;
  /** Whether the consumer knows of all deliveries that its session has. */
  readonly isSure: boolean;
  /** Whether the last call failed. */
  readonly isFailing: boolean;
  readonly isPaused: boolean;
  readonly supply: Supply;
  /** Calls under way. */
  readonly calls: number;
  /** Deliveries that have not ended. */
  readonly held: number;
  /** Outcomes that wait for a call. */
  readonly settled: number;
  /** The most tasks at a time, of all consumers of the worker. */
  readonly concurrency: number;
  /** How many consumers share that. */
  readonly consumers: number;
  /** Tasks that they have, or have asked for. */
  readonly load: number;
  /** How long a task took lately, in ms. */
  readonly averageDuration: number;
  /** Whether a rate counts delivered tasks as begun: then nothing is claimed ahead. */
  readonly isPaced: boolean;
}

export type NextCall =
  | { readonly verb: 'none' }
  /** Compares the deliveries that are known with those that the session has. */
  | { readonly verb: 'reconcile' }
  /** Ends the settled deliveries, and claims `want` tasks. */
  | { readonly verb: 'work'; readonly want: number };

/** Calls under way at a time: while one is being answered, the tasks of the other are handled. */
const MOST_CALLS = 2;

/** The most deliveries that one call ends or claims: bounds how long it keeps Redis from others. */
export const LARGEST_CALL = 128;

/** How far tasks are claimed ahead, in ms, estimated from how long they took lately. */
export const AHEAD = 4;

const NONE: NextCall = { verb: 'none' };
const RECONCILE: NextCall = { verb: 'reconcile' };

export function nextCall(at: Situation): NextCall {
  const { phase, calls, settled, supply } = at;
  if (phase === 'closed' || !at.hasSession) return NONE;
  // A call that is under way may still claim.
  if (!at.isSure) return calls > 0 || isDrained(at) ? NONE : RECONCILE;
  if (calls >= (supply === 'saturated' ? MOST_CALLS : 1)) return NONE;
  const want = phase === 'working' && !at.isPaused && supply !== 'drained' ? wanted(at) : 0;
  return settled === 0 && want === 0 ? NONE : { verb: 'work', want };
}

/**
 * Whether a drain is over. Before that, tasks that may have been claimed by a call whose answer was lost are given
 * back, unless Redis is away: then the end of the session does that.
 */
export function isDrained(at: Situation): boolean {
  const isEmpty = at.held + at.settled + at.calls === 0;
  return at.phase === 'draining' && isEmpty && (at.isSure || !at.hasSession || at.isFailing);
}

/** Half of the room when it is large, so that two calls can be under way. */
function wanted({ concurrency, consumers, averageDuration, load, isPaced }: Situation): number {
  // Claiming ahead would take the turns of the other consumers.
  const ahead = consumers > 1 || isPaced ? 0 : Math.floor((AHEAD / averageDuration - 1) * concurrency);
  const most = concurrency + Math.max(0, Math.min(LARGEST_CALL, ahead));
  return Math.max(0, Math.min(most - load, LARGEST_CALL, Math.ceil(most / MOST_CALLS)));
}
