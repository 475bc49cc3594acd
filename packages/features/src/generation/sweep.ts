/**
 * Deleting the rows of a generation that has ended, and then what partitions keep of its lanes.
 *
 * Guarantees: a partition deletes only what it knows to have ended. A sweep that is broken off is made again by the next.
 */
import type { Partition } from '../store/partition.js';
import { rowKeys } from '../store/scan.js';

/** Resolves to how many rows were deleted. Throws UnavailableError. */
export async function sweep(partitions: readonly Partition[], generation: string): Promise<number> {
  let dropped = 0;
  for await (const { partition, keys } of rowKeys(partitions, generation))
    dropped += (await partition.call(partition.verbs.drop, { generation, keys })) ?? 0;
  await Promise.all(partitions.map((each) => each.call(each.verbs.clear, generation)));
  return dropped;
}
