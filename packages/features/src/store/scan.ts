/**
 * The keys of rows, looked through in steps.
 *
 * Guarantees: every key that is there from the beginning to the end is given, to the partition whose it is. A server's keys are looked
 * through once, however many partitions it has.
 */
import type { BinaryReply, CallCommand } from '@holdfast/redis';
import type { Partition } from './partition.js';

/** How many keys are looked at in one step. */
const STEP = '1000';

export interface FoundKeys {
  readonly partition: Partition;
  readonly keys: readonly string[];
  /** What they begin with. */
  readonly beginning: string;
}

/** The keys of rows of a generation, "<view>.<generation>". Throws UnavailableError. */
export async function* rowKeys(
  partitions: readonly Partition[],
  generation: string,
  /** How many steps are taken on each server, at most. */
  steps = Number.POSITIVE_INFINITY,
): AsyncIterable<FoundKeys> {
  const servers = await Promise.all(partitions.map(serverOf));
  for (const server of new Set(servers)) {
    const there = partitions.filter((_, place) => servers[place] === server);
    yield* keysOnServer(there, generation, steps);
  }
}

/** The same for partitions of one server. */
export async function* keysOnServer(
  partitions: readonly Partition[],
  generation: string,
  steps = Number.POSITIVE_INFINITY,
): AsyncIterable<FoundKeys> {
  const [one] = partitions as readonly [Partition, ...Partition[]];
  const beginnings = partitions.map((partition) => ({ partition, text: partition.keys.row(generation, '') }));
  const pattern = partitions.length === 1 ? one.keys.row(generation, '*') : `*:${generation}:*`;
  let [cursor, taken] = ['0', 0];
  do {
    taken += 1;
    const [next, keys] = await one.call(SCAN, [cursor, 'MATCH', pattern, 'COUNT', STEP]);
    cursor = next;
    for (const { partition, text } of beginnings) {
      const own = keys.filter((key) => key.startsWith(text));
      if (own.length > 0) yield { partition, keys: own, beginning: text };
    }
  } while (cursor !== '0' && taken < steps);
}

/** The name of the server that a partition is on. Throws UnavailableError. */
export const serverOf = (partition: Partition): Promise<string> => partition.call(INFO, undefined);

const INFO: CallCommand<undefined, string> = {
  ...{ command: 'INFO', binary: true, keys: [], most: 1 },
  encode: (_, __, args) => void args.push('server'),
  decode: (reply) => [/^run_id:(\S+)/m.exec(String(reply))?.[1] ?? ''],
};

type Page = readonly [cursor: string, keys: readonly string[]];

const SCAN: CallCommand<readonly string[], Page> = {
  ...{ command: 'SCAN', binary: true, keys: [], most: 1 },
  encode: ({ request }, _, args) => void args.push(...request),
  decode(reply) {
    const [cursor, keys] = reply as readonly [BinaryReply, readonly BinaryReply[]];
    return [[String(cursor), keys.map(String)]];
  },
};
