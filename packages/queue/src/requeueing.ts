/**
 * Trying many dead letters again: those of a kind, up to a limit.
 *
 * Guarantees: a letter is looked at once, the oldest first; one whose task dies again meanwhile is not tried once more. Each
 * is requeued as `requeue` does, so a letter whose id is in use by then stays. One that is to be judged by what cannot be
 * decoded is a CodecError: nothing is passed over in silence.
 */
import {
  CodecError,
  callback,
  optional,
  type Readers,
  readOptions,
  requireName,
  text,
  whole,
} from '@holdfast/kernel';
import { freshRecord, type TaskInfo } from './inspection.js';
import type { QueueParts } from './parts.js';
import type { QueuePort } from './port.js';
import { count, letter, list, requeue } from './verbs.js';

/** Which dead letters are tried again. */
export interface RequeueAllOptions {
  /** Only those whose last error has this text in its message. */
  readonly error?: string;
  /** Only those of tasks with this key. */
  readonly key?: string;
  /** Only those of which it says so. If it throws, `requeueAll` does, and what was requeued by then stays so. */
  readonly filter?: (task: TaskInfo) => boolean;
  /** At most so many. Default: all. */
  readonly limit?: number;
}

const REQUEUE_ALL = {
  error: optional(text('a part of the message of the last error')),
  key: optional(requireName),
  filter: optional(callback<(task: TaskInfo) => boolean>('a dead letter')),
  limit: optional(whole(1)),
} satisfies Readers<RequeueAllOptions>;

export const readRequeueAll = (options: unknown) => readOptions('requeueAll', options, REQUEUE_ALL);

/** How many letters one call reads. */
const PAGE = 500;

/** Resolves to how many are tried again. Throws MisuseError, UnavailableError, CodecError, and what the filter throws. */
export async function requeueAll(
  { port, payloads, name }: QueueParts,
  { error, key, filter, limit = Number.POSITIVE_INFINITY }: ReturnType<typeof readRequeueAll>,
): Promise<number> {
  const isOfKind = (task: TaskInfo): boolean => {
    if (key !== undefined && task.key !== key) return false;
    if (error === undefined && filter === undefined) return true;
    if (task.encoded !== undefined) {
      throw new CodecError(
        `Task ${task.id} of "${name}" cannot be judged by its error or its data. ${task.encoded} Or requeue it by its id or key.`,
      );
    }
    if (error !== undefined && !task.errors?.at(-1)?.message.includes(error)) return false;
    return filter === undefined || filter(task);
  };
  // Those that die again come behind all that are there now.
  let { dead: unseen } = await port.call(count, undefined);
  let [from, requeued] = [0, 0];
  while (unseen > 0 && requeued < limit) {
    const page = await port.call(list, {
      state: 'dead',
      after: String(from),
      limit: Math.min(PAGE, unseen),
    });
    const tasks = await Promise.all(page.tasks.map((task) => payloads.task(task)));
    const chosen = tasks.filter(isOfKind).slice(0, limit - requeued);
    const done = (await Promise.all(chosen.map(({ id }) => requeueOne(port, id)))).filter(Boolean).length;
    requeued += done;
    unseen -= page.tasks.length;
    // The places of the others have moved up.
    from += page.tasks.length - done;
    if (page.next === undefined) break;
  }
  return requeued;
}

/** Resolves to whether it is tried again. */
export async function requeueOne(port: QueuePort, id: string): Promise<boolean> {
  const kept = await port.call(letter, id);
  if (kept === undefined) return false;
  return port.call(requeue, { id, letter: kept, record: freshRecord(kept) });
}
