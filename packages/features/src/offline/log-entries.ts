/**
 * The accepted rows in the log of a partition, as the scripts have written them.
 *
 * Guarantees: every row of the view is given once, in the order in which it was accepted, with the epoch in which that
 * was. An entry of another kind is passed over.
 */
import type { LoggedRow } from './log-files.js';

/** An entry of a stream, as Redis gives it: its id, and names and values in turn. */
export type LogEntry = readonly [id: Uint8Array, fields: readonly Uint8Array[]];

/** Which rows of a log are read. */
export interface LogPart {
  /** Of the store, as 0. */
  readonly partition: number;
  /** With which the keys of its rows begin, as "{feat:shop.0}:". */
  readonly prefix: string;
  readonly view: string;
  /** In which the first entry was written; entries say when another begins. */
  readonly epoch: string;
}

/** The rows of one view. */
export function* rowsOf(
  entries: Iterable<LogEntry>,
  { partition, prefix, view, epoch }: LogPart,
): Iterable<LoggedRow> {
  const begin = `${prefix}${view}.`;
  let current = epoch;
  for (const [id, fields] of entries) {
    const place = placeOfEntry(textOf(id));
    let seat = 0;
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const name = textOf(fields[at] as Uint8Array);
      if (name === 'reset') current = textOf(fields[at + 1] as Uint8Array).split(' ')[0] ?? current;
      if (!name.startsWith(begin)) continue;
      const end = name.indexOf(':', begin.length);
      const generation = name.slice(begin.length, end);
      const row = fields[at + 1] as Uint8Array;
      yield { partition, epoch: current, generation, place, seat, id: name.slice(end + 1), row };
      seat += 1;
    }
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Microseconds, of an id that has milliseconds and the rest: "1767225600000-123". */
function placeOfEntry(id: string): number {
  const [milliseconds, rest] = id.split('-').map(Number);
  return (milliseconds ?? 0) * 1_000 + (rest ?? 0);
}
