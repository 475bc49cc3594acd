/**
 * Following streams: what was added behind a place in each, and what is added from then on, in the order of ids. A log that
 * is kept as a stream is followed so, and the events of a queue.
 *
 * Guarantees: nothing is left out that is there when it is read, and nothing is given twice. After a failure the reading
 * goes on from where it was. With `reportsLosses`, a batch says what was lost before its entries: as long as none does, the
 * follower has seen everything that was added behind its first place. Then every batch costs one more command a stream, and
 * the user needs the rights for XRANGE and XINFO STREAM.
 */
import type { Clock } from '@holdfast/kernel';
import type { Connection } from './connection.js';
import { type Loss, Losses } from './losses.js';
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
  /** Whether losses are looked for. Default false. */
  readonly reportsLosses?: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export interface StreamBatch {
  /** Of all streams together. */
  readonly entries: readonly StreamEntry[];
  /** The place in each behind which to go on. */
  readonly places: readonly string[];
  /** What was lost before these entries; none, unless it is looked for. */
  readonly losses: readonly Loss[];
}

/** Reads until `signal` aborts; yields what comes, as it comes. */
export async function* follow(options: FollowOptions): AsyncGenerator<StreamBatch, void> {
  const { connection, clock, streams, from, reportsLosses, signal } = options;
  const reader = new StreamReader(connection, clock);
  const losses = reportsLosses ? new Losses(reader, streams) : undefined;
  const close = (): void => reader.close();
  signal.addEventListener('abort', close, { once: true });
  let places = typeof from === 'function' ? undefined : from;
  // What was lost meanwhile is to be known at once, before anything comes.
  let waits = losses === undefined;
  try {
    while (!signal.aborted) {
      let batch: StreamBatch;
      try {
        places ??= typeof from === 'function' ? await from() : from;
        batch = await next({ ...options, reader, losses, places, waits });
      } catch {
        waits = losses === undefined;
        await reader.recover(signal);
        continue;
      }
      waits = true;
      places = batch.places;
      if (batch.entries.length > 0 || batch.losses.length > 0) yield batch;
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

interface Reading extends Pick<FollowOptions, 'streams' | 'most'> {
  readonly reader: StreamReader;
  readonly losses: Losses | undefined;
  readonly places: readonly string[];
  readonly waits: boolean;
}

async function next({ reader, losses, streams, places, most = 500, waits }: Reading): Promise<StreamBatch> {
  const read = await reader.read(streams, places, { most, waits });
  const lost = await losses?.at(places);
  return { ...merge(read, lost?.places ?? places, most), losses: lost?.losses ?? [] };
}

/** What was read of several streams, in order, and where to go on. */
function merge(
  read: readonly (readonly StreamEntry[])[],
  places: readonly string[],
  most: number,
): Pick<StreamBatch, 'entries' | 'places'> {
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
