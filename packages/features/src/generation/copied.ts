/**
 * The rows of a generation in one partition as a source: those that are there, and then what the log says was accepted since.
 *
 * Guarantees: every row that was acknowledged before a place of the log is read before that place counts as taken in: it is found
 * where it lies, or in the log, or a later one of the same id is. Where the log was trimmed further than it was read, the rows
 * are looked through once more, so none is missed. The log has all of them only while the view has its history.
 *
 * An offset is a place in the log and a second number: the seat of a row in its entry, from 0; or, of a row that was found where
 * it lies, a number from FOUND on, with the place that the log had before it was looked for.
 */
import { type Clock, pause } from '@holdfast/kernel';
import { type LogPart, readLog } from '../offline/log-entries.js';
import { readHeader } from '../row/header.js';
import {
  compareOffsets,
  type Offset,
  readOffset,
  type Source,
  type SourceBatch,
  type SourceRecord,
} from '../source/source.js';
import type { Partition } from '../store/partition.js';
import type { SharedScan } from '../store/shared-scan.js';
import type { Survey } from '../store/verbs.js';
import { printGeneration } from './info.js';

/** The seat of the last row that an entry can have. */
const LAST_SEAT = 255;
const FOUND = 2 ** 21;
/** After the last row that was found. */
const ALL_FOUND = 2 ** 32 - 1;

/** How often the end of the log is looked at, in ms. */
const LOOK_EVERY = 100;
/** Rows, and entries of the log, that one call reads. */
const ROWS = 128;
const ENTRIES = 32;

/** After every place of a log. */
const END = Number.MAX_SAFE_INTEGER;

/** A row as it lies in Redis. */
export interface CopiedBytes {
  /** As it stands in the key. */
  readonly id: string;
  readonly row: Uint8Array;
}

/** The lane that copies the rows of another one. No lane of a program can have such a name. */
export const copyOf = (lane: string): string => `copy~${lane}`;

/** The lane whose rows a lane has: that of a copy has those of the one that it copies. */
export const originalOf = (lane: string): string => (lane.startsWith('copy~') ? lane.slice(5) : lane);

export interface CopiedGeneration {
  readonly view: string;
  readonly id: string;
  /** Of the lane whose rows are wanted. */
  readonly rank: number;
  /** Of the generation, shared by all partitions that are copied. */
  readonly scan: SharedScan;
  readonly clock: Clock;
}

export function copiedRows(partition: Partition, { view, id, rank, scan, clock }: CopiedGeneration): Source {
  const generation = printGeneration(view, id);
  const isWanted = (row: Uint8Array): boolean => readHeader(row).rank === rank;
  const prefix = partition.keys.row('', '').slice(0, -1);
  const log: LogPart = { partition: partition.number, prefix, epoch: '' };

  async function* found(after: Offset | undefined, signal: AbortSignal): AsyncGenerator<SourceBatch, Offset> {
    const { last, epoch } = await browse(partition, END, 1);
    const place = Math.max(last, after?.[0] ?? 0);
    let number = after?.[0] === place && after[1] >= FOUND ? after[1] : FOUND;
    for await (const { keys, beginning } of scan.keys(partition, signal)) {
      for (let at = 0; at < keys.length; at += ROWS) {
        if (signal.aborted) return [place, number];
        const some = keys.slice(at, at + ROWS);
        const { rows } = await partition.call(partition.verbs.peek, { keys: some });
        const records: SourceRecord[] = [];
        for (const [index, row] of rows.entries()) {
          if (row === null || !isWanted(row)) continue;
          number += 1;
          const id = (some[index] ?? '').slice(beginning.length);
          records.push({ offset: [place, number], value: { id, row } satisfies CopiedBytes });
        }
        if (records.length > 0) yield { records, through: [place, number] };
      }
    }
    if (signal.aborted) return [place, number];
    // The keys of another server were looked through, if the partition has moved meanwhile, as a slot of a Cluster does.
    if ((await browse(partition, END, 1)).epoch !== epoch) return [place, number];
    yield { records: [], through: [place, ALL_FOUND] };
    return [place, ALL_FOUND];
  }

  /** Ends where the log was trimmed further than it was read. */
  async function* logged(after: Offset, signal: AbortSignal): AsyncGenerator<SourceBatch, Offset> {
    let through = after;
    while (!signal.aborted) {
      const [place, second] = through;
      const page = await browse(partition, second < LAST_SEAT ? place - 1 : place, ENTRIES);
      if (page.trimmed !== undefined && page.trimmed.through > place) return through;
      const records: SourceRecord[] = [];
      for (const entry of readLog(page.entries, log)) {
        for (const { view: of, generation: from, seat, row, id: key } of entry.rows)
          if (of === view && from === id && isWanted(row))
            records.push({ offset: [entry.place, seat], value: { id: key, row } satisfies CopiedBytes });
        through = [entry.place, LAST_SEAT];
      }
      // Whoever reads is told so now and then where nothing has come.
      yield { records, through };
      if (page.entries.length === 0) await pause(clock, LOOK_EVERY, signal);
    }
    return through;
  }

  return {
    name: generation,
    partitions: [partition.number],
    nameOf: () => generation,
    extent: () => Promise.resolve(undefined),
    async *read(_, after, signal) {
      let through: Offset | undefined = after;
      while (!signal.aborted) {
        if (through === undefined || !hasFound(through)) through = yield* found(through, signal);
        else {
          through = yield* logged(through, signal);
          if (!signal.aborted) through = yield* found(through, signal);
        }
      }
    },
  };
}

const browse = (partition: Partition, through: number, most: number) =>
  partition.call(partition.verbs.browse, { through, most });

/** Whether all rows that lay there have been found. */
const hasFound = ([, second]: Offset): boolean => second < FOUND || second === ALL_FOUND;

/**
 * What a copy of a lane of `from`, "<view>.<generation>", lacks of the rows of that, in words. `old` says up to which place the logs
 * have them.
 */
export function notCopied(
  lane: string,
  from: string,
  { old, next }: { readonly old: readonly Survey[]; readonly next: readonly Survey[] },
): readonly string[] {
  const lacks = old.flatMap(({ at }, partition) => {
    const copy = next[partition]?.lanes.find(
      (each) => each.lane === copyOf(lane) && each.source === String(partition),
    );
    const taken = copy?.name === from && copy.offset !== undefined ? readOffset(copy.offset) : undefined;
    if (taken === undefined || !hasFound(taken)) return ['unfinished'];
    if (compareOffsets(taken, [at, 0]) >= 0) return [];
    return [
      `the copy of the lane "${lane}" has taken in the log of partition ${partition} through ${taken[0]}, not ${at}`,
    ];
  });
  return lacks.includes('unfinished') ? [`the copy of the lane "${lane}" has not finished`] : lacks;
}
