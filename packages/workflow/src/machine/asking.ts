/**
 * Calls that ask somebody outside, and wait for the answer: people for an approval, the handler of a task for its result.
 *
 * Guarantees: an approval is open for as long as it is waited for. A task is added under an id that is the same for every
 * attempt. Nothing is known of an answer until its message is in the journal.
 */
import {
  display,
  flag,
  MisuseError,
  optional,
  passedOn,
  readOptions,
  text,
  withDefault,
} from '@holdfast/kernel';
import type { Message } from '../journal/record.js';
import {
  awaitedTask,
  awaitedTaskIn,
  requireTaskId,
  resultOf,
  type TaskQueue,
  type TaskReply,
  taskMessage,
  taskStep,
} from '../task.js';
import { requireCallName, TIMEOUT } from './arguments.js';
import { type Approval, answerTo, approvalId, type Published } from './published.js';
import type { ApproveOptions, TaskOptions, WorkflowContext } from './workflow-context.js';

const APPROVE = { ...TIMEOUT, to: optional(text('text')), show: passedOn<unknown>() };
const TASK = { ...TIMEOUT, reply: withDefault(flag, false), name: optional(text('text')) };

/** What answers to an approval are called where people see it, and where schemas of messages are given. */
export const approvalMessage = (name: string): string => `approve:${name}`;

/** What an approval needs of its context. */
export interface Asker {
  readonly published: Published;
  /** Of the journal. */
  readonly generation: string;
  /** Waits for a message; `receives` gives its name, for the place that the wait has in the function. */
  readonly wait: (
    name: string,
    timeout: number | undefined,
    receives: (place: string) => string,
  ) => Promise<Message | undefined>;
}

/** What somebody answers; undefined if nobody has in time. Throws MisuseError. */
export async function askApproval(
  { published, generation, wait }: Asker,
  name: string,
  options: ApproveOptions,
): Promise<unknown> {
  requireCallName('The name of an approval', name);
  const { to, show, timeout } = readOptions('approve', options, APPROVE);
  const about = { name, ...(to === undefined ? {} : { to }), ...(show === undefined ? {} : { show }) };
  let open: Approval | undefined;
  const ask = (place: string): string => {
    const approval = { id: approvalId(generation, place), ...about };
    published.open(approval);
    open = approval;
    return answerTo(approval).name;
  };
  try {
    return (await wait(approvalMessage(name), timeout, ask))?.payload;
  } finally {
    if (open) published.close(open);
  }
}

/** A task that is to be added to a queue. */
export interface AskedTask {
  readonly queue: TaskQueue;
  readonly data: unknown;
  readonly name: string;
  readonly reply: boolean;
  readonly timeout: number | undefined;
}

/** Throws MisuseError. */
export function readTask(queue: TaskQueue, data: unknown, options: TaskOptions): AskedTask {
  const { name = 'of a queue', reply, timeout } = readOptions('task', options, TASK);
  if (typeof (queue as Partial<TaskQueue> | null)?.add !== 'function') {
    throw new MisuseError(`A queue has add(data, { id }); got ${display(queue)}.`);
  }
  return { queue, data, name: taskStep(name), reply, timeout };
}

/** Adds a task in a scope of its own; gives its result if it is to be waited for. */
export async function addTask(
  context: WorkflowContext,
  { queue, data, name, reply, timeout }: AskedTask,
): Promise<unknown> {
  const added = await context.step<unknown>(name, async ({ idempotencyKey }) => {
    const task = requireTaskId(idempotencyKey);
    await queue.add(data, { id: task });
    // A fork adds a task of its own in place of one whose result is to go to the run that it is a fork of.
    return reply ? awaitedTask(task) : task;
  });
  if (!reply) return undefined;
  const id = awaitedTaskIn(added) ?? String(added);
  const waits = timeout === undefined ? {} : { timeout };
  return resultOf(await context.receive<TaskReply>(taskMessage(id), waits), { name, timeout });
}
