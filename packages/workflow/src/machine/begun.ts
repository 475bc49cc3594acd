/**
 * What a function has begun: a step, a timer, or the receipt of a message.
 *
 * Guarantees: each is settled at most once. The ids of those that are settled stay known, because a record of one may still
 * come: of a step that lost a race, or of a timer that a message overtook.
 */
import type { Timer } from '@holdfast/kernel';
import type { Place } from '../journal/record.js';
import type { StepBody, StepSettings } from '../step/options.js';
import type { Child } from './child.js';
import type { Scope } from './scope.js';

interface Begun extends Place {
  readonly scope: Scope;
  isSettled: boolean;
  /** Whether a record of it is on its way into the journal: until it comes back, nothing of it begins. */
  isAsked: boolean;
  /** Fires when there is something to do: another attempt, or the end of a wait. */
  alarm: Timer | undefined;
  /** The promise of the call. */
  readonly end: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface BegunStep extends Begun {
  readonly kind: 'step';
  readonly body: StepBody<unknown>;
  readonly settings: StepSettings;
  /** "once": its body is begun once. "undo": it undoes an entry of the ledger. */
  readonly mode: 'step' | 'once' | 'undo';
  /** Whether the ledger has it, if it can be undone. */
  isEntered: boolean;
  /** Of one that is begun once: whether the journal has that it begins, and by whom. */
  started: 'here' | 'before' | undefined;
  /** What its last attempt has kept. */
  checkpointed: unknown;
  /** Bodies that wait until the journal has what they keep, in the order of the records. */
  readonly keeping: { readonly resolve: () => void; readonly reject: (reason: Error) => void }[];
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

/** A run of its own, whose end is waited for. */
export interface BegunChild extends Begun {
  readonly kind: 'child';
  readonly child: Child;
  /** As the journal has it; undefined until then. */
  run: string | undefined;
  /** Whether this owner has asked for the end of one that an earlier journal of the run has begun. */
  isAdopted: boolean;
  /** Whether this owner has told it the cancel. */
  isTold: boolean;
  /** Whether its end is in the journal. */
  isOver: boolean;
}

export type AnyBegun = BegunStep | BegunWait | BegunChild;

/** A step as the function asks for it. */
export type AskedStep = Pick<BegunStep, 'id' | 'name' | 'of' | 'body' | 'settings' | 'mode'>;

/** A step of which nothing is known yet. Field by field: a run has many steps, and spreads make slow objects. */
export const newStep = (
  { id, name, of, body, settings, mode }: AskedStep,
  { scope, end, resolve, reject, isSettled, isAsked, alarm }: Settling,
): BegunStep => ({
  kind: 'step',
  id,
  name,
  of,
  body,
  settings,
  mode,
  scope,
  end,
  resolve,
  reject,
  isSettled,
  isAsked,
  alarm,
  attempt: 1,
  begunHere: 0,
  notBefore: 0,
  seen: 0,
  stop: undefined,
  isEntered: false,
  started: undefined,
  checkpointed: undefined,
  keeping: [],
});

/** Who settles a call, and where it stands. */
export type Settling = Pick<
  AnyBegun,
  'scope' | 'end' | 'resolve' | 'reject' | 'isSettled' | 'isAsked' | 'alarm'
>;
