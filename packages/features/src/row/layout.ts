/**
 * Where the values of a row lie, as its schema says: after the header, a bit for each field that is null, a bit for each
 * boolean, the numbers and vectors, and where each text and list ends; then the texts and lists.
 */
import type { RowSchema, StoredField } from '../definition/stored.js';
import type { Kind } from '../definition/types.js';
import { HEADER } from './header.js';

/** A field and its place. */
export interface Slot {
  readonly name: string;
  readonly kind: Kind;
  /** Of a vector: how many numbers it has; otherwise 0. */
  readonly size: number;
  /** The byte with the bit that says whether it is null, and that bit. */
  readonly nullAt: number;
  readonly nullBit: number;
  /** Where it begins; of a text or a list, where its end stands; of a boolean, the byte with its bit. */
  readonly at: number;
  /** Of a boolean: its bit. */
  readonly bit: number;
}

export interface Layout {
  readonly slots: readonly Slot[];
  /** Where the bits end, and the numbers begin. */
  readonly bits: number;
  /** Where texts and lists begin; their ends are counted from here. */
  readonly tail: number;
}

/** The bytes of a field in the fixed part of a row; a boolean has none there. */
const WIDTH: Readonly<Record<Kind, number>> = {
  int: 8,
  float64: 8,
  timestamp: 8,
  float32: 4,
  vector: 4,
  string: 4,
  list: 4,
  bool: 0,
};

export const isVariable = (kind: Kind): boolean => kind === 'string' || kind === 'list';

/** The bytes of a field in the fixed part of a row. */
export const widthOf = ({ kind, size }: Pick<Slot, 'kind' | 'size'>): number =>
  WIDTH[kind] * Math.max(1, size);

export function layoutOf({ fields }: RowSchema): Layout {
  const bytesFor = (bits: number): number => Math.ceil(bits / 8);
  const bools = HEADER + bytesFor(fields.length);
  const bits = bools + bytesFor(fields.filter(({ kind }) => kind === 'bool').length);
  let at = bits;
  let bool = 0;
  const slots = fields.map((field: StoredField, index): Slot => {
    const nullAt = HEADER + (index >> 3);
    const shared = { name: field.name, kind: field.kind, nullAt, nullBit: 1 << (index & 7) };
    if (field.kind === 'bool') {
      const place = { at: bools + (bool >> 3), bit: 1 << (bool & 7), size: 0 };
      bool += 1;
      return { ...shared, ...place };
    }
    const size = field.size ?? 0;
    const slot = { ...shared, size, at, bit: 0 };
    at += widthOf(slot);
    return slot;
  });
  return { slots, bits, tail: at };
}
