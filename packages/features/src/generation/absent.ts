/**
 * Counting the rows of one generation that another one lacks.
 *
 * Guarantees: a row that is there in the one and not in the other all the while is counted, now and then twice, as a scan may
 * give it twice. One whose TTL has passed, which is served no longer, is not.
 */
import type { Partition } from '../store/partition.js';
import { rowKeys } from '../store/scan.js';
import { printGeneration } from './info.js';

/** Rows that one call compares at most. */
const MOST_IN_CALL = 256;

interface Compared {
  readonly view: string;
  /** The generation whose rows are wanted. */
  readonly of: string;
  /** The one that may lack them. */
  readonly from: string;
  /** For how long a row is served, in ms; null for ever. */
  readonly ttl: number | null;
}

/** Throws UnavailableError. */
export async function absentRows(
  partitions: readonly Partition[],
  { view, of, from, ttl }: Compared,
): Promise<number> {
  let absent = 0;
  for await (const { partition, keys, beginning } of rowKeys(partitions, printGeneration(view, of))) {
    for (let at = 0; at < keys.length; at += MOST_IN_CALL) {
      const rows = keys.slice(at, at + MOST_IN_CALL);
      const others = rows.map((key) =>
        partition.keys.row(printGeneration(view, from), key.slice(beginning.length)),
      );
      absent += await partition.call(partition.verbs.absent, { rows, others, ttl });
    }
  }
  return absent;
}
