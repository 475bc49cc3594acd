/**
 * A run that this worker owns: reads its journal, runs its function over it, and commits what comes of that.
 *
 * Guarantees: one call about the run is under way at a time, and what is handed to the function is in the journal, in the
 * order in which it lies there. A commit whose answer was lost is never repeated blindly: the journal is read first. Once a
 * commit is refused, or the session is lost, nothing of the run goes on here.
 */
import type { Clock, Random } from '@holdfast/kernel';
import { CodecError, delayFor, LeaseLostError, messageOf, pause } from '@holdfast/kernel';
import { buildOf, type Workflow } from '../define.js';
import { LongJournalError } from '../errors.js';
import { asDecoded, decodeRecord, encodeRecord, type Header, type JournalRecord } from '../journal/record.js';
import { JournalSize } from '../journal/size.js';
import { Context } from '../machine/context.js';
import type { Renewal } from '../machine/continuation.js';
import { Machine } from '../machine/machine.js';
import { Published } from '../machine/published.js';
import type { Stray } from '../machine/stray.js';
import { STEP_BACKOFF } from '../step/options.js';
import type { Claimed, CommitRequest, Committed, Ending, Store } from '../store/store.js';
import { ended, refused, stuck } from '../telemetry.js';
import { Attempts } from './attempts.js';
import { goesOnAt } from './goes-on.js';
import { Stay } from './stay.js';
import { outcomeOf } from './unanswered.js';
import { UNREADABLE, type UnreadableRuns } from './unreadable.js';

/** What a run needs of its worker. */
export interface RunHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** The server's time, in ms since the epoch. */
  readonly now: () => number;
  /** Monotonic time, in ms, until which the session is certainly ours. */
  readonly validUntil: () => number;
  /** Of workflows that do not say it themselves, in ms. */
  readonly retain: number;
  readonly unreadable: UnreadableRuns;
  /** Whether a call that came late there was tried again before; notes that it is tried now. */
  readonly wasLate: (run: string, place: string) => boolean;
  /** Whether a run that only waits may stay for a while: it takes no room that others need. */
  readonly hasRoom: () => boolean;
  /** It is not owned here any more; `again`: when it has to go on, in ms since the epoch, as far as is known. */
  readonly onGone: (run: OwnedRun, again: number) => void;
  /** The server is another, or has forgotten: all that the session has is claimed anew. */
  readonly onEpoch: () => void;
  readonly report: (error: unknown) => void;
}

/** Records that one commit carries at most, besides the end. */
const LARGEST_COMMIT = 500;
/** A run that has to go on so soon stays, in ms. */
const SOON = 20;

export class OwnedRun {
  readonly run: string;
  readonly #host: RunHost;
  readonly #claim: Claimed;
  readonly #workflow: Workflow | undefined;
  readonly #machine: Machine;
  readonly #build: string | undefined;
  /** Commits that were carried out. */
  #commits = 0;
  /** The records of the commit that is under way. */
  #sent: readonly JournalRecord[] = [];
  /** How many records of the journal were handed over, or are about to be. */
  #known = 0;
  #isBusy = false;
  #hasMail = false;
  #isOver = false;
  readonly #size = new JournalSize();
  /** Whether a park is looked at again at the end of this turn of the event loop. */
  #isParking = false;
  readonly #stay: Stay;
  #header: Header | undefined;
  /** To be told with the first records. */
  #takeover: JournalRecord | undefined;
  /** The generation with which it goes on, if it is to. */
  #next: string | undefined;
  /** Of the run's start. */
  #trace: string | undefined;
  /** JSON to publish with the next commit. */
  #state: string | undefined;
  /** Whether people wait to see that, so that it does not wait for the end of a step. */
  #isAwaited = false;
  /** Why it goes no further here, what becomes of it, and the records of that. */
  #last: { readonly ending: Ending; readonly records: readonly JournalRecord[] } | undefined;

