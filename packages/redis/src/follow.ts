/**
 * Following streams: yields the entries after a place in each, and those that are added from then on, in the order of
 * ids. For logs that are kept as streams, and for the events of a queue.
 *
 * Guarantees: no entry is left out that is there when the stream is read, and none is given twice. After a failure,
 * reading goes on from where it was. Not guaranteed: that a reader learns of entries that were trimmed or forgotten
 * before it read them.
 */
import { type Clock, onAbort } from '@holdfast/kernel';
import type { Connection } from './connection.js';
import { compareIds, type StreamEntry, StreamReader, type StreamSource } from './stream-reader.js';

/** What reads the streams: a reader, or a connection that nobody shares, not open yet. It is closed in the end. */
type FollowWith =
  | { readonly reader: StreamSource }
  | { readonly connection: Connection; readonly clock: Clock };

export type FollowOptions = FollowWith & {
  /** The keys of the streams. In a Cluster they share a slot. */
  readonly streams: readonly string[];
  /**
   * The id after which to begin, for each; '0-0' begins with the oldest entry. A function is asked until it answers.
   */
  readonly from: readonly string[] | (() => Promise<readonly string[]>);
  /** The most entries of each stream that one read brings. Default 500. */
  readonly most?: number;
  /** Ends the following. */
  readonly signal: AbortSignal;
};

export interface StreamBatch {
  /** The entries of all streams together. */
  readonly entries: readonly StreamEntry[];
  /** The place in each stream after which to go on. */
  readonly places: readonly string[];
}

/** Reads until `signal` aborts; yields entries as they come. */
export async function* follow(options: FollowOptions): AsyncGenerator<StreamBatch, void> {
  const { streams, from, most = 500, signal } = options;
  const reader = 'reader' in options ? options.reader : new StreamReader(options.connection, options.clock);
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

/** Merges the entries that were read of several streams, in order, and determines where to go on. */
function merge(
  read: readonly (readonly StreamEntry[])[],
  places: readonly string[],
  most: number,
): StreamBatch {
  // If a stream has more entries, later ones of the other streams are read again together with them.
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
