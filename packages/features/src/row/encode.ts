/**
 * Encoding of rows: values as a user gives them, checked by the definition, as the bytes that are stored.
 *
 * Guarantees: what is encoded is decoded as the same values. A value that does not fit its feature is a RowError with
 * the path of the value, and so are a name that the view does not have and a row that is too large.
 */
import type { RowSchema, StoredView } from '../definition/stored.js';
import { RowError } from '../errors.js';
import { beginHeader, HEADER, type RowOrigin, seal } from './header.js';
import { isVariable, type Layout, layoutOf, type Slot, widthOf } from './layout.js';

/** The most bytes that a row may have. */
const MOST_BYTES = 65_536;

/** Half of a character, which UTF-8 cannot express. */
const HALF = /\p{Cs}/u;

/** Where a row is made before it is copied: no two are made at a time. */
const scratch = Buffer.alloc(MOST_BYTES);
const view = new DataView(scratch.buffer, scratch.byteOffset, scratch.byteLength);

export class RowEncoder {
  readonly #view: string;
  readonly #schema: RowSchema;
  readonly #layout: Layout;
  /** Where the values begin, behind the bits. */
  readonly #begin: number;
  readonly #optional: ReadonlySet<string>;

  /** Rows are encoded under the latest schema of the view. */
  constructor({ name, fields, schemas }: StoredView) {
    this.#view = name;
    this.#schema = schemas[schemas.length - 1] as RowSchema;
    this.#layout = layoutOf(this.#schema);
    this.#begin = this.#layout.bits;
    this.#optional = new Set(fields.filter(({ optional }) => optional).map((field) => field.name));
  }

  /** A row that lacks its origin. `time` is in microseconds. Throws RowError. */
  encode(time: number, values: unknown): Uint8Array {
    if (typeof values !== 'object' || values === null) {
      throw new RowError(this.#view, 'values', 'an object with a value for each feature', values);
    }
    const { slots, tail } = this.#layout;
    if (tail > MOST_BYTES) throw this.#tooLarge(tail);
    for (let at = HEADER; at < this.#begin; at += 1) scratch[at] = 0;
    const given = values as Readonly<Record<string, unknown>>;
    let end = tail;
    let present = 0;
    for (const slot of slots) {
      const value = given[slot.name];
      if (value !== undefined) present += 1;
      if (value === undefined || value === null) this.#skip(slot, value);
      else end = this.#put(slot, value, end);
      if (isVariable(slot.kind)) view.setUint32(slot.at, end - tail, true);
    }
    let count = 0;
    for (const _ in given) count += 1;
    if (count !== present) this.#requireKnown(given);
    beginHeader(view, this.#schema.number, time);
    const row = Buffer.allocUnsafe(end);
    scratch.copy(row, 0, 0, end);
    return row;
  }

  /** Completes a row that was encoded here. */
  seal(row: Uint8Array, origin: RowOrigin): Uint8Array {
    seal(row, origin, this.#schema.seed);
    return row;
  }

  #skip(slot: Slot, value: unknown): void {
    if (!this.#optional.has(slot.name)) throw this.#wrong(slot, '', 'not optional', value);
    scratch[slot.nullAt] = (scratch[slot.nullAt] as number) | slot.nullBit;
    if (!isVariable(slot.kind)) scratch.fill(0, slot.at, slot.at + widthOf(slot));
  }

  /** Writes a value. Returns where the texts and lists end then. */
  #put(slot: Slot, value: unknown, end: number): number {
    const { at } = slot;
    switch (slot.kind) {
      case 'float64':
        view.setFloat64(at, this.#finite(slot, value), true);
        return end;
      case 'int':
        if (!Number.isSafeInteger(value))
          throw this.#wrong(slot, '', 'a whole number below 2^53 in size', value);
        view.setFloat64(at, value as number, true);
        return end;
      case 'float32':
        view.setFloat32(at, this.#single(slot, '', value), true);
        return end;
      case 'bool':
        if (typeof value !== 'boolean') throw this.#wrong(slot, '', 'true or false', value);
        if (value) scratch[slot.at] = (scratch[slot.at] as number) | slot.bit;
        return end;
      case 'timestamp':
        view.setFloat64(at, this.#instant(slot, value), true);
        return end;
      case 'vector':
        return this.#vector(slot, value, end);
      case 'string':
        return this.#text(slot, value, end);
      case 'list':
        return this.#list(slot, value, end);
    }
  }

  #vector(slot: Slot, value: unknown, end: number): number {
    const isVector = Array.isArray(value) || value instanceof Float32Array;
    if (!isVector || value.length !== slot.size) {
      const got = isVector ? `a vector of ${value.length}` : value;
      throw this.#wrong(slot, '', `a vector of ${slot.size} numbers`, got);
    }
    const { at } = slot;
    for (let index = 0; index < slot.size; index += 1) {
      view.setFloat32(at + 4 * index, this.#single(slot, `[${index}]`, value[index]), true);
    }
    return end;
  }

  #text(slot: Slot, value: unknown, end: number): number {
    if (typeof value !== 'string' || HALF.test(value)) throw this.#wrong(slot, '', 'well-formed text', value);
    const most = 3 * value.length; // what UTF-8 may take
    if (end + most > MOST_BYTES && end + Buffer.byteLength(value) > MOST_BYTES) {
      throw this.#tooLarge(end + Buffer.byteLength(value));
    }
    return end + scratch.write(value, end);
  }

  #list(slot: Slot, value: unknown, end: number): number {
    if (!Array.isArray(value)) throw this.#wrong(slot, '', 'a list of numbers', value);
    const after = end + 8 * value.length;
    if (after > MOST_BYTES) throw this.#tooLarge(after);
    for (let index = 0; index < value.length; index += 1) {
      const number = this.#finite(slot, value[index], `[${index}]`);
      view.setFloat64(end + 8 * index, number, true);
    }
    return after;
  }

  #finite(slot: Slot, value: unknown, place = ''): number {
    if (Number.isFinite(value)) return value as number;
    throw this.#wrong(slot, place, 'a finite number', value);
  }

  #single(slot: Slot, place: string, value: unknown): number {
    if (typeof value === 'number' && Number.isFinite(Math.fround(value))) return value;
    throw this.#wrong(slot, place, 'a finite number up to 3.4e38 in size', value);
  }

  #instant(slot: Slot, value: unknown): number {
    const time = value instanceof Date ? value.getTime() : value;
    if (Number.isSafeInteger(time) && Math.abs(time as number) <= 8.64e15) return time as number;
    throw this.#wrong(slot, '', 'a date, or whole milliseconds since the epoch', value);
  }

  #wrong(slot: Slot, place: string, expected: string, value: unknown): RowError {
    return new RowError(this.#view, `values.${slot.name}${place}`, expected, value);
  }

  #tooLarge(bytes: number): RowError {
    return new RowError(this.#view, 'its size', `at most ${MOST_BYTES} bytes`, bytes);
  }

  #requireKnown(values: Readonly<Record<string, unknown>>): void {
    const names = this.#layout.slots.map(({ name }) => name);
    const unknown = Object.keys(values).find((name) => !names.includes(name));
    if (unknown === undefined) return; // one of them is undefined
    throw new RowError(this.#view, 'each name in values', `one of ${names.join(', ')}`, unknown);
  }
}
