/** The operations on claims. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, Transport } from '../transport.js';
import type { ClaimedTask } from './schemas.js';

export class Claims {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Take tasks to work on, and wait for the first. Repeat it with the same Idempotency-Key if its answer was lost:
   * the same tasks are told again. A worker extends the lease, or the tasks are given to others.
   */
  claim(
    queue: string,
    body: {
      /** A name by which people recognize the worker. */
      readonly worker?: string;
      /** How many tasks. Default 1. */
      readonly max?: number;
      /** How long to wait for the first, in ms. Default 0. */
      readonly wait?: number;
      /**
       * The kinds that the worker handles: tasks of others, and of none, are left to other workers. Default: all
       * tasks.
       */
      readonly kinds?: readonly string[];
      /** How long the tasks are kept for the worker, in ms. Default 30000. */
      readonly lease?: number;
    },
    options?: CallOptions,
  ): Promise<{
    readonly tasks: readonly ClaimedTask[];
    /**
     * For how long the tasks are certainly with the worker, in ms, from the moment at which it sent the request,
     * plus `waited`.
     */
    readonly validFor: number;
    /** How long the request had waited when the lease began, in ms. */
    readonly waited: number;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}/claims',
      params: { queue },
      body,
      options,
    });
  }

  /** Complete a task. It may be repeated. */
  complete(
    handle: string,
    body: {
      /** Whoever waits for the task gets it. */
      readonly result?: unknown;
    },
    options?: CallOptions,
  ): Promise<{
    /** "repeated": it had been ended so before. "cancelled": the task was cancelled meanwhile. */
    readonly outcome: 'finished' | 'repeated' | 'cancelled';
  }> {
    return this.#transport.call({ method: 'POST', path: '/v1/claims:complete', handle, body, options });
  }

  /** Extend the lease of a claim, and with it that of all its tasks. */
  extend(
    handle: string,
    body: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<{
    /**
     * For how long the tasks are certainly with the worker, in ms, from the moment at which it sent the request,
     * plus `waited`.
     */
    readonly validFor: number;
    readonly waited: number;
    /** Why the task was cancelled: stop its work. */
    readonly cancelled?: string;
  }> {
    return this.#transport.call({ method: 'POST', path: '/v1/claims:extend', handle, body, options });
  }

  /**
   * End an attempt that has failed. The task is tried again after its backoff, or becomes a dead letter. It may be
   * repeated.
   */
  fail(
    handle: string,
    body: {
      readonly message: string;
      readonly stack?: string;
      /** False if trying again cannot help. */
      readonly retry?: boolean;
    },
    options?: CallOptions,
  ): Promise<{
    /** "repeated": it had been ended so before. "cancelled": the task was cancelled meanwhile. */
    readonly outcome: 'finished' | 'repeated' | 'cancelled';
  }> {
    return this.#transport.call({ method: 'POST', path: '/v1/claims:fail', handle, body, options });
  }

  /** Add a line to the log of a task. */
  log(
    handle: string,
    body: {
      readonly line: string;
    },
    options?: CallOptions,
  ): Promise<void> {
    return this.#transport.call({ method: 'POST', path: '/v1/claims:log', handle, body, options });
  }

  /** Tell how far a task is. */
  progress(
    handle: string,
    body: {
      /** At most 16,000 bytes of JSON. */
      readonly progress: unknown;
    },
    options?: CallOptions,
  ): Promise<void> {
    return this.#transport.call({ method: 'POST', path: '/v1/claims:progress', handle, body, options });
  }
}
