/**
 * What a producer says of a task, checked, and as it is kept in Redis.
 */
import { display, MisuseError, requireDuration, requireKnown, requireName } from '@holdfast/kernel';
import { type Backoff, requireBackoff } from './backoff.js';
import { HIGHEST_PRIORITY, requireId } from './keys.js';

export interface AddOptions {
  /** Its id, 1 to 256 bytes, not of the form of those that the queue gives, such as 12-0: while a task of this id lives, adding it again adds nothing. Default: one that the queue gives. */
  readonly id?: string;
  /** In how many ms it may begin at the earliest. Default 0. */
  readonly delay?: number;
  /** From 0 to 9; higher goes first. Default 0. */
  readonly priority?: number;
  /** How often it is tried at most, whoever works on it. Default: that of the queue to which it is added. */
  readonly attempts?: number;
  /** How long it waits after a failed attempt. Default: that of the queue to which it is added. */
  readonly backoff?: Backoff;
  /** Tasks of one key go in order, and so many at a time as the queue's `keys` says. Default: none. */
  readonly key?: string;
  /**
   * For `within` ms, tasks with the same `key` here are one: with keep "first" the later ones are not added; with "last"
   * it begins `within` ms after the last, with the data of that. Default of keep: "first".
   */
  readonly deduplicate?: {
    readonly key: string;
    readonly within: number;
    readonly keep?: 'first' | 'last';
  };
  /** In how many ms, by Redis's clock, it is too late to begin: it goes to the dead letters then. Default: never. */
  readonly expires?: number;
}

/** Options as they are kept with a task; short names, because every task has them. */
export interface KeptOptions {
  /** Attempts. */
  readonly a?: number;
  /** Backoff. */
  readonly b?: Backoff;
  /** That of the queue to which it was added, if it has none of its own. */
  readonly q?: Backoff;
  /** Of a task that is an entry of its own: how many ms after it was added it expires. */
  readonly x?: number;
  /** The trace that it belongs to. */
  readonly t?: string;
}

const OPTIONS: readonly (keyof AddOptions)[] = [
  'id',
  'delay',
  'priority',
  'attempts',
  'backoff',
  'key',
  'deduplicate',
  'expires',
];

/** One of many to add. */
export interface TaskToAdd<Data> {
  readonly data: Data;
  readonly options?: AddOptions;
}

/** Throws MisuseError for what is not a list of tasks. */
export function requireTasks(tasks: unknown): void {
  if (!Array.isArray(tasks)) {
    throw new MisuseError(`addMany takes a list of { data, options }; got ${display(tasks)}.`);
  }
  tasks.forEach((task, index) => {
    if (!isTask(task)) requireKnown(`tasks[${index}]`, task, ['data', 'options']);
  });
}

/** Quicker than to make the words of a refusal for each of many. */
function isTask(task: unknown): boolean {
  if (typeof task !== 'object' || task === null || Array.isArray(task)) return false;
  for (const name in task) if (name !== 'data' && name !== 'options') return false;
  return true;
}

/** How often a task is tried of which nobody has said it. */
export const DEFAULT_ATTEMPTS = 3;

/** The form of the ids that the queue gives. */
const GIVEN = /^\d+-\d+(:\d)?$/;

/** Throws MisuseError that names the option. */
export function requireAddOptions(options: AddOptions): AddOptions {
  requireKnown('add', options, OPTIONS);
  const { id, delay, priority, attempts, backoff, key, deduplicate, expires } = options;
  if (id !== undefined && GIVEN.test(requireId('id', id))) {
    throw new MisuseError(`The id "${id}" has the form of those that the queue gives; choose another.`);
  }
  if (delay !== undefined) requireDuration('delay', delay, { max: 10 * 365 * 86_400_000 });
  if (priority !== undefined) requireCount('priority', priority, { min: 0, max: HIGHEST_PRIORITY });
  if (attempts !== undefined) requireCount('attempts', attempts, { min: 1, max: 1_000_000 });
  if (backoff !== undefined) requireBackoff(backoff);
  if (key !== undefined) requireName('key', key);
  if (expires !== undefined) requireDuration('expires', expires, { min: 1, max: 10 * 365 * 86_400_000 });
  if (deduplicate !== undefined) {
    requireKnown('deduplicate', deduplicate, ['key', 'within', 'keep']);
    requireName('deduplicate.key', deduplicate.key);
    requireDuration('deduplicate.within', deduplicate.within, { min: 1 });
    const { keep = 'first' } = deduplicate;
    if (keep !== 'first' && keep !== 'last') {
      throw new MisuseError(`deduplicate.keep is "first" or "last"; got ${display(keep)}.`);
    }
  }
  return options;
}

export function requireCount(
  option: string,
  value: unknown,
  { min, max }: { min: number; max: number },
): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new MisuseError(`${option} is a whole number from ${min} to ${max}; got ${display(value)}.`);
}

/**
 * '' if there is nothing to keep. `defaults` are those of the queue to which the task is added; `isWhole`: it is an entry of
 * its own.
 */
export function keptOptions(
  defaults: KeptOptions,
  { attempts = defaults.a, backoff, ...options }: AddOptions,
  { isWhole, trace }: { readonly isWhole: boolean; readonly trace: string | undefined },
): string {
  const expires = isWhole ? options.expires : undefined;
  const ofQueue = backoff === undefined ? defaults.q : undefined;
  if (
    attempts === undefined &&
    backoff === undefined &&
    ofQueue === undefined &&
    expires === undefined &&
    trace === undefined
  )
    return '';
  return JSON.stringify({
    ...(attempts !== undefined && { a: attempts }),
    ...(backoff !== undefined && { b: backoff }),
    ...(ofQueue !== undefined && { q: ofQueue }),
    ...(expires !== undefined && { x: expires }),
    ...(trace !== undefined && { t: trace }),
  } satisfies KeptOptions);
}

/** One failed attempt, as the dead letters tell of it. */
export interface Failure {
  readonly attempt: number;
  /** Milliseconds since the epoch, by the worker's clock. */
  readonly at: number;
  readonly worker: string;
  readonly message: string;
  readonly stack?: string;
}

/** What the body of a record is: JSON of this. */
export interface Body {
  /** Data. */
  readonly d: unknown;
  readonly o?: KeptOptions;
  /** When it expires, in ms since the epoch by the server. */
  readonly x?: number;
  /** Attempts made. */
  readonly m?: number;
  /** What went wrong in them, latest last. */
  readonly e?: readonly Failure[];
}
