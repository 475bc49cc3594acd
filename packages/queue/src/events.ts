/**
 * The events of a queue's tasks, read from its three streams: that of results, that of notices, and that of moves. All
 * readers of one Redis in a process share a connection.
 *
 * Guarantees: the ids of events rise over all streams (lua/stamp.lua), so that a cursor is one id. A reader that begins at
 * a cursor misses nothing that is still kept, and is given events in the order in which they happened. Results are kept
 * as the queue's `limits.retain` and the tasks say; of the notices and of the moves, about the latest 1000 each, or as
 * many as that says. After a failure, reading goes on from where it was.
 */
import { display, fitting, MisuseError } from '@holdfast/kernel';
import { follow, SharedReaders, type StreamEntry } from '@holdfast/redis';
import type { QueuePort } from './port.js';
import { type KeptResult, readResult } from './results.js';
import { readValue } from './sealed.js';
import { last } from './verbs.js';

/** What every event has. */
interface Occurrence {
  /** The task's id; '' for what is of the queue. */
  readonly id: string;
  /** Milliseconds since the epoch, by the server. */
  readonly at: number;
  /** The place after the event: `events({ after: cursor })` goes on there. */
  readonly cursor: string;
  /** Why its result, progress or reason cannot be decoded: a value is undefined then, and a reason "(encoded)". */
  readonly encoded?: string;
}

/** An event in the life of a task. */
export type QueueEvent = Occurrence &
  (
    | ({ readonly kind: 'completed' } & KeptResult)
    /** An attempt failed, and the task will be tried again. */
    | { readonly kind: 'retried'; readonly reason: string }
    /** An attempt was put off by so many ms: it does not count. */
    | { readonly kind: 'deferred'; readonly delay: number }
    /** The task is among the dead letters. */
    | { readonly kind: 'failed'; readonly reason: string }
    | { readonly kind: 'progress'; readonly progress: unknown }
    | { readonly kind: 'removed' }
    /** The task was cancelled, and has ended. */
    | { readonly kind: 'cancelled'; readonly reason: string }
    /** The task was added; only if `announce` asks for it. */
    | { readonly kind: 'added' }
    /** The task was delivered to a worker; only if `announce` asks for it. */
    | { readonly kind: 'begun'; readonly worker: string }
    /** Its worker has died, or hung for longer than its lease: the task is delivered again. */
    | { readonly kind: 'stalled'; readonly worker: string }
    /** The breaker of the queue has opened: no task begins for so many ms. */
    | { readonly kind: 'opened'; readonly pause: number }
    /** The breaker has closed: a task has completed again, or somebody has resumed the queue. */
    | { readonly kind: 'closed' }
  );

/** The moves that are published only if somebody asks for them. */
export type Announced = 'added' | 'begun';

/** Entries in the three streams. */
export type Place = readonly [results: string, notices: string, moves: string];

/** An event, and its entry. */
export interface Happened {
  readonly entry: string;
  readonly event: QueueEvent;
}

/** Those of this process. */
const READERS = new SharedReaders(true);

/** Reads the events after `from`, or those from now on, until `signal` aborts; yields them as they come. */
export async function* readEvents(
  port: QueuePort,
  from: Place | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly Happened[], void> {
  const batches = follow({
    reader: READERS.ofStreams(port.waitPlace),
    streams: [port.keys.of('events'), port.keys.of('notices'), port.keys.of('moves')],
    from: from ?? (() => port.call(last, undefined)),
    signal,
  });
  const partition = partitionIn(port.name);
  for await (const { entries } of batches) yield entries.flatMap((entry) => happenedOf(entry, partition));
}

/** The place of a cursor, which is one of this queue. Throws MisuseError. */
export function placeAfter(queue: string, cursor: string): Place {
  const [, partition, entry = ''] = /^(\d+):(\d+-\d+)$/.exec(cursor) ?? [];
  if (partition === partitionIn(queue)) return [entry, entry, entry];
  throw new MisuseError(
    `after is the cursor of an event of "${queue}", such as "${partitionIn(queue)}:1700000000000-1"; got ${display(cursor)}.`,
  );
}

const KINDS: Readonly<Record<Announced, string>> = { added: 'a', begun: 'b' };

/** Reads the argument of `announce`. */
export const readKinds = fitting<readonly Announced[]>(
  'a list of "added" and "begun", each once, or an empty one',
  (kinds) =>
    Array.isArray(kinds) && new Set(kinds).size === kinds.length && kinds.every((kind) => kind in KINDS),
);

/** As lua/announce.lua takes them. */
export const encodeKinds = (kinds: readonly Announced[]): string =>
  kinds
    .map((kind) => KINDS[kind])
    .sort()
    .join('');

/** "3" of "images.3", "0" of a queue that is no partition. */
const partitionIn = (queue: string): string => /\.(\d+)(?:@|$)/.exec(queue)?.[1] ?? '0';

/** Empty for an entry that cannot be read, which would end the reading for everybody who waits. */
function happenedOf([entry, [, id = '', kind, value = '']]: StreamEntry, partition: string): Happened[] {
  try {
    const about = { id, at: Number.parseInt(entry, 10), cursor: `${partition}:${entry}` };
    return [{ entry, event: eventOf(about, kind, value) }];
  } catch {
    return [];
  }
}

function eventOf(about: Occurrence, kind: string | undefined, value: string): QueueEvent {
  switch (kind) {
    case 'r':
      return { kind: 'completed', ...about, ...readResult(value) };
    case 'p':
      return { kind: 'progress', ...about, progress: readValue(value) };
    case 't':
      return { kind: 'retried', ...about, reason: value };
    case 'd':
      return { kind: 'deferred', ...about, delay: Number(value) };
    case 'x':
      return { kind: 'removed', ...about };
    case 'c':
      return { kind: 'cancelled', ...about, reason: value };
    case 'a':
      return { kind: 'added', ...about };
    case 'b':
      return { kind: 'begun', ...about, worker: workerOf(value) };
    case 's':
      return { kind: 'stalled', ...about, worker: workerOf(value) };
    case 'o':
      return { kind: 'opened', ...about, pause: Number(value) };
    case 'k':
      return { kind: 'closed', ...about };
    default:
      return { kind: 'failed', ...about, reason: value };
  }
}

/** The name of the worker that has a session. */
const workerOf = (session: string): string => session.replace(/\.[^.]*$/, '');
