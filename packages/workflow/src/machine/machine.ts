/**
 * Runs a function over a journal: hands over the records one at a time, each in a turn of its own, compares what the
 * function begins with what the journal has, and begins what is new once the last record was handed over.
 *
 * Guarantees: what the function does follows from the journal alone, live as in a replay, or the machine says `strayed`:
 * then nothing more happens here, and no promise of the function settles. No body starts while records are left, nor once
 * the function has ended. What is to be committed is in `out`, in order; `changed` is told when there is something to do.
 */
import { StaleTokenError } from '@holdfast/fence';
import type { AbortedError, Clock, Timer } from '@holdfast/kernel';
import { StepFailedError } from '../errors.js';
import { type CallRecord, type JournalRecord, keptError, type Outcome } from '../journal/record.js';
import { encodeValue, messageOf } from '../json.js';
import type { AttemptEnd } from '../step/attempt.js';
import type { AnyBegun, BegunStep, BegunWait } from './begun.js';
import { Inbox } from './inbox.js';
import { cancelledBy, Scope } from './scope.js';
import { takeTurn } from './turns.js';

/** How a run went another way than a replay of it could follow. */
export interface Stray {
  readonly reason: string;
  /** Where a call came late; undefined if the code contradicts the journal, which no other try can mend. */
  readonly late?: string;
}

/** What the machine needs of its owner. */
export interface MachineHost {
  readonly clock: Clock;
  /** The server's time, in ms since the epoch; never ahead of it. */
  readonly now: () => number;
  /** Begins an attempt of a step's body; gives what stops it. */
  readonly attempt: (step: BegunStep, onEnd: (end: AttemptEnd) => void) => (reason: Error) => void;
  /** In ms, after an attempt that failed. */
  readonly delayAfter: (step: BegunStep) => number;
  /** There may be something to commit, or nothing to do but to wait. */
  readonly changed: () => void;
  readonly strayed: (stray: Stray) => void;
}

