/**
 * Delivers the tasks of one queue to a handler, as many at a time as it may have, and ends the deliveries.
 *
 * The main path: `#work` ends what was handled and claims as much as there is room for, in one call; `#begin` handles
 * each task; what comes of it waits in `#settled` for the next call. With nothing to claim it sleeps. Short tasks are
 * claimed a few milliseconds ahead, so that a round trip is shared by many of them.
 *
 * Guarantees: a delivery is ended only under the session that claimed it. A call whose answer was lost is repeated while
 * the lease is valid, as a repetition, which the script tells apart. When the session is lost, so are its deliveries:
 * nothing that their handlers return reaches the queue.
 */
import { backoff, type Clock, type HoldfastError, MisuseError, pause, type Timer } from '@holdfast/kernel';
import { SessionCalls, type WorkOrder } from './calls.js';
import type { Claimed, Work } from './claimed.js';
import { type Outcome, placeOfEnd } from './outcome.js';
import type { QueuePort } from './port.js';
import type { QueueSettings } from './queue-options.js';
import { encode } from './schema.js';
import { Session } from './session.js';
import { Sleep } from './sleep.js';
import { DeliveredTask } from './task.js';
import { refused } from './telemetry.js';
import { progress } from './verbs.js';

/** Calls under way at a time: while one is answered, what the other brought is handled. */
const MOST_CALLS = 2;

/** Deliveries that one call ends or claims, at the most: bounds how long Redis is kept from others. */
const LARGEST_CALL = 128;

/** What consumes: the queue, and what becomes of its tasks. */
export interface ConsumerOptions {
  readonly queue: { readonly name: string; readonly port: QueuePort; readonly settings: QueueSettings };
  readonly worker: string;
  /** The most tasks at a time, of all consumers that share it. */
  readonly concurrency: number;
  /** Those that share it, this one among them: they take turns. */
  readonly shared: readonly Consumer[];
  /** In ms. */
  readonly lease: number;
  /** Handles a task, whatever happens. Never rejects. */
  readonly handle: (
    claimed: Claimed,
    task: DeliveredTask<unknown>,
    now: number,
  ) => Promise<Outcome> | Outcome;
  /** Does what a tick asks for that is due at `now`. Rejects if that cannot be told. */
  readonly tick: (tick: NonNullable<Work['tick']>, now: number) => Promise<void>;
  /** Something that nobody waits for went wrong. */
  readonly onError: (error: unknown) => void;
}

/** For how long tasks are claimed ahead, in ms, as far as can be told from how long they took lately. */
const AHEAD = 4;

/** After how long what was claimed ahead and could not begin is handed back, in ms. */
const STUCK = 20;

/** A delivery that has begun. */
interface Delivery {
  readonly claimed: Claimed;
  readonly task: DeliveredTask<unknown>;
}

