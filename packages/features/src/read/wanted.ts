/**
 * Rows that a read wants: which, and in which partition they lie.
 */
import { partitionOf } from '@holdfast/redis';
import { placeOf } from '../definition/entity.js';
import { bitOf, isFlags } from '../definition/flags.js';
import type { View } from '../definition/view.js';

/** The id of a row, and the partition in which it lies. */
interface WantedPlace {
  readonly id: string;
  readonly partition: number;
}

/** A row that is wanted. */
export interface Wanted extends WantedPlace {
  readonly view: View;
}

/** Throws RowError for what cannot be an id of the view. */
export function wantedOf(
  view: View,
  ids: Readonly<Record<string, unknown>>,
  partitions: number,
): WantedPlace {
  if (isFlags(view)) {
    const { id, chunk } = bitOf(view, ids);
    return { id, partition: chunk % partitions };
  }
  const { id, by } = placeOf(view.name, view.entity, ids);
  return { id, partition: partitionOf(by, partitions) };
}
