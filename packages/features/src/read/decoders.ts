/**
 * Reading rows and rings by what is registered for their view, for the features that a program names.
 */
import { compare } from '../definition/change.js';
import { isFlags } from '../definition/flags.js';
import { describe, type StoredView } from '../definition/stored.js';
import type { View } from '../definition/view.js';
import { DefinitionMismatchError } from '../errors.js';
import { RowReader } from '../row/decode.js';
import { readHeader } from '../row/header.js';
import { readRing } from '../window/ring.js';
import { windowValues } from '../window/values.js';

/** The values of a row, and its event time in microseconds; undefined for windows and flags, which have none. */
export interface DecodedRow {
  readonly time: number | undefined;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Undefined for what is torn; `unknown` for a row of a schema that is not registered in `stored`. */
type Decoded = DecodedRow | 'unknown' | undefined;

export class RowDecoders {
  readonly #readers = new WeakMap<StoredView, RowReader>();
  readonly #checked = new WeakSet<StoredView>();

  /** `now` is in microseconds. Throws DefinitionMismatchError for a view that means something else. */
  decode(
    view: View,
    stored: StoredView,
    { row, now }: { readonly row: Buffer; readonly now: number },
  ): Decoded {
    if (isFlags(view)) {
      if (!this.#checked.has(stored)) this.#check(view, stored);
      const flags = Object.keys(view.fields).map((name, place) => [name, row[place] === 1]);
      return { time: undefined, values: Object.fromEntries(flags) };
    }
    if (stored.ring !== null) {
      if (!this.#checked.has(stored)) this.#check(view, stored);
      return decodeRing(stored, row, now);
    }
    const reader = this.#readers.get(stored) ?? this.#readerFor(view, stored);
    const values: Record<string, unknown> = {};
    const decoded = reader.read(row, values);
    if (decoded === 'whole') return { time: readHeader(row).time, values };
    return decoded === 'unknown' ? decoded : undefined;
  }

  #readerFor(view: View, stored: StoredView): RowReader {
    this.#check(view, stored);
    const reader = new RowReader(stored.schemas, describe(view).fields);
    this.#readers.set(stored, reader);
    return reader;
  }

  /** A program that takes features for something else is told so. */
  #check(view: View, stored: StoredView): void {
    const { effect, differences } = compare(stored, describe(view));
    if (effect === 'incompatible') {
      const advice =
        'Its rows are not what this program takes them for; deploy the program with the registered definition.';
      throw new DefinitionMismatchError(`view "${view.name}"`, differences, advice);
    }
    this.#checked.add(stored);
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
