/**
 * Delivers the tasks of one queue to a handler, as many at a time as it may have, and ends the deliveries.
 *
 * The main path: `nextCall` (next-call.ts) decides what to ask for; `#work` ends the deliveries that were handled and
 * claims as many as there is room for, in one call; `#begin` handles each task; its outcome waits among the deliveries
 * (deliveries.ts) for the next call. When there is nothing to claim, the consumer sleeps. Short tasks are claimed a few
 * milliseconds ahead, so that many of them share one round trip.
 *
 * Guarantees: a delivery is ended only under the session that claimed it. A call whose answer was lost is repeated
 * while the lease is valid, marked as a repetition so that the script can tell. When the session is lost, so are its
 * deliveries: nothing that their handlers return reaches the queue.
 */
import type { Clock, HoldfastError, Timer } from '@holdfast/kernel';
import { Health, type Report, Session, type SessionEnd, type SharedReaders } from '@holdfast/redis';
import { SessionCalls } from './calls.js';
import { Cancellation } from './cancellation.js';
import type { Claimed, Work } from './claimed.js';
import { type Ahead, Deliveries, handedBack, placeOf } from './deliveries.js';
import { TaskCancelledError } from './errors.js';
import { outcomesBefore } from './fan-in.js';
import {
  AHEAD,
  isDrained,
  LARGEST_CALL,
  nextCall,
  type Phase,
  type Situation,
  type Supply,
} from './next-call.js';
import type { Outcome } from './outcome.js';
import type { QueuePort } from './port.js';
import type { QueueSettings } from './queue-options.js';
import { Sleep } from './sleep.js';
import { DeliveredTask, type TaskQueue } from './task.js';
import { lost, refused } from './telemetry.js';
import { TickRunner } from './ticks.js';
import { type CancelledDelivery, type Renewed, rouse } from './verbs.js';

/** The queue to consume, and how to handle its tasks. */
export interface ConsumerOptions {
  readonly queue: TaskQueue & { readonly port: QueuePort; readonly settings: QueueSettings };
  readonly worker: string;
  /** The most tasks at a time, over all consumers that share this number. */
  readonly concurrency: number;
  /** The consumers that share it, including this one: they take turns. */
  readonly shared: readonly Consumer[];
  /** Those of the worker, for what its consumers wait for. */
  readonly readers: SharedReaders;
  /** In ms. */
  readonly lease: number;
  /** Handles a task. If it rejects, the error is reported, and the attempt counts. */
  readonly handle: (
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    now: number,
  ) => Promise<Outcome> | Outcome;
  /** Reports an error in work that nobody waits for. */
  readonly report: Report;
}

/** How long a task that was claimed ahead may fail to begin before it is handed back, in ms. */
const STUCK = 20;

