/**
 * A source of events or rows that lanes follow: partitions, each an ordered list of records with offsets.
 *
 * What a source guarantees: in a partition, offsets rise, and a record keeps its offset; a read after an offset brings every
 * record above it that there is, in order. What a source cannot help, it throws: an UnavailableError where another try may
 * help, which is then made; anything else ends the follower.
 */

/** A place in a source partition: two whole numbers, compared one after the other, as `<ms>-<n>` of a Redis stream. */
export type Offset = readonly [high: number, low: number];

/** What a source partition has now. */
export interface Extent {
  /** The highest offset of which the source has lost the record, or something before it; undefined if it has lost none. */
  readonly lostThrough: Offset | undefined;
  /** The highest offset that was ever given; undefined if none was. */
  readonly last: Offset | undefined;
}

export interface SourceRecord {
  readonly offset: Offset;
  readonly value: unknown;
}

/** Records that follow one another. */
export interface SourceBatch {
  readonly records: readonly SourceRecord[];
  /** All of the partition up to here is in this batch or an earlier one. */
  readonly through: Offset;
  /**
   * What the partition had right after the batch was read. With it, a source that loses records while it is followed is found
   * out. Default: not known.
   */
  readonly extent?: Extent | undefined;
}

export interface Source {
  /** For messages. */
  readonly name: string;
  /** The partitions, each a number from 0 to 65535. */
  readonly partitions: readonly number[];
  /**
   * What a partition is called where it lies, as the key of a stream. It is kept with the offset, so that offsets are never
   * taken for those of another stream.
   */
  nameOf(partition: number): string;
  /** Undefined if that is not known. */
  extent(partition: number): Promise<Extent | undefined>;
  /** Everything after `after`, and what comes, until `signal` aborts; or up to the end, of a source that has one. */
  read(partition: number, after: Offset | undefined, signal: AbortSignal): AsyncIterable<SourceBatch>;
}

/** As it is stored: before anything has been taken in, it is "-1 0". */
export const printOffset = (offset: Offset | undefined): string =>
  offset === undefined ? '-1 0' : `${offset[0]} ${offset[1]}`;

export function readOffset(text: string): Offset | undefined {
  const [high = -1, low = 0] = text.split(' ').map(Number);
  return high < 0 ? undefined : [high, low];
}

/** Negative if the first is below the second. Undefined is below all. */
export function compareOffsets(one: Offset | undefined, other: Offset | undefined): number {
  if (one === undefined || other === undefined)
    return Number(one !== undefined) - Number(other !== undefined);
  return one[0] - other[0] || one[1] - other[1];
}

/** The lowest one, and the highest. */
export function extremesOf(offsets: readonly (Offset | undefined)[]): {
  readonly lowest: Offset | undefined;
  readonly highest: Offset | undefined;
} {
  const sorted = [...offsets].sort(compareOffsets);
  // `sort` puts what is undefined last, whatever the comparison says.
  const given = sorted.filter((each) => each !== undefined);
  return { lowest: given.length < offsets.length ? undefined : given[0], highest: given.at(-1) };
}
