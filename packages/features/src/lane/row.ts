/**
 * From what a user lands to the bytes of a row: its id, its place, its event time and its values, each checked.
 */
import { partitionOf } from '@holdfast/redis';
import { type Entity, type Id, placeOfId } from '../definition/entity.js';
import { describe, type RowSchema, type StoredView } from '../definition/stored.js';
import type { Fields, Values } from '../definition/types.js';
import type { View } from '../definition/view.js';
import { RowError } from '../errors.js';
import { RowEncoder } from '../row/encode.js';
import { microsOf } from '../row/header.js';
import type { EncodeRow } from './lane.js';

/** A row to land. */
export interface LaneRow<E extends Entity, F extends Fields> {
  readonly id: Id<E>;
  /** When it was so: a date, or milliseconds since the epoch. */
  readonly time: Date | number;
  readonly values: Values<F>;
}

/** Encodes rows under one of the registered schemas, the one of the fields that the program declares. */
export function encoderOf<E extends Entity, F extends Fields>(
  view: View<string, E, F>,
  schema: RowSchema,
  { stored, partitions }: { readonly stored: StoredView; readonly partitions: number },
): EncodeRow<LaneRow<E, F>> {
  const encoder = new RowEncoder({ ...stored, fields: describe(view).fields, schemas: [schema] });
  return (row) => {
    if (typeof row !== 'object' || row === null)
      throw new RowError(view.name, 'it', 'an object with id, time and values', row);
    const { id, by } = placeOfId(view.name, view.entity, row.id);
    const bytes = encoder.encode(microsOf(view.name, row.time), row.values);
    return { id, partition: partitionOf(by, partitions), finish: (origin) => encoder.seal(bytes, origin) };
  };
}

/** What is wrong with a row whose event time the server refused. `ahead` is in ms. */
export const badTimeOf =
  <E extends Entity, F extends Fields>(view: View<string, E, F>, ahead: number) =>
  ({ time }: LaneRow<E, F>): RowError =>
    new RowError(view.name, 'time', `at most ${ahead} ms after the present, by the clock of Redis`, time);