/** Starts a microtask: unlike queueMicrotask, without an AsyncResource, which costs more than the rest of a turn. */
const RESOLVED = Promise.resolve();

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #clock: Clock;
  readonly #session: Session<Renewed>;
  readonly #call: SessionCalls;
  readonly #sleep: Sleep;
  readonly #health: Health;
  readonly #ticks: TickRunner;
  readonly #deliveries = new Deliveries();
  readonly #cancellation: Cancellation;
  #phase: Phase = 'opening';
  #supply: Supply = 'unknown';
  #isPaused = false;
  /** False while a call may have claimed tasks that we do not know of, or the server may have forgotten ours. */
  #isSure = true;
  /** Calls under way, the outcomes in them, and the tasks that they have asked for. */
  #calls = 0;
  readonly #ending = new Set<readonly Outcome[]>();
  #asked = 0;
  /** How long a task took lately, in ms. */
  #averageDuration = AHEAD;
  /** How often something may have come since the start. */
  #rings = 0;
  /** Whether `#pump` runs at the end of this turn of the event loop. */
  #isScheduled = false;
  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#pump();
  };
  /** Fires when tasks that were claimed ahead are to be handed back. */
  #stuck: Timer | undefined;
  /** Aborts when the drain begins. */
  readonly #draining = new AbortController();
  /** Whether a rate counts delivered tasks as begun. */
  #isPaced = false;
  #confirming: Promise<void> | undefined;
  /** Resolves the drain. */
  #onDrained: (() => void) | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    const { queue, readers } = options;
    const { port } = queue;
    this.#clock = port.clock;
    this.#health = new Health(port, options.report);
    this.#ticks = new TickRunner(port, {
      report: options.report,
      ending: this.#draining.signal,
      onDone: () => this.#wake(),
    });
    this.#sleep = new Sleep(port, readers.ofLists(port.waitPlace));
    this.#cancellation = new Cancellation({
      port,
      reader: () => readers.ofStreams(port.waitPlace),
      oldest: () => this.#deliveries.oldest,
      onCancelled: (cancelled) => this.#cancelled(cancelled),
    });
    this.#call = new SessionCalls(port, options.lease, this.#health);
    this.#session = new Session({
      clock: port.clock,
      random: port.random,
      worker: options.worker,
      lease: options.lease,
      calls: this.#call,
      unreachable: port.closed,
      health: this.#health,
      onLost: (why) => this.#lose(why),
      onRenewed: ({ epoch, ticks, cancelled, isLeft }) => {
        this.#noteEpoch(epoch);
        this.#cancelled(cancelled);
        this.#ticks.run(ticks);
        if (isLeft) this.#wake();
      },
    });
  }

  /** Why the consumer does not consume; undefined while it does. */
  get problem(): string | undefined {
    return this.#phase === 'closed' ? 'it has stopped' : this.#health.problem;
  }

  get inFlight(): number {
    return this.#deliveries.begun;
  }

  /** How many tasks the consumer has. */
  get held(): number {
    return this.#deliveries.begun + this.#deliveries.ahead;
  }

  /** How many tasks the consumer has, or has asked for. */
  get load(): number {
    return this.held + this.#asked;
  }

  /** Called when another consumer has room again, which this one may use. */
  freed(): void {
    this.#hasRoom();
    if (this.#supply !== 'drained') this.#schedule();
  }

  start(): void {
    void this.#open();
  }

  /** Whether the consumer claims tasks. */
  set claiming(value: boolean) {
    this.#isPaused = !value;
    if (value) this.#wake();
    else this.#handBackAhead(Number.POSITIVE_INFINITY);
  }

  /** Stops claiming, and hands back tasks that have not begun; resolves when all those that have begun have ended. */
  async drain(): Promise<void> {
    this.#phase = 'draining';
    this.#draining.abort();
    this.#handBackAhead(Number.POSITIVE_INFINITY);
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.#schedule();
    });
  }

  /** Hands back the tasks that have not ended, for others to handle at once. */
  handBack(reason: HoldfastError): void {
    this.#deliveries.handBackBegun(reason);
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#phase = 'closed';
    this.#cancelStuck();
    this.#sleep.close();
    this.#cancellation.close();
    await this.#session.close();
  }

  /** Tries until there is a session, or it is no longer needed. */
  async #open(): Promise<void> {
    for (let tries = 0; this.#phase === 'opening'; tries += 1) {
      try {
        await this.#session.open();
        if (this.#phase !== 'opening') return;
        this.#phase = 'working';
        this.#health.succeeded();
        this.#wake();
      } catch (error) {
        this.#health.failed(error);
        if (this.#options.queue.port.closed.aborted) return;
        await this.#health.pause(tries, this.#draining.signal);
      }
    }
  }

  /** Something may have come while there was no room, and the bell could not wake this consumer. */
  #hasRoom(): void {
    if (this.#supply === 'drained' && !this.#sleep.listens) this.#supply = 'unknown';
  }

  /** There may be something: looks for it, or has another worker look if there is no room for it here. */
  #rung(): void {
    this.#wake();
    const { phase, isPaused, concurrency } = this.#situation;
    // What the others of this worker have only asked for they may not get: this one looks as soon as they know.
    const held = this.#options.shared.reduce((sum, { held }) => sum + held, 0);
    if (phase === 'working' && !isPaused && held < concurrency) return;
    // If Redis is away, the others hear of it with a renewal.
    void this.#options.queue.port.call(rouse, undefined).catch(() => {});
  }

  /** Looks for tasks now. */
  #wake(): void {
    this.#rings += 1;
    if (this.#supply === 'drained') this.#supply = 'unknown';
    this.#schedule();
  }

  /** Everything that was settled in this turn of the event loop, and the next claim, leave in one call. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    void RESOLVED.then(this.#turn);
  }

  #pump(): void {
    for (;;) {
      const at = this.#situation;
      const next = nextCall(at);
      if (next.verb === 'none') {
        if (isDrained(at)) this.#onDrained?.();
        return;
      }
      const session = this.#session.id as string;
      if (next.verb === 'reconcile') void this.#reconcile(session);
      else void this.#work(session, this.#deliveries.takeSettled(LARGEST_CALL), next.want);
    }
  }

  get #situation(): Situation {
    const { concurrency, shared } = this.#options;
    return {
      phase: this.#phase,
      hasSession: this.#session.id !== undefined,
      isSure: this.#isSure,
      isFailing: this.#health.isFailing,
      isPaused: this.#isPaused,
      supply: this.#supply,
      calls: this.#calls,
      held: this.held,
      settled: this.#deliveries.settled,
      concurrency,
      consumers: shared.length,
      load: shared.reduce((sum, { load }) => sum + load, 0),
      averageDuration: this.#averageDuration,
      isPaced: this.#isPaced,
    };
  }

  /** Ends deliveries and claims others, in one call. */
  async #work(session: string, settled: readonly Outcome[], want: number): Promise<void> {
    this.#calls += 1;
    this.#ending.add(settled);
    this.#asked += want;
    const rings = this.#rings;
    const since = this.#clock.now();
    const isOpen = (): boolean => this.#session.id === session && this.#phase !== 'closed';
    let work: Work | 'lost' | undefined;
    try {
      work = await this.#call.work({ session, settled, want });
    } catch (error) {
      this.#health.failed(error);
      // We do not know what the call may have claimed; that is given up before more is claimed.
      this.#isSure = false;
      work = await this.#call.repeat(session, settled, isOpen);
    }
    this.#calls -= 1;
    this.#ending.delete(settled);
    this.#asked -= want;
    if (this.#session.id === session) {
      if (work === 'lost') this.#session.lost();
      else if (work) this.#received(work, { since, want: this.#isSure ? want : 0, rings });
    }
    this.#freeOthers();
    if (!work) await this.#pause();
    this.#schedule();
  }

  /** Gives up deliveries whose tasks were cancelled. */
  #cancelled(cancelled: readonly CancelledDelivery[]): void {
    const { name: queue } = this.#options.queue;
    for (const { place, reason } of cancelled) {
      const error = (id: string): HoldfastError => new TaskCancelledError({ queue, id, reason });
      if (!this.#deliveries.cancel(place, error)) continue;
      this.#hasRoom();
      if (this.#deliveries.ahead > 0) this.#beginAll();
      this.#freeOthers();
      this.#schedule();
    }
  }

  /** In another epoch, the server may have forgotten which tasks it has delivered, and which have ended. */
  #noteEpoch(epoch: string): void {
    if (epoch === this.#call.epoch) return;
    if (this.#call.epoch !== '') this.#isSure = false;
    this.#call.epoch = epoch;
    if (!this.#isSure) this.#schedule();
  }

  /**
   * Gives up deliveries that are ours according to Redis but unknown to us, and those that are not ours according to
   * Redis.
   */
  async #reconcile(session: string): Promise<void> {
    this.#calls += 1;
    try {
      const compared = await this.#call.reconcile(session, this.#deliveries.places());
      if (this.#session.id === session) {
        this.#isSure = true;
        if (compared === 'lost') this.#session.lost();
        else {
          this.#forget(compared.missing);
          this.#noteEpoch(compared.epoch);
        }
      }
    } catch (error) {
      this.#health.failed(error);
      await this.#pause();
    }
    this.#calls -= 1;
    this.#wake();
  }

  /** Waits after a failure. A drain with nothing to hand back does not wait. */
  async #pause(): Promise<void> {
    if (this.#phase !== 'draining') await this.#health.pause(undefined, this.#draining.signal);
    else if (!this.#deliveries.isEmpty) await this.#health.pause();
  }

  #freeOthers(): void {
    for (const other of this.#options.shared) if (other !== this) other.freed();
  }

  #forget(gone: ReadonlySet<string>): void {
    if (gone.size === 0) return;
    refused(this.#options.queue.name, gone.size);
    const before = this.#deliveries.tasks;
    this.#deliveries.forget(gone);
    const after = new Set(this.#deliveries.tasks);
    this.#tellLost(before.filter((task) => !after.has(task)));
  }

  /** `since`: when the call was sent; `want`: how many tasks it asked for; `rings`: how often the bell had rung by then. */
  #received(work: Work, { since, want, rings }: { since: number; want: number; rings: number }): void {
    this.#session.renewed(since);
    this.#noteEpoch(work.epoch);
    for (const claimed of this.#isSure ? work.claimed : this.#unknown(work.claimed))
      this.#deliveries.claimed({ claimed, token: work.token, now: work.now, since: this.#clock.now() });
    if (this.#phase === 'draining' || this.#isPaused) this.#handBackAhead(Number.POSITIVE_INFINITY);
    else this.#beginAll();
    if (want > 0) this.#supply = work.wait === undefined ? 'saturated' : 'drained';
    // Something may have come after the server has answered.
    if (this.#supply === 'drained' && rings !== this.#rings) this.#supply = 'unknown';
    this.#isPaced = work.isPaced;
    if (work.isUnconfirmed) this.#confirm();
    this.#ticks.run(work.ticks);
    if (work.wait === undefined || work.ticks.due.length > 0 || this.#supply !== 'drained') return;
    // Without room it looks again when it has some: others are to be woken meanwhile.
    const { concurrency, consumers, load } = this.#situation;
    const listens = consumers > 1 || load < concurrency;
    this.#sleep.until({ wait: work.wait, listens }, () => this.#rung());
  }

  /**
   * Those that the session does not have already: a server that has forgotten a delivery may repeat it to the same
   * session. It is handled once: the first delivery goes on, and counts if the comparison that follows finds it to be
   * ours; what is left of the repetition is given up there.
   */
  #unknown(claimed: readonly Claimed[]): readonly Claimed[] {
    const known = this.#deliveries.known([...this.#ending].flat());
    return claimed.filter((delivery) => !known.has(placeOf(delivery)));
  }

  /** Tokens wait until replicas know the epoch, or their time has come; the server says how long that takes. */
  #confirm(): void {
    this.#confirming ??= this.#options.queue.port
      .confirmEpoch()
      .then((isConfirmed) => (isConfirmed ? undefined : this.#health.pause(undefined, this.#draining.signal)))
      .finally(() => {
        this.#confirming = undefined;
        this.#wake();
      });
  }

  #beginAll(): void {
    // A task that can no longer be proved ours is not begun; it is handed back below, if it still is ours.
    while (this.#deliveries.begun < this.#options.concurrency && this.#session.isValid) {
      const next = this.#deliveries.next();
      if (next === undefined) break;
      this.#begin(next);
    }
    this.#watchAhead();
  }

  /** Tasks that wait behind one that takes longer than expected are better handled by others. */
  #watchAhead(): void {
    if (this.#deliveries.ahead === 0 || this.#phase === 'closed') return;
    this.#stuck ??= this.#clock.after(STUCK, () => {
      this.#stuck = undefined;
      this.#handBackAhead(this.#clock.now() - STUCK);
      this.#watchAhead();
    });
  }

  #cancelStuck(): void {
    this.#stuck?.cancel();
    this.#stuck = undefined;
  }

  /** Hands back the tasks that were claimed until `time` and have not begun. */
  #handBackAhead(time: number): void {
    if (this.#deliveries.handBackAhead(time) === 0) return;
    this.#averageDuration = Math.max(this.#averageDuration, AHEAD);
    this.#schedule();
  }

  #begin({ claimed, token, now }: Ahead): void {
    const began = this.#clock.now();
    const task = this.#taskOf(claimed, token);
    this.#deliveries.begin(claimed, task);
    this.#cancellation.begun();
    const settle = (outcome: Outcome): void => {
      if (!this.#deliveries.settle(claimed, task, outcome)) return;
      task.settle();
      this.#hasRoom();
      this.#averageDuration += (this.#clock.now() - began - this.#averageDuration) / 16;
      if (this.#deliveries.ahead > 0) this.#beginAll();
      this.#freeOthers();
      this.#schedule();
    };
    const outcome = this.#options.handle(claimed, task, now);
    if (!(outcome instanceof Promise)) settle(outcome);
    else {
      void outcome.then(settle, (error: unknown) => {
        this.#options.report(error);
        settle(handedBack(claimed, true));
      });
    }
  }

  #taskOf(claimed: Claimed, token: number): DeliveredTask<unknown> {
    const session = this.#session.id as string;
    return new DeliveredTask(this.#options.queue, claimed, token, {
      clock: this.#clock,
      validUntil: () => (this.#session.id === session ? this.#session.validUntil : 0),
      progress: (text) => this.#call.progress(session, claimed, text),
      log: (attempt, line) => this.#call.log(session, claimed, attempt, line),
      outcomes: () => outcomesBefore(this.#options.queue, claimed),
    });
  }

  #tellLost(tasks: readonly DeliveredTask<unknown>[]): void {
    for (const task of tasks) lost(this.#options.queue.name, task, task.over);
  }

  /** The session is over: none of its deliveries is ours any more. */
  #lose(why: SessionEnd): void {
    const { tasks } = this.#deliveries;
    refused(this.#options.queue.name, this.#deliveries.lose(why));
    this.#tellLost(tasks);
    this.#cancelStuck();
    this.#isSure = true;
    this.#call.epoch = '';
    this.#supply = 'unknown';
    if (this.#phase === 'working') {
      this.#phase = 'opening';
      void this.#open();
    }
    this.#schedule();
  }
}
