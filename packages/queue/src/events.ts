/**
 * The events of a queue's tasks, read from its two streams: that of results, and that of notices.
 *
 * Guarantees: a reader that begins at a place misses nothing that is still kept, and is given events in the order in
 * which they happened. Results are kept as the queue's `retain` says; of the notices, the latest 1000 are kept. After a
 * failure, reading goes on from where it was.
 */
import { follow, type StreamEntry } from '@holdfast/redis';
import type { QueuePort } from './port.js';
import { type KeptResult, readResult } from './results.js';
import { last } from './verbs.js';

/** An event in the life of a task. */
export type QueueEvent =
  | ({ readonly kind: 'completed'; readonly id: string } & KeptResult)
  /** An attempt failed, and the task will be tried again. */
  | { readonly kind: 'retried'; readonly id: string; readonly reason: string }
  /** An attempt was put off by so many ms: it does not count. */
  | { readonly kind: 'deferred'; readonly id: string; readonly delay: number }
  /** The task is among the dead letters. */
  | { readonly kind: 'failed'; readonly id: string; readonly reason: string }
  | { readonly kind: 'progress'; readonly id: string; readonly progress: unknown }
  | { readonly kind: 'removed'; readonly id: string }
  /** The task was cancelled, and has ended. */
  | { readonly kind: 'cancelled'; readonly id: string; readonly reason: string };

/** Entries in the two streams. */
export type Place = readonly [results: string, notices: string];

/** An event, and its entry. */
export interface Happened {
  readonly entry: string;
  readonly event: QueueEvent;
}

/** Reads the events after `from`, or those from now on, until `signal` aborts; yields them as they come. */
export async function* readEvents(
  port: QueuePort,
  from: Place | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly Happened[], void> {
  const batches = follow({
    connection: port.connectAlone(),
    clock: port.clock,
    streams: [port.keys.of('events'), port.keys.of('notices')],
    from: from ?? (() => port.call(last, undefined)),
    signal,
  });
  for await (const { entries } of batches) yield entries.flatMap(happenedOf);
}

/** Empty for an entry that cannot be read, which would end the reading for everybody who waits. */
function happenedOf([entry, [, id = '', kind, value = '']]: StreamEntry): readonly Happened[] {
  try {
    return [{ entry, event: eventOf(id, kind, value) }];
  } catch {
    return [];
  }
}

function eventOf(id: string, kind: string | undefined, value: string): QueueEvent {
  switch (kind) {
    case 'r':
      return { kind: 'completed', id, ...readResult(value) };
    case 'p':
      return { kind: 'progress', id, progress: JSON.parse(value) };
    case 't':
      return { kind: 'retried', id, reason: value };
    case 'd':
      return { kind: 'deferred', id, delay: Number(value) };
    case 'x':
      return { kind: 'removed', id };
    case 'c':
      return { kind: 'cancelled', id, reason: value };
    default:
      return { kind: 'failed', id, reason: value };
  }
}
