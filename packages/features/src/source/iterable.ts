/**
 * Any iterable as a source: the lines of a file, the rows of a query, a generator. It has one partition.
 *
 * Guarantees: a value keeps its offset, by which a follower that begins again goes on where it was: the number that `offsetOf`
 * gives, or else its place among all values, from 0. What is there already is passed over, so the iterable has to bring the
 * same values in the same order again. Offsets that do not rise end the follower. At the end of the iterable, the follower is
 * done.
 */
import {
  callback,
  display,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { Offset, Source, SourceBatch, SourceRecord } from './source.js';

export interface IterableOptions<Value> {
  /** What it is called, as the path of a file: it is kept with the offset, so another one is not taken for it. */
  readonly name: string;
  /**
   * Begins to read, from the first value on, or from the first one above the offset `after` if that is cheaper; undefined if
   * nothing was taken in yet. `signal` aborts when no more is wanted.
   */
  readonly read: (details: {
    readonly after: number | undefined;
    readonly signal: AbortSignal;
  }) => AsyncIterable<Value> | Iterable<Value>;
  /**
   * The offset of a value, a whole number that rises, as the number of a row. Default: its place among all values, for which
   * `read` has to begin with the first one.
   */
  readonly offsetOf?: (value: Value) => number;
  /** How many values are taken in together, 1 to 10000. Default 500. */
  readonly most?: number;
}

const ITERABLE = {
  name: text('a name that is not empty'),
  read: callback<IterableOptions<unknown>['read']>('{ after, signal }, which returns an iterable'),
  offsetOf: optional(callback<(value: unknown) => number>('a value, which returns a number')),
  most: withDefault(whole(1, 10_000), 500),
} satisfies Readers<IterableOptions<unknown>>;

/** The values of an iterable. Throws MisuseError. */
export function iterable<Value>(options: IterableOptions<Value>): Source {
  const { name, read, offsetOf, most } = readOptions('iterable()', options, ITERABLE);
  return {
    name,
    partitions: [0],
    nameOf: () => name,
    extent: () => Promise.resolve(undefined),
    async *read(_, after, signal) {
      let records: SourceRecord[] = [];
      let place: Offset | undefined = after;
      let count = 0;
      for await (const value of read({ after: after?.[0], signal })) {
        if (signal.aborted) return;
        const offset = requireOffset(name, offsetOf ? offsetOf(value) : count);
        count += 1;
        if (after !== undefined && offset <= after[0]) continue;
        if (place !== undefined && offset <= place[0]) {
          throw new MisuseError(
            `The offsets of the source ${name} rise with its values; got ${offset} after ${place[0]}.`,
          );
        }
        place = [offset, 0];
        records.push({ offset: place, value });
        if (records.length < most) continue;
        yield batchOf(records, place);
        records = [];
      }
      if (place !== undefined && records.length > 0) yield batchOf(records, place);
    },
  };
}

const batchOf = (records: readonly SourceRecord[], through: Offset): SourceBatch => ({ records, through });

function requireOffset(name: string, offset: unknown): number {
  if (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new MisuseError(
    `An offset of the source ${name} is a whole number of at least 0; got ${display(offset)}.`,
  );
}