  /** `workflow` is undefined only where the run is to be ended before it has begun. */
  constructor(claim: Claimed, workflow: Workflow | undefined, host: RunHost) {
    this.run = claim.run;
    this.#claim = claim;
    this.#workflow = workflow;
    this.#build = workflow && buildOf(workflow);
    this.#host = host;
    this.#stay = new Stay(host);
    const { falls, token } = claim;
    if (falls > 0) this.#takeover = { kind: 'takeover', falls, token };
    const attempts = new Attempts({
      ...{ store: host.store, clock: host.clock, claim, report: host.report },
      trace: () => this.#trace,
      validUntil: () => (this.#isOver ? 0 : host.validUntil()),
      checkpoint: (step, token, value) => this.#machine.checkpoint(step, token, value),
      onStale: () => this.lose('another worker has taken it over'),
    });
    this.#machine = new Machine({
      clock: host.clock,
      now: host.now,
      attempt: (step, onEnd) => attempts.begin(step, onEnd),
      quiet: () => attempts.quiet(),
      delayAfter: ({ settings, attempt }, error) => {
        const { random, report } = host;
        return delayFor(settings.backoff, { attempt, error, fallback: STEP_BACKOFF, random, report });
      },
      seed: claim.generation,
      token: claim.token,
      changed: () => this.#pump(),
      strayed: (stray) => this.#strayed(stray),
      run: claim.run,
      stuck: (reason) => this.#finish({ word: 'stuck', reason }, this.#machine.out.splice(0)),
    });
  }

  /** Lets the function run over the journal, which is read unless the claim has brought it. */
  async begin(): Promise<void> {
    const known = this.#claim.records;
    if (known.length > 0) return this.#replay(known);
    this.#isBusy = true;
    const texts = await this.#read();
    this.#isBusy = false;
    if (texts !== undefined) this.#replay(texts);
  }

  #replay(texts: readonly string[] | CodecError): void {
    try {
      if (texts instanceof CodecError) throw texts;
      this.#count(texts);
      const [first, ...records] = texts.map(decodeRecord);
      if (first?.kind !== 'header') throw new Error('its journal has no header');
      // One that is owned from its start was started just now.
      const header = { ...first, at: first.at ?? Math.floor(this.#host.now()) };
      this.#header = header;
      this.#host.unreadable.remove(this.run);
      const workflow = this.#workflow;
      if (workflow === undefined || this.#claim.mark === 'ends') {
        this.#endUnbegun(records);
        return;
      }
      const { input } = header;
      this.#trace = header.trace;
      const context = new Context(
        {
          machine: this.#machine,
          self: this.#claim,
          trace: header.trace,
          input: workflow.input,
          now: this.#host.now,
          published: new Published((state, isAwaited) => {
            this.#state = state;
            this.#isAwaited ||= isAwaited;
          }),
        },
        this.#machine.root,
      );
      this.#machine.start(async () => workflow.run(context, input), records, header);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** It cannot go on: nowhere, unless it was only not decoded here. */
  #failed(error: unknown): void {
    if (!(error instanceof CodecError)) {
      this.#finish({ word: 'stuck', reason: messageOf(error), isUnfit: true });
      return;
    }
    this.#host.unreadable.add(this.run, error);
    this.#finish({ word: 'back', delay: UNREADABLE });
  }

  /** In ms. */
  get #retain(): number {
    return this.#workflow?.retain ?? this.#host.retain;
  }

  /** It was cancelled before it had begun, or has expired. */
  #endUnbegun(records: readonly JournalRecord[]): void {
    const cancel = records.find(({ kind }) => kind === 'cancel');
    const reason = cancel?.kind === 'cancel' ? cancel.reason : 'expired';
    const outcome = { status: 'cancelled', reason } as const;
    const end: JournalRecord = { kind: 'end', outcome, token: this.#claim.token };
    this.#commit([end], { word: 'end', retain: this.#retain, status: 'cancelled' });
  }

  /** Something came in from outside. */
  mail(): void {
    this.#hasMail = true;
    this.#pump();
  }

  /** It is not ours any more: its bodies are stopped, and nothing of it is committed. */
  lose(why: string): void {
    const { run, token } = this.#claim;
    const message = `The run ${run} is not owned any more: ${why}. Stop its work.`;
    this.#leave(() => new LeaseLostError(message, { resource: run, token }));
  }

  #leave(reason: () => Error, again = Number.POSITIVE_INFINITY): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stay.end();
    this.#machine.drop(reason);
    this.#host.onGone(this, again);
  }

  /** What is next: at most one call at a time. */
  #pump(): void {
    if (this.#isBusy || this.#isOver) return;
    const machine = this.#machine;
    if (this.#last) {
      this.#commit(this.#last.records, this.#last.ending);
      return;
    }
    if (!machine.isIdle) return;
    if (machine.outcome) {
      const { outcome } = machine;
      const end: JournalRecord = { kind: 'end', outcome, token: this.#claim.token };
      if (machine.out.length > LARGEST_COMMIT) {
        this.#commit(machine.out.splice(0, LARGEST_COMMIT), GO);
        return;
      }
      this.#commit([...machine.out.splice(0), end], {
        word: 'end',
        retain: this.#retain,
        status: outcome.status,
      });
      return;
    }
    if (this.#hasMail) {
      this.#hasMail = false;
      this.#fetch();
      return;
    }
    if (machine.out.length > 0 || machine.hasEffects) {
      this.#commit(machine.out.splice(0, LARGEST_COMMIT), GO);
      return;
    }
    if (machine.renewal && this.#header) {
      this.#continue(machine.renewal, this.#header);
      return;
    }
    const isShown = this.#isAwaited && !this.#isParkable();
    if (isShown || (this.#state !== undefined && this.#stay.left > 0)) {
      this.#commit([], GO);
      return;
    }
    this.#park();
  }

  /** Goes on over another journal, which whoever claims the run then has. */
  #continue({ cut, take, header }: Renewal, before: Header): void {
    const { store, random, clock, report, unreadable } = this.#host;
    const { run, generation, token, session } = this.#claim;
    this.#isBusy = true;
    // Named once, so that a call that is repeated is known.
    this.#next ??= random.id();
    const next = { ...before, ...header, generation: this.#next };
    const claim = { token, session, commits: this.#commits };
    const request = {
      to: { run, generation: this.#next },
      header: encodeRecord(next),
      cut,
      take,
      drop: [],
      claim,
    };
    store.anew({ ...request, from: { run, generation }, length: this.#known, retain: this.#retain }).then(
      ({ word }) => {
        this.#isBusy = false;
        if (word === 'again') this.#fetch();
        else if (word === 'ready') this.#leave(() => new Error('the run goes on over another journal'));
        else this.lose('another worker has taken it over');
      },
      async (error: unknown) => {
        const isCodec = error instanceof CodecError;
        if (isCodec) unreadable.add(run, error);
        else report(error);
        await pause(clock, isCodec ? UNREADABLE : 50, store.closed);
        this.#isBusy = false;
        if (!store.closed.aborted) this.#pump();
      },
    );
  }

  /** Parks a function that only waits, if it still does so at the end of this turn of the event loop. */
  #park(): void {
    if (this.#isParking || !this.#isParkable()) return;
    this.#isParking = true;
    this.#host.clock.afterInput(() => {
      this.#isParking = false;
      if (this.#isBusy || this.#isOver || this.#hasMail || !this.#isParkable()) return;
      if (this.#stay.begin(() => this.#pump())) return;
      const until = this.#machine.waitsUntil ?? 0;
      const due = until === Number.POSITIVE_INFINITY ? 0 : Math.ceil(until);
      this.#commit([], { word: 'park', known: this.#known, due, waitsFor: this.#machine.waitsFor });
    });
  }

  #isParkable(): boolean {
    const until = this.#machine.waitsUntil;
    return until !== undefined && until - this.#host.now() > SOON;
  }

  #finish(ending: Ending, records: readonly JournalRecord[] = []): void {
    this.#last = { ending, records };
    this.#pump();
  }

  #strayed({ reason, late }: Stray): void {
    const isTriedAgain = late !== undefined && !this.#host.wasLate(this.run, late);
    this.#finish(isTriedAgain ? { word: 'back' } : { word: 'stuck', reason, isUnfit: true });
  }

  #commit(records: readonly JournalRecord[], ending: Ending): void {
    this.#isBusy = true;
    const state = this.#state;
    this.#state = undefined;
    this.#isAwaited = false;
    const { run, generation, token, session } = this.#claim;
    this.#sent = this.#told(records);
    const request = {
      ...{ run, generation, token, session },
      state,
      ending,
      build: this.#build,
      commits: this.#commits,
      records: this.#sent.map(encodeRecord),
      effects: this.#machine.takeEffects(records),
    };
    this.#host.store.commit(request).then(
      (committed) => {
        if (committed.word === 'behind') void this.#settle(request);
        else this.#committed(request, committed);
      },
      (error: unknown) => this.#settle(request, error),
    );
  }

  /** The records, behind the takeover that they end. It alone is no sign that the run goes on. */
  #told(records: readonly JournalRecord[]): readonly JournalRecord[] {
    const takeover = this.#takeover;
    if (takeover === undefined || records.length === 0) return records;
    this.#takeover = undefined;
    return [takeover, ...records];
  }

  /** `error` is undefined where another commit seems to have come before. */
  async #settle(request: CommitRequest, error?: unknown): Promise<void> {
    const { store, clock, report, unreadable } = this.#host;
    const commit = { ...{ store, clock, request, error }, claim: this.#claim, known: this.#known };
    const onUnencoded = (unencoded: CodecError): void => unreadable.add(this.run, unencoded);
    try {
      const committed = await outcomeOf({ ...commit, onUnencoded, isOver: () => this.#isOver });
      if (request.ending.word !== 'back') unreadable.remove(this.run);
      this.#committed(request, committed);
    } catch (thrown) {
      report(thrown);
      this.lose(messageOf(thrown));
    }
  }

  #committed({ ending, records }: CommitRequest, { word, length }: Committed): void {
    this.#isBusy = false;
    if (this.#isOver) return;
    if (word === 'stale' || word === 'behind') {
      refused(this.run, 'journal', 'another worker has taken it over');
      this.lose('another worker has taken it over');
      return;
    }
    if (word === 'refused') {
      stuck(this.run, 'Redis refused an effect');
      this.#leave(() => new Error('Redis has refused an effect of a step, and the run is stuck'));
      return;
    }
    if (word === 'epoch') {
      this.lose('the server is another, or has restarted');
      this.#host.onEpoch();
      return;
    }
    this.#commits += 1;
    if (word === 'committed' && ending.word === 'end')
      ended(this.run, ending.status, this.#host.now() - (this.#header?.at ?? 0));
    if (word === 'committed' && ending.word === 'stuck') stuck(this.run, ending.reason);
    if (word === 'again') {
      this.#fetch();
      return;
    }
    if (ending.word !== 'go') {
      this.#leave(() => new Error('the run goes on later, or has ended'), goesOnAt(ending, this.#host.now()));
      return;
    }
    // What came in between lies before what was committed.
    if (length !== this.#known + records.length) {
      this.#fetch();
      return;
    }
    this.#feed(records, this.#sent);
    this.#pump();
  }

  /** Reads what is new, and hands it over. */
  #fetch(): void {
    this.#isBusy = true;
    void this.#read().then((texts) => {
      this.#isBusy = false;
      if (texts === undefined || this.#isOver) return;
      this.#feed(texts);
      this.#pump();
    });
  }

  /** The records from the first unknown on, or why this program cannot read them; undefined if it is not owned here any more. */
  async #read(): Promise<readonly string[] | CodecError | undefined> {
    const { store, clock } = this.#host;
    const texts: string[] = [];
    for (let tries = 0; !this.#isOver; tries += 1) {
      try {
        const page = await store.read(this.#claim, this.#known + texts.length);
        if (page.word !== 'owned') {
          this.lose('another worker has taken it over');
          return undefined;
        }
        texts.push(...page.records);
        if (this.#known + texts.length >= page.length || page.records.length === 0) return texts;
      } catch (error) {
        if (store.closed.aborted) return undefined;
        if (error instanceof CodecError) return error;
        this.#host.report(error);
        await pause(clock, Math.min(1_000, 20 * 2 ** Math.min(tries, 6)), store.closed);
      }
    }
    return undefined;
  }

  /** Throws an Error if its journal is too long to go on. */
  #count(texts: readonly string[]): void {
    const { run } = this.#claim;
    const was = this.#size.isLong;
    this.#known += texts.length;
    this.#stay.fed(texts.length);
    this.#size.add(texts);
    if (this.#size.isLong && !was) this.#host.report(new LongJournalError({ run, ...this.#size.length }));
    if (this.#size.isTooLong) throw new LongJournalError({ run, ...this.#size.length });
  }

  /** `made`: the records of the texts, where they are our own. */
  #feed(texts: readonly string[] | CodecError, made?: readonly JournalRecord[]): void {
    try {
      if (texts instanceof CodecError) throw texts;
      const records =
        made?.map((record, index) => asDecoded(record, texts[index])) ?? texts.map(decodeRecord);
      this.#count(texts);
      this.#machine.feed(records);
    } catch (error) {
      this.#failed(error);
    }
  }
}

const GO: Ending = { word: 'go' };
