/**
 * The queues that a program defines: each stands for itself, for its partitions, and for its groups.
 */
import type { PartitionedQueue, Queue } from '@holdfast/queue';

/** The one of this name; undefined if the program has none. */
export function definedQueue(queues: readonly (Queue | PartitionedQueue)[], name: string): Queue | undefined {
  const all = queues.flatMap((queue) => ('partitions' in queue ? queue.partitions : [queue]));
  const [whole, group] = name.split('@');
  const known = all.find((queue) => queue.name === name);
  if (known !== undefined || group === undefined) return known;
  try {
    return all.find((queue) => queue.name === whole)?.group(group);
  } catch {
    return undefined; // it has no such group
  }
}
