/**
 * Reading rows by what is registered for their view, for the fields that a program names.
 */
import { describe, type StoredView } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import { RowReader } from '../row/decode.js';
import { readHeader } from '../row/header.js';

/** The values of a row, and its event time in microseconds. */
export interface DecodedRow {
  readonly time: number;
  readonly values: Readonly<Record<string, unknown>>;
}

export class RowDecoders {
  readonly #readers = new WeakMap<StoredView, RowReader>();

  /** Undefined for a row that is torn; `unknown` for one of a schema that is not registered in `stored`. */
  decode(view: View, stored: StoredView, row: Buffer): DecodedRow | 'unknown' | undefined {
    const reader = this.#readers.get(stored) ?? new RowReader(stored.schemas, describe(view).fields);
    this.#readers.set(stored, reader);
    const values: Record<string, unknown> = {};
    const decoded = reader.read(row, values);
    if (decoded === 'whole') return { time: readHeader(row).time, values };
    return decoded === 'unknown' ? decoded : undefined;
  }
}
