/**
 * The scripts of the queue as values: the request that each takes, and how its reply is read. The Lua files describe
 * both.
 *
 * Guarantees: a reply that is not the script's own throws, and so counts as no answer.
 */
import type { Reply, Script } from '@holdfast/redis';
import { type DueTicks, readTicks, readWork, type Work } from './claimed.js';
import {
  type Counts,
  placeOf,
  readCounts,
  readFound,
  readLog,
  readPage,
  type TaskInfo,
  type TaskPage,
  type TaskState,
} from './inspection.js';
import type { Outcome } from './outcome.js';
import { scriptOf } from './scripts.js';

export interface QueueVerb<Request, Result> {
  readonly script: Script;
  /** The most requests that one call carries. */
  readonly most: number;
  /** Whether the verb works on all groups of a queue that has some, in one step. */
  readonly acrossGroups?: boolean;
  /** Whether the verb puts something into the queue, which must then be registered. */
  readonly fills?: boolean;
  /** Redis keys behind those of the queue. */
  readonly moreKeys?: (request: Request) => readonly string[];
  readonly encode: (request: Request) => readonly string[];
  /** One result for each request, in their order. */
  readonly decode: (reply: Reply, calls: readonly { readonly request: Request }[]) => readonly Result[];
}

/**
 * Adds in one call: a hundred adds under way make several calls, so that this process and the server work in parallel.
 */
const BATCH = 40;

/** A verb with one request per call that puts something into the queue. */
export function filling<Request, Result>(
  ...verb: Parameters<typeof single<Request, Result>>
): QueueVerb<Request, Result> {
  return { ...single(...verb), fills: true };
}

/** A verb with one request per call. */
export function single<Request, Result>(
  name: Parameters<typeof scriptOf>[0],
  encode: (request: Request) => readonly string[],
  decode: (reply: readonly Reply[], request: Request) => Result,
): QueueVerb<Request, Result> {
  return {
    script: scriptOf(name),
    most: 1,
    encode,
    decode: (reply, calls) => calls.map(({ request }) => decode(reply as readonly Reply[], request)),
  };
}

export interface AddRequest {
  readonly priority: number;
  /** JSON. */
  readonly data: string;
  /** JSON of KeptOptions, or ''. */
  readonly options: string;
}

/** Its result is the task's id, or 'full:' and the limit. */
export const add: QueueVerb<AddRequest, string> = {
  script: scriptOf('add'),
  most: BATCH,
  fills: true,
  encode: ({ priority, data, options }) => [String(priority), data, options],
  decode: (reply) => String(reply).split(' ').slice(1),
};

export interface PutRequest {
  readonly id: string;
  readonly priority: number;
  readonly key: string;
  readonly delay: number;
  /** JSON of Body. */
  readonly body: string;
  readonly deduplicate: {
    readonly key: string;
    /** 0 for no limit. */
    readonly within: number;
    readonly keep: 'first' | 'last' | 'begun' | 'ended';
  };
  /** In how many ms. */
  readonly expires: number | undefined;
}

export interface PutResult {
  readonly word: 'added' | 'same' | 'full';
  /** The task's id; the limit instead, if the queue is full. */
  readonly id: string;
}

/** The arguments of a task that is put. */
export const putArguments = (request: PutRequest): readonly string[] => {
  const { id, priority, key, delay, body, deduplicate, expires } = request;
  const { key: same, within, keep } = deduplicate;
  return [id, String(priority), key, String(delay), body, same, String(within), keep, String(expires ?? '')];
};

/** The results of so many tasks that were put. */
export const putResults = (items: readonly Reply[], count: number): readonly PutResult[] =>
  Array.from({ length: count }, (_, index) => ({
    word: items[2 * index + 1] as PutResult['word'],
    id: String(items[2 * index + 2] ?? ''),
  }));

export const put: QueueVerb<PutRequest, PutResult> = {
  script: scriptOf('put'),
  most: BATCH,
  fills: true,
  acrossGroups: true,
  encode: putArguments,
  decode: (reply, calls) => putResults(reply as readonly Reply[], calls.length),
};

