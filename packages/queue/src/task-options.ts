/**
 * The options that a producer gives for a task, checked, and as they are kept in Redis.
 */
import {
  type Backoff,
  display,
  duration,
  group,
  groupOrDefaults,
  MisuseError,
  oneOf,
  optional,
  passedOn,
  type Readers,
  readBackoff,
  readOptions,
  requireClaim,
  requireName,
  type Settings,
  type TokenClaim,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { HIGHEST_PRIORITY, requireId } from './keys.js';
import { readAge } from './limits.js';

export interface AddOptions {
  /**
   * The task's id, of 1 to 256 bytes, not in the form of generated ids, such as 12-0: while a task of this id lives,
   * adding it again adds nothing. Default: a generated id.
   */
  readonly id?: string;
  /** In how many ms the task may begin at the earliest. Default 0. */
  readonly delay?: number;
  /** From 0 to 9; higher goes first. Default 0. */
  readonly priority?: number;
  /**
   * The most attempts, whichever worker handles the task. Default: as in the options of the queue to which it is added.
   */
  readonly attempts?: number;
  /** How long the task waits after a failed attempt. Default: as in the options of the queue to which it is added. */
  readonly backoff?: Backoff;
  /**
   * How long its handler may take, in ms; then the task's signal aborts with a TaskTimeoutError, and the attempt has
   * failed. Default: as in the options of the queue to which it is added.
   */
  readonly timeout?: number;
  /** Tasks of one key go in order, as many at a time as `keys` of the queue's limits says. Default: none. */
  readonly key?: string;
  /**
   * Which of the handlers of a worker with `kinds` it is for: the name of a kind. `queue.kind(kind).add` gives it, and checks
   * the data by the kind's schema. Default: none; a worker with a `handler` handles tasks of every kind.
   */
  readonly kind?: string;
  /**
   * For whom the task is: while tasks of several tenants wait, they begin in turns, one of each, or as many as `weigh` of
   * the queue says; a tenant alone has all workers. Tasks of a tenant begin in the order in which they were added, as
   * many at a time as there are workers for; one that is tried again holds up none. Not together with `key`.
   */
  readonly tenant?: string;
  /**
   * For `within` ms, tasks with the same `key` here count as one. With keep "first", later ones are not added. With
   * "last", the task begins `within` ms after the last one was added, with the data of that; if it has already begun,
   * it is left alone, and a new one is added. Default of keep: "first".
   *
   * With `until`, the first is the only one until a worker has been given it ("begun"), or until it has completed, failed
   * for good, or was cancelled or removed ("ended"); if `within` is given too, at most for so long. Between its attempts
   * a task has begun, and has not ended. A dead letter that is tried again is not unique any more. `queue.release(key)`
   * ends either.
   */
  readonly deduplicate?:
    | {
        readonly key: string;
        readonly within: number;
        readonly keep?: 'first' | 'last';
        readonly until?: undefined;
      }
    | {
        readonly key: string;
        readonly until: 'begun' | 'ended';
        readonly within?: number;
        readonly keep?: undefined;
      };
  /**
   * For how many ms its result is kept, and, as `dead.age`, its dead letter, whatever the limits of the queue say of
   * others, which do not count it; 0 for a result that only those get who wait for it by then. Default: as long as those
   * limits say.
   */
  readonly retain?: { readonly age?: number; readonly dead?: { readonly age?: number } };
  /**
   * In how many ms, by Redis's clock, it is too late to begin: the task then goes to the dead letters. Default: never.
   */
  readonly expires?: number;
  /**
   * Under whose token it is added: a lease, a task, a step, or anything else with `token`, `resource` and `issuer`. Once
   * something was added here under a higher token for the same resource, this throws StaleTokenError and adds nothing, in
   * one step with that check. `queue.guard` has the marks. Default: nobody's.
   */
  readonly holder?: TokenClaim;
}

/** Options as they are kept with a task; short names, because every task has them. */
export interface KeptOptions {
  /** Attempts. */
  readonly a?: number;
  /** Backoff. */
  readonly b?: Backoff;
  /** The backoff of the queue to which the task was added, if it has none of its own. */
  readonly q?: Backoff;
  /** How long its handler may take, in ms. */
  readonly h?: number;
  /** For how many ms its result, and its dead letter, are kept, if it says so itself. */
  readonly k?: readonly [result: number | null, dead: number | null];
  /** For a task that is only an entry: how many ms after it was added it expires. */
  readonly x?: number;
  /** The trace that the task belongs to. */
  readonly t?: string;
  /** The name of its kind. */
  readonly j?: string;
  /** Since when workers have left it to others, because they do not know its kind or cannot decode its data, in ms since the epoch by the server. */
  readonly u?: number;
  /** That its data are encoded, as a text of JSON. */
  readonly c?: 1;
  /** The queue of the tasks that it follows on, if that is another one. */
  readonly g?: string;
  /** For a follow-up that is to be passed on: to which queue, under a name that no other has, and how it is added there. */
  readonly n?: {
    readonly queue: string;
    readonly groups: readonly string[];
    readonly once: string;
    readonly priority: number;
    readonly key: string;
    readonly delay: number;
    readonly expires?: number;
    readonly options: KeptOptions;
  };
}

/** The form of generated ids. */
const GIVEN = /^\d+-\d+(:\d)?$/;

export const isGivenId = (id: unknown): boolean => typeof id === 'string' && GIVEN.test(id);

function idOf(option: string, value: unknown): string {
  const id = requireId(option, value);
  if (!GIVEN.test(id)) return id;
  throw new MisuseError(`The id "${id}" has the form of those that the queue gives; choose another.`);
}

/** In ms. */
export const LONGEST_DELAY = 10 * 365 * 86_400_000;

/** The options of a task, however it is added. */
export const TASK = {
  priority: withDefault(whole(0, HIGHEST_PRIORITY), 0),
  attempts: optional(whole(1, 1_000_000)),
  backoff: optional(readBackoff),
  timeout: optional(duration({ min: 1 })),
  key: optional(requireName),
  tenant: optional(requireName),
  kind: optional(requireName),
  retain: optional(
    group({
      age: readAge,
      dead: groupOrDefaults({ age: readAge }),
    } satisfies Readers<NonNullable<AddOptions['retain']>>),
  ),
};

const DEDUPLICATION = group({
  key: requireName,
  within: optional(duration({ min: 1 })),
  keep: optional(oneOf('first', 'last')),
  until: optional(oneOf('begun', 'ended')),
});

type Deduplication =
  | {
      readonly key: string;
      readonly within: number;
      readonly keep: 'first' | 'last';
      readonly until: undefined;
    }
  | {
      readonly key: string;
      readonly within: number | undefined;
      readonly keep: undefined;
      readonly until: Until;
    };

type Until = 'begun' | 'ended';

function readDeduplication(option: string, value: unknown): Deduplication | undefined {
  if (value === undefined) return undefined;
  const { key, within, keep, until } = DEDUPLICATION(option, value);
  if (until !== undefined) {
    if (keep === undefined) return { key, within, keep, until };
    throw new MisuseError(
      `${option} has "keep" for a window of time, or "until" for one that ends with its task; got both.`,
    );
  }
  if (within !== undefined) return { key, within, keep: keep ?? 'first', until };
  throw new MisuseError(
    `${option} has a time, "within" in ms, or "until" with "begun" or "ended"; got neither.`,
  );
}

/** Reads a `holder` among options. Throws MisuseError. */
export const readHolder = (_: string, holder: unknown): TokenClaim | undefined =>
  holder === undefined ? undefined : requireClaim(holder);

/** Throws MisuseError for a holder where there can be none. */
export function refuseHolder({ holder }: { readonly holder?: unknown }, advice: string): void {
  if (holder !== undefined) throw new MisuseError(`holder cannot be here: ${advice}.`);
}

const ADD = {
  ...TASK,
  id: optional(idOf),
  delay: withDefault(duration({ max: LONGEST_DELAY }), 0),
  deduplicate: readDeduplication,
  expires: optional(duration({ min: 1, max: LONGEST_DELAY })),
  holder: readHolder,
} satisfies Readers<AddOptions>;

/** The options, checked and with their defaults. */
export type AddSettings = Settings<typeof ADD>;

/** Throws MisuseError. */
export function readAddOptions(options: unknown): AddSettings {
  const settings = readOptions('add', options, ADD);
  requireOneOf(settings);
  return settings;
}

/** Throws MisuseError for a task that would have both an order and turns. */
export function requireOneOf({ key, tenant }: Pick<AddSettings, 'key' | 'tenant'>): void {
  if (key === undefined || tenant === undefined) return;
  throw new MisuseError(
    `A task has a key, for order, or a tenant, for turns; got ${display(key)} and ${display(tenant)}. Give one.`,
  );
}

/** One of many tasks to add. */
export interface TaskToAdd<Data> {
  readonly data: Data;
  readonly options?: AddOptions;
}

const TASK_TO_ADD = {
  data: passedOn(),
  options: passedOn<AddOptions | undefined>(),
} satisfies Readers<TaskToAdd<unknown>>;

/** Throws MisuseError for anything that is not a list of tasks. */
export function requireTasks(tasks: unknown): void {
  if (!Array.isArray(tasks)) {
    throw new MisuseError(`addMany takes a list of { data, options }; got ${display(tasks)}.`);
  }
  tasks.forEach((task, index) => {
    if (!isTask(task)) readOptions(`tasks[${index}]`, task, TASK_TO_ADD);
  });
}

/** Quicker than preparing the words of a refusal for each of many tasks. */
function isTask(task: unknown): boolean {
  if (typeof task !== 'object' || task === null || Array.isArray(task)) return false;
  for (const name in task) if (!Object.hasOwn(TASK_TO_ADD, name)) return false;
  return true;
}

/** How often a task is tried if nobody says otherwise. */
export const DEFAULT_ATTEMPTS = 3;

/**
 * Encodes the options to keep; '' if there are none. `defaults` are those of the queue to which the task is added;
 * `isWhole`: the task is only an entry.
 */
export function keptOptions(
  defaults: KeptOptions,
  { attempts = defaults.a, timeout = defaults.h, backoff, ...options }: Partial<AddSettings>,
  { isWhole, trace }: { readonly isWhole: boolean; readonly trace: string | undefined },
): string {
  const expires = isWhole ? options.expires : undefined;
  const { age, dead } = options.retain ?? {};
  const isKeptApart = age !== undefined || dead?.age !== undefined;
  const ofQueue = backoff === undefined ? defaults.q : undefined;
  if (
    attempts === undefined &&
    backoff === undefined &&
    ofQueue === undefined &&
    timeout === undefined &&
    expires === undefined &&
    trace === undefined &&
    options.kind === undefined &&
    defaults.c === undefined &&
    !isKeptApart
  )
    return '';
  return JSON.stringify({
    ...(attempts !== undefined && { a: attempts }),
    ...(backoff !== undefined && { b: backoff }),
    ...(ofQueue !== undefined && { q: ofQueue }),
    ...(timeout !== undefined && { h: timeout }),
    ...(isKeptApart && { k: [age ?? null, dead?.age ?? null] as const }),
    ...(expires !== undefined && { x: expires }),
    ...(trace !== undefined && { t: trace }),
    ...(options.kind !== undefined && { j: options.kind }),
    ...(defaults.c !== undefined && { c: defaults.c }),
  } satisfies KeptOptions);
}

/** One failed attempt, as dead letters record it. */
export interface Failure {
  readonly attempt: number;
  /** When the attempt was delivered, in ms since the epoch by the server. */
  readonly at: number;
  readonly worker: string;
  readonly message: string;
  readonly stack?: string;
  /** Its causes, and the errors of an AggregateError: a line each, at most ten. */
  readonly cause?: string;
  /** How long the attempt took, in ms, if it was begun and has ended. */
  readonly duration?: number;
}

/** A failure as it is kept: of one that is encoded, the message is (sealed.ts), and the stack and the cause are together. */
export interface KeptFailure extends Failure {
  readonly sealed?: string;
}

/** The body of a record: JSON of this. */
export interface Body {
  /** Data. */
  readonly d: unknown;
  readonly o?: KeptOptions;
  /** When the task was added, and when it expires, in ms since the epoch by the server. */
  readonly w?: number;
  readonly x?: number;
  /** Attempts made. */
  readonly m?: number;
  /** The errors of those attempts, latest last. */
  readonly e?: readonly KeptFailure[];
}
