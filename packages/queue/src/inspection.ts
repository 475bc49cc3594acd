/**
 * The view of a queue that operators have, read from the replies of its scripts.
 */
import { MisuseError } from '@holdfast/kernel';
import type { Reply } from '@holdfast/redis';
import { partsOfKey } from './keys.js';
import { readResult } from './results.js';
import { readSealed, readValue, sealedOf } from './sealed.js';
import type { Body, Failure, KeptFailure, KeptOptions } from './task-options.js';
import { readTotals, type Totals } from './totals.js';

export type TaskState = 'waiting' | 'active' | 'delayed' | 'dead' | 'completed' | 'cancelled';

const STATES: readonly TaskState[] = ['waiting', 'active', 'delayed', 'dead', 'completed', 'cancelled'];

/** A task, as far as the queue knows it. */
export interface TaskInfo {
  readonly id: string;
  readonly state: TaskState;
  /** The data as they were added; undefined for a task that has completed or was cancelled. */
  readonly data: unknown;
  /** The result of a completed task. */
  readonly result?: unknown;
  /** For a task that has completed without a result: why the value that its handler returned was not kept. */
  readonly notKept?: string;
  /** Why a task was cancelled. */
  readonly reason?: string;
  readonly key?: string;
  readonly tenant?: string;
  /** The name of its kind; of a task that has completed or was cancelled, it is not known. */
  readonly kind?: string;
  readonly priority?: number;
  /** When it was added, in ms since the epoch by the server. */
  readonly added?: number;
  /** When its last attempt began: that of an active or a completed task. */
  readonly begun?: number;
  /** When it completed, was cancelled, or became a dead letter. */
  readonly ended?: number;
  /** For a completed task: the number of its last attempt, how long that took in ms, and its worker. */
  readonly attempt?: number;
  readonly duration?: number;
  /** How many attempts have failed. */
  readonly failed?: number;
  /** The errors of the failed attempts, latest last; at most 20. */
  readonly errors?: readonly Failure[];
  /** For a delayed task: in how many ms it is due. */
  readonly due?: number;
  /** For an active or a completed task: its worker. For an active one: the progress that it has reported. */
  readonly worker?: string;
  readonly progress?: unknown;
  /**
   * Why something of the task cannot be decoded, such as for want of the queue's codec: its data, result or progress are
   * undefined then, and the messages of its errors "(encoded)".
   */
  readonly encoded?: string;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** How many tasks there are in each state. */
export interface Counts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
  /** Completed tasks whose results are kept. */
  readonly completed: number;
  /** Cancelled tasks whose reasons are kept. */
  readonly cancelled: number;
  readonly paused: boolean;
  /** Of the breaker of the queue's limits: closed while tasks begin, and if there is none. */
  readonly breaker: BreakerState;
  /** How long the task that is next has been waiting, in ms. */
  readonly oldest: number;
  /** Sessions of workers. */
  readonly workers: number;
  /** How many have ended since the queue exists, kept or not. */
  readonly totals: Totals;
}

/** An id and, if the queue gave it, the entry that it stands for. */
export function placeOf(id: string): readonly [id: string, entry: string, priority: string] {
  const given = /^(\d+-\d+)(?::(\d))?$/.exec(id);
  return [id, given?.[1] ?? '', given?.[2] ?? '0'];
}

/** A record or a letter: "<priority> <holds> <key>\n<body>". */
function readRecord(record: string): Omit<TaskInfo, 'id' | 'state'> {
  const end = record.indexOf('\n');
  const body = readBody(record.slice(end + 1));
  const key = record.slice(4, end);
  return {
    data: readSealed(body.d, body.o),
    priority: Number(record[0]),
    ...partsOfKey(key),
    ...kindOf(body.o),
    failed: body.m ?? 0,
    ...(body.w !== undefined && { added: body.w }),
    ...(body.e && { errors: body.e }),
  };
}

/**
 * The raw text if the data cannot be read, as when somebody wrote them by hand: a worker makes a dead letter of that.
 */
