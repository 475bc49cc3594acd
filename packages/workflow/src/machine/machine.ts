/**
 * Runs a function over a journal: hands over the records one at a time, each in a turn of its own, compares what the
 * function begins with what the journal has, and begins what is new once the last record was handed over.
 *
 * Guarantees: what the function does follows from the journal alone, live as in a replay, or the machine says `strayed`:
 * then nothing more happens here, and no promise of the function settles. No body starts while records are left, nor once
 * the function has ended. What is to be committed is in `out`, in order; `changed` is told when there is something to do. When
 * the function has ended, its bodies end before anything else begins; if it has failed or was cancelled, its ledger is undone.
 */
import { type AbortedError, MisuseError, type Timer } from '@holdfast/kernel';
import type { CallRecord, Header, JournalRecord, Outcome } from '../journal/record.js';
import type { Effect } from '../store/store.js';
import { Answers } from './answers.js';
import { type AskedStep, type BegunChild, type BegunStep, type BegunWait, newStep } from './begun.js';
import { Calls, type CallsHost } from './calls.js';
import { Continuation, type LoopStart, type LoopState, type Renewal } from './continuation.js';
import { Ending } from './ending.js';
import { Inbox } from './inbox.js';
import { type Entry, Ledger } from './ledger.js';
import { hasNoTurn, isNote, Notes } from './notes.js';
import { completed, failed } from './outcome.js';
import { cancelledBy, Scope } from './scope.js';
import { contradictionOf, type Stray } from './stray.js';
import { takeTurn } from './turns.js';

/** What the machine needs of its owner. */
export interface MachineHost extends Omit<CallsHost, 'woken'> {
  /** There may be something to commit, or nothing to do but to wait. */
  readonly changed: () => void;
  /** What its chance follows from, if the journal does not say. */
  readonly seed: string;
  readonly strayed: (stray: Stray) => void;
  /** What it is called in Redis. */
  readonly run: string;
  /** Undefined if no body goes on; else resolves when none does, or has gone on for too long. */
  readonly quiet: () => Promise<void> | undefined;
}

/** How long a step with a key may take to begin in a replay, in ms. */
const GRACE = 1_000;
/** In place of a grace that is over. */
const EXPIRED: Timer = { cancel: () => {} };

export class Machine {
  readonly root = new Scope('');
  readonly #host: MachineHost;
  readonly #calls: Calls;
  readonly #ledger = new Ledger();
  readonly #inbox = new Inbox();
  readonly #continuation = new Continuation(this.#inbox);
  readonly #notes = new Notes();
  readonly #answers: Answers;
  readonly #ending: Ending;
  readonly #queue: JournalRecord[] = [];
  /** The place in the journal of the last record that was handed over. */
  #place = 0;
  /** Turns so far. */
  #turn = 0;
  /** Whether what the function does now follows from what it was handed. */
  #isOpen = false;
  /** Whether all that the journal had at first was handed over. */
  #isLive = false;
  /** Whether records are being handed over. */
  #isBusy = false;
  #isOver = false;
  /** Runs while a step with a key is waited for. */
  #grace: Timer | undefined;

