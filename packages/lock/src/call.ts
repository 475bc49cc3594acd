/** The data of one call of acquire: the request, the parts that it stands on, and the outcome of its last attempt. */
import type { Random } from '@holdfast/kernel';
import type { LeaseContext } from './lease.js';
import type { Place, WaitingRoom } from './line.js';
import type { Mode } from './modes.js';
import type { Acquiring } from './telemetry.js';
import type { TokenClock } from './token-clock.js';
import type { Refusal, Votes } from './votes.js';

export interface Acquisition {
  readonly mode: Mode;
  /** As the caller names it. */
  readonly resource: string;
  /** Milliseconds. */
  readonly ttl: number;
  /** Milliseconds to go on trying; 0 for one try. */
  readonly wait: number;
  readonly signal: AbortSignal | undefined;
  /** For how long the caller has waited already, in ms. */
  readonly waited?: number;
  /** The name of the request, by which its owner is found again. */
  readonly request?: string | undefined;
  /** The token must be above this. */
  readonly above?: number | undefined;
}

export interface AcquireContext extends LeaseContext {
  readonly tokens: TokenClock;
  readonly random: Random;
  /** A name for one call of acquire; the queues know readers by their "r" at its end. */
  readonly nextOwner: (shared: boolean, request: string | undefined) => string;
  readonly waiting: WaitingRoom;
  /** Aborts when the locks are closed. */
  readonly closing: AbortSignal;
  readonly onQuarantine: (remaining: number) => void;
}

/** One call of acquire, from its beginning to its end. */
export interface AcquireCall extends Acquisition {
  readonly owner: string;
  /** Monotonic time. */
  readonly deadline: number;
  readonly observed: Acquiring | undefined;
  /** Its place in line, once somebody else was found to hold the lock. */
  place: Place | undefined;
}

/** The reason why an attempt did not win, and the votes that show it. */
export interface Failure {
  readonly why: Refusal | 'slow';
  readonly votes: Votes;
}
