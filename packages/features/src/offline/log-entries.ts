/**
 * The log of a partition, as the scripts have written it.
 *
 * Guarantees: every accepted row or addition is given once, in the order in which it was accepted, with the epoch in which
 * that was. An entry of another kind is passed over.
 */
import type { LoggedRow } from './log-files.js';

/** An entry of a stream, as Redis gives it: its id, and names and values in turn. */
export type LogEntry = readonly [id: Uint8Array, fields: readonly Uint8Array[]];

/** Which log it is. */
export interface LogPart {
  /** Of the store, as 0. */
  readonly partition: number;
  /** With which the keys of its rows begin, as "{feat:shop.0}:". */
  readonly prefix: string;
  /** In which the first entry was written; entries say when another begins. */
  readonly epoch: string;
}

/** What an entry has. */
export interface ReadEntry {
  readonly epoch: string;
  readonly place: number;
  /** Of the entry with which an epoch begins: the place from which it goes on, and the epoch before it. */
  readonly reset: { readonly from: number; readonly parent: string } | undefined;
  /** Each with its view. */
  readonly rows: readonly (LoggedRow & { readonly view: string })[];
}

export function* readLog(
  entries: Iterable<LogEntry>,
  { partition, prefix, epoch: first }: LogPart,
): Iterable<ReadEntry> {
  let epoch = first;
  for (const [id, fields] of entries) {
    const place = placeOfEntry(textOf(id));
    const rows: (LoggedRow & { view: string })[] = [];
    let reset: ReadEntry['reset'];
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const name = textOf(fields[at] as Uint8Array);
      const row = fields[at + 1] as Uint8Array;
      if (name === 'reset') {
        const [begun = '', from = '', parent = ''] = textOf(row).split(' ');
        [epoch, reset] = [begun, { from: Number(from), parent }];
      }
      if (!name.startsWith(prefix)) continue;
      const [dot, colon] = [name.indexOf('.', prefix.length), name.indexOf(':', prefix.length)];
      const [view, generation] = [name.slice(prefix.length, dot), name.slice(dot + 1, colon)];
      rows.push({
        view,
        partition,
        epoch,
        generation,
        place,
        seat: rows.length,
        id: name.slice(colon + 1),
        row,
      });
    }
    yield { epoch, place, reset, rows };
  }
}

/** The rows of one view. */
export function* rowsOf(
  entries: Iterable<LogEntry>,
  { view, ...part }: LogPart & { readonly view: string },
): Iterable<LoggedRow> {
  for (const { rows } of readLog(entries, part)) yield* rows.filter((row) => row.view === view);
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Microseconds, of an id that has milliseconds and the rest: "1767225600000-123". */
function placeOfEntry(id: string): number {
  const [milliseconds, rest] = id.split('-').map(Number);
  return (milliseconds ?? 0) * 1_000 + (rest ?? 0);
}
