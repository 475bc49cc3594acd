/**
 * Claims runs of an app, and lets them go on, until it is stopped.
 *
 * The main path: a session is opened, `#ask` claims as many runs as there is room for, each becomes an OwnedRun. With nothing
 * to claim it sleeps until a bell rings, something is due, or a third of its lease has passed.
 *
 * Guarantees: what it owns it owns under one session. When that is lost, when the server turns out to be another, or when it
 * is not known what a call has claimed, all of its runs are dropped, and go on elsewhere or here under new tokens.
 */
import { type Clock, pause, type Random, type Timer } from '@holdfast/kernel';
import { Health, NumberedCalls, type Report, Session } from '@holdfast/redis';
import { buildOf, type Workflow } from '../define.js';
import type { Declarations } from '../store/declarations.js';
import type { Claimed, Store, Worked } from '../store/store.js';
import { type Archive, Archiver } from './archiver.js';
import type { WorkerSettings } from './options.js';
import { OwnedRun, type RunHost } from './owned-run.js';
import { type Place, placeOf } from './places.js';
import type { Room } from './room.js';
import { ServerTime } from './server-time.js';
import { Serving } from './serving.js';
import { type StartTick, Ticker } from './ticks.js';
import { UnreadableRuns } from './unreadable.js';

export interface WorkerParts {
  readonly store: Store;
  readonly declarations: Declarations;
  readonly clock: Clock;
  readonly random: Random;
  /** To which bells and mail for its runs are sent. */
  readonly mailbox: string;
  readonly workflows: readonly Workflow[];
  readonly settings: WorkerSettings;
  /** That the worker's loops share. */
  readonly room: Room;
  /** In ms. */
  readonly retain: number;
  readonly archive: Archive | undefined;
  readonly report: Report;
  readonly startTick: StartTick;
  readonly onStopped: () => void;
}

/** Runs that one call claims at most: bounds how long Redis is kept from others. */
const LARGEST_CLAIM = 128;
/** Places of late calls that are remembered. */
const MOST_LATE = 1_000;

