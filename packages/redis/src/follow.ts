/**
 * Following streams: what was added behind a place in each, and what is added from then on, in the order of ids. A log that
 * is kept as a stream is followed so, and the events of a queue.
 *
 * Guarantees: nothing is left out that is there when it is read, and nothing is given twice. After a failure the reading
 * goes on from where it was. Not guaranteed: that a reader learns of entries which were trimmed or forgotten before it
 * read them.
 */
import { type Clock, onAbort } from '@holdfast/kernel';
import type { Connection } from './connection.js';
import { compareIds, type StreamEntry, StreamReader } from './stream-reader.js';

export interface FollowOptions {
  /** One that nobody shares, closed; it is closed in the end. */
  readonly connection: Connection;
  readonly clock: Clock;
  /** The keys of the streams. In a Cluster they share a slot. */
  readonly streams: readonly string[];
  /** The id of the entry behind which to begin, for each; '0-0' begins with the oldest. A function is asked until it answers. */
  readonly from: readonly string[] | (() => Promise<readonly string[]>);
  /** Entries of each stream that one read brings at most. Default 500. */
  readonly most?: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export interface StreamBatch {
  /** Of all streams together. */
  readonly entries: readonly StreamEntry[];
  /** The place in each behind which to go on. */
  readonly places: readonly string[];
}

/** Reads until `signal` aborts; yields what comes, as it comes. */
export async function* follow(options: FollowOptions): AsyncGenerator<StreamBatch, void> {
  const { connection, clock, streams, from, most = 500, signal } = options;
  const reader = new StreamReader(connection, clock);
  const leave = onAbort(signal, () => reader.close());
  let places = typeof from === 'function' ? undefined : from;
  try {
    while (!signal.aborted) {
      let batch: StreamBatch;
      try {
        places ??= typeof from === 'function' ? await from() : from;
        batch = merge(await reader.read(streams, places, most), places, most);
      } catch {
        await reader.recover(signal);
        continue;
      }
      places = batch.places;
      if (batch.entries.length > 0) yield batch;
    }
  } finally {
    leave();
    reader.close();
  }
}

/** What was read of several streams, in order, and where to go on. */
function merge(
  read: readonly (readonly StreamEntry[])[],
  places: readonly string[],
  most: number,
): StreamBatch {
  // Where a stream has more, what is behind that in the others is read again with it.
  const ends = read.flatMap((entries) => (entries.length === most ? [entries.at(-1)?.[0] ?? ''] : []));
  const until = ends.sort(compareIds)[0];
  const kept = read.map((entries) =>
    until === undefined ? entries : entries.filter(([id]) => compareIds(id, until) <= 0),
  );
  return {
    entries: kept.flat().sort(([one], [other]) => compareIds(one, other)),
    places: places.map((place, index) => kept[index]?.at(-1)?.[0] ?? place),
  };
}
