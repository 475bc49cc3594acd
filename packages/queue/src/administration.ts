/**
 * The view of a queue that operators have, and the actions that they take.
 *
 * Guarantees: each call is one step in Redis, except `purge`, which goes on until none of the tasks to purge is left.
 */
import {
  checkData,
  display,
  fitting,
  flag,
  MisuseError,
  passedOn,
  type Readers,
  readOptions,
  requireName,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { type Change, type ChangeOutcome, change, type Due, reschedule } from './changing.js';
import { changeLimits, type KeptLimits, keptLimits } from './changing-limits.js';
import { type Announced, encodeKinds, readKinds } from './events.js';
import { type FanInInfo, fanInOf, outcomesOf } from './fan-in.js';
import {
  type Counts,
  type LogLine,
  requireState,
  type TaskInfo,
  type TaskPage,
  type TaskState,
} from './inspection.js';
import { requireId } from './keys.js';
import type { Limits } from './limits.js';
import type { QueueParts } from './parts.js';
import type { QueuePort } from './port.js';
import { type RequeueAllOptions, readRequeueAll, requeueAll, requeueOne } from './requeueing.js';
import type { TaskOutcome } from './results.js';
import {
  keepSchedule,
  readSchedule,
  requireScheduleName,
  runNow,
  type Schedule,
  type ScheduleInfo,
} from './schedule.js';
import * as verbs from './verbs.js';

export interface ObliterateOptions {
  /** The name of the queue. */
  readonly confirm: string;
  /** Deletes the queue even if workers have tasks of it, which they then lose. Default false. */
  readonly force?: boolean;
}

const OBLITERATE = {
  confirm: passedOn<string>(),
  force: withDefault(flag, false),
} satisfies Readers<ObliterateOptions>;

const readWeight = whole(1, 1_000);

export interface CancelOptions {
  /** The reason, up to 1000 characters, which the task's signal and whoever waits for it are told. Default: none. */
  readonly reason?: string;
}

const CANCEL = {
  reason: withDefault(
    fitting<string>(
      'text of at most 1000 characters',
      (reason) => typeof reason === 'string' && reason.length <= 1_000,
    ),
    '',
  ),
} satisfies Readers<CancelOptions>;

const LIST = {
  after: withDefault(
    fitting<string>('the "next" of the page before', (after) => typeof after === 'string'),
    '',
  ),
  limit: withDefault(whole(1, 1_000), 100),
};

/** Throws MisuseError unless the name of the queue was given. */
export function requireConfirmed(options: ObliterateOptions, name: string): { readonly force: boolean } {
  const { confirm, force } = readOptions('obliterate', options, OBLITERATE);
  if (confirm === name) return { force };
  throw new MisuseError(`To obliterate "${name}", give its name as confirm; got ${display(confirm)}.`);
}

/** The error of `obliterate` for a queue that is in use. */
export const activeTasks = (name: string, active: number): MisuseError =>
  new MisuseError(`Workers have ${active} tasks of "${name}"; stop them first, or give force.`);

/** The calls of a queue other than those that add tasks or wait for them. */
export abstract class QueueAdministration<Input> {
  readonly name: string;
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  /**
   * Sets a schedule: a task at every tick, exactly one however many workers run. Setting an unchanged schedule again
   * changes nothing, so every process may do so at its start. Throws MisuseError, UnavailableError.
   */
  async schedule(name: string, data: Input, schedule: Schedule): Promise<void> {
    const { settings, schema, ports, payloads } = this.#parts;
    requireScheduleName(name);
    const of = 'The data of a schedule';
    const json = payloads.json(data, of);
    if (schema) await checkData(schema, data, { of: `the schedule "${name}"`, owner: 'queue' });
    const now = await ports[0]?.call(verbs.time, undefined);
    const text = payloads.isCoded ? await payloads.sealedAs(json, of, await this.#scheduled(name)) : json;
    const { kept, next } = keepSchedule(schedule, text, { now: now ?? 0, defaults: settings.kept });
    const isAlone = schedule.overlap === 'skip';
    const request = { name, kept, next: String(next ?? ''), isAlone };
    await Promise.all(ports.map((port) => port.call(verbs.schedule, request)));
  }

  /** The data of a schedule as they are kept. */
  async #scheduled(name: string): Promise<unknown> {
    const all = await this.#parts.ports[0]?.call(verbs.schedules, undefined);
    const found = all?.find((each) => each.name === name);
    return found && readSchedule(found).data;
  }

  /** Removes a schedule. Resolves to whether there was one. Throws UnavailableError. */
  async unschedule(name: string): Promise<boolean> {
    const request = { name: requireScheduleName(name), kept: '', next: '', isAlone: false };
    const words = await Promise.all(this.#parts.ports.map((port) => port.call(verbs.schedule, request)));
    return words.includes('removed');
  }

  /**
   * Adds a task of a schedule now, beside its ticks, which it changes nothing about. Resolves to the id of the task; to
   * undefined if there is no such schedule with a tick to come, or if it does not overlap and its last task has not
   * ended. Throws MisuseError, also for a queue with groups; UnavailableError.
   */
  async runSchedule(name: string): Promise<string | undefined> {
    return runNow(this.#parts.port, requireScheduleName(name));
  }

  /** All schedules that have a tick to come, in the order of their next ticks. Throws UnavailableError. */
  async schedules(): Promise<ScheduleInfo[]> {
    const { port, payloads } = this.#parts;
    const kept = await port.call(verbs.schedules, undefined);
    return Promise.all(kept.map((each) => payloads.schedule(readSchedule(each))));
  }

  /** Looks up a task; undefined if nothing is known of it. Throws UnavailableError. */
  async get(id: string): Promise<TaskInfo | undefined> {
    const found = await this.#parts.port.call(verbs.find, requireId('id', id));
    return found && this.#parts.payloads.task(found);
  }

  /**
   * The lines that handlers of a task have logged, the oldest first, as long as anything is known of the task; none for
   * one of which nothing is known. Throws MisuseError, UnavailableError.
   */
  async log(id: string): Promise<readonly LogLine[]> {
    const { port, payloads } = this.#parts;
    return payloads.lines(await port.call(verbs.logged, requireId('id', id)));
  }

  /**
   * How the tasks have ended on which a task follows that `addMany` was given as `followUp`, in their order; those that have not
   * ended are left out. They are kept for as long as anything is known of the follow-up. Throws MisuseError if nothing is,
   * CodecError for a result that cannot be decoded, UnavailableError.
   */
  outcomes(id: string): AsyncGenerator<TaskOutcome, void> {
    return outcomesOf(this.#parts, requireId('id', id));
  }

  /** How far the tasks are on which a task follows; undefined if nothing is known of such a task. Throws UnavailableError. */
  async fanIn(id: string): Promise<FanInInfo | undefined> {
    return fanInOf(this.#parts.port, requireId('id', id));
  }

  /** Whether the queue exists: something was added to it or a worker began, and it has not been obliterated. */
  async exists(): Promise<boolean> {
    return this.#parts.port.call(verbs.exists, undefined);
  }

  /** How many tasks there are in each state. Throws UnavailableError. */
  async counts(): Promise<Counts> {
    return this.#parts.port.call(verbs.count, undefined);
  }

  /**
   * A page of the tasks in one state, beginning with those that are next; with dead letters, the oldest; with completed
   * tasks, the latest. `after` is the `next` of the previous page; `limit` is from 1 to 1000, default 100.
   * Throws MisuseError, UnavailableError.
   */
  async list(
    state: TaskState,
    options: { readonly after?: string | undefined; readonly limit?: number } = {},
  ): Promise<TaskPage> {
    const { after, limit } = readOptions('list', options, LIST);
    const { port, payloads } = this.#parts;
    const { tasks, next } = await port.call(verbs.list, { state: requireState(state), after, limit });
    return { tasks: await Promise.all(tasks.map((task) => payloads.task(task))), next };
  }

  /** Lets no worker begin a task until `resume`; those that have begun go on. Throws UnavailableError. */
  async pause(): Promise<void> {
    await Promise.all(this.#parts.ports.map((port) => port.call(verbs.hold, true)));
  }

  /**
   * Chooses which moves of tasks are events, for all readers: "added", "begun", both, or none, as at first. Each costs an
   * entry of a stream for each task. The choice is kept with the queue. Throws MisuseError, UnavailableError.
   */
  async announce(kinds: readonly Announced[]): Promise<void> {
    const chosen = encodeKinds(readKinds('announce', kinds));
    await Promise.all(this.#parts.ports.map((port) => port.call(verbs.announce, chosen)));
  }

  /** The limits that are kept with the queue; undefined if there are none. Throws UnavailableError. */
  async limits(): Promise<KeptLimits | undefined> {
    return keptLimits(this.#parts.ports[0] as QueuePort);
  }

  /**
   * Replaces the limits that are kept with the queue, for all its workers at once; anything that is not named is not
   * limited. Without a `version`, they get the one above that of the limits before; clients that declare a lower one leave
   * them. Resolves to the limits with their version. Throws MisuseError, also for a version that is lower than that which
   * is kept, or the same with other values; UnavailableError.
   */
  async setLimits(limits: Limits): Promise<KeptLimits> {
    return changeLimits(this.#parts.adding, limits);
  }

  /** Ends a pause, and closes the breaker of the queue's limits. Throws UnavailableError. */
  async resume(): Promise<void> {
    await Promise.all(this.#parts.ports.map((port) => port.call(verbs.hold, false)));
  }

  /**
   * Removes a task that nobody works on, or a dead letter. Resolves to whether there was one.
   * Throws MisuseError if a worker has it, UnavailableError.
   */
  async remove(id: string): Promise<boolean> {
    const word = await this.#parts.port.call(verbs.remove, { id: requireId('id', id) });
    if (word === 'active') {
      throw new MisuseError(
        `A worker has task ${id}, so it cannot be removed; let it end, or obliterate the queue.`,
      );
    }
    return word === 'removed';
  }

  /**
   * Ends a task without a result: at once if it waits; if a worker has it, the task's signal aborts with a
   * TaskCancelledError, and the slot is free as soon as the worker hears of it. From when this resolves, the task neither
   * completes nor is tried again, whatever its handler does; what the handler does meanwhile is refused where it shows
   * the task's token. Resolves to whether there was such a task: false for one that has ended. Throws MisuseError,
   * UnavailableError.
   */
  async cancel(id: string, options: CancelOptions = {}): Promise<boolean> {
    const { reason } = readOptions('cancel', options, CANCEL);
    const word = await this.#parts.port.call(verbs.cancel, { id: requireId('id', id), reason });
    return word !== 'unknown';
  }

  /**
   * Lets a task begin at another time, `{ at }` or `{ delay }`: one that is delayed, that waits for its next attempt, or that
   * could begin. One with a key that has not begun joins the end of its line then, and one without a key the end of those of
   * its priority. `expires` stays. Resolves to what became of it; nothing is done to a task that a worker has, or that has
   * ended. Throws MisuseError, UnavailableError.
   */
  async reschedule(id: string, due: Due): Promise<ChangeOutcome> {
    return reschedule(this.#parts, id, due);
  }

  /**
   * Lets a delayed task, or one that waits for its next attempt, begin now, when the tasks before it have. Resolves to what
   * became of it, "changed" also for one that could begin already. Throws MisuseError, UnavailableError.
   */
  async promote(id: string): Promise<ChangeOutcome> {
    return reschedule(this.#parts, id, { at: 0 });
  }

  /**
   * Changes the data, the priority or both of a task that waits or is delayed, together or not at all. It keeps its place
   * in the line of its key, and its attempts and errors. One with another priority goes to the end of those of that
   * priority; so does one with other data that was added without an id, a key, a delay and a deduplication key, or that a
   * worker has handed back. Resolves to what became of it; nothing is done to a task that a worker has, or that has ended.
   * Throws MisuseError, also for data that do not fit the schema; UnavailableError.
   */
  async change(id: string, changes: Change<Input>): Promise<ChangeOutcome> {
    return change(this.#parts, id, changes);
  }

  /**
   * Ends the window of a deduplication key, so that another task may be added under it; the task that began the window
   * goes on. Resolves to whether the key had one. Throws MisuseError, UnavailableError.
   */
  async release(key: string): Promise<boolean> {
    const name = requireName('key', key);
    const released = await Promise.all(this.#parts.ports.map((port) => port.call(verbs.release, name)));
    return released.includes(true);
  }

  /**
   * Sets how many tasks of a tenant begin in a turn, from 1 to 1000, which is kept with the queue; every tenant has 1 at
   * first. Throws MisuseError, UnavailableError.
   */
  async weigh(tenant: string, weight: number): Promise<void> {
    const request = { tenant: requireName('tenant', tenant), weight: readWeight('weight', weight) };
    await Promise.all(this.#parts.ports.map((port) => port.call(verbs.weigh, request)));
  }

  /**
   * Lets a dead letter be tried again, from its first attempt. Resolves to whether it will be: false if there is none,
   * or if a task of the same id was added since and has not ended; the letter stays then. Throws UnavailableError.
   */
  async requeue(id: string): Promise<boolean> {
    return requeueOne(this.#parts.port, requireId('id', id));
  }

  /**
   * Lets the dead letters of a kind be tried again, the oldest first, or all of them; each as `requeue` does. Resolves to how
   * many will be. Throws MisuseError, UnavailableError, CodecError, and what `filter` throws; what was requeued by then stays so.
   */
  async requeueAll(options: RequeueAllOptions = {}): Promise<number> {
    return requeueAll(this.#parts, readRequeueAll(options));
  }

  /** Removes all tasks in one state; resolves to how many. Tasks that a worker has stay. Throws UnavailableError. */
  async purge(state: Exclude<TaskState, 'active' | 'completed' | 'cancelled'>): Promise<number> {
    if (!['waiting', 'delayed', 'dead'].includes(state)) {
      throw new MisuseError(`purge takes out waiting, delayed or dead tasks; got ${display(state)}.`);
    }
    const { port } = this.#parts;
    let removed = 0;
    let after: string | undefined;
    do {
      const { tasks, next } = await this.list(state, { limit: 500, after });
      const words = await Promise.all(tasks.map(({ id }) => port.call(verbs.remove, { id, state })));
      const count = words.filter((word) => word === 'removed').length;
      removed += count;
      // After the removed tasks there may be others; those that a worker has taken meanwhile are passed over.
      after = count > 0 ? '' : next;
    } while (after !== undefined);
    return removed;
  }

  /**
   * Deletes the queue with everything in it. Throws MisuseError, also if workers have tasks of it; UnavailableError.
   */
  async obliterate(options: ObliterateOptions): Promise<void> {
    const { force } = requireConfirmed(options, this.name);
    const active = await this.#parts.port.call(verbs.obliterate, { force });
    if (active > 0) throw activeTasks(this.name, active);
    await this.#parts.port.leave();
  }
}
