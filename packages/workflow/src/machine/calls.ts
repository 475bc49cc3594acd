/**
 * The calls of a function: which it has begun, which of them go on, and what they have to commit.
 *
 * Guarantees: a body or a timer begins in `launch` only. Until the record of how an attempt ended has come back from the
 * journal, nothing more of that step begins. A step that can be undone, or is begun once, has a record of that in the
 * journal before its body begins.
 */
import { StaleTokenError } from '@holdfast/fence';
import { type Clock, LeaseLostError } from '@holdfast/kernel';
import type { Command } from '@holdfast/redis';
import { StepFailedError, UnknownOutcomeError } from '../errors.js';
import {
  type CallRecord,
  type JournalRecord,
  type KeptError,
  keptError,
  type Outcome,
  type Place,
} from '../journal/record.js';
import { encodeValue } from '../json.js';
import { type AttemptEnd, type OnAttemptEnd, TimeoutError } from '../step/attempt.js';
import type { Effect } from '../store/store.js';
import type { AnyBegun, BegunChild, BegunStep, BegunWait, Settling } from './begun.js';
import { errorOf as errorOfChild } from './child.js';
import { Children } from './children.js';
import type { Ledger } from './ledger.js';
import type { Scope } from './scope.js';

export interface CallsHost {
  readonly clock: Clock;
  /** The server's time, in ms since the epoch; never ahead of it. */
  readonly now: () => number;
  /** Of the claim. */
  readonly token: number;
  /** Begins an attempt of a step's body; gives what stops it. */
  readonly attempt: (step: BegunStep, onEnd: OnAttemptEnd) => (reason: Error) => void;
  /** In ms, after an attempt that failed. */
  readonly delayAfter: (step: BegunStep, error: unknown) => number;
  /** A call has something to commit, or something to begin. */
  readonly woken: () => void;
  /** The run cannot go on until somebody mends it; what is in `out` says what has happened. */
  readonly stuck: (reason: string) => void;
}

const UNKNOWN = 'HOLDFAST_UNKNOWN_OUTCOME';