/** Declares a client's limits. Its result is the limits that are kept, if they have the same version but differ. */
export const enter: QueueVerb<readonly string[], string | undefined> = {
  ...single(
    'enter',
    (declared) => declared,
    ([word, kept]) => (word === 'differs' ? String(kept) : undefined),
  ),
  acrossGroups: true,
};

/** The limits that are kept, as text; '' for none. */
export const limits = single<void, string>(
  'limits',
  () => [],
  ([, text]) => String(text),
);

/** Whether the queue exists. */
export const exists = single<void, boolean>(
  'exists',
  () => [],
  ([word]) => word === 'exists',
);

export interface OpenRequest {
  readonly session: string;
  /** In ms. */
  readonly lease: number;
}

export const open = filling<OpenRequest, void>(
  'open',
  ({ session, lease }) => [session, String(lease)],
  () => {},
);

export interface WorkRequest {
  readonly session: string;
  readonly lease: number;
  readonly want: number;
  /** The highest token that the worker knows of. */
  readonly highest: number;
  /** The number of this call of the session. */
  readonly number: number;
  /** Whether an earlier call may have done the same. */
  readonly twice: boolean;
  readonly epoch: string;
  readonly settled: readonly Outcome[];
}

/** Its result is undefined if the session is over. */
export const work = single<WorkRequest, Work | undefined>(
  'work',
  ({ session, lease, want, highest, number, twice, epoch, settled }) => [
    ...[session, String(lease), String(want), String(highest)],
    ...[String(number), twice ? '1' : '', epoch, String(settled.length)],
    ...settled.flat(),
  ],
  readWork,
);

export interface FetchRequest extends OpenRequest {
  /** How many tasks; 0 to be told only what the session has. */
  readonly want: number;
  /** Whether a token is issued for what the session has. */
  readonly issues: boolean;
}

/** Its result is undefined if the session is over. */
export const fetch = single<FetchRequest, Work | undefined>(
  'fetch',
  ({ session, lease, want, issues }) => [session, String(lease), String(want), issues ? '1' : ''],
  readWork,
);

export interface FinishRequest {
  readonly session: string;
  readonly priority: string;
  readonly entry: string;
  readonly outcome: Outcome;
}

/** Its result is "gone" if the session does not have the delivery. */
export const finish = single<FinishRequest, 'finished' | 'cancelled' | 'gone'>(
  'finish',
  ({ session, priority, entry, outcome }) => [session, priority, entry, ...outcome],
  ([word]) => word as 'finished' | 'cancelled' | 'gone',
);

export interface ReconcileRequest {
  readonly session: string;
  readonly lease: number;
  readonly number: number;
  /** The places of the deliveries that the worker knows of: priority, entry, ... */
  readonly places: readonly string[];
}

/**
 * The result of a comparison: its epoch, and the deliveries that the session does not have, as "<priority> <entry>".
 */
export interface Compared {
  readonly epoch: string;
  readonly missing: ReadonlySet<string>;
}

/** Its result is undefined if the session is over. */
export const reconcile = single<ReconcileRequest, Compared | undefined>(
  'reconcile',
  ({ session, lease, number, places }) => [session, String(lease), String(number), ...places],
  ([word, epoch, ...places]) => {
    if (word === 'lost') return undefined;
    const missing = new Set<string>();
    for (let index = 0; index < places.length; index += 2)
      missing.add(`${places[index]} ${places[index + 1]}`);
    return { epoch: String(epoch), missing };
  },
);

/** A delivery whose task was cancelled. */
export interface CancelledDelivery {
  /** "<priority> <entry>" */
  readonly place: string;
  readonly reason: string;
}

export interface Renewed {
  readonly epoch: string;
  readonly ticks: DueTicks;
  /** Those of all sessions. */
  readonly cancelled: readonly CancelledDelivery[];
  /** Whether there is something to do. */
  readonly isLeft: boolean;
}

