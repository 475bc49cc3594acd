/**
 * Deleting the rows of a generation that has ended.
 *
 * Guarantees: a partition deletes only what it knows to have ended. A sweep that is broken off is made again by the next.
 */
import type { BinaryReply, CallCommand } from '@holdfast/redis';
import type { Partition } from '../store/partition.js';

/** How many keys are looked at in one step. */
const STEP = '1000';

/** Resolves to how many rows were deleted. Throws UnavailableError. */
export async function sweep(partitions: readonly Partition[], generation: string): Promise<number> {
  let dropped = 0;
  for (const partition of partitions) {
    const pattern = partition.keys.row(generation, '*');
    let cursor = '0';
    do {
      const [next, keys] = await partition.call(SCAN, [cursor, 'MATCH', pattern, 'COUNT', STEP]);
      cursor = next;
      if (keys.length > 0) dropped += (await partition.call(partition.verbs.drop, { generation, keys })) ?? 0;
    } while (cursor !== '0');
  }
  return dropped;
}

type Page = readonly [cursor: string, keys: readonly string[]];

const SCAN: CallCommand<readonly string[], Page> = {
  ...{ command: 'SCAN', binary: true, keys: [], most: 1 },
  encode: ({ request }, _, args) => void args.push(...request),
  decode(reply) {
    const [cursor, keys] = reply as readonly [BinaryReply, readonly BinaryReply[]];
    return [[String(cursor), keys.map(String)]];
  },
};
