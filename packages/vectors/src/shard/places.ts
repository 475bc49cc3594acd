/**
 * A place of a sharded index: one of each shard, with commas between, and nothing for a shard that it says nothing of.
 *
 * Guarantees: a place of another number of shards is a MisuseError, and not taken for one of this.
 */
import { display, MisuseError } from '@holdfast/kernel';

export const placeOf = (count: number, parts: ReadonlyMap<number, string>): string =>
  Array.from({ length: count }, (_, shard) => parts.get(shard) ?? '').join(',');

/** What each shard is to have seen. Throws MisuseError. */
export function partsOf(count: number, place: string | undefined): readonly (string | undefined)[] {
  if (place === undefined) return new Array<undefined>(count).fill(undefined);
  const parts = typeof place === 'string' ? place.split(',') : [];
  if (parts.length === count && parts.every((part) => part === '' || /^[\w-]+@\d{1,16}$/.test(part))) {
    return parts.map((part) => (part === '' ? undefined : part));
  }
  throw new MisuseError(
    `"after" is the place that a put or a search of this index of ${count} shards has answered; got ${display(place)}.`,
  );
}
