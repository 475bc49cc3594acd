/** What one call of acquire is made of: what was asked for, what it stands on, and what became of its last attempt. */
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

/** One call of acquire, from its beginning to its end. */
export interface AcquireCall extends Acquisition {
  readonly owner: string;
  /** Monotonic time. */
  readonly deadline: number;
  readonly observed: Acquiring | undefined;
  /** Where it stands in line, once somebody else was found to hold the lock. */
  place: Place | undefined;
}

/** Why an attempt did not win, by which votes. */
export interface Failure {
  readonly why: Refusal | 'slow';
  readonly votes: Votes;
}
