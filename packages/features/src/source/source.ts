/**
 * A source of events or rows that lanes follow: partitions, each an ordered list of records with offsets.
 *
 * What a source guarantees: in a partition, offsets rise, and a record keeps its offset; a read after an offset brings every
 * record above it that there is, in order.
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
}

export interface Source {
  /** For messages. */
  readonly name: string;
  /** The partitions, each a number from 0 to 65535. */
  readonly partitions: readonly number[];
  extent(partition: number): Promise<Extent>;
  /** Everything after `after`, and what comes, until `signal` aborts. It rejects only for what no repetition helps. */
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
