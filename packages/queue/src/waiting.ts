/**
 * Waiting for the results of tasks: all callers that wait in this process share one reader of the events.
 *
 * Guarantees: a wait settles. A result that came before or after the call is found, as long as the queue keeps it. An
 * event that was missed, because it was trimmed or the queue was obliterated, is made up for: a task of which nothing
 * was heard for a while is looked up again. While nobody waits, nothing is read.
 */
import {
  AbortedError,
  type HoldfastError,
  MisuseError,
  onAbort,
  pause,
  throwIfAborted,
} from '@holdfast/kernel';
import { compareIds } from '@holdfast/redis';
import { ResultNotKeptError, TaskCancelledError, TaskFailedError, TaskGoneError } from './errors.js';
import { type Happened, type Place, readEvents } from './events.js';
import type { TaskInfo } from './inspection.js';
import type { Payloads } from './payloads.js';
import type { QueuePort } from './port.js';
import type { KeptResult } from './results.js';
import { find, last } from './verbs.js';

/** How long tasks may be without news before they are looked up again, in ms: the first time, and at most. */
const LOOK_AGAIN = 2_000;
const LOOK_AGAIN_MOST = 60_000;

/** How many tasks are looked up again at a time. */
const LOOKS = 50;

interface Waiter {
  readonly id: string;
  /** Events up to this place concern earlier tasks with the id. */
  readonly from: Place;
  /** Monotonic time, in ms. */
  readonly since: number;
  lookAt: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class ResultWaiters {
  readonly #queue: string;
  readonly #port: QueuePort;
  readonly #payloads: Payloads;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #reading: AbortController | undefined;
  #isClosed = false;

  constructor(queue: string, port: QueuePort, payloads: Payloads) {
    this.#queue = queue;
    this.#port = port;
    this.#payloads = payloads;
  }

  async wait(id: string, signal?: AbortSignal): Promise<unknown> {
    throwIfAborted(signal, `waiting for task ${id}`);
    // A place before every event that can concern a caller that begins to wait now.
    const from = await this.#port.call(last, undefined);
    throwIfAborted(signal, `waiting for task ${id}`); // it may have been, meanwhile
    const { waiter, settled, leave } = this.#register(id, from, signal);
    settled.catch(() => {}); // it may be settled below instead
    try {
      const found = await this.#port.call(find, id);
      if (found === undefined) {
        throw new MisuseError(
          `There is no task ${id} in "${this.#queue}", and no result of it is kept; see the queue's \`limits.retain\`. For a task of an outbox, use outbox.wait().`,
        );
      }
      this.#settle(waiter, found);
      if (this.#isClosed) waiter.reject(this.#closed(id));
      else this.#reading ??= this.#read(from);
      return await settled;
    } finally {
      leave();
    }
  }

  /** Looks up the tasks now, as after the queue was obliterated. */
  lookAgain(): void {
    for (const waiter of this.#all()) waiter.lookAt = 0;
    if (this.#reading) void this.#look(this.#reading.signal);
  }

  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#all()) waiter.reject(this.#closed(waiter.id));
    this.#reading?.abort();
  }

  #all(): readonly Waiter[] {
    return [...this.#waiters.values()].flatMap((waiters) => [...waiters]);
  }

  #settle(waiter: Waiter, found: TaskInfo | undefined): void {
    const { id } = waiter;
    if (found === undefined) {
      const reason = `it was removed, or it has completed and its result is not kept any more; see the queue's \`limits.retain\``;
      waiter.reject(new TaskGoneError({ queue: this.#queue, id, reason }));
    } else if (found.state === 'completed') this.#completed(waiter, found);
    else if (found.state === 'dead') {
      this.#failed(waiter, found.errors?.at(-1)?.message ?? 'it was given up');
    } else if (found.state === 'cancelled') waiter.reject(this.#cancelled(id, found.reason ?? ''));
  }

  #completed({ id, resolve, reject }: Waiter, { result, notKept }: Partial<KeptResult>): void {
    if (notKept === undefined) this.#payloads.value(result, `The result of task ${id}`).then(resolve, reject);
    else reject(new ResultNotKeptError({ queue: this.#queue, id, reason: notKept }));
  }

  #failed({ id, reject }: Waiter, message: string): void {
    const fail = (reason: string): void => reject(new TaskFailedError({ queue: this.#queue, id, reason }));
    void this.#payloads.reason(message).then(fail);
  }

  #cancelled(id: string, reason: string): TaskCancelledError {
    return new TaskCancelledError({ queue: this.#queue, id, reason });
  }

  #closed(id: string): HoldfastError {
    return new AbortedError(`The queue "${this.#queue}" was closed while waiting for task ${id}.`, 'close');
  }

  #register(
    id: string,
    from: Place,
    signal: AbortSignal | undefined,
  ): { waiter: Waiter; settled: Promise<unknown>; leave: () => void } {
    const { promise: settled, resolve, reject } = promiseWithResolvers();
    const since = this.#port.clock.now();
    const waiter: Waiter = { id, from, since, lookAt: since + LOOK_AGAIN, resolve, reject };
    const unheard = onAbort(signal, () =>
      reject(new AbortedError(`Aborted while waiting for task ${id}.`, signal?.reason)),
    );
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    waiters.add(waiter);
    const leave = (): void => {
      unheard();
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id);
      if (this.#waiters.size > 0) return;
      this.#reading?.abort();
      this.#reading = undefined;
    };
    return { waiter, settled, leave };
  }

  #read(from: Place): AbortController {
    const controller = new AbortController();
    const { signal } = controller;
    const follow = async (): Promise<void> => {
      for await (const batch of readEvents(this.#port, from, signal)) {
        for (const happened of batch) this.#tell(happened);
      }
    };
    const lookAgain = async (): Promise<void> => {
      for (;;) {
        await pause(this.#port.clock, LOOK_AGAIN, signal);
        if (signal.aborted) return;
        await this.#look(signal);
      }
    };
    void follow();
    void lookAgain();
    return controller;
  }

  #tell({ entry, event }: Happened): void {
    for (const waiter of this.#waiters.get(event.id) ?? []) {
      if (event.kind === 'added' || event.kind === 'begun' || event.kind === 'stalled') continue;
      const [results, notices] = waiter.from;
      if (compareIds(entry, event.kind === 'completed' ? results : notices) <= 0) continue;
      if (event.kind === 'completed') this.#completed(waiter, event);
      if (event.kind === 'failed') this.#failed(waiter, event.reason);
      if (event.kind === 'cancelled') waiter.reject(this.#cancelled(event.id, event.reason));
      if (event.kind === 'removed') {
        waiter.reject(new TaskGoneError({ queue: this.#queue, id: event.id, reason: 'it was removed' }));
      }
    }
  }

  /** Looks up the tasks whose time has come. The older a wait is, the less often. */
  async #look(signal: AbortSignal): Promise<void> {
    const now = this.#port.clock.now();
    const due = this.#all().filter(({ lookAt }) => lookAt <= now);
    for (let index = 0; index < due.length && !signal.aborted; index += LOOKS) {
      await Promise.all(due.slice(index, index + LOOKS).map((waiter) => this.#lookAt(waiter, now)));
    }
  }

  async #lookAt(waiter: Waiter, now: number): Promise<void> {
    const pause = Math.min(LOOK_AGAIN_MOST, Math.max(LOOK_AGAIN, now - waiter.since));
    waiter.lookAt = now + pause;
    try {
      this.#settle(waiter, await this.#port.call(find, waiter.id));
    } catch {
      // Redis is away: the next look may find it.
    }
  }
}

/** As Promise.withResolvers, which Node 20 does not have. */
function promiseWithResolvers(): {
  promise: Promise<unknown>;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
} {
  let resolve = (_: unknown): void => {};
  let reject = (_: unknown): void => {};
  const promise = new Promise<unknown>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
