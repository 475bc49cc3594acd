/**
 * The deliveries that a worker receives, read from the reply of lua/work.lua.
 *
 * Guarantees: a delivery that cannot be read, such as one that somebody has written by hand, is marked as unreadable;
 * the others in the reply are read all the same.
 */
import { messageOf } from '@holdfast/kernel';
import type { Reply } from '@holdfast/redis';
import type { Body, KeptFailure, KeptOptions } from './task-options.js';

/** One delivery. */
export interface Claimed {
  readonly id: string;
  /** As the scripts take it. */
  readonly priority: string;
  /** The task's entry in the stream of its priority. */
  readonly entry: string;
  readonly key: string;
  /** Whether its record says that it keeps a slot of its key between attempts. */
  readonly holds: boolean;
  /** Whether the task has a record beside its entry. */
  readonly recorded: boolean;
  /** JSON. */
  readonly data: string;
  readonly options: KeptOptions;
  /** When the task was added, in ms since the epoch by the server; undefined if nobody has noted it. */
  readonly added: number | undefined;
  /** When the task expires, in ms since the epoch by the server. */
  readonly expires: number | undefined;
  /** How often this entry was delivered. */
  readonly deliveries: number;
  /** Failed attempts before this entry. */
  readonly made: number;
  readonly errors: readonly KeptFailure[];
  /** Why the delivery cannot be read, if so: then its data are the raw text. */
  readonly unreadable?: string;
}

export interface Work {
  readonly token: number;
  /** Milliseconds since the epoch, by the server. */
  readonly now: number;
  /** The epoch of the queue: changes when the server may have forgotten something. */
  readonly epoch: string;
  /**
   * In how many ms there may be more tasks; negative if more can come only by somebody's action; undefined if there may be
   * more now.
   */
  readonly wait: number | undefined;
  readonly ticks: DueTicks;
  /** Whether no token is issued until replicas have confirmed that they know the epoch, or its time has come. */
  readonly isUnconfirmed: boolean;
  /** Whether a rate counts delivered tasks as begun. */
  readonly isPaced: boolean;
  readonly claimed: readonly Claimed[];
}

/** The schedules with ticks that are due. Times are in ms since the epoch, by the server. */
export interface DueTicks {
  readonly now: number;
  /** The time since which there has always been a worker. */
  readonly since: number;
  readonly due: readonly { readonly schedule: string; readonly kept: string; readonly at: number }[];
}

type Entry = readonly [entry: string, fields: readonly string[], deliveries?: number];

/** Undefined if the session is over. */
export function readWork(items: readonly Reply[]): Work | undefined {
  if (items[0] === 'lost') return undefined;
  if (items[0] !== 'worked') throw new Error('the reply is not one of the script');
  const claimed: Claimed[] = [];
  for (let index = 8; index < items.length; index += 2) {
    const priority = String(items[index]);
    for (const entry of items[index + 1] as unknown as readonly Entry[])
      claimed.push(readEntry(priority, entry));
  }
  return {
    token: Number(items[1]),
    now: Number(items[2]),
    epoch: String(items[7]),
    wait: items[3] === '' ? undefined : Number(items[3]),
    ticks: readTicks(items[4], { now: items[2], since: items[5] }),
    isUnconfirmed: items[6] === 'unconfirmed',
    isPaced: items[6] === 'paced',
    claimed,
  };
}

/** Reads the reply of lua/due.lua. */
export function readTicks(
  due: Reply,
  { now, since }: { readonly now: Reply; readonly since: Reply },
): DueTicks {
  const items = due as readonly string[];
  return {
    now: Number(now),
    since: Number(since),
    due: Array.from({ length: items.length / 3 }, (_, index) => {
      const [schedule = '', kept = '', at = ''] = items.slice(3 * index, 3 * index + 3);
      return { schedule, kept, at: Number(at) };
    }),
  };
}

const NO_OPTIONS: KeptOptions = {};
const NO_ERRORS: readonly KeptFailure[] = [];

export const unreadableBecause = (error: unknown): { readonly unreadable: string } => ({
  unreadable: `it cannot be read: ${messageOf(error)}`,
});

/** Reads an entry of the stream of a priority; with its record, if it has one. */
export function readEntry(priority: string, entry: Entry): Claimed {
  try {
    return entry[1][0] === 'd' ? readPlain(priority, entry) : readRecorded(priority, entry);
  } catch (error) {
    return { ...whatIsThere(priority, entry), ...unreadableBecause(error) };
  }
}

const idOf = (priority: string, entry: string): string => (priority === '0' ? entry : `${entry}:${priority}`);

/** Reads a task without a record, whose entry has its data. */
function readPlain(priority: string, [entry, fields, deliveries = 1]: Entry): Claimed {
  const { x, ...options }: KeptOptions = fields[3] ? JSON.parse(fields[3]) : NO_OPTIONS;
  return {
    id: idOf(priority, entry),
    priority,
    entry,
    key: '',
    holds: false,
    recorded: false,
    data: fields[1] ?? 'null',
    options: fields[3] ? options : NO_OPTIONS,
    // The id of an entry contains the time at which it was added.
    added: Number.parseInt(entry, 10),
    expires: x === undefined ? undefined : Number.parseInt(entry, 10) + x,
    deliveries,
    made: 0,
    errors: NO_ERRORS,
  };
}

function readRecorded(priority: string, [entry, fields, deliveries = 1]: Entry): Claimed {
  const [field, id = '', record = ''] = fields;
  if (field !== 'i') throw new Error(`the entry has a field "${field}" that no task has`);
  const end = record.indexOf('\n');
  if (!HEAD.test(record)) throw new Error('the record does not begin with its priority and its key');
  const body = JSON.parse(record.slice(end + 1)) as Body | null;
  if (typeof body !== 'object' || body === null || !('d' in body)) throw new Error('the record has no data');
  const { d, o = NO_OPTIONS, w, x, m = 0, e = NO_ERRORS } = body;
  if (typeof o !== 'object' || typeof m !== 'number' || !Array.isArray(e)) {
    throw new Error('the record says nonsense of its attempts or options');
  }
  return {
    id,
    priority,
    entry,
    key: record.slice(4, end),
    holds: record[2] === '1',
    recorded: true,
    data: JSON.stringify(d),
    options: o,
    added: w,
    expires: x,
    deliveries,
    made: m,
    errors: e,
  };
}

/** "<priority> <holds> <key>\n" */
const HEAD = /^\d [01] ([^\n]*)\n/;

function whatIsThere(priority: string, [entry, fields, deliveries = 1]: Entry): Claimed {
  const recorded = fields[0] === 'i';
  const text = (recorded ? fields[2] : fields.join(' ')) ?? '';
  return {
    id: recorded ? (fields[1] ?? '') : idOf(priority, entry),
    priority,
    entry,
    key: (recorded && HEAD.exec(text)?.[1]) || '',
    holds: false,
    recorded,
    data: JSON.stringify(text),
    options: NO_OPTIONS,
    added: undefined,
    expires: undefined,
    deliveries,
    made: 0,
    errors: NO_ERRORS,
  };
}
