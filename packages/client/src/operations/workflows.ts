/** The operations on workflows. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, ServerEvent, Transport } from '../transport.js';
import type { WaterfallRow } from './schemas.js';

export class Workflows {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List what a run waits for people to approve. */
  approvals(
    workflow: string,
    id: string,
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly approvals: readonly {
      readonly id: string;
      readonly name: string;
      readonly [more: string]: unknown;
    }[];
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/workflows/{workflow}/runs/{id}/approvals',
      params: { workflow, id },
      query,
      options,
    });
  }

  /** Answer what a run waits for people to approve; the run is told the subject of the key. */
  approve(
    workflow: string,
    id: string,
    body: {
      /** As it was listed; or its name. */
      readonly approval:
        | {
            readonly id: string;
            readonly name: string;
          }
        | string;
      readonly answer: unknown;
    },
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly approved: boolean;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}/runs/{id}:approve',
      params: { workflow, id },
      query,
      body,
      options,
    });
  }

  /** Ask a run to end. */
  cancel(
    workflow: string,
    id: string,
    body: {
      readonly reason?: string;
    },
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly cancelled: boolean;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}/runs/{id}:cancel',
      params: { workflow, id },
      query,
      body,
      options,
    });
  }

  /** Count the runs of a workflow by their states. */
  counts(workflow: string, options?: CallOptions): Promise<Readonly<Record<string, number>>> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/workflows/{workflow}',
      params: { workflow },
      options,
    });
  }

  /** Remove a schedule; runs that it has started go on. */
  deleteSchedule(workflow: string, schedule: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'DELETE',
      path: '/v1/workflows/{workflow}/schedules/{schedule}',
      params: { workflow, schedule },
      options,
    });
  }

  /** Tell an autoscaler how many runs wait for a worker or have one. */
  demand(
    workflow: string,
    options?: CallOptions,
  ): Promise<{
    readonly demand: number;
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/scale/workflows/{workflow}',
      params: { workflow },
      options,
    });
  }

  /**
   * Follow what happens to the runs of a workflow: server-sent events. The id of an event is its cursor: with the
   * header Last-Event-ID, or `after`, the stream goes on after it. An event "gap" says that events were dropped
   * before they were read.
   */
  events(
    workflow: string,
    query?: { readonly after?: string },
    options?: CallOptions,
  ): AsyncIterable<ServerEvent> {
    return this.#transport.stream({
      method: 'GET',
      path: '/v1/workflows/{workflow}/events',
      params: { workflow },
      query,
      options,
    });
  }

  /**
   * Start another run over the journal of this one, which does a step and all that follows anew. With an id it may
   * be repeated. The run that is forked is not changed.
   */
  fork(
    workflow: string,
    id: string,
    body: {
      /** The step, by its id or name. Default: where it stopped. */
      readonly from?: string;
      /** Of the run that begins. Default: a random one. */
      readonly id?: string;
    },
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    /** 1 to 64 letters, digits, "_" and "-". */
    readonly workflow: string;
    /** 1 to 256 bytes of UTF-8. */
    readonly id: string;
    /** 1 to 256 bytes of UTF-8. */
    readonly key?: string;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}/runs/{id}:fork',
      params: { workflow, id },
      query,
      body,
      options,
    });
  }

  /** Look at a run, or wait for its end. */
  get(
    workflow: string,
    id: string,
    query?: { readonly key?: string; readonly wait?: number },
    options?: CallOptions,
  ): Promise<{
    /** 1 to 64 letters, digits, "_" and "-". */
    readonly workflow: string;
    /** 1 to 256 bytes of UTF-8. */
    readonly id: string;
    /** 1 to 256 bytes of UTF-8. */
    readonly key?: string;
    readonly status:
      | 'waiting'
      | 'delayed'
      | 'running'
      | 'sleeping'
      | 'stuck'
      | 'completed'
      | 'failed'
      | 'cancelled';
    /** Why it is stuck, has failed or was cancelled. */
    readonly reason?: string;
    /** What it has published last; with the right workflows:data. */
    readonly state?: unknown;
    /** Of a completed run; with the right workflows:data. */
    readonly result?: unknown;
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/workflows/{workflow}/runs/{id}',
      params: { workflow, id },
      query,
      options,
    });
  }

  /** Read the journal of a run. */
  history(
    workflow: string,
    id: string,
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly records: readonly {
      readonly kind: string;
      readonly [more: string]: unknown;
    }[];
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/workflows/{workflow}/runs/{id}/history',
      params: { workflow, id },
      query,
      options,
    });
  }

  /** List the workflows of the app that the key may read. */
  list(
    query?: { readonly counts?: 'true' | 'false' },
    options?: CallOptions,
  ): Promise<{
    readonly workflows: readonly string[];
    readonly counts?: Readonly<Record<string, Readonly<Record<string, number>>>>;
    /** With the counts. */
    readonly demand?: Readonly<
      Record<
        string,
        {
          /** How long the run that is next has waited for a worker, in ms. */
          readonly oldest: number;
          /** How often runs were taken over from workers that were lost. */
          readonly takeovers: number;
          readonly paused: boolean;
        }
      >
    >;
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/workflows', query, options });
  }

  /** Cancel, retry, terminate or erase all runs that a filter gives. */
  many(
    workflow: string,
    body: {
      readonly verb: 'cancel' | 'retry' | 'terminate' | 'purge';
      /** Only those in this state. */
      readonly state?:
        | 'waiting'
        | 'delayed'
        | 'running'
        | 'sleeping'
        | 'stuck'
        | 'completed'
        | 'failed'
        | 'cancelled';
      /** Only those that came to their state then or later, in ms since the epoch. */
      readonly from?: number;
      /** Only those that came to it before then. */
      readonly to?: number;
      /** With which they are cancelled or terminated. */
      readonly reason?: string;
    },
    options?: CallOptions,
  ): Promise<{
    readonly done: number;
    readonly passed: number;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}:many',
      params: { workflow },
      body,
      options,
    });
  }

  /** Let no worker have a run of a workflow until it is resumed. */
  pause(workflow: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}:pause',
      params: { workflow },
      options,
    });
  }

  /** Erase all that is kept of a run that is over. */
  purge(
    workflow: string,
    id: string,
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly purged: boolean;
  }> {
    return this.#transport.call({
      method: 'DELETE',
      path: '/v1/workflows/{workflow}/runs/{id}',
      params: { workflow, id },
      query,
      options,
    });
  }

  /** End the pause of a workflow. */
  resume(workflow: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}:resume',
      params: { workflow },
      options,
    });
  }

  /** Let a run go on that is stuck, has failed or was cancelled. */
  retry(
    workflow: string,
    id: string,
    body: {
      /** A step, by its id or name. */
      readonly from?: string;
    },
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly retried: boolean;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}/runs/{id}:retry',
      params: { workflow, id },
      query,
      body,
      options,
    });
  }

  /** List runs of a workflow, in no order. */
  runs(
    workflow: string,
    query?: {
      readonly state?:
        | 'waiting'
        | 'delayed'
        | 'running'
        | 'sleeping'
        | 'stuck'
        | 'completed'
        | 'failed'
        | 'cancelled';
      readonly from?: number;
      readonly to?: number;
      readonly cursor?: string;
      readonly limit?: number;
    },
    options?: CallOptions,
  ): Promise<{
    readonly runs: readonly {
      /** 1 to 64 letters, digits, "_" and "-". */
      readonly workflow: string;
      /** 1 to 256 bytes of UTF-8. */
      readonly id: string;
      /** 1 to 256 bytes of UTF-8. */
      readonly key?: string;
      readonly state:
        | 'waiting'
        | 'delayed'
        | 'running'
        | 'sleeping'
        | 'stuck'
        | 'completed'
        | 'failed'
        | 'cancelled';
      readonly since: number;
    }[];
    /** The cursor of the next page; absent on the last. */
    readonly next?: string;
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/workflows/{workflow}/runs',
      params: { workflow },
      query,
      options,
    });
  }

  /** List the schedules of a workflow, that first whose next tick is first. */
  schedules(
    workflow: string,
    options?: CallOptions,
  ): Promise<{
    readonly schedules: readonly {
      readonly name: string;
      /** The next tick, in ms since the epoch. */
      readonly next: number;
      /** Only with the right workflows:data. */
      readonly input?: unknown;
      readonly [more: string]: unknown;
    }[];
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/workflows/{workflow}/schedules',
      params: { workflow },
      options,
    });
  }

  /**
   * Send a message to a run: its next "receive" of that name takes it. With an Idempotency-Key it may be repeated:
   * the run takes it once.
   */
  send(
    workflow: string,
    id: string,
    message: string,
    body: {
      readonly payload?: unknown;
    },
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly sent: boolean;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}/runs/{id}/messages/{message}',
      params: { workflow, id, message },
      query,
      body,
      options,
    });
  }

  /**
   * Set a schedule: a run at every tick. Names of schedules are those of the app: another workflow may not have
   * one of this name.
   */
  setSchedule(
    workflow: string,
    schedule: string,
    body: {
      /** What the function is given. */
      readonly input: unknown;
      /** Such as "0 9 * * MON-FRI"; or `every`. */
      readonly cron?: string;
      /** In ms. */
      readonly every?: number;
      /** Of the expression, such as "Europe/Berlin". Default UTC. */
      readonly timezone?: string;
      /** What becomes of ticks while no worker was there. Default "once". */
      readonly missed?: 'once' | 'all' | 'skip';
      readonly priority?: number;
      /** What the runs work on: of one key, one run goes on at a time. */
      readonly key?: string;
    },
    options?: CallOptions,
  ): Promise<void> {
    return this.#transport.call({
      method: 'PUT',
      path: '/v1/workflows/{workflow}/schedules/{schedule}',
      params: { workflow, schedule },
      body,
      options,
    });
  }

  /**
   * Start a run. With an id, or an Idempotency-Key, it may be repeated: there is one run of it. The input is
   * checked by the worker, which has the schema.
   */
  start(
    workflow: string,
    body: {
      /** What the function is given. */
      readonly input: unknown;
      /** Default: one that the server makes. */
      readonly id?: string;
      /** What the run works on: of one key, one run goes on at a time. */
      readonly key?: string;
      /** Higher goes first. Default 0. */
      readonly priority?: number;
      /** In how many ms it begins. Default 0. */
      readonly delay?: number;
      /** By when it has to begin, in ms since the epoch. */
      readonly expires?: number;
    },
    options?: CallOptions,
  ): Promise<{
    /** 1 to 64 letters, digits, "_" and "-". */
    readonly workflow: string;
    /** 1 to 256 bytes of UTF-8. */
    readonly id: string;
    /** 1 to 256 bytes of UTF-8. */
    readonly key?: string;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}/runs',
      params: { workflow },
      body,
      options,
    });
  }

  /** Read the steps of a run: a row for each attempt, with its token and its time. */
  steps(
    workflow: string,
    id: string,
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly started?: number;
    readonly rows: readonly WaterfallRow[];
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/workflows/{workflow}/runs/{id}/steps',
      params: { workflow, id },
      query,
      options,
    });
  }

  /**
   * Follow what the steps of a run write to a stream, as server-sent events, until the run is over. The id of an
   * event is its place: with the header Last-Event-ID, or `from`, the stream goes on after it. An event "restart"
   * says that what came of its step before is void; "end" is the last one.
   */
  stream(
    workflow: string,
    id: string,
    stream: string,
    query?: { readonly key?: string; readonly from?: string },
    options?: CallOptions,
  ): AsyncIterable<ServerEvent> {
    return this.#transport.stream({
      method: 'GET',
      path: '/v1/workflows/{workflow}/runs/{id}/streams/{stream}',
      params: { workflow, id, stream },
      query,
      options,
    });
  }

  /** End a run at once; its function does not hear of that. */
  terminate(
    workflow: string,
    id: string,
    body: {
      readonly reason?: string;
    },
    query?: { readonly key?: string },
    options?: CallOptions,
  ): Promise<{
    readonly terminated: boolean;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/workflows/{workflow}/runs/{id}:terminate',
      params: { workflow, id },
      query,
      body,
      options,
    });
  }
}
