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
import { requireTaskId, resultOf, type TaskQueue, type TaskReply, taskMessage } from '../task.js';
import { requireCallName, TIMEOUT } from './arguments.js';
import type { Published } from './published.js';
import type { ApproveOptions, TaskOptions, WorkflowContext } from './workflow-context.js';

const APPROVE = { ...TIMEOUT, to: optional(text('text')), show: passedOn<unknown>() };
const TASK = { ...TIMEOUT, reply: withDefault(flag, false), name: optional(text('text')) };

/** The message that answers an approval. */
export const approvalMessage = (name: string): string => `approve:${name}`;

/** What an approval needs of its context. */
interface Asker {
  readonly published: Published;
  readonly receive: (name: string, timeout: number | undefined) => Promise<Message | undefined>;
}

/** What somebody answers; undefined if nobody has in time. Throws MisuseError. */
export async function askApproval(
  { published, receive }: Asker,
  name: string,
  options: ApproveOptions,
): Promise<unknown> {
  requireCallName('The name of an approval', name);
  const { to, show, timeout } = readOptions('approve', options, APPROVE);
  const approval = { name, ...(to === undefined ? {} : { to }), ...(show === undefined ? {} : { show }) };
  published.open(approval);
  try {
    return (await receive(approvalMessage(name), timeout))?.payload;
  } finally {
    published.close(approval);
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
  return { queue, data, name: `task ${name}`, reply, timeout };
}

/** Adds a task in a scope of its own; gives its result if it is to be waited for. */
export async function addTask(
  context: WorkflowContext,
  { queue, data, name, reply, timeout }: AskedTask,
): Promise<unknown> {
  const id = await context.step(name, async ({ idempotencyKey }) => {
    const task = requireTaskId(idempotencyKey);
    await queue.add(data, { id: task });
    return task;
  });
  if (!reply) return undefined;
  const waits = timeout === undefined ? {} : { timeout };
  return resultOf(await context.receive<TaskReply>(taskMessage(id), waits), { name, timeout });
}