/** Before an attempt that follows one that a guard refused, in ms. */
const PAUSE = 20;
/** The longest timer that Node takes, in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class Calls {
  /** Records that are to be committed. */
  readonly out: JournalRecord[] = [];
  readonly children = new Children(this.out);
  readonly #host: CallsHost;
  /** By id, also what is settled. */
  readonly #begun = new Map<string, AnyBegun>();
  /** What is not settled. */
  /** What steps have asked to be done with the commits of their results. */
  readonly #effects = new Map<JournalRecord, readonly Command[]>();
  readonly #open = new Set<AnyBegun>();
  /** Where something is to be started: an attempt, or a timer. */
  #fresh: AnyBegun[] = [];
  /** Bodies under way that somebody waits for. */
  #bodies = 0;
  readonly #ledger: Ledger;
  /** Entries of the ledger on their way into the journal. */
  #entering = 0;
  /** Why what undoes has failed for good. */
  #failure: string | undefined;
  /** Nothing begins but what undoes. */
  #hasEnded = false;
  /** Nothing more begins. */
  #isOver = false;

  constructor(host: CallsHost, ledger: Ledger) {
    this.#host = host;
    this.#ledger = ledger;
  }

  get isEntering(): boolean {
    return this.#entering > 0;
  }

  /**
   * When calls that only wait have to go on, in ms since the epoch, Infinity if only something from outside can do that;
   * undefined if they do something.
   */
  get waitsUntil(): number | undefined {
    if (this.#bodies > 0 || this.out.length > 0 || this.children.effects.length > 0) return undefined;
    if (this.#open.size === 0) return undefined;
    let until = Number.POSITIVE_INFINITY;
    for (const each of this.#open) {
      const at = timeOf(each);
      if (at !== undefined) until = Math.min(until, at);
    }
    return until;
  }

  /** The names of the messages that are waited for. */
  get waitsFor(): readonly string[] {
    return [...this.#open].flatMap((each) =>
      each.kind === 'wait' && each.receives !== undefined ? each.name : [],
    );
  }

  /** How many were begun. */
  get count(): number {
    return this.#begun.size;
  }

  /** Whether nothing is open, and all that was begun since a loop was entered is of its passes. */
  areWithin({ id, calls }: { readonly id: string; readonly calls: number }): boolean {
    if (this.#open.size > 0) return false;
    return [...this.#begun.keys()].slice(calls).every((each) => each.startsWith(`${id}.`));
  }

  get(id: string): AnyBegun | undefined {
    return this.#begun.get(id);
  }

  /** It begins with the next launch. The promise is that of the call. */
  add<Kind extends AnyBegun>(
    scope: Scope,
    make: (settle: Settling) => Kind,
  ): { begun: Kind; end: Promise<unknown> } {
    let resolve: Settling['resolve'] = nothing;
    let reject: Settling['reject'] = nothing;
    const end = new Promise<unknown>((...settle) => {
      [resolve, reject] = settle;
    });
    const begun = make({ scope, end, resolve, reject, isSettled: false, isAsked: false, alarm: undefined });
    this.#begun.set(begun.id, begun);
    if (begun.kind === 'child') this.children.add(begun);
    if (!this.#isClosedTo(begun)) this.#open.add(begun);
    this.#fresh.push(begun);
    return { begun, end };
  }

  /** A record of a call is handed over. */
  apply(record: CallRecord, place: number): void {
    const begun = this.#begun.get(record.id);
    if (begun === undefined) return;
    if (begun.kind === 'child') {
      const outcome = this.children.apply(begun, record);
      if (outcome && !begun.isSettled) this.#endChild(begun, outcome);
      this.#fresh.push(begun);
      return;
    }
    this.#enter(begun, record, place);
    if (begun.isSettled) return;
    switch (record.kind) {
      case 'done':
        this.resolve(begun, record.value);
        return;
      case 'failed':
        this.#reject(begun, errorOf(begun, record));
        return;
      case 'checkpoint':
        if (begun.kind !== 'step') return;
        begun.checkpointed = record.value;
        begun.keeping.shift()?.resolve();
        return;
      case 'fired':
        this.resolve(begun, undefined);
        return;
      case 'retry':
        if (begun.kind !== 'step') return;
        begun.attempt = record.attempt;
        begun.notBefore = record.at;
        begun.isAsked = false;
        break;
      case 'begun':
        if (begun.kind !== 'step') return;
        begun.started = begun.isAsked ? 'here' : 'before';
        begun.isAsked = false;
        break;
      case 'timer':
        if (begun.kind === 'wait') begun.deadline = record.at;
    }
    this.#fresh.push(begun);
  }

  #endChild(begun: BegunChild, outcome: Outcome): void {
    if (outcome.status === 'completed') this.resolve(begun, outcome.value);
    else this.#reject(begun, errorOfChild(begun.run ?? begun.child.run, outcome));
  }

  /** Begins what is to begin. */
  launch(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const each of fresh) this.#launch(each);
  }

  resolve(begun: AnyBegun, value: unknown): void {
    this.#settle(begun);
    begun.resolve(value);
  }

  /** Rejects what is open in scopes that are cancelled, and stops its bodies. */
  cancel(reason: Error): void {
    for (const each of [...this.#open]) {
      if (!each.scope.cancelled) continue;
      if (each.kind === 'step') this.#stop(each, () => reason);
      if (each.kind === 'child') this.#fresh.push(each);
      this.#reject(each, reason);
    }
  }

  /** The function has ended: bodies are stopped, and nothing of it goes on. `reason` is asked for if there are any. */
  end(reason: () => Error): void {
    this.#hasEnded = true;
    for (const each of [...this.#open]) {
      if (each.kind === 'step') this.#stop(each, reason);
      this.#settle(each);
    }
    this.children.leave();
  }

  /** Keeps a value of a body; resolves when it is in the journal. */
  checkpoint(step: BegunStep, token: number, value: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isOver || step.isSettled || !step.stop) {
        reject(new LeaseLostError(`The step "${step.name}" is over.`, { resource: step.id, token }));
        return;
      }
      step.keeping.push({ resolve, reject });
      this.out.push({ kind: 'checkpoint', ...placeOf(step), value, token, attempt: step.attempt });
      this.#host.woken();
    });
  }

  /** Nothing more begins, and bodies are stopped. */
  close(reason: () => Error): void {
    this.#isOver = true;
    for (const each of this.#open) {
      each.alarm?.cancel();
      if (each.kind === 'step') this.#stop(each, reason);
    }
  }

  #launch(begun: AnyBegun): void {
    if (begun.alarm || this.#isClosedTo(begun)) return;
    if (begun.kind === 'child') this.children.launch(begun);
    else if (begun.isSettled) return;
    else if (begun.kind === 'step') this.#launchStep(begun);
    else this.#launchWait(begun);
  }

  #launchStep(step: BegunStep): void {
    if (step.stop || step.isAsked) return;
    if (step.notBefore > this.#host.now()) {
      this.#wake(step, step.notBefore);
      return;
    }
    const first = this.#recordBefore(step);
    if (first) {
      step.isAsked = true;
      this.out.push(first);
      return;
    }
    this.#bodies += 1;
    step.begunHere += 1;
    step.stop = () => {};
    const stop = this.#host.attempt(step, (end, took) => this.#attemptEnded(step, end, took));
    if (step.stop) step.stop = stop; // else it has ended already
  }

  /** What has to be in the journal before its body begins, or in place of that. */
  #recordBefore(step: BegunStep): CallRecord | undefined {
    const { attempt } = step;
    const token = this.#host.token;
    if (step.settings.undo && !step.isEntered) {
      this.#entering += 1;
      return { kind: 'entry', ...placeOf(step) };
    }
    if (step.mode !== 'once' || step.started === 'here') return undefined;
    if (step.started === undefined) return { kind: 'begun', ...placeOf(step), token };
    const error = unknownOutcome('its worker was lost after it had begun');
    return { kind: 'failed', ...placeOf(step), error, token, attempt };
  }

  /** Keeps the ledger, also of what is settled. */
  #enter(begun: AnyBegun, record: CallRecord, place: number): void {
    if (begun.kind !== 'step') return;
    const { id, name, settings } = begun;
    if (record.kind === 'done') this.#ledger.done(id, record.value);
    if (record.kind !== 'entry' || settings.undo === undefined) return;
    if (begun.isAsked) this.#entering -= 1;
    begun.isEntered = true;
    begun.isAsked = false;
    this.#ledger.add({ step: id, name, undo: settings.undo, settings, place, done: undefined });
  }

  #isClosedTo(begun: AnyBegun): boolean {
    return this.#isOver || (this.#hasEnded && !(begun.kind === 'step' && begun.mode === 'undo'));
  }

  #launchWait(wait: BegunWait): void {
    const { due, deadline } = wait;
    if (deadline === undefined) {
      if (due === undefined || wait.isAsked) return;
      wait.isAsked = true;
      this.out.push({ kind: 'timer', ...placeOf(wait), at: due() });
    } else if (deadline > this.#host.now()) {
      this.#wake(wait, deadline);
    } else if (!wait.isFired) {
      wait.isFired = true;
      this.out.push({ kind: 'fired', ...placeOf(wait) });
    }
  }

  /** Looks again at the time that the server has then. */
  #wake(begun: AnyBegun, at: number): void {
    const delay = Math.min(LONGEST_TIMER, Math.max(1, Math.ceil(at - this.#host.now())));
    begun.alarm = this.#host.clock.after(delay, () => {
      begun.alarm = undefined;
      this.#fresh.push(begun);
      this.#host.woken();
    });
  }

  /** What the steps of these records have asked to be done with them. */
  writes(records: readonly JournalRecord[]): readonly Effect[] {
    if (this.#effects.size === 0) return NONE;
    return records.flatMap((record) => {
      const commands = this.#effects.get(record) ?? [];
      this.#effects.delete(record);
      return commands.map((command) => ({ word: 'write', command }) as const);
    });
  }

  #attemptEnded(step: BegunStep, end: AttemptEnd, took: number): void {
    if (step.stop === undefined) return;
    step.stop = undefined;
    this.#bodies -= 1;
    if (this.#isClosedTo(step) || step.isSettled) return;
    step.isAsked = true;
    const began = this.#host.now() - took - end.token / 1_000;
    const span = [Math.round(began), Math.round(took)] as const;
    const record = end.isDone ? recordOfResult(step, end, span) : this.#recordOfError(step, end, span);
    if (end.isDone && record.kind === 'done' && end.effects.length > 0)
      this.#effects.set(record, end.effects);
    this.out.push(record);
    if (this.#failure === undefined) this.#host.woken();
    else this.#host.stuck(this.#failure);
  }

  #recordOfError(
    step: BegunStep,
    { token, error, isLost }: AttemptEnd & { isDone: false },
    span: readonly [number, number],
  ): CallRecord {
    const { attempt } = step;
    const now = this.#host.now();
    const record = { ...placeOf(step), error: keptError(error), token, span };
    if (step.mode === 'once') {
      if (error instanceof TimeoutError) record.error = unknownOutcome(error.message);
      return { ...record, kind: 'failed', attempt };
    }
    if (error instanceof StaleTokenError && error.reason !== 'ahead') {
      // A guard that forgot, or that has accepted a higher token, accepts the next: that is no failure of the body.
      step.seen = error.seen;
      const at = Math.max(now + PAUSE, Math.ceil(error.seen / 1_000) + 1);
      return { ...record, kind: 'retry', attempt, at };
    }
    // Its worker was to blame, and a run that another worker takes over begins the same attempt again, too.
    if (isLost && record.error.code !== 'HOLDFAST_NON_RETRYABLE')
      return { ...record, kind: 'retry', attempt, at: Math.ceil(now) };
    const isLast = attempt >= step.settings.attempts || record.error.code === 'HOLDFAST_NON_RETRYABLE';
    if (isLast && step.mode === 'undo') {
      // Whoever retries the run tries it again from its first attempt.
      this.#failure = `"${step.name}" failed ${attempt} times: ${record.error.message}`;
      return { ...record, kind: 'retry', attempt: 1, at: Math.ceil(now) };
    }
    if (isLast) return { ...record, kind: 'failed', attempt };
    return {
      ...record,
      kind: 'retry',
      attempt: attempt + 1,
      at: Math.ceil(now + this.#host.delayAfter(step, error)),
    };
  }

  #reject(begun: AnyBegun, error: Error): void {
    this.#settle(begun);
    begun.end.catch(nothing); // it may have lost a race, and then nobody waits for it
    begun.reject(error);
  }

  #settle(begun: AnyBegun): void {
    begun.isSettled = true;
    begun.alarm?.cancel();
    this.#open.delete(begun);
  }

  #stop(step: BegunStep, because: () => Error): void {
    const { stop } = step;
    if (stop === undefined) return;
    step.stop = undefined;
    this.#bodies -= 1;
    const reason = because();
    for (const { reject } of step.keeping.splice(0)) reject(reason);
    stop(reason);
  }
}

