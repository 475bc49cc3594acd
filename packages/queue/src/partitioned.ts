/**
 * A queue over the shards of a Redis Cluster: several queues, its partitions, each with a hash tag of its own, and so
 * each on one shard. The main path: `createPartitionedQueue`, `add`; a worker takes `queue.partitions`.
 *
 * Guarantees: those of a queue, within a partition: tasks of one key are in one partition, and so are those of one id.
 * The limits of the options hold for the whole queue: each partition has a share of them, so that all together never
 * let more through. A partition whose share is used up does not use that of another.
 */
import {
  display,
  MisuseError,
  type Readers,
  readOptions,
  requireName,
  type Settings,
  type TokenClaim,
  whole,
} from '@holdfast/kernel';
import { partitionOf } from '@holdfast/redis';
import type { Added } from './adding.js';
import {
  activeTasks,
  type CancelOptions,
  type ObliterateOptions,
  requireConfirmed,
} from './administration.js';
import type { Change, ChangeOutcome, Due } from './changing.js';
import { type FanIn, type FollowUp, readFollowUp } from './fan-in.js';
import type { BreakerState, Counts, TaskInfo, TaskState } from './inspection.js';
import { requireQueueName } from './keys.js';
import { LIMITS, type Limits, shareOfQueue } from './limits.js';
import { MANY, Queue } from './queue.js';
import { QUEUE, type QueueOptions } from './queue-options.js';
import { type RequeueAllOptions, readRequeueAll } from './requeueing.js';
import { type AddOptions, isGivenId, readAddOptions, requireTasks, type TaskToAdd } from './task-options.js';
import { sumTotals } from './totals.js';

export interface PartitionedQueueOptions<Input = unknown, Output = Input>
  extends Omit<QueueOptions<Input, Output>, 'groups'> {
  /**
   * How many partitions, from 2 to 256. All clients give the same number; changing it moves keys to other partitions.
   */
  readonly partitions: number;
}

/** At least so many tasks of one call without a key and an id go to one partition, so that a worker can take them together. */
const TOGETHER = 16;

/** Those of a breaker, the one first that lets least begin. */
const BREAKER_STATES: readonly BreakerState[] = ['open', 'half-open', 'closed'];

const { groups: _, ...OF_EACH } = QUEUE;
const PARTITIONED = {
  ...OF_EACH,
  partitions: whole(2, 256),
} satisfies Readers<PartitionedQueueOptions>;

/** The outcome of an add. */
export interface AddedToPartition extends Added {
  /** The queue that has the task: use it to wait for the task's result, and to look at the task. */
  readonly queue: Queue<unknown, unknown>;
}

/** Throws MisuseError for options that cannot work; connects on first use. */
export function createPartitionedQueue<Input = unknown, Output = Input>(
  options: PartitionedQueueOptions<Input, Output>,
): PartitionedQueue<Input, Output> {
  return new PartitionedQueue(readOptions('createPartitionedQueue', options, PARTITIONED));
}

/** Made by `createPartitionedQueue`. */
export class PartitionedQueue<Input = unknown, Output = Input> implements AsyncDisposable {
  readonly name: string;
  /** The queues "<name>.0", "<name>.1" and so on: pass them to createWorker, and use them to look at tasks. */
  readonly partitions: readonly Queue<Input, Output>[];
  #next = 0;
  /** How many tasks of a call at least go to one partition; 1 where each partition has a share of limits. */
  #together: number;

  /** @internal */
  constructor({ partitions, limits, ...options }: Settings<typeof PARTITIONED>) {
    this.name = options.name;
    this.#together = togetherUnder(limits);
    this.partitions = Array.from({ length: partitions }, (_, index) => {
      const name = requireQueueName(`${options.name}.${index}`);
      const share = limits && shareOfQueue(limits, { index, partitions });
      return new Queue<Input, Output>({ ...options, name, limits: share, groups: [] });
    });
  }

  /** The partition of tasks with this key, or, without one, with this deduplication key or id. */
  partitionOf(key: string): Queue<Input, Output> {
    return this.#at(partitionOf(requireName('key', key), this.partitions.length));
  }

