/**
 * Deliveries to programs that hold no connection to Redis, such as those that ask a server over HTTP. The main path: `claim`,
 * `complete` or `fail`, with `extend` in between.
 *
 * Guarantees: nothing is kept here: a delivery is known by its session and its place, and any process can end it. A session is
 * given tasks once, so a claim that is repeated under its name is told of the same ones, under a higher token. A delivery is
 * ended only while its session has it. Whoever repeats the end of a delivery is told that it was carried out.
 */
import {
  type Clock,
  CodecError,
  callback,
  DEFAULT_BACKOFF,
  delayFor,
  LeaseLostError,
  messageOf,
  NonRetryableError,
  onAbort,
  optional,
  pause,
  type Readers,
  readOptions,
} from '@holdfast/kernel';
import { type Report, reportTo, SharedReaders } from '@holdfast/redis';
import type { Claimed, Work } from './claimed.js';
import { encodeTrace } from './inspection.js';
import { partsOfKey } from './keys.js';
import { asKnown, leftToOthers, unknownKind } from './kinds.js';
import { dead, done, failed, failureOf, keptAsAsked, later, type Outcome, whyGivenUp } from './outcome.js';
import { type QueueParts, requireQueue } from './parts.js';
import { passOn } from './passing.js';
import { isSealedHere } from './payloads.js';
import type { QueuePort } from './port.js';
import { Sleep } from './sleep.js';
import { LONGEST_LINE } from './task.js';
import type { KeptOptions } from './task-options.js';
import { TickRunner } from './ticks.js';
import * as verbs from './verbs.js';

/** A task in the hands of a program elsewhere. */
export interface RemoteDelivery {
  readonly id: string;
  readonly data: unknown;
  /** From 1. */
  readonly attempt: number;
  readonly token: number;
  readonly issuer: string;
  readonly resource: string;
  readonly key: string | undefined;
  readonly tenant: string | undefined;
  /** The name of its kind, if it was added with one. */
  readonly kind: string | undefined;
  /** How long the attempt may take, in ms, if its producer said so: it is for the program to obey. */
  readonly timeout: number | undefined;
  readonly ref: DeliveryRef;
}

/** All that is needed to end a delivery, in any process. */
export interface DeliveryRef {
  readonly session: string;
  /** In ms. */
  readonly lease: number;
  readonly priority: string;
  readonly entry: string;
  readonly id: string;
  readonly attempt: number;
  readonly token: number;
  /** When it was delivered, in ms since the epoch, by the server. */
  readonly begun: number;
}

export interface ClaimRequest {
  /** The name of the session, which begins with that of the worker and a dot: unique to the claim. */
  readonly session: string;
  /** In ms. */
  readonly lease: number;
  /** How many tasks. */
  readonly most: number;
  /**
   * The names of the kinds that the program has handlers for: tasks of others, and of none, are left to other workers, as those
   * of a worker with `kinds` are. Default: all tasks.
   */
  readonly kinds?: readonly string[] | undefined;
  /** How long to wait for the first one, in ms. */
  readonly wait: number;
  readonly signal: AbortSignal;
}

export interface RemoteClaim {
  readonly deliveries: readonly RemoteDelivery[];
  /** When the call was sent from which the lease counts, in monotonic time. */
  readonly since: number;
}

/** What became of the end of a delivery: "repeated" if it had been ended so before. */
export type RemoteEnd = 'finished' | 'repeated' | 'cancelled';

const REMOTE = {
  onError: optional(callback<(error: unknown) => unknown>('an error')),
} satisfies Readers<{ readonly onError?: (error: unknown) => unknown }>;

/** Of all queues of this process: what they wait for comes over one connection for each Redis. */
const readers = new SharedReaders(true);

/** How often a session may be lost while it waits, before that is an error. */
const MOST_LOST = 3;

/** Lets programs elsewhere work on the tasks of a queue. Throws MisuseError for anything that createQueue has not made. */
export function openRemote(
  queue: unknown,
  options: { readonly onError?: (error: unknown) => unknown } = {},
): Remote {
  const { onError } = readOptions('openRemote', options, REMOTE);
  return new Remote(requireQueue(queue), reportTo(onError, 'HoldfastQueueWarning'));
}

/** Made by `openRemote`. */
export class Remote {
  readonly #parts: QueueParts;
  readonly #report: Report;
  readonly #ticks: TickRunner;
  readonly #closed = new AbortController();
  #confirming: Promise<unknown> | undefined;