/** How long a step with a key may take to begin in a replay, in ms. */
const GRACE = 1_000;
/** Before an attempt that follows one that a guard refused, in ms. */
const PAUSE = 20;
/** In place of a grace that is over. */
const EXPIRED: Timer = { cancel: () => {} };
/** The longest timer that Node takes, in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class Machine {
  readonly root = new Scope('');
  /** Records that are to be committed. */
  readonly out: JournalRecord[] = [];
  /** How the function has ended. */
  outcome: Outcome | undefined;
  readonly #host: MachineHost;
  /** By id, also what is settled. */
  readonly #begun = new Map<string, AnyBegun>();
  /** What is not settled. */
  readonly #unsettled = new Set<AnyBegun>();
  /** Where something is to be started: an attempt, or a timer. */
  #fresh: AnyBegun[] = [];
  readonly #inbox = new Inbox();
  readonly #queue: JournalRecord[] = [];
  /** Whether what the function does now follows from what it was handed. */
  #isOpen = false;
  /** Whether records are being handed over. */
  #isBusy = false;
  #isOver = false;
  /** Runs while a step with a key is waited for. */
  #grace: Timer | undefined;
  /** Bodies under way that somebody waits for. */
  #bodies = 0;

  constructor(host: MachineHost) {
    this.#host = host;
  }

  /** Whether all that is known was handed over, so that something may be committed. */
  get isIdle(): boolean {
    return !this.#isBusy && !this.#isOver;
  }

  /**
   * When a function that only waits has to go on, in ms since the epoch, Infinity if only something from outside can do
   * that; undefined if it does something.
   */
  get waitsUntil(): number | undefined {
    if (!this.isIdle || this.#bodies > 0 || this.out.length > 0 || this.outcome) return undefined;
    let until = Number.POSITIVE_INFINITY;
    for (const each of this.#unsettled) {
      const at = each.kind === 'step' ? each.notBefore : each.deadline;
      if (at !== undefined) until = Math.min(until, at);
    }
    return this.#unsettled.size === 0 ? undefined : until;
  }

  /** The names of the messages for which the function waits. */
  get waitsFor(): readonly string[] {
    return [...this.#unsettled].flatMap((each) => (each.kind === 'wait' ? (each.receives ?? []) : []));
  }

  /** Runs `main` over the records behind the header. */
  start(main: () => Promise<unknown>, records: readonly JournalRecord[]): void {
    this.#queue.push(...records);
    this.#takeTurn(() => {
      main().then(
        (value) => this.#end(() => this.#completed(value)),
        (error: unknown) => this.#end(() => this.#failed(error)),
      );
    });
  }

  /** Hands over what is in the journal by now, behind what was handed over before. */
  feed(records: readonly JournalRecord[]): void {
    this.#queue.push(...records);
    if (this.isIdle) this.#next();
  }

  /** Nothing more happens here: bodies are stopped, and promises of the function do not settle. */
  drop(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopAll(reason);
  }

  /** Whether a call of the function is in its place; if it is late, the run goes no further. */
  isInTurn(place: string): boolean {
    if (this.#isOver) return false;
    if (this.#isOpen) return true;
    if (this.outcome) return false;
    this.#stray({
      late: place,
      reason: `${place} comes after something that the journal does not have: the function awaits something that is not a step. Put that into ctx.step, or give the step a key`,
    });
    return false;
  }

  beginStep(scope: Scope, step: Pick<BegunStep, 'id' | 'name' | 'body' | 'settings'>): Promise<unknown> {
    const isNew = { kind: 'step', attempt: 1, begunHere: 0, notBefore: 0, seen: 0, stop: undefined } as const;
    return this.#begin(scope, (settle) => ({ ...step, ...settle, ...isNew }));
  }

  beginWait(scope: Scope, wait: Pick<BegunWait, 'id' | 'name' | 'due' | 'receives'>): Promise<unknown> {
    const { receives } = wait;
    const kept = receives === undefined ? undefined : this.#inbox.take(receives);
    if (kept) return Promise.resolve(kept.payload);
    return this.#begin(scope, (settle) => {
      const begun: BegunWait = { ...wait, ...settle, kind: 'wait', isFired: false, deadline: undefined };
      if (receives !== undefined) this.#inbox.wait(begun, receives);
      return begun;
    });
  }

  /** Rejects what is open in a scope, and stops its bodies. */
  cancel(scope: Scope, reason: AbortedError): void {
    if (scope.cancelled) return;
    scope.cancel(reason);
    for (const each of [...this.#unsettled]) {
      if (!each.scope.cancelled) continue;
      this.#settle(each);
      if (each.kind === 'step') this.#stop(each, reason);
      each.reject(reason);
    }
  }

  #begin(scope: Scope, make: (settle: Settling) => AnyBegun): Promise<unknown> {
    const begun = new Promise<unknown>((resolve, reject) => {
      const each = make({ scope, resolve, reject, isSettled: false, isAsked: false, alarm: undefined });
      this.#begun.set(each.id, each);
      this.#unsettled.add(each);
      this.#fresh.push(each);
    });
    begun.catch(() => {}); // one that lost a race may reject, and nobody waits for it
    // A step with a key may begin outside a turn.
    if (this.isIdle) this.#launchAll();
    else if (this.#grace) this.#next();
    return begun;
  }

  #takeTurn(open: () => void): void {
    this.#isBusy = true;
    takeTurn(
      this.#host.clock,
      () => {
        if (this.#isOver) return;
        this.#isOpen = true;
        open();
      },
      () => {
        this.#isOpen = false;
        if (!this.#isOver) this.#next();
      },
    );
  }

  #next(): void {
    const isLate = this.#grace === EXPIRED;
    this.#grace?.cancel();
    this.#grace = undefined;
    const record = this.#queue[0];
    if (record === undefined) {
      this.#isBusy = false;
      this.#launchAll();
      if (!this.#isOver) this.#host.changed();
      return;
    }
    this.#isBusy = true;
    const contradiction = isOfCall(record) ? this.#contradiction(record) : undefined;
    if (contradiction === undefined) {
      this.#queue.shift();
      this.#takeTurn(() => this.#apply(record));
    } else if (contradiction.late?.includes('@') && !isLate) {
      this.#grace = this.#host.clock.after(GRACE, () => {
        this.#grace = EXPIRED;
        if (!this.#isOver) this.#next();
      });
    } else {
      this.#stray(contradiction);
    }
  }

  /** How the function contradicts a record of one of its calls; undefined if it does not. */
  #contradiction({ kind, id, name }: CallRecord): Stray | undefined {
    const begun = this.#begun.get(id);
    const isStep = kind !== 'timer' && kind !== 'fired';
    if (begun && begun.name === name && (begun.kind === 'step') === isStep) return undefined;
    const does = begun ? `began ${describe(begun.kind === 'step', begun.name)}` : 'began nothing';
    const ended = this.outcome ? ', and has ended' : '';
    return {
      reason: `the code goes another way than the journal: at ${id} the journal has ${describe(isStep, name)}, and the function ${does} there${ended}. Deploy code that begins the same calls in the same order, then retry the run`,
      // It may only be slow, the first time.
      ...(begun === undefined && !this.outcome ? { late: `${id} ${name}` } : {}),
    };
  }

  #apply(record: JournalRecord): void {
    if (record.kind === 'message') {
      const wait = this.#inbox.put(record);
      if (wait) this.#resolve(wait, record.payload);
    } else if (record.kind === 'cancel') {
      this.cancel(this.root, cancelledBy(record.reason));
    } else if (isOfCall(record)) {
      const begun = this.#begun.get(record.id);
      if (begun && !begun.isSettled) this.#applyToCall(begun, record);
    }
  }

  #applyToCall(begun: AnyBegun, record: CallRecord): void {
    switch (record.kind) {
      case 'done':
        this.#resolve(begun, record.value);
        return;
      case 'failed': {
        this.#settle(begun);
        begun.reject(new StepFailedError(record));
        return;
      }
      case 'fired':
        this.#resolve(begun, undefined);
        return;
      case 'retry':
        if (begun.kind !== 'step') return;
        begun.attempt = record.attempt;
        begun.notBefore = record.at;
        begun.isAsked = false;
        break;
      case 'timer':
        if (begun.kind === 'wait') begun.deadline = record.at;
    }
    this.#fresh.push(begun);
  }

  #launchAll(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const each of fresh) this.#launch(each);
  }

  #launch(begun: AnyBegun): void {
    if (begun.isSettled || begun.alarm || this.outcome || this.#isOver) return;
    if (begun.kind === 'step') this.#launchStep(begun);
    else this.#launchWait(begun);
  }

  #launchStep(step: BegunStep): void {
    if (step.stop || step.isAsked) return;
    if (step.notBefore > this.#host.now()) {
      this.#wake(step, step.notBefore);
      return;
    }
    this.#bodies += 1;
    step.begunHere += 1;
    step.stop = () => {};
    const stop = this.#host.attempt(step, (end) => this.#attemptEnded(step, end));
    if (step.stop) step.stop = stop; // else it has ended already
  }

  #launchWait(wait: BegunWait): void {
    const { id, name, due, deadline } = wait;
    if (deadline === undefined) {
      if (due === undefined || wait.isAsked) return;
      wait.isAsked = true;
      this.out.push({ kind: 'timer', id, name, at: due() });
    } else if (deadline > this.#host.now()) {
      this.#wake(wait, deadline);
    } else if (!wait.isFired) {
      wait.isFired = true;
      this.out.push({ kind: 'fired', id, name });
    }
  }

  /** Looks again at the time that the server has then. */
  #wake(begun: AnyBegun, at: number): void {
    const delay = Math.min(LONGEST_TIMER, Math.max(1, Math.ceil(at - this.#host.now())));
    begun.alarm = this.#host.clock.after(delay, () => {
      begun.alarm = undefined;
      this.#launch(begun);
      if (!this.#isOver) this.#host.changed();
    });
  }

  #attemptEnded(step: BegunStep, end: AttemptEnd): void {
    if (step.stop === undefined) return;
    step.stop = undefined;
    this.#bodies -= 1;
    if (this.#isOver || step.isSettled || this.outcome) return;
    step.isAsked = true; // until its record comes back, nothing of the step begins
    this.out.push(end.isDone ? this.#recordOfResult(step, end) : this.#recordOfError(step, end));
    this.#host.changed();
  }

  #recordOfResult(
    { id, name, attempt }: BegunStep,
    { token, value }: AttemptEnd & { isDone: true },
  ): CallRecord {
    try {
      encodeValue(value, `The result of the step "${name}"`);
      return { kind: 'done', id, name, value, token, attempt };
    } catch (error) {
      return { kind: 'failed', id, name, error: keptError(error), token, attempt };
    }
  }

  #recordOfError(step: BegunStep, { token, error }: AttemptEnd & { isDone: false }): CallRecord {
    const { id, name, attempt } = step;
    const now = this.#host.now();
    const record = { id, name, error: keptError(error), token };
    if (error instanceof StaleTokenError && error.reason !== 'ahead') {
      // A guard that forgot, or that has accepted a higher token, accepts the next: that is no failure of the body.
      step.seen = error.seen;
      const at = Math.max(now + PAUSE, Math.ceil(error.seen / 1_000) + 1);
      return { ...record, kind: 'retry', attempt, at };
    }
    const isLast = attempt >= step.settings.attempts || record.error.code === 'HOLDFAST_NON_RETRYABLE';
    if (isLast) return { ...record, kind: 'failed', attempt };
    return {
      ...record,
      kind: 'retry',
      attempt: attempt + 1,
      at: Math.ceil(now + this.#host.delayAfter(step)),
    };
  }

  #resolve(begun: AnyBegun, value: unknown): void {
    this.#settle(begun);
    begun.resolve(value);
  }

  #settle(begun: AnyBegun): void {
    begun.isSettled = true;
    begun.alarm?.cancel();
    this.#unsettled.delete(begun);
  }

  #stop(step: BegunStep, reason: Error): void {
    const { stop } = step;
    if (stop === undefined) return;
    step.stop = undefined;
    this.#bodies -= 1;
    stop(reason);
  }

  #stopAll(reason: Error): void {
    for (const each of this.#unsettled) {
      each.alarm?.cancel();
      if (each.kind === 'step') this.#stop(each, reason);
    }
  }

  #stray(stray: Stray): void {
    this.drop(new Error(stray.reason));
    this.#host.strayed(stray);
  }

  #end(outcome: () => Outcome): void {
    if (this.#isOver) return;
    this.outcome = outcome();
    this.#stopAll(new Error('the run has ended'));
    if (!this.#isBusy) this.#host.changed();
  }

  #completed(value: unknown): Outcome {
    try {
      encodeValue(value, 'The result of the run');
      return { status: 'completed', value };
    } catch (error) {
      return { status: 'failed', error: keptError(error) };
    }
  }

  #failed(error: unknown): Outcome {
    const { cancelled } = this.root;
    if (cancelled && error === cancelled) return { status: 'cancelled', reason: messageOf(cancelled.cause) };
    return { status: 'failed', error: keptError(error) };
  }
}

/** Who settles a call, and where it stands. */
type Settling = Pick<AnyBegun, 'scope' | 'resolve' | 'reject' | 'isSettled' | 'isAsked' | 'alarm'>;

function isOfCall(record: JournalRecord): record is CallRecord {
  return 'id' in record && record.kind !== 'message';
}

const describe = (isStep: boolean, name: string): string =>
  isStep ? `the step "${name}"` : `a wait, "${name}"`;
