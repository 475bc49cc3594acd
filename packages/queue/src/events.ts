/**
 * What happens to the tasks of a queue, read from its stream of events.
 *
 * Guarantees: who reads from an event on misses none of those that are still kept. The reading starts again after each
 * failure, from where it was.
 */
import { type Clock, pause, within } from '@holdfast/kernel';
import type { Connection, Reply } from '@holdfast/redis';
import type { QueuePort } from './port.js';
import { type KeptResult, readResult } from './results.js';

/** Something that happened to a task. */
export type QueueEvent =
  | ({ readonly kind: 'completed'; readonly id: string } & KeptResult)
  /** An attempt failed, and it will be tried again. */
  | { readonly kind: 'retried'; readonly id: string; readonly reason: string }
  /** It is among the dead letters. */
  | { readonly kind: 'failed'; readonly id: string; readonly reason: string }
  | { readonly kind: 'progress'; readonly id: string; readonly progress: unknown };

/** The longest that a read waits, in ms, and how long its answer may be on its way. */
const LONGEST = 5_000;
const PATIENCE = 2_000;

type Entry = readonly [entry: string, fields: readonly string[]];

/** Reads the events behind `from` until `signal` aborts; yields them as they come, in batches. */
export async function* readEvents(
  port: QueuePort,
  from: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly QueueEvent[], void> {
  const connection = port.connectAlone();
  const close = (): void => connection.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    let last = from;
    while (!signal.aborted) {
      try {
        await connection.open();
        last ??= await lastEvent(connection, port);
        const entries = await read(connection, port, last);
        last = entries.at(-1)?.[0] ?? last;
        if (entries.length > 0) yield entries.map(eventOf);
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

/** Where the stream of events ends now. */
async function lastEvent(connection: Pick<Connection, 'send'>, port: QueuePort): Promise<string> {
  const reply = await connection.send('XREVRANGE', [port.keys.of('events'), '+', '-', 'COUNT', '1']);
  return (reply as unknown as readonly Entry[])[0]?.[0] ?? '0-0';
}

async function read(
  connection: Connection,
  { keys, clock }: { keys: QueuePort['keys']; clock: Clock },
  last: string,
): Promise<readonly Entry[]> {
  const args = ['BLOCK', String(LONGEST), 'COUNT', '100', 'STREAMS', keys.of('events'), last];
  const reply = connection.send('XREAD', args);
  return entriesOf(await within(clock, LONGEST + PATIENCE, reply, 'did not answer'));
}

/** Streams are a list of pairs in version 2 of the protocol, a map in version 3, which clients give as they like. */
function entriesOf(reply: Reply): readonly Entry[] {
  const streams: unknown = reply;
  if (streams === null || streams === undefined) return [];
  if (streams instanceof Map) return streams.values().next().value ?? [];
  if (!Array.isArray(streams)) return (Object.values(streams)[0] ?? []) as readonly Entry[];
  return (Array.isArray(streams[0]) ? streams[0][1] : streams[1]) ?? [];
}

function eventOf([, [, id = '', kind, value = '']]: Entry): QueueEvent {
  switch (kind) {
    case 'r':
      return { kind: 'completed', id, ...readResult(value) };
    case 'p':
      return { kind: 'progress', id, progress: JSON.parse(value) };
    case 't':
      return { kind: 'retried', id, reason: value };
    default:
      return { kind: 'failed', id, reason: value };
  }
}