  /** @internal */
  constructor(parts: QueueParts, report: Report) {
    this.#parts = parts;
    this.#report = report;
    this.#ticks = new TickRunner(parts.port, { report, ending: this.#closed.signal, onDone: () => {} });
  }

  /**
   * Claims tasks, and waits for the first. Resolves to undefined if there was none by then, or `signal` has aborted; the
   * session then has none. Throws UnavailableError; CodecError if there were only tasks whose data cannot be decoded, which are
   * left to others; MisuseError for a queue with groups.
   */
  async claim(request: ClaimRequest): Promise<RemoteClaim | undefined> {
    const { session, lease, wait, signal } = request;
    const { port } = this.#parts;
    const until = port.clock.now() + wait;
    await port.call(verbs.open, { session, lease });
    const waiting = new Waiting(port, signal);
    try {
      for (let lost = 0; lost < MOST_LOST; ) {
        const since = port.clock.now();
        const work = await port.call(verbs.fetch, { session, lease, want: request.most, issues: true });
        if (work === undefined) {
          lost += 1;
          await port.call(verbs.open, { session, lease });
          continue;
        }
        this.#ticks.run(work.ticks);
        const deliveries = await this.#deliver(request, work);
        if (deliveries.length > 0) return { deliveries, since };
        const left = until - port.clock.now();
        if (left <= 0 || signal.aborted) break;
        if (work.isUnconfirmed) await this.#confirm();
        if (work.claimed.length === 0) await waiting.until(work.wait, Math.min(left, lease / 3));
      }
    } catch (error) {
      if (error instanceof CodecError) await port.call(verbs.close, session);
      throw error;
    } finally {
      waiting.close();
    }
    await port.call(verbs.close, session);
    return undefined;
  }

  /** Hands everything that a session has back, for others, without counting it as an attempt. Throws UnavailableError. */
  async handBack({ session, lease }: Pick<DeliveryRef, 'session' | 'lease'>): Promise<void> {
    const { port } = this.#parts;
    // A number above that of any call of a session that was given tasks.
    await port.call(verbs.reconcile, { session, lease, number: 2, places: [] });
    await port.call(verbs.close, session);
  }

  /**
   * Extends the lease of everything that the session of a delivery has. Resolves to when the call was sent from which it
   * counts, in monotonic time, and to why the task was cancelled, if it was. Throws LeaseLostError, UnavailableError.
   */
  async extend(
    ref: DeliveryRef,
  ): Promise<{ readonly since: number; readonly cancelled: string | undefined }> {
    const { port } = this.#parts;
    const since = port.clock.now();
    const { session, lease, priority, entry } = ref;
    const renewed = await port.call(verbs.renew, { session, lease });
    if (renewed === undefined) throw await this.#lost(ref);
    this.#ticks.run(renewed.ticks);
    const mark = renewed.cancelled.find(({ place }) => place === `${priority} ${entry}`);
    return { since, cancelled: mark?.reason };
  }