  /**
   * Adds a task, as a queue does. Tasks without a key and an id go to the partitions in turn, or, with a holder, to that of its
   * resource.
   */
  async add(data: Input, options: AddOptions = {}): Promise<AddedToPartition> {
    const route = routeOf(options);
    return this.#addTo(route === undefined ? this.#nextInTurn() : this.partitionOf(route), { data, options });
  }

  /** Adds tasks, as `add` does; of those without a key and an id, runs of 16 or more go to the partitions in turn. */
  addMany(
    tasks: readonly TaskToAdd<Input>[],
    options?: { readonly holder?: TokenClaim; readonly followUp?: undefined },
  ): Promise<AddedToPartition[]>;
  /**
   * Adds tasks and their follow-up, as `addMany` of a queue does, all to one partition: that of the follow-up's key, or else
   * id. Resolves to that partition too. Throws MisuseError, also for tasks whose keys are those of another partition.
   */
  addMany<Other>(
    tasks: readonly TaskToAdd<Input>[],
    options: { readonly followUp: FollowUp<Input, Other>; readonly holder?: TokenClaim },
  ): Promise<FanIn & { readonly queue: Queue<unknown, unknown> }>;
  async addMany<Other>(
    tasks: readonly TaskToAdd<Input>[],
    options: { readonly followUp?: FollowUp<Input, Other> | undefined; readonly holder?: TokenClaim } = {},
  ): Promise<AddedToPartition[] | (FanIn & { readonly queue: Queue<unknown, unknown> })> {
    requireTasks(tasks);
    const { followUp, holder } = readOptions('addMany', options, MANY);
    if (followUp === undefined && holder) return this.#addUnder(holder, tasks);
    if (followUp === undefined) return this.#addInRuns(tasks);
    const route = routeOf(readFollowUp(followUp).options);
    const queue = route === undefined ? this.#nextInTurn() : this.partitionOf(route);
    for (const { options: given } of tasks) {
      const { key } = readAddOptions(given ?? {});
      if (key === undefined || this.partitionOf(key) === queue) continue;
      throw new MisuseError(
        `The tasks of a fan-in are in one partition: that of the key ${display(key)} is "${this.partitionOf(key).name}", but that of the follow-up "${queue.name}". Give the follow-up the same key, or add to a queue without partitions.`,
      );
    }
    const all = { followUp: followUp as FollowUp<Input, Other>, ...(holder && { holder }) };
    return { ...(await queue.addMany(tasks, all)), queue: queue as Queue<unknown, unknown> };
  }

  /**
   * A task for each partition would cost each of them a call to add it, one to claim it and one to end it, where a call
   * can do that for all of a run.
   */
  #addInRuns(tasks: readonly TaskToAdd<Input>[]): Promise<AddedToPartition[]> {
    const routes = tasks.map(({ options }) => routeOf(options));
    const free = routes.filter((route) => route === undefined).length;
    const run = Math.max(this.#together, Math.ceil(free / this.partitions.length));
    let left = 0;
    let queue = this.#at(this.#next);
    const added = tasks.map((task, place) => {
      const route = routes[place];
      if (route !== undefined) return this.#addTo(this.partitionOf(route), task);
      if (left === 0) {
        queue = this.#nextInTurn();
        left = run;
      }
      left -= 1;
      return this.#addTo(queue, task);
    });
    return Promise.all(added);
  }

