/**
 * What happens to the tasks of a queue, read from its two streams: that of the results, and that of notices.
 *
 * Guarantees: a reader that begins at a place misses nothing that is still kept, and is given events in the order in which
 * they happened. Results are kept as the queue's `retain` says, of notices the latest 1000. The reading starts again after
 * each failure, from where it was.
 */
import { pause, within } from '@holdfast/kernel';
import type { Connection, Reply } from '@holdfast/redis';
import type { QueuePort } from './port.js';
import { type KeptResult, readResult } from './results.js';
import { last } from './verbs.js';

/** Something that happened to a task. */
export type QueueEvent =
  | ({ readonly kind: 'completed'; readonly id: string } & KeptResult)
  /** An attempt failed, and it will be tried again. */
  | { readonly kind: 'retried'; readonly id: string; readonly reason: string }
  /** It is among the dead letters. */
  | { readonly kind: 'failed'; readonly id: string; readonly reason: string }
  | { readonly kind: 'progress'; readonly id: string; readonly progress: unknown }
  | { readonly kind: 'removed'; readonly id: string };

/** Entries in the two streams. */
export type Place = readonly [results: string, notices: string];

/** An event, and the entry that it is. */
export interface Happened {
  readonly entry: string;
  readonly event: QueueEvent;
}

/** The longest that a read waits, in ms, and how long its answer may be on its way. */
const LONGEST = 5_000;
const PATIENCE = 2_000;

/** Entries of each stream that one read brings at most. */
const MOST = 500;

type Entry = readonly [entry: string, fields: readonly string[]];

/** Reads the events behind `from`, or what happens from now on, until `signal` aborts; yields them as they come. */
export async function* readEvents(
  port: QueuePort,
  from: Place | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly Happened[], void> {
  const connection = port.connectAlone();
  const close = (): void => connection.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    let place = from;
    while (!signal.aborted) {
      try {
        await connection.open();
        place ??= await port.call(last, undefined);
        const { entries, next } = await read(connection, port, place);
        place = next;
        if (entries.length > 0) yield entries.map(happenedOf);
      } catch {
        if (connection.unready === undefined) connection.restart();
        await pause(port.clock, 200, signal);
      }
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

/** What is behind `place` in both streams, in order, and where to go on. */
async function read(
  connection: Connection,
  { keys, clock }: QueuePort,
  place: Place,
): Promise<{ entries: readonly Entry[]; next: Place }> {
  const names = [keys.of('events'), keys.of('notices')];
  const args = ['BLOCK', String(LONGEST), 'COUNT', String(MOST), 'STREAMS', ...names, ...place];
  const sent = connection.send('XREAD', args);
  const reply = streamsOf(await within(clock, LONGEST + PATIENCE, sent, 'did not answer'));
  const streams = names.map((name) => reply.get(name) ?? []);
  // Where a stream has more, what is behind that in the other one is read again with it.
  const ends = streams.flatMap((entries) => (entries.length === MOST ? [entries.at(-1)?.[0] ?? ''] : []));
  const until = ends.sort(compareEntries)[0];
  const kept = streams.map((entries) =>
    until === undefined ? entries : entries.filter(([entry]) => compareEntries(entry, until) <= 0),
  );
  const [results = [], notices = []] = kept;
  return {
    entries: [...results, ...notices].sort(([one], [two]) => compareEntries(one, two)),
    next: [results.at(-1)?.[0] ?? place[0], notices.at(-1)?.[0] ?? place[1]],
  };
}

/** Negative if the first is before the second. */
export function compareEntries(one: string, two: string): number {
  const [ms = 0, number = 0] = one.split('-').map(Number);
  const [otherMs = 0, otherNumber = 0] = two.split('-').map(Number);
  return ms - otherMs || number - otherNumber;
}

/** A list of pairs in version 2 of the protocol, a map in version 3, which clients give as they like. */
function streamsOf(reply: Reply): ReadonlyMap<string, readonly Entry[]> {
  const streams: unknown = reply;
  if (streams === null || streams === undefined) return new Map();
  if (streams instanceof Map) return streams;
  if (!Array.isArray(streams)) return new Map(Object.entries(streams));
  if (Array.isArray(streams[0])) return new Map(streams);
  return new Map(
    Array.from({ length: streams.length / 2 }, (_, index) => [streams[2 * index], streams[2 * index + 1]]),
  );
}

function happenedOf([entry, [, id = '', kind, value = '']]: Entry): Happened {
  return { entry, event: eventOf(id, kind, value) };
}

function eventOf(id: string, kind: string | undefined, value: string): QueueEvent {
  switch (kind) {
    case 'r':
      return { kind: 'completed', id, ...readResult(value) };
    case 'p':
      return { kind: 'progress', id, progress: JSON.parse(value) };
    case 't':
      return { kind: 'retried', id, reason: value };
    case 'x':
      return { kind: 'removed', id };
    default:
      return { kind: 'failed', id, reason: value };
  }
}
