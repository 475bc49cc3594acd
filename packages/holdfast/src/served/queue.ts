/**
 * A queue behind a server, as the actions of `holdfast queue` see one in Redis.
 *
 * Guarantees: each call is one operation of the server, but for a change of many dead letters, which takes as many as it needs:
 * what was done before a failure stays done. Data, results and logs are there if the key has the right queues:data.
 */
import { type Client, ProblemError } from '@holdfast/client';
import type { KeptLimits, LogLine, Queue, QueueEvent, ScheduleInfo, TaskInfo } from '@holdfast/queue';
import { ifKnown } from './server.js';

/** What a server has an operation for. */
export type ServedQueue = Pick<
  Queue,
  | ('name' | 'exists' | 'get' | 'log' | 'fanIn' | 'list' | 'requeue' | 'requeueAll' | 'cancel' | 'pause')
  | ('resume' | 'purge' | 'limits' | 'setLimits' | 'schedules' | 'runSchedule' | 'unschedule' | 'events')
>;

/** The most dead letters that one call lets be tried again. */
const AT_ONCE = 1_000;

export function queueOf({ queues }: Client, name: string): ServedQueue {
  const isKnown = async (answer: Promise<unknown>): Promise<boolean> =>
    (await ifKnown(answer.then(() => true))) ?? false;
  const log = async (id: string) => (await ifKnown(ifAllowed(queues.log(name, id)))) ?? { lines: [] };
  return {
    name,
    exists: () => isKnown(queues.counts(name)),
    get: (id) => ifKnown(queues.get(name, id)) as Promise<TaskInfo | undefined>,
    log: async (id) => (await log(id)).lines as readonly LogLine[] as LogLine[],
    fanIn: async (id) => (await log(id)).fanIn,
    list: async (state, options) => (await queues.tasks(name, { state, ...options } as never)) as never,
    requeue: (id) => isKnown(queues.requeue(name, id)),
    requeueAll: async ({ limit = Number.POSITIVE_INFINITY, ...filter } = {}) => {
      let done = 0;
      for (;;) {
        const most = Math.min(AT_ONCE, limit - done);
        const { requeued } = await queues.requeueAll(name, { ...filter, limit: most });
        done += requeued;
        if (requeued < most || done >= limit) return done;
      }
    },
    cancel: (id, options) => isKnown(queues.cancel(name, id, options ?? {})),
    pause: () => queues.pause(name),
    resume: () => queues.resume(name),
    purge: async (state) => (await queues.purge(name, { state } as never)).removed,
    limits: async () => {
      const kept = await queues.limits(name);
      return kept.version === 0 ? undefined : (kept as KeptLimits);
    },
    setLimits: async (limits) => (await queues.setLimits(name, limits as never)) as KeptLimits,
    schedules: async () => {
      const { schedules } = await queues.schedules(name);
      return schedules.map((each) => ({ ...each, next: new Date(each.next) })) as unknown as ScheduleInfo[];
    },
    runSchedule: async (schedule) => (await ifKnown(queues.runSchedule(name, schedule)))?.id,
    unschedule: (schedule) => isKnown(queues.deleteSchedule(name, schedule)),
    events: (options) => eventsOf(queues, name, options),
  };
}

/** A task is shown without its log to whoever may not see its data. */
async function ifAllowed<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProblemError && error.status === 403) return undefined;
    throw error;
  }
}

async function* eventsOf(
  queues: Client['queues'],
  name: string,
  { after, signal }: { readonly after?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<QueueEvent, void> {
  try {
    const query = after === undefined ? {} : { after };
    for await (const { id, event, data } of queues.events(name, query, signal ? { signal } : {}))
      yield { ...(data as object), kind: event, cursor: id } as QueueEvent;
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
