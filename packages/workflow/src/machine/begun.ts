/**
 * What a function has begun: a step, a timer, or the receipt of a message.
 *
 * Guarantees: each is settled at most once. The ids of those that are settled stay known, because a record of one may still
 * come: of a step that lost a race, or of a timer that a message overtook.
 */
import type { Timer } from '@holdfast/kernel';
import type { Place } from '../journal/record.js';
import type { StepBody, StepSettings } from '../step/options.js';
import type { Scope } from './scope.js';

interface Begun extends Place {
  readonly scope: Scope;
  isSettled: boolean;
  /** Whether a record of it is on its way into the journal: until it comes back, nothing of it begins. */
  isAsked: boolean;
  /** Fires when there is something to do: another attempt, or the end of a wait. */
  alarm: Timer | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface BegunStep extends Begun {
  readonly kind: 'step';
  readonly body: StepBody<unknown>;
  readonly settings: StepSettings;
  /** The number of the attempt that is next, or under way. */
  attempt: number;
  /** Attempts that this owner has begun: those behind the first need a token of their own. */
  begunHere: number;
  /** When the next attempt may begin, in ms since the epoch, by the server's clock. */
  notBefore: number;
  /** A token that a guard preferred to ours: the next has to be above it. */
  seen: number;
  /** Ends the attempt that is under way. */
  stop: ((reason: Error) => void) | undefined;
}

/** A sleep, or a receipt; the latter has a deadline only if it has a timeout. */
export interface BegunWait extends Begun {
  readonly kind: 'wait';
  /** When it is to end, in ms since the epoch, as it is known when it is set; undefined for never. */
  readonly due: (() => number) | undefined;
  /** The name of the message that it takes. */
  readonly receives: string | undefined;
  isFired: boolean;
  /** As the journal has it. */
  deadline: number | undefined;
}

export type AnyBegun = BegunStep | BegunWait;
