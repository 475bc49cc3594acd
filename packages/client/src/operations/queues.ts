/** The operations on queues. Made by `npm run clients` from the operations of the server; changes belong there. */
import type { CallOptions, ServerEvent, Transport } from '../transport.js';
import type { Counts, Holder, Limits, NewTask, Schedule, Task } from './schemas.js';

export class Queues {
  readonly #transport: Transport;

  /** Use createClient(). */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Add a task. A queue exists from its first task on. With an Idempotency-Key it may be repeated for a day: the
   * task is added once; 422 says that the key was used for other data. With a `holder`, 412 says that a higher
   * token was used for its resource: stop its work. What is repeated may then have been added by the first call.
   */
  add(
    queue: string,
    body: NewTask,
    options?: CallOptions,
  ): Promise<{
    /** 1 to 256 bytes of UTF-8. */
    readonly id: string;
    /** False if the task was there already. */
    readonly added: boolean;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}/tasks',
      params: { queue },
      body,
      options,
    });
  }

  /**
   * Add up to 1000 tasks. Each is added or refused by itself: the answer has an outcome for each, in their order,
   * and 207 says that some were refused. Where a quota of the key has no room for all, none is added.
   */
  addMany(
    queue: string,
    body: {
      readonly tasks: readonly NewTask[];
      /** Of the tasks that have none of their own. */
      readonly holder?: Holder;
    },
    options?: CallOptions,
  ): Promise<
    | {
        readonly tasks: readonly {
          /** 1 to 256 bytes of UTF-8. */
          readonly id: string;
          /** False if the task was there already. */
          readonly added: boolean;
        }[];
      }
    | {
        readonly tasks: readonly (
          | {
              /** 1 to 256 bytes of UTF-8. */
              readonly id: string;
              /** False if the task was there already. */
              readonly added: boolean;
            }
          | {
              readonly problem: Readonly<Record<string, unknown>>;
            }
        )[];
      }
  > {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}/tasks:batch',
      params: { queue },
      body,
      options,
    });
  }

  /** End a task without a result, whether it waits or a worker has it. */
  cancel(
    queue: string,
    id: string,
    body: {
      /** Whoever waits for the task is told. */
      readonly reason?: string;
    },
    options?: CallOptions,
  ): Promise<void> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}/tasks/{id}:cancel',
      params: { queue, id },
      body,
      options,
    });
  }

  /** Count the tasks of a queue by their states. */
  counts(queue: string, options?: CallOptions): Promise<Counts> {
    return this.#transport.call({ method: 'GET', path: '/v1/queues/{queue}', params: { queue }, options });
  }

  /** Remove a schedule; tasks that it has added stay. */
  deleteSchedule(queue: string, schedule: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'DELETE',
      path: '/v1/queues/{queue}/schedules/{schedule}',
      params: { queue, schedule },
      options,
    });
  }

  /** Tell an autoscaler how many tasks wait or are worked on. */
  demand(
    queue: string,
    options?: CallOptions,
  ): Promise<{
    readonly demand: number;
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/scale/queues/{queue}',
      params: { queue },
      options,
    });
  }

  /**
   * Follow what happens to the tasks of a queue, as server-sent events. The id of an event is its cursor: with the
   * header Last-Event-ID, or `after`, the stream goes on after it, as far as events are kept. Results and progress
   * are shown with the right queues:data.
   */
  events(
    queue: string,
    query?: { readonly after?: string },
    options?: CallOptions,
  ): AsyncIterable<ServerEvent> {
    return this.#transport.stream({
      method: 'GET',
      path: '/v1/queues/{queue}/events',
      params: { queue },
      query,
      options,
    });
  }

  /** Look up a task, or wait for its end. */
  get(queue: string, id: string, query?: { readonly wait?: number }, options?: CallOptions): Promise<Task> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/queues/{queue}/tasks/{id}',
      params: { queue, id },
      query,
      options,
    });
  }

  /** Read the limits that are kept with a queue. */
  limits(queue: string, options?: CallOptions): Promise<Limits> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/queues/{queue}/limits',
      params: { queue },
      options,
    });
  }

  /** List the queues that the key may read. */
  list(
    query?: { readonly counts?: 'true' | 'false' },
    options?: CallOptions,
  ): Promise<{
    readonly queues: readonly string[];
    readonly counts?: Readonly<Record<string, Counts>>;
  }> {
    return this.#transport.call({ method: 'GET', path: '/v1/queues', query, options });
  }

  /** Read what the handlers of a task have logged, and how far the tasks are that it waits for. */
  log(
    queue: string,
    id: string,
    options?: CallOptions,
  ): Promise<{
    readonly lines: readonly {
      readonly at: number;
      readonly attempt: number;
      readonly text: string;
      readonly encoded?: string;
    }[];
    /** Of a task that follows others. */
    readonly fanIn?: {
      readonly tasks: number;
      /** How many have not ended. */
      readonly left: number;
    };
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/queues/{queue}/tasks/{id}/log',
      params: { queue, id },
      options,
    });
  }

  /** Let no worker begin a task until the queue is resumed. */
  pause(queue: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}:pause',
      params: { queue },
      options,
    });
  }

  /** Remove all tasks in one state; those that a worker has stay. */
  purge(
    queue: string,
    body: {
      readonly state: 'waiting' | 'delayed' | 'dead';
    },
    options?: CallOptions,
  ): Promise<{
    readonly removed: number;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}:purge',
      params: { queue },
      body,
      options,
    });
  }

  /** Remove a task that nobody works on, or a dead letter. */
  remove(queue: string, id: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'DELETE',
      path: '/v1/queues/{queue}/tasks/{id}',
      params: { queue, id },
      options,
    });
  }

  /** Let a dead letter be tried again, from its first attempt. */
  requeue(queue: string, id: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}/tasks/{id}:requeue',
      params: { queue, id },
      options,
    });
  }

  /** Let dead letters be tried again, the oldest first: all, or those of a kind. */
  requeueAll(
    queue: string,
    body: {
      /** Only those whose last error has this text in its message. */
      readonly error?: string;
      /** Only those of tasks with this key. */
      readonly key?: string;
      /** At most so many. Default 1000. */
      readonly limit?: number;
    },
    options?: CallOptions,
  ): Promise<{
    readonly requeued: number;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}:requeue',
      params: { queue },
      body,
      options,
    });
  }

  /** End the pause of a queue. */
  resume(queue: string, options?: CallOptions): Promise<void> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}:resume',
      params: { queue },
      options,
    });
  }

  /** Add a task of a schedule now, beside its ticks. */
  runSchedule(
    queue: string,
    schedule: string,
    options?: CallOptions,
  ): Promise<{
    /** 1 to 256 bytes of UTF-8. */
    readonly id: string;
  }> {
    return this.#transport.call({
      method: 'POST',
      path: '/v1/queues/{queue}/schedules/{schedule}:run',
      params: { queue, schedule },
      options,
    });
  }

  /** List the schedules of a queue, that first whose next tick is first. */
  schedules(
    queue: string,
    options?: CallOptions,
  ): Promise<{
    readonly schedules: readonly Schedule[];
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/queues/{queue}/schedules',
      params: { queue },
      options,
    });
  }

  /**
   * Replace the limits of a queue, for all its workers at once. What is not named is not limited any more. Workers
   * that declare a lower version leave these; a worker that declares a higher one replaces them.
   */
  setLimits(
    queue: string,
    body: {
      /** The most tasks that may wait, delayed ones too; an add to a full queue is 429. */
      readonly waiting?: number;
      /** The most tasks that may be handled at a time, by all workers together. */
      readonly concurrency?: number;
      /** The most tasks that may begin within a time. */
      readonly rate?: {
        readonly max: number;
        /** In ms. */
        readonly per: number;
      };
      /** The same for the tasks of each key. */
      readonly keys?: {
        readonly concurrency?: number;
        readonly rate?: {
          readonly max: number;
          /** In ms. */
          readonly per: number;
        };
      };
      /** After so many failures within a time, no task begins for a while, and then one that is tried. */
      readonly breaker?: {
        readonly failures: number;
        /** In ms. */
        readonly within: number;
        /** In ms. */
        readonly pause: number;
      };
      /** How many results, events and dead letters are kept, and for how long. */
      readonly retain?: {
        readonly count?: number;
        /** In ms. */
        readonly age?: number;
        readonly events?: number;
        readonly dead?: {
          readonly count?: number;
          /** In ms. */
          readonly age?: number;
        };
      };
      /** Above that of the limits that were read: refused if they have changed since. Default: the next. */
      readonly version?: number;
    },
    options?: CallOptions,
  ): Promise<Limits> {
    return this.#transport.call({
      method: 'PUT',
      path: '/v1/queues/{queue}/limits',
      params: { queue },
      body,
      options,
    });
  }

  /** Set a schedule: a task at every tick. */
  setSchedule(
    queue: string,
    schedule: string,
    body: {
      /** What the worker is given. */
      readonly data: unknown;
      /** Such as "0 9 * * MON-FRI"; or `every`. */
      readonly cron?: string;
      /** In ms. */
      readonly every?: number;
      /** Of the expression, such as "Europe/Berlin". Default UTC. */
      readonly timezone?: string;
      /** What becomes of ticks while no worker was there. Default "once". */
      readonly missed?: 'once' | 'all' | 'skip';
      /** No tick is before this, in ms since the epoch. */
      readonly start?: number;
      /** No tick is after this, in ms since the epoch. */
      readonly end?: number;
      /** It is over after so many tasks. */
      readonly count?: number;
      /** "skip": no task while the last one has not ended. Default "allow". */
      readonly overlap?: 'allow' | 'skip';
      /** Higher goes first. Default 0. */
      readonly priority?: number;
      /** How often it is tried at most. Default 3. */
      readonly attempts?: number;
      /** How long it waits after a failed attempt. */
      readonly backoff?: {
        readonly type: 'constant' | 'linear' | 'exponential';
        /** Of the first retry, in ms. */
        readonly delay: number;
        /** The longest delay, in ms. Default an hour. */
        readonly limit?: number;
        /** The part that is random. Default 0.5. */
        readonly jitter?: number;
      };
      /** How long an attempt may take, in ms. Default: no limit. */
      readonly timeout?: number;
      /** Tasks of one key go in order. */
      readonly key?: string;
      /** For whom it is: those of several tenants begin in turns. */
      readonly tenant?: string;
      /** By which a worker chooses its handler. */
      readonly kind?: string;
    },
    options?: CallOptions,
  ): Promise<void> {
    return this.#transport.call({
      method: 'PUT',
      path: '/v1/queues/{queue}/schedules/{schedule}',
      params: { queue, schedule },
      body,
      options,
    });
  }

  /**
   * List the tasks of a queue in one state. Those that are next come first; of dead letters, the oldest; of
   * completed tasks, the latest.
   */
  tasks(
    queue: string,
    query?: {
      readonly state?: 'waiting' | 'active' | 'delayed' | 'dead' | 'completed' | 'cancelled';
      readonly cursor?: string;
      readonly limit?: number;
    },
    options?: CallOptions,
  ): Promise<{
    readonly tasks: readonly Task[];
    /** The cursor of the next page; absent on the last. */
    readonly next?: string;
  }> {
    return this.#transport.call({
      method: 'GET',
      path: '/v1/queues/{queue}/tasks',
      params: { queue },
      query,
      options,
    });
  }
}
