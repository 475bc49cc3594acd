/**
 * Waiting for the results of tasks: all who wait in this process share one reading of the events.
 *
 * Guarantees: a result that came before or after the call is found, as long as the queue keeps it. With nobody waiting
 * nothing is read.
 */
import { AbortedError, MisuseError, throwIfAborted } from '@holdfast/kernel';
import { ResultNotKeptError, TaskFailedError } from './errors.js';
import { type QueueEvent, readEvents } from './events.js';
import type { TaskInfo } from './inspection.js';
import type { QueuePort } from './port.js';
import { find, last } from './verbs.js';

interface Waiter {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class ResultWaiters {
  readonly #queue: string;
  readonly #port: QueuePort;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #reading: AbortController | undefined;

  constructor(queue: string, port: QueuePort) {
    this.#queue = queue;
    this.#port = port;
  }

  async wait(id: string, signal?: AbortSignal): Promise<unknown> {
    throwIfAborted(signal, `waiting for task ${id}`);
    // An event that is before all that can concern who begins to wait now.
    const from = await this.#port.call(last, undefined);
    const settled = this.#register(id, signal);
    settled.promise.catch(() => {}); // it may be settled below instead
    try {
      const found = await this.#port.call(find, id);
      const result = this.#settledBy(id, found);
      if (result) return result.value;
      this.#reading ??= this.#read(from);
      return await settled.promise;
    } finally {
      settled.leave();
    }
  }

  close(): void {
    this.#reading?.abort();
  }

  #settledBy(id: string, found: TaskInfo | undefined): { value: unknown } | undefined {
    if (found === undefined) {
      throw new MisuseError(
        `There is no task ${id} in "${this.#queue}", and no result of it is kept; see the queue's \`retain\`.`,
      );
    }
    if (found.state === 'completed') {
      if (found.notKept !== undefined) throw this.#notKept(id, found.notKept);
      return { value: found.result };
    }
    if (found.state === 'dead') throw this.#failed(id, found.errors?.at(-1)?.message ?? 'it was given up');
    return undefined;
  }

  #failed(id: string, reason: string): TaskFailedError {
    return new TaskFailedError({ queue: this.#queue, id, reason });
  }

  #notKept(id: string, reason: string): ResultNotKeptError {
    return new ResultNotKeptError({ queue: this.#queue, id, reason });
  }

  #register(id: string, signal: AbortSignal | undefined): { promise: Promise<unknown>; leave: () => void } {
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    let leave = (): void => {};
    const promise = new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      const abort = (): void =>
        reject(new AbortedError(`Aborted while waiting for task ${id}.`, signal?.reason));
      waiters.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
      leave = () => {
        signal?.removeEventListener('abort', abort);
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiters.delete(id);
        if (this.#waiters.size > 0) return;
        this.#reading?.abort();
        this.#reading = undefined;
      };
    });
    return { promise, leave: () => leave() };
  }

  #read(from: string): AbortController {
    const controller = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const events of readEvents(this.#port, from, controller.signal)) {
        for (const event of events) this.#tell(event);
      }
    };
    void follow();
    return controller;
  }

  #tell(event: QueueEvent): void {
    for (const waiter of this.#waiters.get(event.id) ?? []) {
      if (event.kind === 'completed') {
        if (event.notKept === undefined) waiter.resolve(event.result);
        else waiter.reject(this.#notKept(event.id, event.notKept));
      }
      if (event.kind === 'failed') waiter.reject(this.#failed(event.id, event.reason));
    }
  }
}