/** A delivery that has not begun. */
interface Ahead {
  readonly claimed: Claimed;
  readonly token: number;
  /** By the server, in ms. */
  readonly now: number;
  /** Monotonic time at which it was claimed. */
  readonly since: number;
}

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #port: QueuePort;
  readonly #clock: Clock;
  readonly #session: Session;
  readonly #call: SessionCalls;
  readonly #sleep: Sleep;
  readonly #deliveries = new Map<string, Delivery>();
  #ahead: Ahead[] = [];
  /** How long a task took lately, in ms. */
  #took = AHEAD;
  #stuck: Timer | undefined;
  /** The arguments that end deliveries, of those that wait for the next call. */
  #settled: (readonly string[])[] = [];
  /** Tasks that calls under way have asked for. */
  #asked = 0;
  #calls = 0;
  #failures = 0;
  /** Whether the last call brought less than it asked for: then only a wake-up is a reason to ask again. */
  #dry = false;
  /** Whether the last call brought all that it asked for, so that it pays to ask twice at a time. */
  #rich = false;
  #scheduled = false;
  #claiming = true;
  #draining = false;
  /** Whether what we know of may not be what the session has: a call may have claimed, or the server may have forgotten. */
  #unsure = false;
  #closed = false;
  #opening = false;
  /** Resolved when nothing is left. */
  #idle: (() => void) | undefined;
  #problem: string | undefined = 'it has not begun yet';

  constructor(options: ConsumerOptions) {
    this.#options = options;
    const { port, settings } = options.queue;
    this.#port = port;
    this.#clock = port.clock;
    this.#sleep = new Sleep(port);
    this.#call = new SessionCalls(port, settings, options.lease);
    this.#session = new Session({
      port,
      settings,
      worker: options.worker,
      lease: options.lease,
      onLost: () => this.#lose(),
      onEpoch: (epoch) => this.#see(epoch),
    });
  }

  /** Why it does not consume; undefined while it does. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get inFlight(): number {
    return this.#deliveries.size;
  }

  /** Tasks that it has, or has asked for. */
  get load(): number {
    return this.#deliveries.size + this.#ahead.length + this.#asked;
  }

  /** Another has room again that may be for this one. */
  freed(): void {
    if (!this.#dry) this.#schedule();
  }

  start(): void {
    void this.#open();
  }

  /** Whether it claims tasks. */
  set claiming(value: boolean) {
    this.#claiming = value;
    if (value) this.wake();
  }

  /** Looks for tasks now. */
  wake(): void {
    this.#dry = false;
    this.#schedule();
  }

  /** Claims no more, and hands back what has not begun; resolves when all that has begun has ended. */
  async drained(): Promise<void> {
    this.#claiming = false;
    this.#draining = true;
    this.#handBackAhead(0);
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      this.#schedule();
    });
  }

  /** Gives back what has not ended, for others to handle at once. */
  handBack(reason: HoldfastError): void {
    for (const { claimed, task } of [...this.#deliveries.values()]) {
      task.end(reason);
      this.#deliveries.delete(keyOf(claimed));
      this.#settled.push(back(claimed));
    }
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stuck?.cancel();
    this.#sleep.close();
    await this.#session.close();
  }

  async #open(): Promise<void> {
    if (this.#opening || this.#closed) return;
    this.#opening = true;
    for (let tries = 0; !this.#closed; tries += 1) {
      try {
        await this.#session.open();
        break;
      } catch (error) {
        this.#fail(error);
        await this.#pause(tries);
      }
    }
    this.#opening = false;
    this.#problem = undefined;
    this.wake();
  }

  /** What was settled in this turn of the event loop, and what can be claimed, leaves together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#unsure) {
      this.#makeSure();
      return;
    }
    while (!this.#closed && this.#session.id !== undefined && this.#calls < (this.#rich ? MOST_CALLS : 1)) {
      const want = this.#want();
      if (this.#settled.length === 0 && (want === 0 || this.#dry)) break;
      void this.#work(this.#session.id, this.#settled.splice(0, LARGEST_CALL), this.#dry ? 0 : want);
    }
    if (this.#isIdle) this.#idle?.();
  }

  /** Nothing is claimed before that; a call that is under way may still claim. */
  #makeSure(): void {
    if (this.#closed || this.#calls > 0) return;
    if (this.#session.id !== undefined) void this.#reconcile(this.#session.id);
  }

  get #isIdle(): boolean {
    const { size } = this.#deliveries;
    return size + this.#ahead.length + this.#settled.length + this.#calls === 0;
  }

  /** Half of the room when it is large, so that two calls can be under way. */
  #want(): number {
    if (!this.#claiming) return 0;
    const { concurrency, shared } = this.#options;
    // Claiming ahead would take from the others what is theirs in turn.
    const ahead = shared.length > 1 ? 0 : Math.floor((AHEAD / this.#took - 1) * concurrency);
    const most = concurrency + Math.max(0, Math.min(LARGEST_CALL, ahead));
    const room = shared.reduce((left, { load }) => left - load, most);
    return Math.max(0, Math.min(room, LARGEST_CALL, Math.ceil(most / MOST_CALLS)));
  }

  /** Ends deliveries and claims others, in one call. */
  async #work(session: string, settled: readonly Outcome[], want: number): Promise<void> {
    this.#calls += 1;
    this.#asked += want;
    const since = this.#clock.now();
    let work: Work | 'lost' | undefined;
    try {
      work = await this.#ask({ session, settled, want, twice: false });
    } catch (error) {
      this.#fail(error);
      // What it may have claimed is unknown to us, and is given up before more is claimed.
      this.#unsure = true;
      work = await this.#insist(session, settled);
    }
    this.#calls -= 1;
    this.#asked -= want;
    if (this.#session.id === session) {
      if (work === 'lost') this.#session.lost();
      else if (work) this.#received(work, since, this.#unsure ? 0 : want);
    }
    this.#freeOthers();
    if (work) this.#schedule();
    else void this.#pause(this.#failures).then(() => this.#schedule());
  }

  async #ask(order: WorkOrder): Promise<Work | 'lost'> {
    const work = await this.#call.work(order);
    this.#succeed();
    return work;
  }

  /** Repeats the ends of deliveries while they may be ours. Resolves to undefined when there is no sense in it any more. */
  async #insist(session: string, settled: readonly Outcome[]): Promise<Work | 'lost' | undefined> {
    for (let tries = 0; settled.length > 0 && this.#session.id === session && !this.#closed; tries += 1) {
      await this.#pause(tries);
      try {
        return await this.#ask({ session, settled, want: 0, twice: true });
      } catch (error) {
        this.#fail(error);
      }
    }
    return undefined;
  }

  /** In another epoch, the server may have forgotten what it delivered, and what it was told has ended. */
  #see(epoch: string): void {
    if (epoch === this.#call.epoch) return;
    this.#unsure ||= this.#call.epoch !== '';
    this.#call.epoch = epoch;
    if (this.#unsure) this.#schedule();
  }

  /** Gives up what Redis says that we have, and we do not know of; and what it says that we do not have. */
  async #reconcile(session: string): Promise<void> {
    this.#calls += 1;
    const known = [...this.#deliveries.values(), ...this.#ahead].map(({ claimed }) => claimed);
    const places = [
      ...known.flatMap(({ priority, entry }) => [priority, entry]),
      ...this.#settled.flatMap(placeOfEnd),
    ];
    try {
      const compared = await this.#call.reconcile(session, places);
      this.#succeed();
      this.#unsure = false;
      if (this.#session.id !== session) this.wake();
      else if (compared === 'lost') this.#session.lost();
      else {
        this.#forget(compared.missing);
        this.#see(compared.epoch);
      }
    } catch (error) {
      this.#fail(error);
      await this.#pause(this.#failures);
    }
    this.#calls -= 1;
    this.wake();
  }

  #freeOthers(): void {
    for (const other of this.#options.shared) if (other !== this) other.freed();
  }

  /** Deliveries that are not ours: "<priority> <entry>". */
  #forget(gone: ReadonlySet<string>): void {
    if (gone.size === 0) return;
    refused(this.#options.queue.name, gone.size);
    for (const key of gone) {
      const task = this.#deliveries.get(key)?.task;
      task?.end(task.lost('the server has forgotten that it delivered it'));
      this.#deliveries.delete(key);
    }
    this.#ahead = this.#ahead.filter(({ claimed }) => !gone.has(keyOf(claimed)));
    this.#settled = this.#settled.filter((outcome) => !gone.has(placeOfEnd(outcome).join(' ')));
  }

  #received(work: Work, since: number, want: number): void {
    this.#session.renewed(since);
    this.#see(work.epoch);
    const { token, now } = work;
    for (const claimed of work.claimed) this.#ahead.push({ claimed, token, now, since: this.#clock.now() });
    if (this.#draining) this.#handBackAhead(0);
    else this.#beginAll();
    this.#dry = want > 0 && work.claimed.length < want;
    this.#rich = !this.#dry;
    if (work.tick) this.#tickOf(work.tick, work.now);
    else if (this.#dry) this.#sleep.until(work.last, work.wait, () => this.wake());
  }

  /** The queue is asked again after it: more ticks may be due. */
  #tickOf(tick: NonNullable<Work['tick']>, now: number): void {
    this.#options.tick(tick, now).then(
      () => this.wake(),
      (error: unknown) => {
        this.#fail(error);
        void this.#pause(this.#failures).then(() => this.wake());
      },
    );
  }

  #beginAll(): void {
    // What can no longer be proved ours is not begun; it is handed back below, if it still is.
    while (this.#deliveries.size < this.#options.concurrency && this.#session.isValid) {
      const next = this.#ahead.shift();
      if (next === undefined) break;
      this.#begin(next);
    }
    if (this.#ahead.length > 0) this.#stuck ??= this.#clock.after(STUCK, () => this.#unstick());
  }

  /** What waits behind a task that takes longer than expected is better done by others. */
  #unstick(): void {
    this.#stuck = undefined;
    this.#handBackAhead(this.#clock.now() - STUCK);
    if (this.#ahead.length > 0) this.#stuck = this.#clock.after(STUCK, () => this.#unstick());
  }

  /** Those that were claimed before `time`; 0 for all. */
  #handBackAhead(time: number): void {
    const late = this.#ahead.filter(({ since }) => time === 0 || since <= time);
    if (late.length === 0) return;
    this.#took = Math.max(this.#took, AHEAD);
    this.#ahead = this.#ahead.filter((one) => !late.includes(one));
    for (const { claimed } of late) this.#settled.push(back(claimed));
    this.#schedule();
  }

  #begin({ claimed, token, now }: Ahead): void {
    const { handle } = this.#options;
    const began = this.#clock.now();
    const task = this.#taskOf(claimed, token);
    const key = keyOf(claimed);
    this.#deliveries.set(key, { claimed, task });
    const settle = (outcome: Outcome): void => {
      if (this.#deliveries.get(key)?.task !== task) return; // it was lost or handed back meanwhile
      this.#deliveries.delete(key);
      task.settle();
      this.#took += (this.#clock.now() - began - this.#took) / 16;
      this.#settled.push(outcome);
      if (this.#ahead.length > 0) this.#beginAll();
      this.#freeOthers();
      this.#schedule();
    };
    const outcome = handle(claimed, task, now);
    if (outcome instanceof Promise) void outcome.then(settle);
    else settle(outcome);
  }

  #taskOf(claimed: Claimed, token: number): DeliveredTask<unknown> {
    const { id, key, made, deliveries } = claimed;
    const session = this.#session.id;
    const task: DeliveredTask<unknown> = new DeliveredTask(
      {
        id,
        queue: this.#options.queue.name,
        data: undefined,
        attempt: made + deliveries,
        token,
        resource: `queue:${this.#options.queue.name}/${id}`,
        key: key === '' ? undefined : key,
      },
      {
        clock: this.#clock,
        validUntil: () => (this.#session.id === session ? this.#session.validUntil : 0),
        progress: (value) => this.#progress(String(session), claimed, task, value),
      },
    );
    return task;
  }

  async #progress(
    session: string,
    { priority, entry, id }: Claimed,
    task: DeliveredTask<unknown>,
    value: unknown,
  ): Promise<void> {
    const text = encode(value, this.#options.queue.settings.maxBytes, 'Progress');
    const noted = await this.#port.call(progress, { session, priority, entry, id, progress: text });
    if (!noted) throw task.lost('it was delivered to somebody else since');
  }

  /** The session is over: nothing of what it had is ours any more. */
  #lose(): void {
    refused(this.#options.queue.name, this.#deliveries.size + this.#settled.length);
    for (const { task } of this.#deliveries.values())
      task.end(task.lost('the worker did not renew it in time'));
    this.#deliveries.clear();
    this.#ahead = [];
    this.#settled = [];
    this.#unsure = false;
    this.#call.epoch = '';
    this.#dry = false;
    void this.#open();
  }

  #succeed(): void {
    this.#problem = undefined;
    this.#failures = 0;
  }

  #fail(error: unknown): void {
    this.#problem = error instanceof Error ? error.message : String(error);
    if (this.#failures === 0 || error instanceof MisuseError) this.#options.onError(error);
    this.#failures += 1;
  }

  async #pause(tries: number): Promise<void> {
    await pause(this.#clock, backoff(this.#port.random, tries, { base: 50, limit: 1_000 }));
  }
}

const back = ({ priority, entry, deliveries }: Claimed): Outcome => [
  'back',
  priority,
  entry,
  String(deliveries),
];

const keyOf = ({ priority, entry }: Claimed): string => `${priority} ${entry}`;
