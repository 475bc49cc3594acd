/**
 * Handlers by name: several kinds of task in one queue, each with a schema and a handler of its own. The main path:
 * `defineKind`, `queue.kind(kind).add`, and the worker's option `kinds`.
 *
 * Guarantees: a handler is given only tasks of its kind. A worker that has no handler for the kind of a task leaves it to
 * others, without an attempt, so that two versions of a program may work side by side; a task of which no worker has known
 * the kind for an hour of trying is a dead letter that says so.
 */
import {
  callback,
  fitting,
  MisuseError,
  optional,
  readOptions,
  readSchema,
  requireName,
  type Schema,
} from '@holdfast/kernel';
import type { Added } from './adding.js';
import type { Claimed } from './claimed.js';
import { UnknownKindError } from './errors.js';
import { later, type Outcome } from './outcome.js';
import type { Deferral, Task, TaskHandler } from './task.js';
import type { AddOptions } from './task-options.js';

/** A kind of task, made by `defineKind`. `Result`: what `wait` resolves to. */
export interface Kind<Input = unknown, Output = Input, Result = unknown> {
  readonly name: string;
  readonly schema: Schema<Input, Output> | undefined;
  readonly handler: ((task: Task<Output>) => Result | Promise<Result>) | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: a worker has kinds of tasks whose data have nothing in common.
export type AnyKind = Kind<any, any, any>;

/** A kind that a worker can handle. */
export interface HandledKind {
  readonly schema: Schema | undefined;
  readonly handler: TaskHandler;
}

/** The result of a task, as `wait` gives it: a handler that returns nothing gives null, and one that defers nothing yet. */
export type KeptResult<Result> =
  Exclude<Awaited<Result>, Deferral> extends infer Kept ? (Kept extends void ? null : Kept) : never;

/** The tasks of one kind in a queue. */
export interface TasksOfKind<Input, Result> {
  /** Adds a task of the kind, as `add` of the queue does; the kind's schema, if it has one, stands for the queue's. */
  add(data: Input, options?: Omit<AddOptions, 'kind'>): Promise<Added>;
  /** Waits for the result of a task of the kind, as `wait` of the queue does. */
  wait(id: string, options?: { readonly signal?: AbortSignal }): Promise<KeptResult<Result>>;
}

const KIND = {
  schema: optional(readSchema),
  handler: optional(callback<TaskHandler>('a task')),
};

/**
 * Defines a kind of task: its name, the schema of its data, and its handler; a program that only adds tasks leaves that out.
 * Throws MisuseError.
 */
export function defineKind<Input, Output, Result = unknown>(
  name: string,
  options: {
    readonly schema: Schema<Input, Output>;
    readonly handler?: (task: Task<Output>) => Result | Promise<Result>;
  },
): Kind<Input, Output, Result>;
export function defineKind<Data = unknown, Result = unknown>(
  name: string,
  options?: {
    readonly schema?: undefined;
    readonly handler?: (task: Task<Data>) => Result | Promise<Result>;
  },
): Kind<Data, Data, Result>;
export function defineKind(name: string, options: object = {}): Kind {
  const { schema, handler } = readOptions('defineKind', options, KIND);
  const kind = { name: requireName('The name of a kind', name), schema, handler };
  made.add(kind);
  return kind;
}

const made = new WeakSet<object>();

/** Throws MisuseError for anything that defineKind has not made. */
export const requireKind = fitting<Kind>(
  'what defineKind made',
  (kind) => typeof kind === 'object' && kind !== null && made.has(kind),
);

/** The option of a worker. */
export function readKinds(option: string, kinds: unknown): ReadonlyMap<string, HandledKind> | undefined {
  if (kinds === undefined) return undefined;
  if (!Array.isArray(kinds) || kinds.length === 0)
    throw new MisuseError(`${option} is a list of what defineKind made, each with a handler.`);
  const byName = new Map<string, HandledKind>();
  for (const given of kinds) {
    const kind = requireKind(`Each of ${option}`, given);
    const { schema, handler } = kind;
    if (handler === undefined)
      throw new MisuseError(
        `The kind "${kind.name}" has no handler; give defineKind one, or leave it out of ${option}.`,
      );
    if (byName.has(kind.name)) throw new MisuseError(`${option} has the kind "${kind.name}" twice.`);
    byName.set(kind.name, { schema, handler });
  }
  return byName;
}

/** For how long workers leave a task to others that they do not know the kind of, or cannot decode, in ms. */
const KNOWN_WITHIN = 3_600_000;

/** How long it is left alone, in ms: at first, and at most. */
const [FIRST, LONGEST] = [1_000, 60_000];

/** The outcome for a task whose kind a worker does not know; the error if nobody has known it for too long. */
export function unknownKind(
  claimed: Claimed,
  { attempt, now, queue }: { readonly attempt: number; readonly now: number; readonly queue: string },
): { readonly outcome: Outcome | undefined; readonly error: UnknownKindError } {
  const error = new UnknownKindError({ queue, id: claimed.id, kind: claimed.options.j });
  return { outcome: leftToOthers(claimed, { attempt, now }), error };
}

/**
 * The outcome for a task that a worker cannot handle, while others may: it costs no attempt. Undefined for one that nobody
 * could for too long.
 */
export function leftToOthers(
  claimed: Claimed,
  { attempt, now }: { readonly attempt: number; readonly now: number },
): Outcome | undefined {
  const { u: since = now } = claimed.options;
  const waited = now - since;
  if (waited >= KNOWN_WITHIN) return undefined;
  const delay = Math.min(LONGEST, Math.max(FIRST, waited));
  return later({ ...claimed, options: { ...claimed.options, u: since } }, attempt, delay);
}

/** A task that a worker can handle again. */
export function asKnown(claimed: Claimed): Claimed {
  if (claimed.options.u === undefined) return claimed;
  const { u: _, ...options } = claimed.options;
  return { ...claimed, options };
}