function readData(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readBody(text: string): Body {
  const body = readData(text);
  return typeof body === 'object' && body !== null && 'd' in body ? (body as Body) : { d: text };
}

/** A task without a record: its data, and its options, or ''. */
function readPlain([data = '', options = '']: readonly string[]): Pick<TaskInfo, 'data' | 'kind'> {
  const kept = options === '' ? undefined : (readData(options) as KeptOptions);
  return { data: readSealed(readData(data), kept), ...kindOf(kept) };
}

/** Reads the reply of find.lua; undefined if nothing is known of the task. */
export function readFound(reply: readonly Reply[], id: string): TaskInfo | undefined {
  const [state, value, detail, more, progress] = reply;
  if (state === 'unknown') return undefined;
  if (state === 'completed') {
    const ended = Number.parseInt(String(detail), 10);
    return { id, state, data: undefined, ...readResult(String(value)), ended, ...readTrace(String(more)) };
  }
  if (state === 'cancelled')
    return { id, state, data: undefined, reason: String(value), ended: Number(detail) };
  const [, entry, priority] = placeOf(id);
  const known = Array.isArray(value)
    ? {
        ...readPlain(value.map(String)),
        ...{ priority: Number(priority), failed: 0, added: Number.parseInt(entry, 10) },
      }
    : readRecord(String(value));
  return {
    id,
    state: state as TaskState,
    ...known,
    ...(state === 'dead' && { ended: Number(detail) }),
    ...(state === 'delayed' && { due: Number(detail) }),
    ...(state === 'active' && {
      worker: String(detail).replace(/\.[^.]*$/, ''),
      begun: Number(more),
      ...(typeof progress === 'string' && { progress: readValue(progress) }),
    }),
  };
}

/** Of options as they are kept, which may be nonsense. */
const kindOf = (options: KeptOptions | undefined): { readonly kind?: string } =>
  typeof options?.j === 'string' ? { kind: options.j } : {};

/** How a completed task came to its result: undefined parts are not known. */
export interface Trace {
  readonly attempt: number;
  /** Milliseconds since the epoch, by the server. */
  readonly added: number | undefined;
  readonly begun: number;
  /** In ms. */
  readonly duration: number;
  readonly worker: string;
  /** Failed attempts before. */
  readonly errors: readonly KeptFailure[];
}

/** As it is kept beside the result: short, because every task has one. */
export function encodeTrace({ attempt, added, begun, duration, worker, errors }: Trace): string {
  const head = `${attempt}\n${added ?? ''}\n${begun}\n${Math.round(duration)}\n${worker}`;
  if (errors.length === 0) return head;
  const brief = errors.map(({ stack: _, cause: __, sealed: ___, message, ...rest }) => ({
    ...rest,
    message: sealedOf(message) === undefined ? message.slice(0, 200) : message,
  }));
  return `${head}\n${JSON.stringify(brief)}`;
}

function readTrace(text: string): Partial<TaskInfo> {
  const [attempt, added, begun, duration, worker, errors] = text.split('\n');
  if (worker === undefined) return {};
  return {
    ...(added !== '' && { added: Number(added) }),
    ...{ begun: Number(begun), attempt: Number(attempt), duration: Number(duration), worker },
    ...(errors !== undefined && { errors: JSON.parse(errors) as Failure[] }),
  };
}

/** A line that a handler has logged. */
export interface LogLine {
  /** Milliseconds since the epoch, by the server. */
  readonly at: number;
  readonly attempt: number;
  readonly text: string;
  /** Why the text cannot be decoded: it is "(encoded)" then. */
  readonly encoded?: string;
}

/** Reads what lua/log.lua keeps. */
export function readLog(text: string): (Omit<LogLine, 'text'> & { readonly text: unknown })[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [, at, attempt, json = '""'] = /^(\d+) (\d+) (.*)$/.exec(line) ?? [];
      return { at: Number(at), attempt: Number(attempt), text: readValue(json) };
    });
}

/** Some of the tasks in one state. */
export interface TaskPage {
  readonly tasks: TaskInfo[];
  /** The `after` of the next page; undefined for the last page. */
  readonly next: string | undefined;
}

/** Reads the reply of list.lua. */
export function readPage(state: TaskState, reply: readonly Reply[]): TaskPage {
  const items = reply as readonly string[];
  const tasks: TaskInfo[] = [];
  for (let index = 2; index < items.length; index += 2) {
    const id = items[index] ?? '';
    const value = items[index + 1] ?? '';
    if (state === 'completed') tasks.push({ id, state, data: undefined, ...readResult(value) });
    else if (state === 'cancelled') tasks.push({ id, state, data: undefined, reason: value });
    else if (/^\d [01] /.test(value)) tasks.push({ id, state, ...readRecord(value) });
    else if (value !== '')
      tasks.push({ id, state, data: readData(value), priority: Number(placeOf(id)[2]), failed: 0 });
  }
  return { tasks, next: items[1] || undefined };
}

/** Reads the reply of count.lua. */
export function readCounts(reply: readonly Reply[]): Counts {
  const [, waiting, active, delayed, dead, completed, paused, oldest, workers, cancelled, totals, breaker] =
    reply;
  return {
    waiting: Number(waiting),
    active: Number(active),
    delayed: Number(delayed),
    dead: Number(dead),
    completed: Number(completed),
    cancelled: Number(cancelled),
    paused: paused === 'paused',
    breaker: breaker as BreakerState,
    oldest: Number(oldest),
    workers: Number(workers),
    totals: readTotals((totals ?? []) as readonly string[]),
  };
}

/** The record with which a dead letter starts again. */
export function freshRecord(letter: string): string {
  const end = letter.indexOf('\n');
  const { d, o: { u: _, ...o } = {}, w } = JSON.parse(letter.slice(end + 1)) as Body;
  const body = { d, ...(Object.keys(o).length > 0 && { o }), ...(w !== undefined && { w }) };
  return `${letter.slice(0, end)}\n${JSON.stringify(body)}`;
}

export function requireState(state: unknown): TaskState {
  if (STATES.includes(state as TaskState)) return state as TaskState;
  throw new MisuseError(`A state is one of ${STATES.join(', ')}; got ${String(state)}.`);
}