  async #addTo(queue: Queue<Input, Output>, { data, options }: TaskToAdd<Input>): Promise<AddedToPartition> {
    return { ...(await queue.add(data, options)), queue: queue as Queue<unknown, unknown> };
  }

  /** Those of one partition together: each has marks of its own. */
  async #addUnder(holder: TokenClaim, tasks: readonly TaskToAdd<Input>[]): Promise<AddedToPartition[]> {
    const places = new Map<Queue<Input, Output>, number[]>();
    tasks.forEach(({ options }, place) => {
      const queue = this.partitionOf(routeOf(options) ?? holder.resource);
      places.set(queue, [...(places.get(queue) ?? []), place]);
    });
    const added: AddedToPartition[] = [];
    for (const [queue, of] of places) {
      const some = of.map((place) => tasks[place] as TaskToAdd<Input>);
      const results = await queue.addMany(some, { holder });
      results.forEach((result, index) => {
        added[of[index] as number] = { ...result, queue: queue as Queue<unknown, unknown> };
      });
    }
    return added;
  }

  /** The counts of all partitions together; paused if all are, and with the breaker that lets least begin. Throws UnavailableError. */
  async counts(): Promise<Counts> {
    const all = await Promise.all(this.partitions.map((queue) => queue.counts()));
    const sum = (of: 'waiting' | 'active' | 'delayed' | 'dead' | 'completed' | 'cancelled'): number =>
      all.reduce((before, counts) => before + counts[of], 0);
    return {
      waiting: sum('waiting'),
      active: sum('active'),
      delayed: sum('delayed'),
      dead: sum('dead'),
      completed: sum('completed'),
      cancelled: sum('cancelled'),
      paused: all.every(({ paused }) => paused),
      breaker: BREAKER_STATES.find((state) => all.some(({ breaker }) => breaker === state)) ?? 'closed',
      oldest: Math.max(...all.map(({ oldest }) => oldest)),
      workers: Math.max(...all.map(({ workers }) => workers)),
      totals: sumTotals(all.map(({ totals }) => totals)),
    };
  }

  /**
   * Replaces the limits of the whole queue, as `setLimits` of a queue does: each partition gets its share, under one
   * version. Throws MisuseError, UnavailableError; repeat it then.
   */
  async setLimits(limits: Limits): Promise<void> {
    const settings = readOptions('setLimits', limits, LIMITS);
    this.#together = togetherUnder(settings);
    const kept = await Promise.all(this.partitions.map((queue) => queue.limits()));
    const next = Math.max(0, ...kept.map((each) => each?.version ?? 0)) + 1;
    const version = limits.version ?? next;
    const { length: partitions } = this.partitions;
    const shares = this.partitions.map((_, index) =>
      shareOfQueue({ ...settings, version }, { index, partitions }),
    );
    await Promise.all(this.partitions.map((queue, index) => queue.setLimits(given(shares[index] ?? {}))));
  }

  /** Pauses all partitions, as `pause` of a queue does. Throws UnavailableError; repeat it then. */
  async pause(): Promise<void> {
    await Promise.all(this.partitions.map((queue) => queue.pause()));
  }

  /** Ends a pause of all partitions. Throws UnavailableError; repeat it then. */
  async resume(): Promise<void> {
    await Promise.all(this.partitions.map((queue) => queue.resume()));
  }

  /**
   * Looks up the task with an id that you chose, in whichever partition it is; undefined if nothing is known of it. An
   * id that was generated may exist in several partitions: use the `queue` that `add` returned for such a task, here and
   * in the others that take an id. Throws MisuseError for such an id, UnavailableError.
   */
  async get(id: string): Promise<TaskInfo | undefined> {
    const found = await this.#ofId(id, (queue) => queue.get(id));
    return found.find((info) => info !== undefined);
  }

  /**
   * Removes the task with an id that you chose. Resolves to whether there was one. Throws MisuseError if a worker has
   * it, UnavailableError.
   */
  async remove(id: string): Promise<boolean> {
    return (await this.#ofId(id, (queue) => queue.remove(id))).includes(true);
  }

  /** Cancels the task with an id that you chose, as `cancel` of a queue does. Throws MisuseError, UnavailableError. */
  async cancel(id: string, options: CancelOptions = {}): Promise<boolean> {
    return (await this.#ofId(id, (queue) => queue.cancel(id, options))).includes(true);
  }

  /** Lets the task with an id that you chose begin at another time, as `reschedule` of a queue does. */
  async reschedule(id: string, due: Due): Promise<ChangeOutcome> {
    return outcomeOf(await this.#ofId(id, (queue) => queue.reschedule(id, due)));
  }

  /** Lets the task with an id that you chose begin now, as `promote` of a queue does. */
  async promote(id: string): Promise<ChangeOutcome> {
    return outcomeOf(await this.#ofId(id, (queue) => queue.promote(id)));
  }

  /** Changes the task with an id that you chose, as `change` of a queue does. */
  async change(id: string, changes: Change<Input>): Promise<ChangeOutcome> {
    return outcomeOf(await this.#ofId(id, (queue) => queue.change(id, changes)));
  }

  /** Lets the dead letter with an id that you chose be tried again, as `requeue` of a queue does. */
  async requeue(id: string): Promise<boolean> {
    return (await this.#ofId(id, (queue) => queue.requeue(id))).includes(true);
  }

  /** Sets the weight of a tenant, as `weigh` of a queue does, in all partitions. Throws MisuseError, UnavailableError. */
  async weigh(tenant: string, weight: number): Promise<void> {
    await Promise.all(this.partitions.map((queue) => queue.weigh(tenant, weight)));
  }

  /** Ends the window of a deduplication key, as `release` of a queue does, in whichever partition it is. */
  async release(key: string): Promise<boolean> {
    return (await Promise.all(this.partitions.map((queue) => queue.release(key)))).includes(true);
  }

  /** Lets dead letters of all partitions be tried again, as `requeueAll` of a queue does; resolves to how many. */
  async requeueAll(options: RequeueAllOptions = {}): Promise<number> {
    const { limit = Number.POSITIVE_INFINITY, ...kind } = options;
    readRequeueAll(options);
    let requeued = 0;
    for (const queue of this.partitions) {
      if (requeued >= limit) break;
      const left = limit - requeued;
      requeued += await queue.requeueAll({ ...kind, ...(Number.isFinite(left) && { limit: left }) });
    }
    return requeued;
  }

  /** Removes all tasks in one state from all partitions, as `purge` of a queue does; resolves to how many. */
  async purge(state: Exclude<TaskState, 'active' | 'completed' | 'cancelled'>): Promise<number> {
    const removed = await Promise.all(this.partitions.map((queue) => queue.purge(state)));
    return removed.reduce((sum, count) => sum + count, 0);
  }

  /** Whether at least one partition exists. Throws UnavailableError. */
  async exists(): Promise<boolean> {
    return (await Promise.all(this.partitions.map((queue) => queue.exists()))).includes(true);
  }

  /**
   * Deletes all partitions with everything in them; `confirm` is the name of the whole queue. Throws MisuseError, also
   * if workers have tasks, and then deletes nothing, unless a worker takes a task meanwhile: repeat it in that case, and
   * after UnavailableError.
   */
  async obliterate(options: ObliterateOptions): Promise<void> {
    const { force } = requireConfirmed(options, this.name);
    const { active } = await this.counts();
    if (active > 0 && !force) throw activeTasks(this.name, active);
    await Promise.all(this.partitions.map((queue) => queue.obliterate({ confirm: queue.name, force })));
  }

  async close(): Promise<void> {
    await Promise.all(this.partitions.map((queue) => queue.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Asks all partitions, because a task with a key is in the partition of its key. */
  #ofId<T>(id: string, ask: (queue: Queue<Input, Output>) => Promise<T>): Promise<T[]> {
    if (isGivenId(id)) {
      throw new MisuseError(
        `The id ${display(id)} may be that of a task in each partition; use the queue that add returned.`,
      );
    }
    return Promise.all(this.partitions.map(ask));
  }

  #nextInTurn(): Queue<Input, Output> {
    this.#next += 1;
    return this.#at(this.#next);
  }

  #at(number: number): Queue<Input, Output> {
    return this.partitions[number % this.partitions.length] as Queue<Input, Output>;
  }
}

/** That of the partition that has the task. */
const outcomeOf = (outcomes: readonly ChangeOutcome[]): ChangeOutcome =>
  (['changed', 'active', 'ended'] as const).find((word) => outcomes.includes(word)) ?? 'unknown';

/** What tasks of one partition have in common. */
function routeOf(options: AddOptions | undefined): string | undefined {
  const { key, deduplicate, id, holder } = readAddOptions(options ?? {});
  return key ?? deduplicate?.key ?? id ?? holder?.resource;
}

/** A run would wait for the share of its partition while those of others are not used. */
function togetherUnder(limits: Settings<typeof LIMITS> | undefined): number {
  const { waiting, concurrency, rate } = limits ?? {};
  return waiting === undefined && concurrency === undefined && rate === undefined ? TOGETHER : 1;
}

/** Limits without those that are undefined. */
const given = (limits: object): Limits =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
