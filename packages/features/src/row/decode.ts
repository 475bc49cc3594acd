/**
 * Decoding of rows, whichever of the view's schemas they were written under.
 *
 * Guarantees: a row that is torn, cut off or altered is told from a whole one by its checksum, and gives no values. A
 * field that the schema of a row does not have is null; one that the reader does not name is left out.
 */
import type { RowSchema, StoredField } from '../definition/stored.js';
import { bufferOf, viewOf } from './bytes.js';
import { CHECKSUM_AT, checksumIn } from './checksum.js';
import { generateReader, type Reading, type ReadValues, type Span } from './generate.js';
import { HEADER, LAYOUT } from './header.js';
import { isVariable, layoutOf, type Slot } from './layout.js';

/** What a row gives: its values; or why it gives none. `unknown`: it has a schema that the reader does not know. */
export type Decoded = 'whole' | 'expired' | 'torn' | 'unknown';

/** How rows of one schema are read. */
interface Plan {
  readonly seed: number;
  readonly tail: number;
  readonly read: ReadValues;
}

export class RowReader {
  readonly #plans = new Map<number, Plan>();
  readonly #fields: ReadonlyMap<string, StoredField>;
  readonly #prefix: string;

  /** `fields` are those that the reader names; in the values, `prefix` stands before their names. */
  constructor(schemas: readonly RowSchema[], fields: readonly StoredField[], prefix = '') {
    this.#fields = new Map(fields.map((field) => [field.name, field]));
    this.#prefix = prefix;
    for (const schema of schemas) this.know(schema);
  }

  /** Adds a schema, as after another process has raised it. */
  know(schema: RowSchema): void {
    const { slots, tail } = layoutOf(schema);
    const isRead = ({ name, kind, size }: Slot): boolean => {
      const field = this.#fields.get(name);
      return field?.kind === kind && (field.size ?? 0) === size;
    };
    const readings = slots.map((slot) => ({
      ...slot,
      as: isRead(slot) ? this.#prefix + slot.name : undefined,
      isVariable: isVariable(slot.kind),
    }));
    const found = new Set(readings.map(({ as }) => as));
    const names = [...this.#fields.keys()].map((name) => this.#prefix + name);
    const missing = names.filter((name) => !found.has(name));
    const kept = readings.filter((each) => each.as !== undefined || each.isVariable);
    const read = generateReader(kept, missing, tail, decoded) ?? loopOver(kept, missing, tail);
    this.#plans.set(schema.number, { seed: schema.seed, tail, read });
  }

  /**
   * Writes the values of a row into `values`. If the row is not whole, or its event time is not after `expired`, in microseconds,
   * `values` stays as it was.
   */
  read(row: Uint8Array, values: Record<string, unknown>, expired = Number.NEGATIVE_INFINITY): Decoded {
    const { length } = row;
    if (length < HEADER || row[0] !== LAYOUT) return 'torn';
    const view = viewOf(row);
    const begin = row.byteOffset;
    const plan = this.#plans.get(view.getUint16(begin + 2, true));
    if (plan === undefined) return 'unknown';
    const { seed, tail, read } = plan;
    if (length < tail || view.getUint32(begin + CHECKSUM_AT, true) !== checksumIn(view, begin, length, seed))
      return 'torn';
    if (view.getFloat64(begin + 8, true) <= expired) return 'expired';
    read(row, view, values);
    return 'whole';
  }
}

/** Reads a row field by field. */
const loopOver =
  (readings: readonly Reading[], missing: readonly string[], tail: number): ReadValues =>
  (row, view, values) => {
    let from = tail;
    for (const reading of readings) {
      const { as, nullAt, nullBit, at, isVariable } = reading;
      const end = isVariable ? tail + view.getUint32(row.byteOffset + at, true) : 0;
      if (as !== undefined) {
        const isNull = ((row[nullAt] as number) & nullBit) !== 0;
        values[as] = isNull ? null : decoded(reading, row, view, { from, end });
      }
      if (isVariable) from = end;
    }
    for (const name of missing) values[name] = null;
  };

function decoded(slot: Reading, row: Uint8Array, view: DataView, { from, end }: Span): unknown {
  const at = row.byteOffset + slot.at;
  switch (slot.kind) {
    case 'int':
    case 'float64':
      return view.getFloat64(at, true);
    case 'float32':
      return view.getFloat32(at, true);
    case 'bool':
      return ((row[slot.at] as number) & slot.bit) !== 0;
    case 'timestamp':
      return new Date(view.getFloat64(at, true));
    case 'vector': {
      const vector = new Float32Array(slot.size);
      for (let index = 0; index < slot.size; index += 1)
        vector[index] = view.getFloat32(at + 4 * index, true);
      return vector;
    }
    case 'string':
      return bufferOf(row).toString('utf8', from, end);
    case 'list': {
      const list: number[] = [];
      for (let place = from; place < end; place += 8)
        list.push(view.getFloat64(row.byteOffset + place, true));
      return list;
    }
  }
}
