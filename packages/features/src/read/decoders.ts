/**
 * Reading rows and rings by what is registered for their view, for the features that a program names.
 */
import { describe, type StoredView } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import { RowReader } from '../row/decode.js';
import { readHeader } from '../row/header.js';
import { readRing } from '../window/ring.js';
import { windowValues } from '../window/values.js';

/** The values of a row, and its event time in microseconds; undefined for windows, which have none. */
export interface DecodedRow {
  readonly time: number | undefined;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Undefined for what is torn; `unknown` for a row of a schema that is not registered in `stored`. */
type Decoded = DecodedRow | 'unknown' | undefined;

export class RowDecoders {
  readonly #readers = new WeakMap<StoredView, RowReader>();

  /** `now` is in microseconds. */
  decode(
    view: View,
    stored: StoredView,
    { row, now }: { readonly row: Buffer; readonly now: number },
  ): Decoded {
    if (stored.ring !== null) return decodeRing(stored, row, now);
    const reader = this.#readers.get(stored) ?? new RowReader(stored.schemas, describe(view).fields);
    this.#readers.set(stored, reader);
    const values: Record<string, unknown> = {};
    const decoded = reader.read(row, values);
    if (decoded === 'whole') return { time: readHeader(row).time, values };
    return decoded === 'unknown' ? decoded : undefined;
  }
}

function decodeRing({ ring: shape, fields }: StoredView, bytes: Buffer, now: number): Decoded {
  const ring = shape && readRing(bytes, shape);
  if (shape === null || ring === null) return undefined;
  const counted = fields.flatMap(({ name, aggregate }) => (aggregate ? [{ name, aggregate }] : []));
  const found = windowValues(
    ring,
    shape,
    counted.map(({ aggregate }) => aggregate),
    now,
  );
  return {
    time: undefined,
    values: Object.fromEntries(counted.map(({ name }, place) => [name, found[place]])),
  };
}