const nothing = (): void => {};

const NONE: readonly Effect[] = [];

const unknownOutcome = (why: string): KeptError => ({
  name: 'UnknownOutcomeError',
  message: why,
  code: UNKNOWN,
});

function errorOf(begun: AnyBegun, record: CallRecord & { kind: 'failed' }): Error {
  const isUnknown = begun.kind === 'step' && begun.mode === 'once' && record.error.code === UNKNOWN;
  return isUnknown ? new UnknownOutcomeError(record) : new StepFailedError(record);
}

function recordOfResult(
  step: BegunStep,
  { token, value }: AttemptEnd & { isDone: true },
  span: readonly [number, number],
): CallRecord {
  const { attempt } = step;
  try {
    const text = encodeValue(value, `The result of the step "${step.name}"`);
    const json = value === undefined ? undefined : text;
    return { kind: 'done', ...placeOf(step), value, json, token, attempt, span };
  } catch (error) {
    return { kind: 'failed', ...placeOf(step), error: keptError(error), token, attempt, span };
  }
}

/** What a record of it is compared by. */
const placeOf = ({ id, name, of }: AnyBegun): Place => (of === undefined ? { id, name } : { id, name, of });

/** When it has to go on, as far as that is known. */
function timeOf(each: AnyBegun): number | undefined {
  if (each.kind === 'child') return undefined;
  return each.kind === 'step' ? each.notBefore : each.deadline;
}
