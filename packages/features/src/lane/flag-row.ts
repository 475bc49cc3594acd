/**
 * From what a user lands in a view of flags to what is sent: the chunk and the bit of its id, and the flags that it names.
 */
import type { Entity, Id } from '../definition/entity.js';
import { idsOf } from '../definition/entity.js';
import { bitOf, type FlagsView } from '../definition/flags.js';
import { RowError } from '../errors.js';
import type { EncodeRow } from './lane.js';

/** Flags of an id to set and to clear. Those that are not named stay as they are. */
export interface FlagRow<E extends Entity, Flag extends string> {
  readonly id: Id<E>;
  readonly values: { readonly [Name in Flag]?: boolean };
}

export function flagEncoderOf<E extends Entity, Flag extends string>(
  view: FlagsView<string, E, Flag>,
  partitions: number,
): EncodeRow<FlagRow<E, Flag>> {
  return (row) => {
    if (typeof row !== 'object' || row === null)
      throw new RowError(view.name, 'it', 'an object with id and values', row);
    const { id, chunk, bit } = bitOf(view, idsOf(view.entity, row.id));
    const bytes = Buffer.from(`${bit} ${wordsOf(view, row.values).join(' ')}`);
    return { id, partition: chunk % partitions, finish: () => bytes };
  };
}

/** A partition refuses no flags by themselves; a newer one might. */
export const badFlagsOf =
  (view: string) =>
  ({ values }: FlagRow<Entity, string>): RowError =>
    new RowError(view, 'values', 'what the store takes', values);

/** "<flag>+" for one that is set, "<flag>-" for one that is cleared. */
function wordsOf({ name, fields }: FlagsView, values: unknown): readonly string[] {
  const given = typeof values === 'object' && values !== null ? Object.entries(values) : [];
  if (given.length === 0) throw new RowError(name, 'values', 'an object with at least one flag', values);
  return given.map(([flag, value]) => {
    const path = `values.${flag}`;
    if (!Object.hasOwn(fields, flag)) throw new RowError(name, path, 'no flag of the view', value);
    if (typeof value !== 'boolean') throw new RowError(name, path, 'true or false', value);
    return `${flag}${value ? '+' : '-'}`;
  });
}