export class WorkerLoop {
  readonly #parts: WorkerParts;
  readonly #clock: Clock;
  readonly #health: Health;
  readonly #unreadable: UnreadableRuns;
  readonly #serving: Serving;
  readonly #archiver: Archiver | undefined;
  readonly #time: ServerTime;
  readonly #workflows: Map<string, Workflow>;
  readonly #builds: Readonly<Record<string, string>>;
  readonly #runs = new Map<string, OwnedRun>();
  readonly #late = new Set<string>();
  #calls: NumberedCalls;
  #session: Session<true>;
  #phase: 'working' | 'draining' | 'stopped' = 'working';
  #isAsking = false;
  /** Runs that mail came for while they were being claimed: it may overtake the answer, and so what the answer has of them. */
  readonly #early = new Set<string>();
  /** How many runs are about to be owned from their start. */
  #places = 0;
  /** Whether a suspect waits until there is nothing else here. */
  #drains = false;
  /** The run that is here alone, since it has fallen before. */
  #suspect: string | undefined;
  /** Whether there was nothing more to claim. */
  #isDry = false;
  /** Bells may overtake the answer of a call: those that rang since it was sent keep the worker awake. */
  #bells = 0;
  #alarm: { readonly at: number; readonly timer: Timer } | undefined;
  #onEmpty: (() => void) | undefined;
  readonly #host: RunHost;
  readonly #ticker: Ticker;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#health = new Health(parts, parts.report);
    this.#unreadable = new UnreadableRuns(parts.clock, parts.report);
    this.#time = new ServerTime(parts.clock);
    this.#workflows = new Map(parts.workflows.map((workflow) => [workflow.name, workflow]));
    this.#builds = Object.fromEntries(parts.workflows.map((workflow) => [workflow.name, buildOf(workflow)]));
    const { archive } = parts;
    this.#serving = new Serving(parts.store, this.#builds, archive !== undefined);
    this.#archiver = archive && new Archiver({ ...parts, archive });
    this.#calls = new NumberedCalls(this.#health);
    this.#session = this.#newSession();
    this.#host = {
      store: parts.store,
      clock: parts.clock,
      random: parts.random,
      now: () => this.#time.now(),
      validUntil: () => this.#session.validUntil,
      retain: parts.retain,
      unreadable: this.#unreadable,
      wasLate: (run, place) => this.#wasLate(`${run} ${place}`),
      hasRoom: () => this.#phase === 'working' && this.#suspect === undefined && parts.room.isAmple,
      onGone: (run, again) => this.#gone(run, again),
      onEpoch: () => this.#startOver('the server is another, or has restarted'),
      report: parts.report,
    };
    parts.room.join(() => this.#pump());
    this.#ticker = new Ticker({
      ...{ store: parts.store, clock: parts.clock, random: parts.random, report: parts.report },
      start: parts.startTick,
      onLook: () => {
        void this.#serving.look(this.#session.id);
        this.#archiver?.look();
      },
      lease: parts.settings.lease,
    });
    void this.#open();
  }

  /** Why it does not work; undefined while it does. */
  get problem(): string | undefined {
    if (this.#phase === 'stopped') return 'it has stopped';
    const problem = this.#health.problem ?? this.#parts.store.problem;
    return problem ?? this.#unreadable.problem ?? this.#serving.problem ?? this.#archiver?.problem;
  }

  get inFlight(): number {
    return this.#runs.size;
  }

  /** A bell, or mail for a run. */
  hear(text: string): void {
    if (text === 'b') this.wake();
    else if (text.startsWith('m')) this.#heard(text.slice(1));
  }

  #heard(run: string): void {
    const owned = this.#runs.get(run);
    if (owned) owned.mail();
    else if (this.#isClaiming) this.#early.add(run);
  }

  /** There may be something to claim. */
  wake(): void {
    this.#bells += 1;
    this.#isDry = false;
    this.#pump();
  }

  /** Mail may have been missed. */
  wakeAll(): void {
    for (const run of this.#runs.values()) run.mail();
    this.wake();
  }

  /** Claims no more, waits for the grace, and gives back what is left. Never rejects. */
  async stop(): Promise<void> {
    if (this.#phase !== 'working') return;
    this.#phase = 'draining';
    this.#ticker.stop();
    for (const run of this.#runs.values()) run.mail(); // those that stay although they only wait are parked
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.#isEmpty) resolve();
    });
    const inTime = new AbortController();
    const archived = this.#archiver?.stop();
    await Promise.race([
      Promise.all([empty, archived]),
      pause(this.#clock, this.#parts.settings.grace, inTime.signal),
    ]);
    inTime.abort();
    this.#phase = 'stopped';
    this.#alarm?.timer.cancel();
    this.#dropAll('its worker has stopped');
    await this.#session.close();
    this.#parts.onStopped();
  }

  #newSession(): Session<true> {
    const { store, clock, random, mailbox, settings } = this.#parts;
    return new Session<true>({
      clock,
      random,
      worker: mailbox,
      lease: settings.lease,
      calls: {
        open: (session) => store.open(session, settings.lease),
        renew: (session) => store.renew(session, settings.lease),
        close: (session) => store.close(session),
      },
      unreachable: store.closed,
      health: this.#health,
      onLost: () => this.#startOver('its session is over'),
      onRenewed: () => this.wake(),
    });
  }

  async #open(): Promise<void> {
    const session = this.#session;
    while (this.#phase === 'working' && session === this.#session && !this.#parts.store.closed.aborted) {
      try {
        await this.#declare();
        await session.open();
        this.#health.succeeded();
        void this.#serving.look(session.id);
        return this.wake();
      } catch (error) {
        this.#health.failed(error);
        await this.#health.pause(undefined, this.#parts.store.closed);
      }
    }
  }

  /** A server that is another, or has restarted, may have forgotten the limits. */
  async #declare(): Promise<void> {
    const { declarations, workflows } = this.#parts;
    for (const workflow of workflows) {
      declarations.forgotten(workflow);
      await declarations.ensure(workflow);
    }
  }

  /** Nobody knows what the session has: it ends, and another begins. */
  #startOver(why: string): void {
    const old = this.#session;
    if (this.#phase !== 'working' || this.#parts.store.closed.aborted) {
      this.#dropAll(why);
      return;
    }
    this.#session = this.#newSession();
    this.#calls = new NumberedCalls(this.#health);
    this.#isAsking = false;
    this.#dropAll(why);
    void old.close();
    void this.#open();
  }

  #dropAll(why: string): void {
    for (const run of [...this.#runs.values()]) run.lose(why);
  }

  #pump(): void {
    const { id } = this.#session;
    if (this.#phase !== 'working' || id === undefined || this.#isAsking || this.#isDry) return;
    // Beside a suspect there is no other.
    if (this.#suspect !== undefined) return;
    const want = this.#parts.room.take(LARGEST_CLAIM);
    if (want === 0) return;
    this.#isAsking = true;
    void this.#ask(id, want).then((taken) => this.#parts.room.give(want - taken));
  }

  /** Gives how many runs it has taken. */
  async #ask(session: string, want: number): Promise<number> {
    const { store, settings } = this.#parts;
    const [bells, since, calls] = [this.#bells, this.#clock.now(), this.#calls];
    let worked: Worked | 'lost';
    try {
      worked = await calls.call(({ number, highest }) =>
        store.work({
          session,
          lease: settings.lease,
          want,
          number,
          highest,
          workflows: this.#inTurn(),
          builds: this.#builds,
        }),
      );
    } catch (error) {
      this.#health.failed(error);
      // It may have claimed what nobody hears of.
      if (session === this.#session.id) this.#startOver('it is not known what the last call has claimed');
      return 0;
    }
    if (session !== this.#session.id) return 0;
    this.#isAsking = false;
    if (worked === 'lost') {
      this.#session.lost();
      return 0;
    }
    this.#session.renewed(since);
    this.#time.told(worked.now);
    if (calls.epoch !== '' && calls.epoch !== worked.epoch) {
      this.#startOver('the server is another, or has restarted');
      return 0;
    }
    calls.epoch = worked.epoch;
    this.#isDry = worked.claims.length < want && bells === this.#bells;
    this.#drains = worked.drains;
    if (worked.isLow)
      void store.replicated().then(
        () => this.wake(),
        () => {},
      ); // it looks again anyway
    const taken = worked.claims.filter((claim) => this.#take(claim)).length;
    this.#claimed();
    if (worked.soon !== undefined) this.#wakeAt(worked.now + worked.soon);
    if (this.#phase !== 'working') this.#emptied();
    this.#pump();
    return taken;
  }

  #take(claim: Claimed): boolean {
    this.#calls.issued(claim.token);
    const workflow = this.#workflows.get(claim.run.slice(0, claim.run.indexOf('/')));
    // One that has not begun and is to be ended may be of any workflow.
    if (workflow === undefined && claim.mark !== 'ends') return false;
    this.#runs.get(claim.run)?.lose('it was claimed anew');
    if (claim.mark === 'suspect') this.#suspect = claim.run;
    const run = new OwnedRun(claim, workflow, this.#host);
    this.#runs.set(claim.run, run);
    void run.begin();
    if (this.#early.has(claim.run)) run.mail();
    return true;
  }

  /** A place for a run that this worker is to own from its start; undefined if there is none. */
  placeFor(workflow: string): Place | undefined {
    const { store, room } = this.#parts;
    const session = this.#session.id;
    const isOpen = this.#phase === 'working' && this.#session.isValid && this.#workflows.has(workflow);
    if (session === undefined || !isOpen || this.#suspect !== undefined || this.#drains) return undefined;
    if (room.take(1) === 0) return undefined;
    this.#places += 1;
    const isCurrent = (): boolean => session === this.#session.id;
    return placeOf({
      store,
      owner: { session, highest: this.#calls.highest },
      take: (claim) => isCurrent() && this.#take(claim),
      onUnknown: () => {
        if (isCurrent()) this.#startOver('it is not known what a start has made it own');
      },
      leave: (isTaken) => {
        this.#places -= 1;
        this.#claimed();
        this.#emptied();
        if (!isTaken) room.give(1);
      },
    });
  }

  /** Each call begins with another workflow, so that none starves. */
  #inTurn(): readonly string[] {
    const names = [...this.#workflows.keys()];
    const from = Math.floor(this.#parts.random.unit() * names.length);
    return [...names.slice(from), ...names.slice(0, from)];
  }

  #gone(run: OwnedRun, again: number): void {
    if (this.#runs.get(run.run) !== run) return;
    this.#runs.delete(run.run);
    if (this.#suspect === run.run) this.#suspect = undefined;
    if (again !== Number.POSITIVE_INFINITY) this.#wakeAt(again);
    this.#emptied();
    this.#parts.room.give(1);
    if (this.#drains && this.#isEmpty) this.wake();
  }

  get #isClaiming(): boolean {
    return this.#isAsking || this.#places > 0;
  }

  #claimed(): void {
    if (!this.#isClaiming) this.#early.clear();
  }

  get #isEmpty(): boolean {
    return this.#runs.size === 0 && !this.#isAsking && this.#places === 0;
  }

  #emptied(): void {
    if (this.#isEmpty) this.#onEmpty?.();
  }

  /** `at`: in ms since the epoch, by the server's clock. */
  #wakeAt(at: number): void {
    if (this.#phase !== 'working' || (this.#alarm && this.#alarm.at <= at)) return;
    this.#alarm?.timer.cancel();
    // A third of the lease later it looks anyway.
    const left = at - this.#time.now() + this.#unreadable.start;
    const delay = Math.min(this.#parts.settings.lease, Math.max(1, Math.ceil(left) + 1));
    const ring = (): void => {
      this.#alarm = undefined;
      this.wake();
    };
    this.#alarm = { at, timer: this.#clock.after(delay, ring, { keepAlive: false }) };
  }

  #wasLate(place: string): boolean {
    if (this.#late.delete(place)) return true;
    if (this.#late.size >= MOST_LATE) this.#late.clear();
    this.#late.add(place);
    return false;
  }
}