  constructor(host: MachineHost) {
    this.#host = host;
    this.#answers = new Answers(host.run);
    this.#calls = new Calls({ ...host, woken: () => this.#woken() }, this.#ledger);
    this.#ending = new Ending({
      calls: this.#calls,
      ledger: this.#ledger,
      quiet: host.quiet,
      onQuiet: () => {
        if (this.isIdle) this.#conclude();
      },
    });
  }

  /** How the run has ended. */
  get outcome(): Outcome | undefined {
    return this.#ending.outcome;
  }

  /** Records that are to be committed. */
  get out(): JournalRecord[] {
    return this.#calls.out;
  }

  /** What is to be done to other runs with a commit of these records. */
  takeEffects(records: readonly JournalRecord[]): readonly Effect[] {
    const { children } = this.#calls;
    const writes = this.#calls.writes(records);
    if (children.effects.length === 0 && !records.some(hasEffect)) return writes;
    return [
      ...writes,
      ...children.beginnings(records),
      ...this.#answers.posts(records),
      ...children.effects.splice(0),
    ];
  }

  /** Whether there is something to do to other runs. */
  get hasEffects(): boolean {
    return this.#calls.children.effects.length > 0;
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
    const goesOn = this.isIdle && !this.outcome && !this.#ending.isBetweenCalls && !this.#continuation.isDue;
    return goesOn ? this.#calls.waitsUntil : undefined;
  }

  /** The names of the messages for which the function waits. */
  get waitsFor(): readonly string[] {
    return this.#calls.waitsFor;
  }

  /** Runs `main` over the records behind the header. */
  start(main: () => Promise<unknown>, records: readonly JournalRecord[], header: Partial<Header> = {}): void {
    this.#ledger.kept = header.kept ?? 0;
    this.#continuation.begin(header);
    this.#know(records);
    this.#takeTurn(() => {
      main().then(
        (value) => this.#end(() => completed(value)),
        (error: unknown) => this.#end(() => failed(error, this.root.cancelled)),
      );
    });
  }

  /** Hands over what is in the journal by now, behind what was handed over before. */
  feed(records: readonly JournalRecord[]): void {
    this.#know(records);
    if (this.isIdle) this.#next();
  }

  /** Nothing more happens here: bodies are stopped, and promises of the function do not settle. */
  drop(reason: () => Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#calls.close(reason);
  }

  /** Whether a call of the function is in its place; if it is late, the run goes no further. */
  isInTurn(place: string): boolean {
    if (this.#isOver || this.#ending.hasBegun || this.#continuation.isDue) return false;
    if (this.#isOpen) return true;
    this.#stray({
      late: place,
      reason: `${place} comes after something that the journal does not have: the function awaits something that is not a step. Put that into ctx.step, or give the step a key`,
    });
    return false;
  }

  beginStep(scope: Scope, step: AskedStep): Promise<unknown> {
    return this.#begun(this.#calls.add(scope, (settle) => newStep(step, settle)).end);
  }

  beginWait(scope: Scope, wait: Pick<BegunWait, 'id' | 'name' | 'due' | 'receives'>): Promise<unknown> {
    const { receives } = wait;
    const kept = receives === undefined ? undefined : this.#inbox.take(receives);
    if (kept) return Promise.resolve(kept);
    const { begun, end } = this.#calls.add(scope, (settle): BegunWait => {
      return { ...wait, ...settle, kind: 'wait', isFired: false, deadline: undefined };
    });
    if (receives !== undefined) this.#inbox.wait(begun, receives);
    return this.#begun(end);
  }

  /** Adds what undoes something to the ledger. */
  compensate(entry: Pick<Entry, 'name' | 'undo' | 'settings'>): void {
    if (!this.isInTurn(`the compensation "${entry.name}"`)) return;
    this.#ledger.add({ ...entry, place: this.#place, done: { value: undefined } });
  }

  /** What was done by now is not undone. */
  settled(): void {
    if (this.isInTurn('ctx.settled()')) this.#ledger.settle();
  }

  /** The run goes on over another journal, from its beginning. Throws MisuseError. */
  continueAs(input: unknown): void {
    if (!this.#ledger.isEmpty) {
      throw new MisuseError(
        'ctx.continueAs comes while something may have to be undone; call ctx.settled() before it, if all that was done is to stay.',
      );
    }
    this.#continuation.to({ input });
    this.#calls.end(() => new Error('the run goes on from its beginning'));
  }

  /** A loop begins, or is gone on with. */
  enterLoop(id: string): LoopStart {
    const { known, place, turn } = {
      known: this.#continuation.loop(id),
      place: this.#place,
      turn: this.#turn,
    };
    return { id, known, place, turn, calls: this.#calls.count, taken: this.#inbox.taken };
  }

  /** Whether the run goes on over another journal, with the next pass of a loop. */
  continueLoop(loop: LoopStart, at: LoopState): boolean {
    if (this.root.cancelled || !this.#ledger.isEmpty || !this.#calls.areWithin(loop)) return false;
    this.#continuation.to({ loop, at });
    return true;
  }

  /** What the next journal is made of, once the run is to go on over one. */
  get renewal(): Renewal | undefined {
    return this.#continuation.renewal;
  }

  checkpoint(step: BegunStep, token: number, value: unknown): Promise<void> {
    return this.#calls.checkpoint(step, token, value);
  }

  beginChild(scope: Scope, call: Pick<BegunChild, 'id' | 'name' | 'child'>): Promise<unknown> {
    const isNew = { kind: 'child', run: undefined, isAdopted: false, isTold: false, isOver: false } as const;
    const { end } = this.#calls.add(scope, (settle): BegunChild => ({ ...call, ...settle, ...isNew }));
    return this.#begun(end);
  }

  /** Answers a message. Throws MisuseError for a second answer. */
  reply(id: string, value: unknown): void {
    if (!this.isInTurn('the answer to a message')) return;
    this.#answers.give({ kind: 'reply', id, value }, (reply) => this.out.push(reply));
  }

  /** The time in this turn, in ms since the epoch. */
  time(): number {
    if (!this.isInTurn('ctx.now()')) return this.#host.now();
    return this.#notes.timeIn(this.#turn, this.#host.now(), (note) => this.out.push(note));
  }

  /** In [0, 1): follows from the run's seed, the scope, and how many were given in it before. */
  chance(scope: Scope): number {
    if (!this.isInTurn('ctx.random()')) return 0;
    return scope.chance(this.#notes.seedOr(this.#host.seed, (note) => this.out.push(note)));
  }

  isPatched(name: string): boolean {
    if (!this.isInTurn(`ctx.patch("${name}")`)) return false;
    return this.#notes.isTaken(name, this.#queue.length === 0, (note) => this.out.push(note));
  }

  /** Rejects what is open in a scope, and stops its bodies. */
  cancel(scope: Scope, reason: AbortedError): void {
    if (scope.cancelled) return;
    scope.cancel(reason);
    this.#calls.cancel(reason);
  }

  #begun(end: Promise<unknown>): Promise<unknown> {
    // A step with a key may begin outside a turn.
    if (this.isIdle) this.#woken();
    else if (this.#grace) this.#next();
    return end;
  }

  #know(records: readonly JournalRecord[]): void {
    this.#queue.push(...records);
    for (const record of records) {
      if (isNote(record)) this.#notes.know(record);
      else if (record.kind === 'reply') this.#answers.know(record);
    }
  }

  #takeTurn(open: () => void): void {
    this.#isBusy = true;
    takeTurn(this.#host.clock, {
      open: () => {
        if (this.#isOver) return;
        this.#turn += 1;
        this.#isOpen = true;
        open();
      },
      close: () => {
        this.#isOpen = false;
        if (!this.#isOver) this.#next();
      },
    });
  }

  #take(): void {
    const record = this.#queue.shift();
    this.#place += 1;
    if (record) this.#continuation.passed(record, this.#place);
  }

  #next(): void {
    const isLate = this.#grace === EXPIRED;
    this.#grace?.cancel();
    this.#grace = undefined;
    while (this.#queue[0] && hasNoTurn(this.#queue[0])) this.#take();
    const record = this.#queue[0];
    if (record === undefined) {
      this.#isBusy = false;
      this.#isLive = true;
      this.#launch();
      this.#conclude();
      return;
    }
    this.#isBusy = true;
    const contradiction = isOfCall(record)
      ? contradictionOf(this.#calls.get(record.id), record, this.#ending.hasBegun)
      : undefined;
    if (contradiction === undefined) {
      this.#take();
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

  #apply(record: JournalRecord): void {
    if (record.kind === 'message') {
      const wait = this.#inbox.put(record, this.#place);
      const repeated = this.#answers.asked(record);
      if (repeated && this.#isLive) this.#calls.children.effects.push(repeated);
      if (wait) this.#calls.resolve(wait, record);
    } else if (record.kind === 'cancel') {
      this.cancel(this.root, cancelledBy(record.reason));
    } else if (record.kind === 'undoing') {
      const contradiction = this.#ending.undo();
      if (contradiction) this.#stray(contradiction);
    } else if (isOfCall(record)) {
      this.#calls.apply(record, this.#place);
      const begun = this.#calls.get(record.id);
      if (record.kind === 'fired' && begun?.kind === 'wait') this.#notes.reached(begun.deadline ?? 0);
    }
  }

  /** Begins what is to begin, unless it may depend on what is not in the journal yet. */
  #launch(): void {
    if (this.#isOver || !this.#notes.areKept) return;
    this.#calls.launch();
  }

  /** A call has something to do. */
  #woken(): void {
    if (!this.isIdle) return; // else it begins once all is handed over
    this.#launch();
    this.#host.changed();
  }

  #stray(stray: Stray): void {
    this.drop(() => new Error(stray.reason));
    this.#host.strayed(stray);
  }

  #end(outcome: () => Outcome): void {
    if (this.#isOver || this.#continuation.isDue) return;
    const isInPlace = this.#isOpen || this.#ledger.isEmpty;
    if (!isInPlace && !this.isInTurn('the end of the function')) return;
    this.#ending.begin(outcome());
    if (!this.#isBusy) this.#conclude();
  }

  /** All that is known was handed over: if the function has ended, the run comes closer to its end. */
  #conclude(): void {
    if (this.#isOver) return;
    this.#ending.conclude();
    this.#host.changed();
  }
}

const hasEffect = ({ kind }: JournalRecord): boolean => kind === 'child' || kind === 'reply';

function isOfCall(record: JournalRecord): record is CallRecord {
  return 'id' in record && record.kind !== 'message' && record.kind !== 'reply';
}
