/**
 * Reading streams as they grow, over a connection of its own: each read waits until an entry comes.
 *
 * Guarantees: those of a BlockingConnection. A read from the place up to which everything was seen misses nothing that is
 * still there, because it is answered at once if an entry came meanwhile.
 */
import type { Clock } from '@holdfast/kernel';
import { BlockingConnection } from './blocking-connection.js';
import type { Connection, Reply } from './connection.js';

/** The id of an entry, and its fields and values in turn. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** The longest time that a read waits, in ms. */
const LONGEST = 5_000;

/** Something that reads streams, as a StreamReader does. */
export type StreamSource = Pick<StreamReader, 'read' | 'recover' | 'close'>;

export class StreamReader {
  readonly #blocking: BlockingConnection;

  /** `connection` is one that nobody shares, not open yet; it is closed with the reader. */
  constructor(connection: Connection, clock: Clock) {
    this.#blocking = new BlockingConnection(connection, clock);
  }

  /**
   * Resolves to the entries after `places`, which has an id for each of `streams`: at most `most` entries of each
   * stream, and none if none has come for a while. Rejects when the server is away or does not answer, and once the
   * reader is closed.
   */
  async read(
    streams: readonly string[],
    places: readonly string[],
    most: number,
  ): Promise<readonly (readonly StreamEntry[])[]> {
    const args = ['BLOCK', String(LONGEST), 'COUNT', String(most), 'STREAMS', ...streams, ...places];
    const found = entriesOf(await this.#blocking.send('XREAD', args, LONGEST));
    return streams.map((stream) => found.get(stream) ?? []);
  }

  /** After a failed read: resolves when the next may follow, or `signal` aborts. */
  recover(signal?: AbortSignal): Promise<void> {
    return this.#blocking.recover(signal);
  }

  close(): void {
    this.#blocking.close();
  }
}

/** Negative if the id of the first entry is below that of the second. */
export function compareIds(one: string, two: string): number {
  const [ms = 0, number = 0] = one.split('-').map(Number);
  const [otherMs = 0, otherNumber = 0] = two.split('-').map(Number);
  return ms - otherMs || number - otherNumber;
}

/** The entries by stream, from a list of pairs, a flat list or a map, depending on client and protocol version. */
export function entriesOf(reply: Reply): ReadonlyMap<string, readonly StreamEntry[]> {
  const found: unknown = reply;
  if (found === null || found === undefined) return new Map();
  if (found instanceof Map) return found;
  if (!Array.isArray(found)) return new Map(Object.entries(found)) as never;
  if (Array.isArray(found[0])) return new Map(found);
  return new Map(
    Array.from({ length: found.length / 2 }, (_, index) => [found[2 * index], found[2 * index + 1]]),
  );
}