/** Its result is undefined if the session is over. */
export const renew = single<{ readonly session: string; readonly lease: number }, Renewed | undefined>(
  'renew',
  ({ session, lease }) => [session, String(lease)],
  ([word, epoch, now, since, due, marks, left]) =>
    word === 'lost'
      ? undefined
      : {
          epoch: String(epoch),
          ticks: readTicks(due, { now, since }),
          cancelled: readMarks(marks),
          isLeft: left === '1',
        },
);

function readMarks(marks: Reply): readonly CancelledDelivery[] {
  const items = marks as readonly string[];
  return Array.from({ length: items.length / 2 }, (_, index) => {
    const [place = '', reason = ''] = items.slice(2 * index, 2 * index + 2);
    return { place, reason };
  });
}

/** The epoch, and the number of replicas; a WAIT over the same connection asks whether they know the epoch. */
export const epoch = single<void, { readonly epoch: string; readonly replicas: number }>(
  'epoch',
  () => [],
  ([, epoch, replicas]) => ({ epoch: String(epoch), replicas: Number(replicas) }),
);

/** Notes that replicas know this epoch. */
export const confirm = single<string, void>(
  'confirm',
  (epoch) => [epoch],
  () => {},
);

/** The time of the server, in ms since the epoch. */
export const time = single<void, number>(
  'time',
  () => [],
  ([, now]) => Number(now),
);

/** Ends a session. */
export const close = single<string, void>(
  'close',
  (session) => [session],
  () => {},
);

/** Wakes a worker that sleeps. */
export const rouse = single<void, void>(
  'rouse',
  () => [],
  () => {},
);

export interface ProgressRequest {
  readonly session: string;
  readonly priority: string;
  readonly entry: string;
  readonly id: string;
  /** JSON. */
  readonly progress: string;
}

/** Its result is false if the session does not have the task any more. */
export const progress = single<ProgressRequest, boolean>(
  'progress',
  ({ session, priority, entry, id, progress }) => [session, priority, entry, id, progress],
  ([word]) => word === 'noted',
);

export interface LogRequest extends Omit<ProgressRequest, 'progress'> {
  readonly attempt: number;
  /** JSON. */
  readonly line: string;
}

/** Its result is false if the session does not have the task any more. */
export const log = single<LogRequest, boolean>(
  'log',
  ({ session, priority, entry, id, attempt, line }) => [session, priority, entry, id, String(attempt), line],
  ([word]) => word === 'noted',
);

/** Reads the log of a task by its id. */
export const logged = single<string, ReturnType<typeof readLog>>(
  'logged',
  (id) => [id],
  ([, text]) => readLog(String(text)),
);

/** Looks up a task by its id. */
export const find = single<string, TaskInfo | undefined>('find', placeOf, readFound);

/** Reads a dead letter as it is kept, by its id. */
export const letter = single<string, string | undefined>(
  'find',
  (id) => [...placeOf(id), '1'],
  ([state, kept]) => (state === 'dead' ? String(kept) : undefined),
);

/** Where the streams of results, of notices and of moves end. */
export const last = single<void, readonly [results: string, notices: string, moves: string]>(
  'last',
  () => [],
  ([, results, notices, moves]) => [String(results), String(notices), String(moves)],
);

export const count = single<void, Counts>('count', () => [], readCounts);

export interface ListRequest {
  readonly state: TaskState;
  /** The `next` of the previous page, or ''. */
  readonly after: string;
  readonly limit: number;
}

export const list = single<ListRequest, TaskPage>(
  'list',
  ({ state, after, limit }) => [state, after, String(limit)],
  (reply, { state }) => readPage(state, reply),
);

export interface RemoveRequest {
  readonly id: string;
  /** Only a task in this state, or a dead letter. Default: any. */
  readonly state?: TaskState;
}

export const remove = single<RemoveRequest, 'removed' | 'active' | 'unknown'>(
  'remove',
  ({ id, state = '' }) => [...placeOf(id), state],
  ([word]) => word as 'removed' | 'active' | 'unknown',
);

export interface CancelRequest {
  readonly id: string;
  readonly reason: string;
}

