/**
 * Changes of tasks that wait: their data, their priority, and when they begin.
 *
 * Guarantees: each is one step in Redis, of a task that no worker has; otherwise nothing of it is done. A task keeps its id,
 * its options, its attempts and errors, its deduplication key, and its part in a fan-in. A step that finds the task
 * otherwise than this process has read it changes nothing, and is repeated with what it has found.
 */
import {
  checkData,
  display,
  duration,
  MisuseError,
  optional,
  passedOn,
  type Readers,
  readOptions,
  whole,
} from '@holdfast/kernel';
import * as verbs from './change-verb.js';
import { type Claimed, readEntry } from './claimed.js';
import { placeOf } from './inspection.js';
import { HIGHEST_PRIORITY, requireId } from './keys.js';
import { changedRecord } from './outcome.js';
import type { QueueParts } from './parts.js';
import { time } from './schedule.js';
import { LONGEST_DELAY } from './task-options.js';

/**
 * What became of a change: "changed" if the task is as asked now; "active" when a worker has it; "ended" when it has
 * completed, is a dead letter or cancelled; "unknown" when nothing is known of it. Only "changed" has changed anything.
 */
export type ChangeOutcome = 'changed' | 'active' | 'ended' | 'unknown';

/** When a task begins at the earliest. */
export type Due =
  | {
      /** A Date, or ms since the epoch, by the clock of Redis. */
      readonly at: Date | number;
      readonly delay?: undefined;
    }
  | {
      /** In how many ms from now. */
      readonly delay: number;
      readonly at?: undefined;
    };

/** What is changed of a task. */
export interface Change<Data> {
  /** Its data, in the place of those that it has. */
  readonly data?: Data;
  /** From 0 to 9; higher goes first. */
  readonly priority?: number;
}

const DUE = {
  at: time,
  delay: optional(duration({ max: LONGEST_DELAY })),
} satisfies Readers<{ at?: Date | number; delay?: number }>;

const CHANGE = {
  data: passedOn<unknown>(),
  priority: optional(whole(0, HIGHEST_PRIORITY)),
} satisfies Readers<Change<unknown>>;

/** Throws MisuseError. */
function readDue(due: unknown): string {
  const { at, delay } = readOptions('reschedule', due, DUE);
  if ((at === undefined) === (delay === undefined)) {
    throw new MisuseError(
      `reschedule takes "at", a time, or "delay", in ms; got ${at === undefined ? 'neither' : 'both'}. Give one.`,
    );
  }
  return at === undefined ? `+${delay}` : String(Number(at));
}

/** Lets a task begin at a time, at the earliest. Throws MisuseError, UnavailableError. */
export async function reschedule(parts: QueueParts, id: string, due: unknown): Promise<ChangeOutcome> {
  const when = readDue(due);
  const recordOf = (found: Claimed): string => changedRecord(found, {});
  return insist(parts, { id: requireId('id', id), due: when, recordOf }, undefined);
}

/** Changes the data and the priority of a task. Throws MisuseError, UnavailableError. */
export async function change(parts: QueueParts, id: string, given: unknown): Promise<ChangeOutcome> {
  const { data, priority } = readOptions('change', given, CHANGE);
  if (data === undefined && priority === undefined)
    throw new MisuseError('change takes "data", "priority" or both; got neither.');
  const { schema, payloads } = parts;
  const of = 'The data of a task';
  const json = data === undefined ? undefined : payloads.json(data, of);
  if (schema && data !== undefined) await checkData(schema, data, { of: 'the task', owner: 'queue' });
  const text = json && (await payloads.sealed(json, of));
  const changed = {
    ...(text !== undefined && { data: text }),
    ...(priority !== undefined && { priority: String(priority) }),
  };
  const recordOf = (found: Claimed): string => {
    const { n, c: _, ...options } = found.options;
    const asAdded = payloads.isCoded ? { ...options, c: 1 as const } : options;
    if (n === undefined)
      return changedRecord(text === undefined ? found : { ...found, options: asAdded }, changed);
    throw new MisuseError(
      `Task ${id} is on its way to the queue "${n.queue}"; change it there, with the same id.`,
    );
  };
  return insist(parts, { id: requireId('id', id), due: '', recordOf }, UNSEEN);
}

/** Asks for the task as it is: none is found so. */
const UNSEEN = { seen: '', record: '-' };

interface Asked {
  readonly id: string;
  /** As the script takes it. */
  readonly due: string;
  /** Its record from now on. */
  readonly recordOf: (found: Claimed) => string;
}

/** Until the task was found as it was read. */
async function insist(
  parts: QueueParts,
  { id, due, recordOf }: Asked,
  first: verbs.ChangeRequest['change'],
): Promise<ChangeOutcome> {
  let next = first;
  for (;;) {
    const found = await parts.port.call(verbs.change, { id, change: next, due });
    if (found === 'gathering') {
      throw new MisuseError(
        `Task ${id} of "${parts.name}" is a follow-up whose tasks have not all ended; it can be changed when it is added.`,
      );
    }
    if (typeof found === 'string') return found;
    next = { seen: found.seen, record: recordOf(readFound(parts, id, found)) };
  }
}

function readFound(parts: QueueParts, id: string, found: verbs.FoundToChange): Claimed {
  const { seen, text, options, deliveries } = found;
  const [, entry, level] = placeOf(id);
  const claimed = seen.startsWith('i')
    ? readEntry(text.slice(0, 1), ['', ['i', id, text], deliveries])
    : readEntry(level, [entry, options === '' ? ['d', text] : ['d', text, 'o', options], deliveries]);
  if (claimed.unreadable === undefined) return claimed;
  throw new MisuseError(
    `Task ${display(id)} of "${parts.name}" cannot be changed: ${claimed.unreadable}. A worker will make a dead letter of it.`,
  );
}