  /** Completes a task. Throws LeaseLostError, UnavailableError. */
  async complete(ref: DeliveryRef, result: unknown): Promise<RemoteEnd> {
    const text = await this.#parts.payloads.result(result);
    return this.#end(ref, (claimed, now) => {
      const { session: worker, attempt, begun } = ref;
      const { added, errors } = claimed;
      return done(
        claimed,
        text,
        encodeTrace({ attempt, added, begun, duration: now - begun, worker, errors }),
      );
    });
  }

  /**
   * Ends an attempt that has failed: the task is tried again after its backoff, or becomes a dead letter, at once if
   * `retry` is false. Throws LeaseLostError, UnavailableError.
   */
  async fail(ref: DeliveryRef, error: Error, { retry }: { readonly retry: boolean }): Promise<RemoteEnd> {
    return this.#end(ref, async (claimed, now) => {
      const { session: worker, attempt, begun } = ref;
      const { b: backoff = claimed.options.q ?? DEFAULT_BACKOFF } = claimed.options;
      const { random } = this.#parts.port;
      const failure = { attempt, error, fallback: DEFAULT_BACKOFF, random, report: this.#report };
      const thrown = retry ? error : asFinal(error);
      const details = { attempt, at: begun, worker, duration: Math.round(now - begun) };
      const kept = await this.#parts.payloads.failure(failureOf(thrown, details));
      return failed(claimed, { error: thrown, failure: kept, delay: () => delayFor(backoff, failure) });
    });
  }

  /** Records the progress of a task. Throws LeaseLostError, MisuseError, CodecError, UnavailableError. */
  async progress(ref: DeliveryRef, value: unknown): Promise<void> {
    const { session, priority, entry, id } = ref;
    const progress = await this.#parts.payloads.progress(value);
    if (await this.#parts.port.call(verbs.progress, { session, priority, entry, id, progress })) return;
    throw await this.#lost(ref);
  }

  /** Logs a line of a task. Throws LeaseLostError, CodecError, UnavailableError. */
  async log(ref: DeliveryRef, text: string): Promise<void> {
    const { session, priority, entry, id, attempt } = ref;
    const line = await this.#parts.payloads.line(text.slice(0, LONGEST_LINE));
    if (await this.#parts.port.call(verbs.log, { session, priority, entry, id, attempt, line })) return;
    throw await this.#lost(ref);
  }

  close(): void {
    this.#closed.abort();
  }

  /** Those that are to be handled; the others become dead letters, or are left to other workers. */
  async #deliver({ session, lease, kinds }: ClaimRequest, work: Work): Promise<RemoteDelivery[]> {
    const deliveries: RemoteDelivery[] = [];
    let undecoded: CodecError | undefined;
    for (const claimed of work.claimed) {
      const attempt = claimed.made + claimed.deliveries;
      const { now } = work;
      const why = whyGivenUp(claimed, attempt, now) ?? whyNotJson(claimed);
      if (why !== undefined) await this.#giveUp(claimed, attempt, { session, why, now });
      else if (claimed.options.n !== undefined)
        await this.#passOn(claimed, attempt, { session, now, next: claimed.options.n });
      else if (kinds !== undefined && !kinds.includes(claimed.options.j ?? ''))
        await this.#leave(claimed, attempt, { session, now });
      else {
        const opened = isSealedHere(claimed)
          ? await this.#opened(claimed, attempt, { session, now })
          : claimed;
        if (opened instanceof CodecError) undecoded = opened;
        else deliveries.push(this.#deliveryOf(opened, attempt, { session, lease, work }));
      }
    }
    if (undecoded && deliveries.length === 0) throw undecoded;
    return deliveries;
  }

  /** With its data as they were added. One that cannot be decoded is left to others, as worker does; the error then. */
  async #opened(
    claimed: Claimed,
    attempt: number,
    { session, now }: { readonly session: string; readonly now: number },
  ): Promise<Claimed | CodecError> {
    try {
      return { ...claimed, data: await this.#parts.payloads.dataOf(claimed) };
    } catch (error) {
      const outcome = leftToOthers(claimed, { attempt, now });
      if (outcome !== undefined) await this.#finish(session, claimed, outcome);
      else await this.#giveUp(asKnown(claimed), attempt, { session, why: messageOf(error), now });
      return error as CodecError;
    }
  }

  /** It is for another queue: no program that works on this one sees it. */
  async #passOn(
    claimed: Claimed,
    attempt: number,
    { session, now, next }: { session: string; now: number; next: NonNullable<KeptOptions['n']> },
  ): Promise<void> {
    const delay = await passOn(this.#parts.port, claimed, next);
    const { added, errors } = claimed;
    const trace = encodeTrace({ attempt, added, begun: now, duration: 0, worker: session, errors });
    const outcome = delay === undefined ? done(claimed, 'null', trace) : later(claimed, attempt, delay);
    await this.#finish(session, claimed, outcome);
  }

  /** Of a kind that the program does not know: others may. */
  async #leave(
    claimed: Claimed,
    attempt: number,
    { session, now }: { readonly session: string; readonly now: number },
  ): Promise<void> {
    const { outcome, error } = unknownKind(claimed, { attempt, now, queue: this.#parts.name });
    if (outcome === undefined)
      return this.#giveUp(asKnown(claimed), attempt, { session, why: error.message, now });
    await this.#finish(session, claimed, outcome);
  }

  #deliveryOf(
    { id, key, data, options, priority, entry }: Claimed,
    attempt: number,
    { session, lease, work }: { readonly session: string; readonly lease: number; readonly work: Work },
  ): RemoteDelivery {
    const { issuer } = this.#parts;
    const { token, now: begun } = work;
    return {
      ...{ id, data: JSON.parse(data), attempt, token, issuer, resource: `${issuer}/${id}` },
      ...{ key: undefined, tenant: undefined, ...partsOfKey(key) },
      ...{ kind: options.j, timeout: options.h },
      ref: { session, lease, priority, entry, id, attempt, token, begun },
    };
  }

  async #giveUp(
    claimed: Claimed,
    attempt: number,
    { session, why, now }: { readonly session: string; readonly why: string; readonly now: number },
  ): Promise<void> {
    const details = { attempt, at: now, worker: session };
    const failure = await this.#parts.payloads.failure(failureOf(why, details));
    const readable =
      whyNotJson(claimed) === undefined ? claimed : { ...claimed, data: JSON.stringify(claimed.data) };
    const outcome = dead(readable, attempt - 1, [...claimed.errors, failure]);
    await this.#finish(session, claimed, outcome);
  }

  /** Ends a delivery as `outcomeOf` says of what Redis has of it. `now`: by the server, in ms. */
  async #end(
    ref: DeliveryRef,
    outcomeOf: (claimed: Claimed, now: number) => Outcome | Promise<Outcome>,
  ): Promise<RemoteEnd> {
    const { session, lease, priority, entry } = ref;
    const held = await this.#parts.port.call(verbs.fetch, { session, lease, want: 0, issues: false });
    const claimed = held?.claimed.find((one) => one.priority === priority && one.entry === entry);
    if (held === undefined || claimed === undefined) return this.#repeated(ref);
    const known = asKnown(claimed);
    const word = await this.#finish(session, known, await outcomeOf(known, held.now));
    return word === 'gone' ? this.#repeated(ref) : word;
  }

  #finish(session: string, claimed: Claimed, outcome: Outcome): Promise<'finished' | 'cancelled' | 'gone'> {
    const { priority, entry } = claimed;
    const kept = keptAsAsked(outcome, claimed);
    return this.#parts.port.call(verbs.finish, { session, priority, entry, outcome: kept });
  }

  /** What ended a delivery names its session, so that the same end is known again. Throws LeaseLostError otherwise. */
  async #repeated(ref: DeliveryRef): Promise<'repeated'> {
    const task = await this.#parts.port.call(verbs.find, ref.id);
    const isOurs =
      (task?.state === 'completed' && task.worker === ref.session) ||
      task?.errors?.some(({ worker, attempt }) => worker === ref.session && attempt === ref.attempt);
    if (isOurs) return 'repeated';
    throw await this.#lost(ref);
  }

  async #lost({ id, token }: DeliveryRef): Promise<LeaseLostError> {
    const task = await this.#parts.port.call(verbs.find, id).catch(() => undefined);
    const why =
      task === undefined ? 'nothing is known of the task any more' : `the task is ${task.state} by now`;
    const resource = `${this.#parts.issuer}/${id}`;
    return new LeaseLostError(`The lease on task ${id} is lost: ${why}. Stop its work.`, { resource, token });
  }

  async #confirm(): Promise<void> {
    const { port } = this.#parts;
    this.#confirming ??= port
      .confirmEpoch()
      .then((isConfirmed) => (isConfirmed ? undefined : pause(port.clock, CONFIRM, this.#closed.signal)))
      .finally(() => {
        this.#confirming = undefined;
      });
    await this.#confirming;
  }
}

/** The wait of one claim: for the queue's bell, or for a time. */
class Waiting {
  readonly #sleep: Sleep;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** Whether something may have come since it was last looked for. */
  #rung = false;
  #wake = (): void => {};

  constructor(port: QueuePort, signal: AbortSignal) {
    this.#sleep = new Sleep(port, readers.ofLists(port.waitPlace));
    this.#clock = port.clock;
    this.#signal = signal;
  }

  /** Resolves when there may be something, after `most` ms at the latest, or when `signal` aborts. */
  async until(wait: number | undefined, most: number): Promise<void> {
    if (wait !== undefined && !this.#rung && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(most, () => this.#wake());
        const leave = onAbort(this.#signal, () => this.#wake());
        this.#wake = () => {
          timer.cancel();
          leave();
          resolve();
        };
        this.#sleep.until({ wait, listens: true }, () => {
          this.#rung = true;
          this.#wake();
        });
      });
    }
    this.#rung = false;
  }

  close(): void {
    this.#sleep.close();
  }
}

/** In ms. */
const CONFIRM = 100;

/** The same error, as one that is not tried again. */
function asFinal(error: Error): NonRetryableError {
  const final = new NonRetryableError(error.message);
  if (error.stack !== undefined) final.stack = error.stack;
  return final;
}

function whyNotJson({ data }: Claimed): string | undefined {
  try {
    JSON.parse(data);
    return undefined;
  } catch {
    return 'it cannot be read: its data are no JSON';
  }
}