/** Its result is "cancelling" if a worker has the task, which then ends with the delivery. */
export const cancel = single<CancelRequest, 'cancelled' | 'cancelling' | 'unknown'>(
  'cancel',
  ({ id, reason }) => [...placeOf(id), reason],
  ([word]) => word as 'cancelled' | 'cancelling' | 'unknown',
);

/** Ends the window of a deduplication key. */
export const release = single<string, boolean>(
  'release',
  (key) => [key],
  ([word]) => word === 'released',
);

/** Sets how many tasks of a tenant are delivered in a turn. */
export const weigh = filling<{ readonly tenant: string; readonly weight: number }, void>(
  'weigh',
  ({ tenant, weight }) => [tenant, String(weight)],
  () => {},
);

export interface RequeueRequest {
  readonly id: string;
  /** As it was found. */
  readonly letter: string;
  readonly record: string;
}

export const requeue = single<RequeueRequest, boolean>(
  'requeue',
  ({ id, letter, record }) => [id, letter, record],
  ([word]) => word === 'requeued',
);

export interface ScheduleRequest {
  readonly name: string;
  /** The schedule as it is kept; '' removes it. */
  readonly kept: string;
  /** Its next tick, in ms since the epoch; '' if there is none. */
  readonly next: string;
  /** Whether it has no task beside one that has not ended. */
  readonly isAlone: boolean;
}

export const schedule = filling<ScheduleRequest, 'scheduled' | 'removed' | 'unknown'>(
  'schedule',
  ({ name, kept, next, isAlone }) => [name, kept, next, isAlone ? '1' : ''],
  ([word]) => word as 'scheduled' | 'removed' | 'unknown',
);

/** All schedules in the order of their next ticks, which are in ms since the epoch. */
export const schedules = single<void, { name: string; kept: string; next: number }[]>(
  'schedules',
  () => [],
  ([, ...items]) =>
    Array.from({ length: items.length / 3 }, (_, index) => {
      const [name, kept, next] = items.slice(3 * index, 3 * index + 3);
      return { name: String(name), kept: String(kept), next: Number(next) };
    }),
);

export interface TickRequest {
  readonly schedule: string;
  readonly at: number;
  /** The next tick; '' if there is none. */
  readonly next: string;
  /** How many tasks the ticks of the schedule add in all. */
  readonly most: number | undefined;
  /** The tasks of the ticks that are not skipped. */
  readonly tasks: readonly { readonly id: string; readonly record: string }[];
}

/** Its result is false if somebody else was first. */
export const tick = single<TickRequest, boolean>(
  'tick',
  ({ schedule, at, next, most, tasks }) => [
    ...[schedule, String(at), next, String(most ?? '')],
    ...tasks.flatMap(({ id, record }) => [id, record]),
  ],
  ([word]) => word === 'ticked',
);

export interface RunRequest {
  readonly name: string;
  /** The schedule as it was read. */
  readonly kept: string;
  readonly id: string;
  readonly record: string;
}

/** Adds a task of a schedule beside its ticks. */
export const run = filling<RunRequest, 'run' | 'busy' | 'changed'>(
  'run',
  ({ name, kept, id, record }) => [name, kept, id, record],
  ([word]) => word as 'run' | 'busy' | 'changed',
);

/** Lets all delayed tasks begin now. */
export const hurry = single<void, void>(
  'hurry',
  () => [],
  () => {},
);

/** Sets whether the queue is paused from now on. */
export const hold = filling<boolean, void>(
  'hold',
  (paused) => [paused ? '1' : ''],
  () => {},
);

/** Chooses which moves of tasks are published: 'a' those that are added, 'b' those that begin. */
export const announce = filling<string, void>(
  'announce',
  (kinds) => [kinds],
  () => {},
);

/** `force`: even if workers have tasks. Its result is how many they have, if that is why nothing was done. */
export const obliterate = single<{ readonly force: boolean }, number>(
  'obliterate',
  ({ force }) => [force ? '1' : ''],
  ([word, active]) => (word === 'active' ? Number(active) : 0),
);
