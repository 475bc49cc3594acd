/**
 * Tasks of a queue on which a run waits. The run adds one under an id that names its step; whoever handles it sends the
 * result to the run before the task completes, so that a crash in between repeats the message, which is known by its id.
 *
 * Guarantees: the run takes one result of a task. A queue is anything with `add(data, { id })` that adds nothing while a task
 * of that id lives.
 */
import {
  callback,
  display,
  having,
  isNonRetryable,
  MisuseError,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { StepFailedError } from './errors.js';
import { type KeptError, keptError } from './journal/record.js';
import { encodeValue } from './json.js';
import { parseRunName, type RunName } from './run-name.js';

export interface TaskQueue {
  // biome-ignore lint/suspicious/noExplicitAny: a queue of whatever data; `ctx.task` passes on what it is given.
  add(data: any, options: { readonly id: string }): Promise<unknown>;
}

/** What has become of a task. */
export type TaskReply =
  | { readonly status: 'done'; readonly value: unknown }
  | { readonly status: 'failed'; readonly error: KeptError; readonly attempt: number };

const LONGEST = 256;

/** Throws MisuseError. */
export function requireTaskId(id: string): string {
  if (Buffer.byteLength(id) <= LONGEST) return id;
  throw new MisuseError(
    `The id of the task, ${id}, has more than ${LONGEST} bytes: give the run a shorter id or key.`,
  );
}

/** The message that has the result of a task. */
export const taskMessage = (id: string): string => `task:${placeIn(id)}`;

/** What a step is called that adds a task. */
export const taskStep = (name: string): string => `task ${name}`;
export const isTaskName = (name: string): boolean => name.startsWith(taskStep(''));

/** What the journal has of a step that has added a task whose result the run waits for, in the call that follows it. */
export const awaitedTask = (id: string): { readonly awaited: string } => ({ awaited: id });

/** The id of that task; undefined for what another step gave, or one that waits for no result. */
export function awaitedTaskIn(value: unknown): string | undefined {
  const { awaited } = Object(value) as { awaited?: unknown };
  return typeof awaited === 'string' ? awaited : undefined;
}

/** Throws MisuseError for an id that `ctx.task` has not made. */
export function runOfTask(id: unknown): RunName {
  const [step, name = '', place, workflow] = typeof id === 'string' ? id.split('/').reverse() : [];
  const dot = name.lastIndexOf('.');
  try {
    if (step && dot > 0 && place && workflow)
      return parseRunName(`${workflow}/${place}/${name.slice(0, dot)}`);
  } catch {} // it is not encoded as names of runs are
  throw new MisuseError(`${display(id)} is no id of a task that a workflow has added with ctx.task.`);
}

/** Throws MisuseError. */
export function requireReply(reply: unknown): TaskReply {
  const { status, error } = Object(reply) as { status?: unknown; error?: Partial<KeptError> | null };
  if (status === 'done' || (status === 'failed' && typeof error?.message === 'string')) {
    return reply as TaskReply;
  }
  throw new MisuseError(
    `A reply to a task is { status: "done", value } or { status: "failed", error, attempt }; got ${display(
      typeof reply === 'object' && reply !== null ? status : reply,
    )}.`,
  );
}

/** "<generation>/<step>". */
function placeIn(id: string): string {
  const [step = '', name = ''] = id.split('/').reverse();
  return `${name.slice(name.lastIndexOf('.') + 1)}/${step}`;
}

/** What a run is given of a reply. Throws StepFailedError. */
export function resultOf(
  reply: TaskReply | undefined,
  { name, timeout }: { readonly name: string; readonly timeout: number | undefined },
): unknown {
  if (reply?.status === 'done') return reply.value;
  const late = { name: 'TimeoutError', message: `it had no result within ${timeout} ms` };
  throw new StepFailedError({ name, attempt: reply?.attempt ?? 1, error: reply?.error ?? late });
}

/** What a handler needs of a task. */
interface HandledTask {
  readonly id: string;
  readonly attempt: number;
}

/** What `createWorkflows` makes, as far as it is needed. */
interface Replies {
  replyToTask(id: string, reply: TaskReply): Promise<boolean>;
}

export interface ReplyToOptions {
  /** How often the queue tries a task: in the last attempt, a failure is sent. Default 3, as that of a queue. */
  readonly attempts?: number;
}

const REPLY_TO = { attempts: withDefault(whole(1), 3) };

/**
 * A handler of a queue whose tasks `ctx.task` adds with `reply`: it sends what `handler` gives to the run that waits, before
 * the task completes. A failure is sent if the task is not tried again: in its last attempt, or for a NonRetryableError.
 * Throws MisuseError.
 */
export function replyTo<Task extends HandledTask, Result>(
  workflows: Replies,
  handler: (task: Task) => Promise<Result> | Result,
  options: ReplyToOptions = {},
): (task: Task) => Promise<Result> {
  having('replyToTask')('The app of replyTo', workflows);
  callback('a task')('The handler of replyTo', handler);
  const { attempts } = readOptions('replyTo', options, REPLY_TO);
  return async (task) => {
    let value: Result;
    try {
      value = await handler(task);
      encodeValue(value, `The result of the task "${task.id}"`);
    } catch (error) {
      if (isNonRetryable(error) || task.attempt >= attempts) {
        const reply = { status: 'failed', error: keptError(error), attempt: task.attempt } as const;
        await workflows.replyToTask(task.id, reply);
      }
      throw error;
    }
    await workflows.replyToTask(task.id, { status: 'done', value });
    return value;
  };
}
